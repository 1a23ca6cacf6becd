// What the Socket.IO door costs beside the native one: CPU of the server for each
// delivery, and its memory for each idle WebSocket session that follows one room.
//   node bench/socketio.mjs [clients] [messages]     POLYLOG=program
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// People of benchmarks come by a name alone.
process.env.POLYLOG_LOGIN ??= "name";

const { WebSocket } = createRequire(new URL("../tests/integration/package.json", import.meta.url))("ws");
const PROGRAM = process.env.POLYLOG ?? fileURLToPath(new URL("../build/polylog", import.meta.url));
const CLIENTS = Number(process.argv[2] ?? 1000), MESSAGES = Number(process.argv[3] ?? 300);
const AHEAD = 3, TEXT = "x".repeat(100), ROUNDS = 3;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// How each door is spoken.
const doors = {
  native: {
    path: (token) => `/ws?token=${token}`,
    opened: (ws) => ws.send('{"action":"join","id":1,"room":"r"}'),
    heard: () => undefined,
    isJoined: (text) => text.startsWith('{"id":1,"ok"'),
    isMessage: (text) => text.includes('"event":"message"'),
    send: `{"action":"send","room":"r","text":"${TEXT}"}`,
  },
  socketio: {
    path: () => "/socket.io/?EIO=4&transport=websocket",
    opened: () => undefined,
    heard: (ws, text, token) => {
      if (text[0] === "0") ws.send(`40{"token":"${token}"}`);
      else if (text.startsWith("40")) ws.send('421["join",{"room":"r"}]');
    },
    isJoined: (text) => text.startsWith('431[{"ok"'),
    isMessage: (text) => text.startsWith('42["message"'),
    send: `42["send",{"room":"r","text":"${TEXT}"}]`,
  },
};

async function start(data) {
  const flags = ["--listen=127.0.0.1:0", "--store=mem", "--workers=1", "--messages-per-user=0",
    "--connects-per-address=0", `--data=${data}`];
  const child = spawn(PROGRAM, ["serve", ...flags], { stdio: ["ignore", "pipe", "ignore"] });
  const port = await new Promise((resolve) => {
    let said = "";
    child.stdout.on("data", (chunk) => {
      const found = /http:\/\/[^:\s]+:(\d+)/.exec((said += chunk));
      if (found) resolve(Number(found[1]));
    });
  });
  const proc = (file) => readFileSync(`/proc/${child.pid}/${file}`, "utf8");
  return {
    child,
    port,
    cpu_ms: () => proc("stat").split(" ").slice(13, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0),
    memory: () => 1024 * Number(/RssAnon:\s*(\d+)/.exec(proc("status"))[1]),
  };
}

async function measure(door) {
  const data = mkdtempSync(join(tmpdir(), "polylog-bench-"));
  const server = await start(data);
  const before = server.memory();
  let got = 0;
  const open = async (name) => {
    const body = JSON.stringify({ name });
    const login = await fetch(`http://127.0.0.1:${server.port}/api/v1/login`, { method: "POST", body });
    const { token } = await login.json();
    const ws = new WebSocket(`ws://127.0.0.1:${server.port}${door.path(token)}`, { perMessageDeflate: false });
    ws.on("open", () => door.opened(ws));
    return new Promise((resolve) =>
      ws.on("message", (bytes) => {
        const text = String(bytes);
        if (door.isMessage(text)) got++;
        else if (door.isJoined(text)) resolve(ws);
        else door.heard(ws, text, token);
      }));
  };
  const clients = [];
  for (let i = 0; i < CLIENTS; i++) clients.push(await open(`p${i}`));
  await pause(1500);
  const memory = (server.memory() - before) / CLIENTS, cpu = server.cpu_ms();
  for (let i = 0; i < MESSAGES; i++) {
    while (got < (i - AHEAD) * CLIENTS) await new Promise(setImmediate);
    clients[0].send(door.send);
    await new Promise(setImmediate);
  }
  while (got < MESSAGES * CLIENTS) await pause(2);
  const result = { memory, us: ((server.cpu_ms() - cpu) * 1000) / (MESSAGES * CLIENTS) };
  server.child.kill("SIGKILL");
  for (const ws of clients) ws.terminate();
  rmSync(data, { recursive: true, force: true });
  return result;
}

const best = {};
for (let round = 0; round < ROUNDS; round++)
  for (const [name, door] of Object.entries(doors)) {
    const { memory, us } = await measure(door);
    const at = (best[name] ??= { memory, us });
    Object.assign(at, { memory: Math.min(at.memory, memory), us: Math.min(at.us, us) });
  }
for (const [name, { memory, us }] of Object.entries(best))
  console.log(`${name.padEnd(9)} ${us.toFixed(2)} us a delivery, ${memory.toFixed(0)} bytes an idle session`);
const ratio = (what) => (best.socketio[what] / best.native[what]).toFixed(2);
console.log(`socketio / native: ${ratio("us")} of CPU, ${ratio("memory")} of memory`);
process.exit(0);
