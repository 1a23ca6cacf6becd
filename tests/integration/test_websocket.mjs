// WebSocket as RFC 6455 and 7692 have it: by the client libraries `ws` and undici, and
// frame by frame.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { WebSocket as OtherWebSocket } from "undici";
import { WebSocket } from "ws";
import { Raw, frameOf } from "./lib/raw.mjs";
import { sleep, test, testWorkers } from "./lib/suite.mjs";

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

async function raw(t, options) {
  const server = options?.server ?? (await t.server);
  const { token } = await server.login(t.name());
  const socket = await Raw.connect(server.port);
  t.after(() => socket.kill());
  const answer = await socket.upgrade({ headers: { Authorization: `Bearer ${token}`, ...options?.headers } });
  return Object.assign(socket, { answer, token });
}

const ping = JSON.stringify({ action: "ping", id: 1 });

testWorkers("ws talks with permessage-deflate", async (t) => {
  const room = t.room();
  const [ana, bob, plain] = [
    await t.person("ana", { perMessageDeflate: true }),
    await t.person("bob", { perMessageDeflate: { threshold: 0 } }),
    await t.person("plain"),
  ];
  assert.match(ana.socket.extensions, /permessage-deflate/);
  assert.equal(plain.socket.extensions, "");
  const everybody = [ana, bob, plain];
  for (const who of everybody) await who.call("join", { room });
  const texts = ["short", "x".repeat(4000), "ünïcödé 😀 ".repeat(100), "x".repeat(200)];
  for (let i = 0; i < 20; i++)
    texts.push(Array.from({ length: 300 }, () => Math.random().toString(36)[2]).join(""));
  for (const [i, text] of texts.entries()) await everybody[i % 3].call("send", { room, text });
  for (const who of everybody) {
    const got = await who.events({ event: "message" }, texts.length);
    assert.deepEqual(
      got.map(({ text }) => text),
      texts,
    );
  }
});

test("deflate is negotiated as far as it can be", async (t) => {
  for (const [offer, answer] of [
    ["permessage-deflate", /permessage-deflate/],
    ["permessage-deflate; client_max_window_bits", /permessage-deflate/],
    [
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
      /server_no_context_takeover/,
    ],
    ["permessage-deflate; server_max_window_bits=10", /server_max_window_bits=10/],
    ["permessage-deflate; server_max_window_bits=99, permessage-deflate", /permessage-deflate/],
    ["permessage-deflate; nonsense=1", undefined],
    ["x-webkit-deflate-frame", undefined],
  ]) {
    const socket = await raw(t, { headers: { "Sec-WebSocket-Extensions": offer } });
    const agreed = socket.answer.headers["sec-websocket-extensions"];
    if (answer === undefined) assert.equal(agreed, undefined, offer);
    else assert.match(agreed, answer);
    const padded = JSON.stringify({ action: "users", id: 1, query: "x".repeat(100) });
    if (answer === undefined) {
      socket.send(1, padded);
    } else {
      const packed = deflateRawSync(padded, { finishFlush: 2, windowBits: 15 });
      socket.send(1, packed.subarray(0, -4), { rsv: 4 });
    }
    assert.deepEqual(await socket.json(), { id: 1, ok: { users: [] } });
  }
});

test("what is compressed unpacks to JSON", async (t) => {
  const socket = await raw(t, { headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } });
  const room = t.room();
  const text = "all work and no play ".repeat(50);
  socket.send(1, JSON.stringify({ action: "join", id: 1, room }));
  socket.send(1, JSON.stringify({ action: "send", id: 2, room, text }));
  for (let packed = 0; packed === 0; ) {
    const { opcode, rsv1, payload } = await socket.frame();
    assert.equal(opcode, 1);
    const json = JSON.parse(
      rsv1 ? inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: 2 }) : payload,
    );
    if (json.event !== "message") continue;
    assert.deepEqual([json.text, rsv1], [text, true]);
    assert.ok(payload.length < 300);
    packed++;
  }
});

test("a bomb is refused before it is unpacked", async (t) => {
  const socket = await raw(t, { headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } });
  const bomb = deflateRawSync(Buffer.alloc(40_000_000, 32), { finishFlush: 2 });
  assert.ok(bomb.length < 60_000);
  socket.send(1, bomb.subarray(0, -4), { rsv: 4 });
  assert.equal((await socket.close()).code, 1009);
});

const DEFLATE = { "Sec-WebSocket-Extensions": "permessage-deflate" };

// One who is nobody yet.
async function stranger(t, server, headers = {}) {
  const socket = await Raw.connect(server.port);
  t.after(() => socket.kill());
  return Object.assign(socket, { answer: await socket.upgrade({ headers }) });
}

const pack = (text) => deflateRawSync(text, { finishFlush: 2 }).subarray(0, -4);

test("little is unpacked before login", async (t) => {
  const server = await t.start({ workers: 1 });
  const small = await stranger(t, server, DEFLATE);
  small.send(1, pack(JSON.stringify({ action: "ping", id: 1, x: "x".repeat(8000) })), { rsv: 4 });
  assert.ok((await small.json()).ok.now > 0);
  small.send(1, pack(JSON.stringify({ action: "ping", id: 1, x: "x".repeat(8200) })), { rsv: 4 });
  assert.equal((await small.close()).code, 1009);
  // many small ones are too much as well, whatever they say
  const many = await stranger(t, server, DEFLATE), frame = pack(JSON.stringify({ action: "ping", x: "x".repeat(8000) }));
  for (let i = 0; i < 1000; i++) many.send(1, frame, { rsv: 4 });
  assert.equal((await many.close()).code, 1008);
  const metrics = await server.metrics();
  const unpacked = metrics("polylog_unpacked_bytes_total");
  assert.ok(unpacked > 100_000 && unpacked < 160_000, unpacked);
  assert.equal(metrics('polylog_closes_total{reason="work"}'), 1);
});

test("a connection that sends junk is closed, and says why", async (t) => {
  const server = await t.start({ workers: 1 });
  const nobody = await stranger(t, server);
  for (let i = 0; i < 1000; i++) nobody.send(1, "{}");
  assert.equal((await nobody.close()).code, 1008);
  const ana = await t.person("ana", { server });
  for (let i = 0; i < 500; i++) ana.write("{}");
  await ana.call("ping"); // so much is a bad program's, not an attacker's
  for (let i = 0; i < 5000; i++) ana.write("{}");
  assert.equal((await ana.closed).code, 1008);
});

test("a client whose texts shrink well is not closed for it", async (t) => {
  const server = await t.start({ workers: 1, "messages-per-user": 0 });
  const ana = await t.person("ana", { server, perMessageDeflate: true });
  await ana.call("join", { room: "r" });
  const text = "y".repeat(3900);
  const sends = Array.from({ length: 600 }, () => ana.call("send", { room: "r", text }).then(() => 1, ({ code }) => code));
  for (const outcome of await Promise.all(sends)) assert.ok(outcome === 1 || outcome === "too_many_commands", outcome);
  assert.equal((await ana.call("ping")).now > 0, true);
});

test("compression can be turned off", async (t) => {
  const server = await t.start({ compress: false });
  const { answer } = await stranger(t, server, DEFLATE);
  assert.equal(answer.headers["sec-websocket-extensions"], undefined);
});

test("another client library talks as well", async (t) => {
  const server = await t.server;
  const { token } = await server.login(t.name());
  const socket = new OtherWebSocket(`${server.url.replace("http", "ws")}/ws?token=${token}`, ["polylog.v1"]);
  await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
  assert.equal(socket.protocol, "polylog.v1");
  const room = t.room();
  const text = "y".repeat(1000);
  const got = new Promise((resolve) => {
    socket.onmessage = ({ data }) => JSON.parse(data).event === "message" && resolve(JSON.parse(data));
  });
  socket.send(JSON.stringify({ action: "join", room }));
  socket.send(JSON.stringify({ action: "send", room, text }));
  assert.equal((await got).text, text);
  const closed = new Promise((resolve) => (socket.onclose = resolve));
  socket.close(1000, "done");
  const { code, wasClean } = await closed;
  assert.deepEqual([code, wasClean], [1000, true]);
});

test("the subprotocol is answered if it is asked for", async (t) => {
  const server = await t.server;
  for (const [asked, expected] of [
    [["polylog.v1"], "polylog.v1"],
    [["other", "polylog.v1"], "polylog.v1"],
    [[], ""],
  ]) {
    const client = await server.connect(undefined, { protocols: asked });
    assert.equal(client.socket.protocol, expected);
    await client.close();
  }
});

test("a message may come in fragments, with pings between", async (t) => {
  const socket = await raw(t);
  const text = JSON.stringify({ action: "ping", id: 5, pad: "ü😀".repeat(50) });
  const bytes = [...Buffer.from(text)];
  bytes.forEach((byte, i) => {
    socket.send(i === 0 ? 1 : 0, Buffer.from([byte]), { fin: i === bytes.length - 1 });
    if (i === 100) socket.send(9, "in between");
  });
  const pong = await socket.frame();
  assert.deepEqual([pong.opcode, String(pong.payload)], [10, "in between"]);
  assert.equal((await socket.json()).id, 5);
  // and byte by byte through the socket
  for (const byte of frameOf(1, ping)) {
    socket.write(Buffer.from([byte]));
    await sleep(1);
  }
  assert.equal((await socket.json()).id, 1);
  // empty fragments count too
  socket.send(1, "", { fin: false }).send(0, "", { fin: false }).send(0, ping);
  assert.equal((await socket.json()).id, 1);
});

test("what WebSocket forbids is answered with its code", async (t) => {
  const bad = Buffer.from([0x22, 0xc3, 0x28, 0x22]);
  for (const [what, code, write] of [
    ["binary", 1003, (s) => s.send(2, ping)],
    ["not UTF-8", 1007, (s) => s.send(1, bad)],
    ["not UTF-8 in a fragment", 1007, (s) => s.send(1, "{", { fin: false }).send(0, bad)],
    ["cut UTF-8", 1007, (s) => s.send(1, Buffer.from([0xe2, 0x82]))],
    ["a surrogate", 1007, (s) => s.send(1, Buffer.from([0xed, 0xa0, 0x80]))],
    ["too big", 1009, (s) => s.send(1, " ".repeat(65537))],
    [
      "too big in fragments",
      1009,
      (s) => s.send(1, " ".repeat(40000), { fin: false }).send(0, " ".repeat(40000)),
    ],
    ["not masked", 1002, (s) => s.send(1, ping, { mask: false })],
    ["reserved bit", 1002, (s) => s.send(1, ping, { rsv: 1 })],
    ["deflate not agreed on", 1002, (s) => s.send(1, ping, { rsv: 4 })],
    ["unknown opcode", 1002, (s) => s.send(3, "")],
    ["unknown control", 1002, (s) => s.send(11, "")],
    ["long ping", 1002, (s) => s.send(9, "x".repeat(126))],
    ["ping in fragments", 1002, (s) => s.send(9, "x", { fin: false })],
    ["continuation of nothing", 1002, (s) => s.send(0, "x")],
    ["a message inside another", 1002, (s) => s.send(1, "x", { fin: false }).send(1, "y")],
    ["a close of one byte", 1002, (s) => s.send(8, "x")],
    ["a close code that is none", 1002, (s) => s.send(8, Buffer.from([3, 237]))],
    ["a close code out of range", 1002, (s) => s.send(8, Buffer.from([0, 1]))],
    ["a close reason that is not UTF-8", 1007, (s) => s.send(8, Buffer.from([3, 232, 0xff]))],
  ]) {
    const socket = await raw(t);
    write(socket);
    assert.equal((await socket.close()).code, code, what);
  }
  const socket = await raw(t);
  socket.send(1, " ".repeat(65536 - ping.length) + ping); // what just fits
  assert.equal((await socket.json()).id, 1);
});

test("closing is answered in kind", async (t) => {
  for (const [payload, expected] of [
    [Buffer.from([3, 232]), { code: 1000, reason: "" }],
    [Buffer.from([3, 233, 0x62]), { code: 1001, reason: "" }],
    [Buffer.from([0x0f, 0xa0]), { code: 4000, reason: "" }],
    [Buffer.alloc(0), {}],
  ]) {
    const socket = await raw(t);
    socket.send(8, payload).send(1, ping); // nothing counts behind a close
    assert.deepEqual(await socket.close(), expected);
  }
  const ana = await t.person();
  assert.deepEqual(await ana.close(4999, "enough"), { code: 4999, reason: "" });
});

test("pings are answered with what they carry", async (t) => {
  const ana = await t.person();
  for (const payload of ["", "a", "x".repeat(125)]) {
    const pong = new Promise((resolve) => ana.socket.once("pong", (data) => resolve(String(data))));
    ana.socket.ping(payload);
    assert.equal(await pong, payload);
  }
});

test("whoever is silent is pinged, then given up", async (t) => {
  const server = await t.start({ "ping-interval": "1s", "dead-after": "5s" });
  const { token } = await server.login("ana");
  const answering = await server.connect(token);
  let pings = 0;
  answering.socket.on("ping", () => pings++);
  const silent = await raw(t, { server });
  const { opcode } = await silent.frame(); // and does not answer it
  assert.equal(opcode, 9);
  await silent.rest();
  assert.ok(pings >= 1, pings);
  await answering.call("rooms");
  assert.equal((await server.metrics())('polylog_closes_total{reason="dead"}'), 1);
});

test("whoever stops reading is not taken for dead, and misses nothing", async (t) => {
  const server = await t.start({ "ping-interval": "1s", "dead-after": "4s", "messages-per-user": 0 });
  const [ana, bob] = [await t.person("ana", { server }), await t.person("bob", { server })];
  const room = t.room();
  for (const who of [ana, bob]) await who.call("join", { room });
  bob.socket.pause();
  const count = 4000; // far more than the sockets between them hold
  const text = "x".repeat(3900);
  for (let i = 0; i < count; i += 50)
    await Promise.all(Array.from({ length: 50 }, () => ana.call("send", { room, text })));
  await sleep(9000); // more than twice as long as anybody else may be silent
  bob.socket.resume();
  const seqs = (await bob.events({ event: "message" }, count)).map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    Array.from({ length: count }, (_, i) => seqs[0] + i),
  );
  assert.equal(bob.closing, undefined);
});

test("whoever does not log in in time is closed", async (t) => {
  const server = await t.start({ "auth-timeout": "5s" });
  const nobody = await server.connect();
  await nobody.call("ping");
  assert.deepEqual(await nobody.closed, { code: 4408, reason: "log in first" });
  const { token } = await server.login("ana");
  const ana = await server.connect(token);
  const raw = await Raw.connect(server.port); // a connection that a balancer has used before
  t.after(() => raw.kill());
  raw.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert.equal((await raw.answer()).status, 200);
  await sleep(6000); // longer than a login may take
  await ana.call("rooms");
  await raw.upgrade();
  raw.send(1, JSON.stringify({ action: "auth", id: 1, token }));
  assert.ok((await raw.json()).ok);
});

test("handshakes that are none are refused", async (t) => {
  const server = await t.server;
  const good = {
    Host: "localhost",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const shake = async (changes, line = "GET /ws HTTP/1.1") => {
    const headers = Object.entries({ ...good, ...changes }).filter(([, value]) => value !== null);
    const socket = await Raw.connect(server.port);
    t.after(() => socket.kill());
    socket.write(`${line}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
    const { status, headers: answered } = await socket.answer();
    return status === 426 ? [426, answered["sec-websocket-version"]] : status;
  };
  assert.equal(await shake({}), 101);
  assert.equal(await shake({ Upgrade: "WebSocket", Connection: "keep-alive, upgrade" }), 101);
  assert.deepEqual(await shake({ Upgrade: null }), [426, "13"]);
  assert.deepEqual(await shake({ Connection: null }), [426, "13"]);
  assert.deepEqual(await shake({ "Sec-WebSocket-Version": "8" }), [426, "13"]);
  assert.equal(await shake({ "Sec-WebSocket-Key": null }), 400);
  assert.equal(await shake({ "Sec-WebSocket-Key": "short" }), 400);
  assert.equal(await shake({ "Content-Length": "0" }, "POST /ws HTTP/1.1"), 405);
  assert.equal(await shake({}, "GET /ws HTTP/1.0"), 400);
  assert.equal(await shake({}, "GET /elsewhere HTTP/1.1"), 404);
});

test("a client that only writes is held back, and one that only reads loses nothing", async (t) => {
  const server = await t.start({ "commands-in-flight": 64 });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  const slow = await raw(t, { server });
  slow.send(1, JSON.stringify({ action: "join", id: 1, room: "r" }));
  await slow.json();
  slow.socket.pause();
  const text = "z".repeat(3900);
  for (let i = 0; i < 30; i++) {
    await Promise.all(Array.from({ length: 40 }, () => ana.http("send", { room: "r", text })));
  }
  assert.equal((await ana.events({ event: "message" }, 1200)).length, 1200);
  slow.socket.resume();
  for (let seq = 2; seq <= 1201; ) {
    const json = await slow.json();
    if (json.event === "message") assert.equal(json.seq, seq++);
  }
  // questions without end, answers not read
  const greedy = await raw(t, { server });
  greedy.socket.pause();
  const ask = frameOf(1, JSON.stringify({ action: "history", id: 1, room: "r", limit: 500 }));
  for (let i = 0; i < 3000; i++) greedy.write(ask);
  await sleep(500);
  const resident = Number(readFileSync(`/proc/${server.pid}/statm`, "utf8").split(" ")[1]) * 4096;
  assert.ok(resident < 250e6, `${resident} bytes in memory`);
  await ana.call("ping");
});

test("close is clean under the library's eyes", async (t) => {
  const server = await t.server;
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`);
  await new Promise((resolve) => socket.once("open", resolve));
  const closed = new Promise((resolve) => socket.once("close", (code) => resolve(code)));
  socket.send(Buffer.from([1, 2, 3]), { binary: true });
  assert.equal(await closed, 1003);
});
