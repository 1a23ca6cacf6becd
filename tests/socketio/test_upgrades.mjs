// Upgrades of the real clients, many at once, while the machine has other things to do, by
// plain HTTP and by TLS: each becomes a WebSocket, and nothing waits for a time-out.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { certificate } from "../integration/lib/certificate.mjs";
import { freePort, temporary } from "../integration/lib/server.mjs";
import { test } from "../integration/lib/suite.mjs";

const { io } = createRequire(import.meta.url)("socket.io-client");
const { WebSocket } = createRequire(new URL("../integration/package.json", import.meta.url))("ws");
const CLIENTS = 60;
const GUARD_MS = 180_000;

// A thread that does nothing for as long as the test takes; the server comes behind it.
function busy(t) {
  const worker = new Worker("for (;;);", { eval: true });
  t.after(() => worker.terminate());
}

// Ends well when it has upgraded, or has stayed as it was because the probe came too late
// for a machine as busy as this; and is connected.
function client(t, url, name) {
  const options = { forceNew: true, rejectUnauthorized: false, reconnection: false, timeout: GUARD_MS };
  const socket = io(url, { ...options, auth: { name } });
  t.after(() => socket.disconnect());
  return new Promise((resolve, reject) => {
    let transport, connected = false;
    const look = () => transport !== undefined && connected && resolve({ socket, transport });
    const { engine } = socket.io;
    engine.once("upgrade", () => look((transport = "websocket")));
    engine.once("upgradeError", () => look((transport = "polling")));
    engine.once("close", (why) => reject(new Error(`${name}: ${why}`)));
    socket.once("connect", () => look((connected = true)));
    socket.once("connect_error", reject);
  });
}

test("an upgrade that comes with its probe waits for nothing more", async (t) => {
  const server = await t.start({ workers: 1, "sio-ping-interval": "1s", "sio-ping-timeout": "1h" });
  const at = "/socket.io/?EIO=4&transport=";
  const { sid } = JSON.parse((await (await server.fetch(`${at}polling`)).text()).slice(1));
  const ws = new WebSocket(`${server.url}${at}websocket&sid=${sid}`.replace("http", "ws"));
  t.after(() => ws.terminate());
  const pinged = new Promise((resolve, reject) => {
    ws.on("message", (data) => String(data) === "2" && resolve());
    ws.on("close", () => reject(new Error("closed")));
  });
  await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
  ws._socket.cork(); // one write, read in one piece
  ws.send("2probe");
  ws.send("5");
  ws._socket.uncork();
  await pinged; // the server speaks first
}, GUARD_MS);

test(`${CLIENTS} upgrades on a busy machine, TLS and plain`, async (t) => {
  const tlsPort = await freePort();
  const { cert, key } = certificate(temporary(), "127.0.0.1");
  // No time-out of the server's own may pass for an end that something else made.
  const flags = {
    workers: 2,
    "tls-listen": `127.0.0.1:${tlsPort}`,
    "tls-cert": cert,
    "tls-key": key,
    "sio-ping-interval": "1h",
    "sio-ping-timeout": "1h",
    "auth-timeout": "1h",
    "head-timeout": "1h",
  };
  const server = await t.start(flags, { before: ["nice", "-n", "19"] });
  busy(t);
  for (const url of [`https://127.0.0.1:${tlsPort}`, server.url]) {
    const kind = new URL(url).protocol.slice(0, -1);
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, (_, i) => client(t, url, `${kind}${i}`)),
    );
    // What is asked over the WebSocket is answered.
    for (const answer of clients.map(({ socket }) => socket.emitWithAck("join", { room: "busy" })))
      assert.ok((await answer).ok);
    assert.ok(clients.some(({ transport }) => transport === "websocket"));
    for (const { socket } of clients) socket.disconnect();
  }
}, GUARD_MS);
