// The server is told to stop: it ends, in time, whatever its clients or its disk do.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { certificate } from "./lib/certificate.mjs";
import { Polled } from "./lib/polled.mjs";
import { Raw } from "./lib/raw.mjs";
import { freePort, temporary } from "./lib/server.mjs";
import { sleep, test, testWorkers, until } from "./lib/suite.mjs";

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
  assert.ok(raw.socket.isPaused() && before < publisher.log(room).length, "the sockets are not full");
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
  assert.equal(await server.stop(), 0, server.log);
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
  const ended = slow.server.stop();
  await sleep(500);
  assert.equal(slow.server.exit, undefined);
  slow.goOn();
  const answer = await raw.answer();
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.connection, "close");
  assert.equal(await ended, 0, slow.server.log);
  assert.deepEqual(logged(slow.server, "drain_late"), []); // nobody's keep-alive is waited for
});

// Three people with a send in hand, over a WebSocket and over Socket.IO by both transports.
async function everyDoor(t, { server, token, hang }) {
  const native = await server.connect(token);
  const polled = await Polled.connect(server, token);
  const raw = await Raw.connect(server.port);
  t.after(() => raw.kill());
  await raw.upgrade({ path: "/socket.io/?EIO=4&transport=websocket" });
  raw.send(1, `40${JSON.stringify({ token })}`);
  const said = [];
  const next = async (start) => {
    while (!said.some((text) => text.startsWith(start))) said.push(String((await raw.frame()).payload));
    return said.find((text) => text.startsWith(start));
  };
  await next("40");
  hang();
  const calls = [native.call("send", { room: "room", text: "native" })];
  let looks = 0;
  const requests = async () => (await server.metrics())("polylog_http_requests_total") - ++looks;
  const before = await requests();
  calls.push(polled.call("send", { room: "room", text: "polled" })); // with a GET that waits
  raw.send(1, '427["send",{"room":"room","text":"socket"}]');
  calls.push(next("437["));
  for (const call of calls) call.catch(() => undefined); // whoever awaits it hears of it
  await native.call("ping"); // what came before it has been taken
  raw.send(1, '428["ping",{}]');
  await next("438[");
  await until("the POST was taken, and the GET waits", async () => (await requests()) >= before + 2);
  return { native, raw, calls };
}

test("what is in hand is answered before its connection is closed", async (t) => {
  const slow = await onDiskThatHangs(t, { flags: { "drain-ms": 0 } });
  const { native, raw, calls } = await everyDoor(t, slow);
  const ended = slow.server.stop();
  await sleep(500);
  assert.equal(native.closing, undefined);
  slow.goOn();
  const [first, second, ack] = await Promise.all(calls);
  assert.ok(first.seq > 0 && second.seq > 0);
  assert.match(ack, /^437\[\{"ok":\{/);
  assert.equal((await native.closed).code, 1012);
  await raw.rest();
  assert.equal(await ended, 0, slow.server.log);
  await slow.server.restart();
  assert.deepEqual((await texts(slow.server, slow.token)).sort(), ["native", "polled", "socket"]);
});

test("what does not end is answered with an error that lets it be repeated", async (t) => {
  const slow = await onDiskThatHangs(t, { flags: { "drain-ms": 0 } });
  const { native, raw, calls } = await everyDoor(t, slow);
  const ended = slow.server.stop();
  const [first, second, ack] = await Promise.allSettled(calls);
  slow.goOn(); // before the process ends without its disk
  assert.deepEqual([first.reason?.code, second.reason?.code], ["store_failed", "store_failed"]);
  assert.match(ack.value, /^437\[\{"error":\{"code":"store_failed"/);
  assert.equal((await native.closed).code, 1012);
  await raw.rest();
  assert.equal(await ended, 0, slow.server.log);
});

test("a disk that answers after the clients were given up loses nothing", async (t) => {
  const slow = await onDiskThatHangs(t);
  const raw = await sendThatHangs(slow, t);
  const ended = slow.server.stop();
  await until("clients are given up", () => logged(slow.server, "drain_late").length > 0);
  const answer = await raw.answer();
  assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [503, "store_failed"]);
  assert.equal(answer.headers.connection, "close");
  slow.goOn();
  assert.equal(await ended, 0, slow.server.log);
  assert.equal(await raw.rest(), "");
  assert.deepEqual(logged(slow.server, "stuck"), []);
  await slow.server.restart();
  assert.deepEqual(await texts(slow.server, slow.token), ["in hand"]);
});

test("a disk that does not answer is named, and not waited for", async (t) => {
  const slow = await onDiskThatHangs(t);
  await sendThatHangs(slow, t);
  assert.equal(await slow.server.stop(), 1, slow.server.log);
  const stuck = logged(slow.server, "stuck");
  assert.ok(stuck.some((line) => line.level === "error" && line.waits_for === "writes to the store"), slow.server.log);
});

test("a store that does not close is not waited for", async (t) => {
  // nothing of its own is under way: it has begun, and writes no probe while clients move
  const slow = await onDiskThatHangs(t, { empty: true, flags: { "drain-ms": 0 } });
  await until("it is ready", async () => (await slow.server.fetch("/ready")).ok);
  slow.hang(); // what is left is to put its log in order, and to remove it
  assert.equal(await slow.server.stop(), 1, slow.server.log);
  assert.match(slow.server.log, /the store does not end its writes/);
});
