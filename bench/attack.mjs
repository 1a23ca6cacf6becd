// What strangers can take from everybody else without a login: four connections write small
// compressed frames that unpack to 64 KB of members, and come back whenever they are closed,
// while others chat. Prints what everybody else waits for an answer, what the server's CPU
// does, and how long it takes to obey SIGTERM meanwhile.
//   node bench/attack.mjs [seconds] [attackers] [KB/s each]      POLYLOG=program TOKEN=1 UNPACKED=n
// TOKEN=1: the attackers log in, each as a person. UNPACKED: how long a frame's text is.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync, constants } from "node:zlib";

// People of benchmarks come by a name alone.
process.env.POLYLOG_LOGIN ??= "name";

const { WebSocket } = createRequire(new URL("../tests/integration/package.json", import.meta.url))("ws");
const PROGRAM = process.env.POLYLOG ?? fileURLToPath(new URL("../build/polylog", import.meta.url));
const SECONDS = Number(process.argv[2] ?? 5), ATTACKERS = Number(process.argv[3] ?? 4);
const KBS = Number(process.argv[4] ?? 150), PEOPLE = 20, TURN_MS = 10;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A masked frame of a client, its mask zero.
function frame(payload, first) {
  const head = payload.length < 126 ? [first, 0x80 | payload.length] : [first, 0xfe, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

function bomb() {
  const members = `{"action":"ping",${'"aaa":1,'.repeat(Number(process.env.UNPACKED ?? 64800) / 8)}"id":1}`;
  const packed = deflateRawSync(members, { finishFlush: constants.Z_SYNC_FLUSH, level: 9 });
  return { frame: frame(packed.subarray(0, -4), 0xc1), unpacked: members.length };
}

const data = mkdtempSync(join(tmpdir(), "polylog-attack-"));
const child = spawn(PROGRAM, ["serve", "--listen=127.0.0.1:0", "--store=mem", "--workers=1",
  "--messages-per-user=0", "--connects-per-address=0", "--log-level=error", `--data=${data}`],
{ stdio: ["ignore", "pipe", "inherit"] });
const port = await new Promise((resolve) => {
  let said = "";
  child.stdout.on("data", (chunk) => {
    const found = /http:\/\/[^:\s]+:(\d+)/.exec((said += chunk));
    if (found) resolve(Number(found[1]));
  });
});
const cpuMs = () => readFileSync(`/proc/${child.pid}/stat`, "utf8").split(" ").slice(13, 15)
  .reduce((sum, ticks) => sum + Number(ticks) * 10, 0);

async function login(name) {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/login`, {
    method: "POST", body: JSON.stringify({ name }), headers: { "Content-Type": "application/json" },
  });
  return (await response.json()).token;
}

let attacking = true, frames = 0, closes = 0;
const { frame: bytes, unpacked } = bomb();

async function attack(i) {
  const token = process.env.TOKEN ? await login(`attacker${i}`) : undefined;
  while (attacking) {
    const socket = connect(port, "127.0.0.1");
    let open = true;
    socket.on("error", () => undefined).on("data", () => undefined);
    socket.on("close", () => { open = false; closes++; });
    socket.write("GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    if (token) socket.write(frame(Buffer.from(`{"action":"auth","token":"${token}"}`), 0x81));
    const each = Math.max(1, Math.round((KBS * 1024 * TURN_MS) / 1000 / bytes.length));
    await pause(TURN_MS);
    while (open && attacking) {
      if (socket.writableLength < 1 << 20) {
        socket.write(Buffer.concat(Array(each).fill(bytes)));
        frames += each;
      }
      await pause(TURN_MS);
    }
    socket.destroy();
  }
}

// Somebody who asks for the time again and again, 50 times a second.
async function person(i, waits) {
  const token = await login(`person${i}`);
  const ws = new WebSocket(`ws://127.0.0.1:${port}/ws?token=${token}`);
  await new Promise((resolve) => ws.once("open", resolve));
  let answered;
  ws.on("message", () => answered?.());
  const measure = async () => {
    const began = performance.now();
    const answer = new Promise((resolve) => { answered = resolve; });
    ws.send('{"action":"ping","id":1}');
    await answer;
    waits.push(performance.now() - began);
  };
  return { ws, measure };
}

const waits = [], people = [];
for (let i = 0; i < PEOPLE; i++) people.push(await person(i, waits));
async function measureAll(ms) {
  waits.length = 0;
  const until = performance.now() + ms, cpu = cpuMs(), began = performance.now();
  await Promise.all(people.map(async ({ measure }) => {
    while (performance.now() < until) {
      await measure();
      await pause(20);
    }
  }));
  waits.sort((a, b) => a - b);
  const at = (q) => waits[Math.min(waits.length - 1, Math.floor(waits.length * q))].toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms, CPU ${(100 * (cpuMs() - cpu) / (performance.now() - began)).toFixed(0)} %`;
}

console.log(`a frame: ${bytes.length} bytes, ${unpacked} unpacked; ${ATTACKERS} attackers, ${KBS} KB/s each${process.env.TOKEN ? ", logged in" : ""}`);
console.log(`at rest:  ${await measureAll(2000)}`);
const attackers = Array.from({ length: ATTACKERS }, (_, i) => attack(i));
await pause(300);
const first = frames;
console.log(`attacked: ${await measureAll(SECONDS * 1000)}; ${frames - first} frames, ${closes} closes`);
const began = performance.now();
const ended = new Promise((resolve) => child.once("exit", resolve));
child.kill("SIGTERM");
const obeyed = await Promise.race([ended.then(() => true), pause(60000).then(() => false)]);
console.log(`SIGTERM:  ${obeyed ? `obeyed after ${(performance.now() - began).toFixed(0)} ms` : "not obeyed in 60 s"}`);
if (!obeyed) child.kill("SIGKILL");
attacking = false;
await Promise.all(attackers);
for (const { ws } of people) ws.terminate();
rmSync(data, { recursive: true, force: true });
process.exit(0);
