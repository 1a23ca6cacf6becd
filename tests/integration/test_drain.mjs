// The server is told to stop: it ends, in time, whatever its clients or its disk do.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { certificate } from "./lib/certificate.mjs";
import { Raw } from "./lib/raw.mjs";
import { freePort, temporary } from "./lib/server.mjs";
import { sleep, test, testWorkers, until } from "./lib/suite.mjs";

const DROP_MS = 10_000; // src/server/drain.h
const STUCK_MS = DROP_MS + 10_000;

// Tells it to stop: the exit code, and how long it took.
async function stop(server) {
  const start = Date.now();
  const code = await server.stop();
  return { code, ms: Date.now() - start };
}

// The lines of the log with this event.
function logged(server, event) {
  const lines = server.log.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line)).filter((line) => line.event === event);
}

function directory(t) {
  const dir = temporary("drain");
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

// Fills somebody's sockets until the server can send no more: the client follows a
// room and reads nothing.
async function fill(server, raw, token, room, publisher) {
  await raw.upgrade({ headers: { Authorization: `Bearer ${token}` } });
  raw.send(1, JSON.stringify({ action: "join", id: 1, room }));
  await until("it has joined", async () => (await raw.json()).id === 1);
  raw.socket.pause();
  const text = "x".repeat(3900);
  let [before, same] = [-1, 0];
  while (same < 2) {
    await Promise.all(Array.from({ length: 256 }, () => publisher.call("send", { room, text })));
    await publisher.settle();
    const delivered = (await server.metrics())("polylog_deliveries_total");
    const sent = publisher.log(room).length;
    same = delivered - sent === before ? same + 1 : 0;
    before = delivered - sent;
  }
}

testWorkers("a client that never reads and never closes does not keep it", async (t) => {
  const { cert, key } = certificate(directory(t), "127.0.0.1");
  const port = await freePort();
  const tls = { "tls-listen": `127.0.0.1:${port}`, "tls-cert": cert, "tls-key": key };
  const server = await t.start({ workers: t.workers, ...tls });
  const publisher = await server.person("publisher");
  const { token } = await server.login("silent");
  await publisher.call("join", { room: "flood", create: true });
  for (const at of [[server.port], [port, { tls: { rejectUnauthorized: false } }]]) {
    const raw = await Raw.connect(...at);
    t.after(() => raw.kill());
    await fill(server, raw, token, "flood", publisher);
  }
  publisher.kill();
  const { code, ms } = await stop(server);
  assert.equal(code, 0, server.log);
  // that it took any time shows that their sockets were full
  assert.ok(ms > 2000 && ms < DROP_MS + 2000, `it took ${ms} ms`);
});

// A server whose disk hangs while the file exists.
async function onDiskThatHangs(t, { empty = false, flags = {} } = {}) {
  const dir = directory(t);
  const [library, file] = [join(dir, "hang_fsync.so"), join(dir, "hangs")];
  const source = fileURLToPath(new URL("lib/hang_fsync.c", import.meta.url));
  execFileSync("cc", ["-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, source]);
  const server = await t.start(flags, { env: { LD_PRELOAD: library, HANG_FSYNC: file } });
  const slow = { server, hang: () => writeFileSync(file, ""), goOn: () => rmSync(file, { force: true }) };
  t.after(slow.goOn);
  if (empty) return slow;
  slow.token = (await server.login("ana")).token;
  await server.command("room_create", { room: "room", kind: "public" }, slow.token);
  return slow;
}

// A message whose commit hangs, over HTTP on a connection that would be kept.
async function sendThatHangs({ server, token, hang }, t) {
  const raw = await Raw.connect(server.port);
  const body = JSON.stringify({ room: "room", text: "in hand" });
  t.after(() => raw.kill());
  hang();
  raw.write(
    `POST /api/v1/send HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  await sleep(200);
  assert.equal(raw.bytes.length, 0);
  return raw;
}

async function texts(server, token) {
  const { entries } = await server.command("history", { room: "room" }, token);
  return entries.map(({ text }) => text).filter(Boolean);
}

test("a request that is in hand when it is told to stop is answered", async (t) => {
  const slow = await onDiskThatHangs(t);
  const raw = await sendThatHangs(slow, t);
  const ended = stop(slow.server);
  await sleep(500);
  assert.equal(slow.server.exit, undefined);
  slow.goOn();
  const answer = await raw.answer();
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.connection, "close");
  const { code, ms } = await ended;
  assert.equal(code, 0, slow.server.log);
  assert.ok(ms < 5000, `it took ${ms} ms`); // nobody's keep-alive is waited for
});

test("a disk that answers after the clients were dropped loses nothing", async (t) => {
  const slow = await onDiskThatHangs(t);
  const raw = await sendThatHangs(slow, t);
  const ended = stop(slow.server);
  await until("clients are dropped", () => logged(slow.server, "drain_late").length > 0, DROP_MS + 2000);
  slow.goOn();
  const { code, ms } = await ended;
  assert.equal(code, 0, slow.server.log);
  assert.ok(ms > DROP_MS - 100 && ms < DROP_MS + 4000, `it took ${ms} ms`);
  assert.equal(await raw.rest(), ""); // it was dropped, not answered
  assert.deepEqual(logged(slow.server, "stuck"), []);
  await slow.server.restart();
  assert.deepEqual(await texts(slow.server, slow.token), ["in hand"]);
});

test("a disk that does not answer is named, and not waited for", async (t) => {
  const slow = await onDiskThatHangs(t);
  await sendThatHangs(slow, t);
  const { code, ms } = await stop(slow.server);
  assert.equal(code, 1, slow.server.log);
  assert.ok(ms > STUCK_MS - 100 && ms < STUCK_MS + 3000, `it took ${ms} ms`);
  const stuck = logged(slow.server, "stuck");
  assert.ok(stuck.some((line) => line.level === "error" && line.waits_for === "writes to the store"), slow.server.log);
});

test("a store that does not close is not waited for", async (t) => {
  // nothing of its own is under way: it has begun, and writes no probe while clients move
  const slow = await onDiskThatHangs(t, { empty: true, flags: { "drain-ms": 0 } });
  await until("it is ready", async () => (await slow.server.fetch("/ready")).ok);
  slow.hang(); // what it does by itself is left: it puts its log in order
  const { code, ms } = await stop(slow.server);
  assert.equal(code, 1, slow.server.log);
  assert.ok(ms < DROP_MS + 2000, `it took ${ms} ms`);
  assert.match(slow.server.log, /the store does not end its writes/);
});
