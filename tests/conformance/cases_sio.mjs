// s: Engine.IO revision 4 and Socket.IO revision 5: what the suites of the protocols'
// authors ask (s.1 to s.6: Engine.IO, s.7 to s.9: Socket.IO), what their texts say
// besides (s.10), and their own clients (s.11).
import { Socket as EngineSocket } from "engine.io-client";
import { io, Manager } from "socket.io-client";
import { WebSocket } from "ws";
import { fail } from "./case.mjs";
import { pause } from "./client.mjs";

export const PING_INTERVAL = 500;
export const PING_TIMEOUT = 3000; // a busy machine answers within that
export const flags = [`--sio-ping-interval=${PING_INTERVAL}ms`, `--sio-ping-timeout=${PING_TIMEOUT}ms`];
const PATIENCE_MS = 60_000; // ends what hangs
const RS = "\x1e";

function same(got, wanted, what) {
  const a = JSON.stringify(got), b = JSON.stringify(wanted);
  if (a !== b) fail(`${what}: ${a} instead of ${b}`);
}

// The addresses of one server.
class Site {
  constructor(t, path) {
    this.t = t;
    this.path = path;
  }
  url(query, scheme = "http") {
    return `${scheme}://127.0.0.1:${this.t.port}${this.path}?${query}`;
  }
  async request(query, options = {}) {
    const response = await fetch(this.url(query), {
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...options,
    });
    return { status: response.status, text: await response.text(), headers: response.headers };
  }
  async open() {
    const { status, text } = await this.request("EIO=4&transport=polling");
    same([status, text[0]], [200, "0"], "handshake");
    const open = JSON.parse(text.slice(1));
    return {
      t: this.t,
      open,
      get: (options) => this.request(`EIO=4&transport=polling&sid=${open.sid}`, options),
      post: (body, options) =>
        this.request(`EIO=4&transport=polling&sid=${open.sid}`, { method: "POST", body, ...options }),
    };
  }
  socket(query) {
    const s = new Socket(this.url(query, "ws"));
    this.t.clients.push({ finish: () => s.ws.terminate() });
    return s;
  }
  // Open, behind the handshake.
  async websocket() {
    const s = this.socket("EIO=4&transport=websocket");
    s.open = JSON.parse((await s.next()).slice(1));
    return s;
  }
}

// A WebSocket whose messages wait until they are asked for.
class Socket {
  constructor(url) {
    this.ws = new WebSocket(url, { perMessageDeflate: false });
    this.got = [];
    this.waiting = [];
    this.opened = new Promise((resolve) => this.ws.once("open", resolve));
    this.closed = new Promise((resolve) => this.ws.once("close", () => resolve(true)));
    this.ws.on("error", () => {});
    this.ws.on("message", (data, binary) => {
      const message = binary ? [...data] : String(data);
      if (this.quiet && message === "2") return;
      if (this.waiting.length > 0) this.waiting.shift()(message);
      else this.got.push(message);
    });
  }
  send(data) {
    this.ws.send(data);
  }
  // Pings are nothing from now on, nor those that wait.
  hush() {
    this.quiet = true;
    this.got = this.got.filter((message) => message !== "2");
  }
  async next() {
    if (this.got.length > 0) return this.got.shift();
    const late = pause(PATIENCE_MS).then(() => fail("nothing came"));
    return Promise.race([new Promise((resolve) => this.waiting.push(resolve)), late,
      this.closed.then(() => (this.got.length > 0 ? this.got.shift() : fail("closed")))]);
  }
  async ends() {
    const late = pause(PATIENCE_MS).then(() => false);
    if (!(await Promise.race([this.closed, late]))) fail("it was not closed");
  }
}

const raw = (t) => new Site(t, "/engine.io/");
const sio = (t) => new Site(t, "/socket.io/");

function checkOpen(open, upgrades) {
  same(Object.keys(open).sort(), ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"], "keys");
  same([typeof open.sid, open.upgrades, open.pingInterval, open.pingTimeout, open.maxPayload],
    ["string", upgrades, PING_INTERVAL, PING_TIMEOUT, 1000000], "handshake");
}

function* handshake(n, at) {
  yield [`s.${n}.1`, async (t) => checkOpen((await at(t).open()).open, ["websocket"])];
  const refusals = [
    ["transport=polling", {}, 5], ["EIO=abc&transport=polling", {}, 5], ["EIO=3&transport=polling", {}, 5],
    ["EIO=4", {}, 0], ["EIO=4&transport=abc", {}, 0], ["EIO=4&transport=polling", { method: "POST" }, 2],
    ["EIO=4&transport=polling", { method: "PUT" }, 2], ["EIO=4&transport=websocket", {}, 3],
    ["EIO=4&transport=polling&sid=abc", {}, 1], [`EIO=4&transport=polling&sid=${"A".repeat(34)}`, {}, 1],
  ];
  for (const [i, [query, options, code]] of refusals.entries())
    yield [`s.${n}.2.${i + 1}`, async (t) => {
      const { status, text } = await at(t).request(query, options);
      same([status, JSON.parse(text).code], [400, code], query);
    }];
  yield [`s.${n}.3`, async (t) => checkOpen((await at(t).websocket()).open, [])];
  for (const [i, query] of ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4",
    "EIO=4&transport=abc"].entries())
    yield [`s.${n}.4.${i + 1}`, (t) => at(t).socket(query).ends()];
}

function* messages() {
  const bodies = ["4hello", ["4test1", "4test2", "4test3"].join(RS), `4hello${RS}bAQIDBA==`, "4h\u00e9\u{1f600}"];
  for (const [i, body] of bodies.entries())
    yield [`s.2.1.${i + 1}`, async (t) => {
      const s = await raw(t).open();
      const { status, text } = await s.post(body);
      same([status, text], [200, "ok"], "post");
      const got = await s.get();
      same([got.status, got.text], [200, body], "poll");
      same(got.headers.get("content-type").toLowerCase(), "text/plain; charset=utf-8", "type");
    }];
  yield ["s.2.2", async (t) => {
    const s = await raw(t).open();
    same((await s.post("abc")).status, 400, "post");
    same((await s.get()).status, 400, "poll");
  }];
  yield ["s.2.3", async (t) => { // one GET at a time
    const s = await raw(t).open();
    const [first, second] = await Promise.all([s.get(), pause(20).then(() => s.get())]);
    same([first.status, first.text, second.status], [200, "1", 400], "polls");
    same((await s.get()).status, 400, "afterwards");
  }];
  yield ["s.2.4", async (t) => { // an abandoned GET
    const s = await raw(t).open(), c = new AbortController();
    s.get({ signal: c.signal }).catch(() => {});
    await pause(20);
    c.abort();
    await pause(20);
    same((await s.get()).status, 400, "poll");
  }];
  yield ["s.2.5", async (t) => {
    const s = await raw(t).websocket();
    s.send("4hello");
    same(await s.next(), "4hello", "text");
    s.send(Uint8Array.from([1, 2, 3, 4]));
    same(await s.next(), [1, 2, 3, 4], "binary");
    s.send("abc");
    await s.ends();
  }];
}

function* heartbeat(n, at) {
  yield [`s.${n}.1`, async (t) => {
    const s = await at(t).open();
    for (let i = 0; i < 3; i++) {
      const { status, text } = await s.get();
      same([status, text], [200, "2"], "ping");
      same((await s.post("3")).status, 200, "pong");
    }
  }];
  yield [`s.${n}.2`, async (t) => {
    const s = await at(t).open();
    await pause(2 * (PING_INTERVAL + PING_TIMEOUT));
    same((await s.get()).status, 400, "poll");
  }];
  yield [`s.${n}.3`, async (t) => {
    const s = await at(t).websocket();
    for (let i = 0; i < 3; i++) {
      same(await s.next(), "2", "ping");
      s.send("3");
    }
  }];
  yield [`s.${n}.4`, async (t) => (await at(t).websocket()).ends()];
  yield [`s.${n}.5`, async (t) => { // it is the server that pings
    const s = await at(t).websocket();
    s.send("2");
    await s.ends();
  }];
}

function* close(n, at) {
  yield [`s.${n}.1`, async (t) => {
    const s = await at(t).open();
    const [polled] = await Promise.all([s.get(), s.post("1")]);
    same([polled.status, polled.text], [200, "6"], "poll");
    same((await s.get()).status, 400, "afterwards");
  }];
  yield [`s.${n}.2`, async (t) => {
    const s = await at(t).websocket();
    s.send("1");
    await s.ends();
  }];
}

async function probed(t, at, waits = true) {
  const s = await at(t).open();
  const ws = at(t).socket(`EIO=4&transport=websocket&sid=${s.open.sid}`);
  await ws.opened;
  ws.send("2probe");
  if (waits) same(await ws.next(), "3probe", "probe");
  return { s, ws };
}

function* upgrade(n, at, hello) {
  yield [`s.${n}.1`, async (t) => {
    const { s, ws } = await probed(t, at);
    const { status, text } = await s.get();
    same([status, text], [200, "6"], "noop");
    ws.send("5");
    await hello(ws);
  }];
  yield [`s.${n}.2`, async (t) => { // a GET that waits is let go
    const s = await at(t).open();
    const waiting = s.get();
    await pause(20);
    const ws = at(t).socket(`EIO=4&transport=websocket&sid=${s.open.sid}`);
    await ws.opened;
    ws.send("2probe");
    same((await waiting).text, "6", "noop");
    same(await ws.next(), "3probe", "probe");
    ws.send("5");
    await hello(ws);
  }];
  for (const [i, close] of [
    async (s) => same((await s.get()).status, 400, "poll"),
    async (s) => same((await s.post("4x")).status, 400, "post"),
    async (s) => { // its handshake is not refused, which would be an error to some clients
      const another = at(s.t).socket(`EIO=4&transport=websocket&sid=${s.open.sid}`);
      await another.opened;
      await another.ends();
    },
  ].entries())
    for (const waits of [true, false])
      yield [`s.${n}.${i + 3}${waits ? "" : ".1"}`, async (t) => { // not even while the probe is answered
        const { s, ws } = await probed(t, at, waits);
        ws.send("5");
        await close(s);
        if (!waits) same(await ws.next(), "3probe", "probe");
        await hello(ws);
      }];
  yield [`s.${n}.6`, async (t) => { // a probe that fails leaves the session as it was
    const { s, ws } = await probed(t, at);
    ws.ws.terminate();
    await pause(20);
    same((await s.get()).text, "2", "ping");
    const again = at(t).socket(`EIO=4&transport=websocket&sid=${s.open.sid}`);
    await again.opened;
    again.send("4hello");
    await again.ends();
  }];
}

const rawHello = async (ws) => {
  ws.hush();
  ws.send("4hello");
  same(await ws.next(), "4hello", "message");
};
const sioHello = async (ws) => {
  ws.hush();
  ws.send("40");
  same((await ws.next()).slice(0, 2), "40", "connect");
};

async function connected(t, send = "40") {
  const s = await sio(t).websocket();
  s.quiet = true;
  s.send(send);
  s.connect = await s.next();
  s.auth = await s.next();
  return s;
}

function* connects() {
  const cases = [["40", "40", '42["auth",{}]'], ['40{"token":"123"}', "40", '42["auth",{"token":"123"}]'],
    ["40/custom,", "40/custom,", '42/custom,["auth",{}]'],
    ['40/custom,{"token":"abc"}', "40/custom,", '42/custom,["auth",{"token":"abc"}]']];
  for (const [i, [send, head, auth]] of cases.entries())
    yield [`s.7.${i + 1}`, async (t) => {
      const s = await connected(t, send);
      if (!s.connect.startsWith(head)) fail(s.connect);
      const said = JSON.parse(s.connect.slice(head.length));
      same([Object.keys(said), typeof said.sid, s.auth], [["sid"], "string", auth], "connect");
    }];
  yield ["s.7.4.1", async (t) => { // one packet awaited after the other, as the authors' suite does
    const { ws } = sio(t).socket("EIO=4&transport=websocket");
    const next = async () => String(await new Promise((resolve) => ws.once("message", resolve)));
    await next();
    ws.send("40");
    await next();
    same(await next(), '42["auth",{}]', "auth");
  }];
  yield ["s.7.5", async (t) => {
    const s = await sio(t).websocket();
    s.send("40/random");
    same(await s.next(), '44/random,{"message":"Invalid namespace"}', "refusal");
  }];
  for (const [i, bad] of ["4abc", '42["message"]', "40[]", "4"].entries())
    yield [`s.7.6.${i + 1}`, async (t) => {
      const s = await sio(t).websocket();
      s.send(bad);
      await s.ends();
    }];
  yield ["s.7.7", async (t) => { // the session goes on, and may connect again
    const s = await connected(t);
    s.quiet = false;
    s.send("41");
    same(await s.next(), "2", "ping");
    s.send("3");
    s.send("40");
    same((await s.next()).slice(0, 2), "40", "connect");
  }];
  yield ["s.7.9", async (t) => { // nothing is said in a namespace that was left
    const s = await connected(t);
    s.send("41");
    s.send('42["message"]');
    await s.ends();
  }];
  yield ["s.7.8", async (t) => {
    const s = await connected(t);
    s.send("40/custom");
    await s.next();
    await s.next();
    s.send("41/custom");
    s.send('42["message","message to main namespace"]');
    same(await s.next(), '42["message-back","message to main namespace"]', "message");
  }];
}

const placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';

function* events() {
  const cases = [
    [['42["message",1,"2",{"3":[true]}]'], ['42["message-back",1,"2",{"3":[true]}]']],
    [['42["message"]'], ['42["message-back"]']],
    [[`452-["message",${placeholders}]`, [1, 2, 3], [4, 5, 6]],
      [`452-["message-back",${placeholders}]`, [1, 2, 3], [4, 5, 6]]],
    [['42456["message-with-ack",1,"2",{"3":[false]}]'], ['43456[1,"2",{"3":[false]}]']],
    [[`452-789["message-with-ack",${placeholders}]`, [1, 2, 3], [4, 5, 6]],
      [`462-789[${placeholders}]`, [1, 2, 3], [4, 5, 6]]],
  ];
  for (const [i, [sent, wanted]] of cases.entries())
    yield [`s.8.${i + 1}`, async (t) => {
      const s = await connected(t);
      for (const one of sent) s.send(Array.isArray(one) ? Uint8Array.from(one) : one);
      for (const one of wanted) same(await s.next(), one, "answer");
    }];
  const bad = ["4abc", "42{}", '42abc["message-with-ack",1]', '42["message"', "42[]", "42", '42["connect"]',
    '451-["message"]', `453-["message",${placeholders}]`, '42/unknown,["message"]', '4511-["message"]'];
  for (const [i, one] of bad.entries())
    yield [`s.9.${i + 1}`, async (t) => {
      const s = await connected(t);
      s.send(one);
      await s.ends();
    }];
  yield ["s.9.20", async (t) => { // text in the place of an attachment, and the other way round
    const s = await connected(t), u = await connected(t);
    s.send('451-["message",{"_placeholder":true,"num":0}]');
    s.send('42["message"]');
    u.send(Uint8Array.from([1]));
    await Promise.all([s.ends(), u.ends()]);
  }];
}

function* limits() {
  yield ["s.10.1", async (t) => {
    const s = await raw(t).open();
    const most = "4" + "x".repeat(999_999);
    same((await s.post(most)).status, 200, "at the limit");
    same((await s.get()).text.length, 1_000_000, "echo");
    same((await s.post(most + "x")).status, 413, "beyond");
  }];
  yield ["s.10.2", async (t) => {
    const s = await raw(t).websocket();
    s.quiet = true;
    s.send("4" + "x".repeat(999_999));
    same((await s.next()).length, 1_000_000, "echo");
    s.send("4" + "x".repeat(1_000_000));
    await s.ends();
  }];
  yield ["s.10.3", async (t) => { // chunked, and over connections that others opened
    const s = await raw(t).open();
    const body = new ReadableStream({
      start(c) {
        for (const part of ["4he", "llo"]) c.enqueue(new TextEncoder().encode(part));
        c.close();
      },
    });
    same((await s.post(body, { duplex: "half" })).text, "ok", "post");
    same((await s.get()).text, "4hello", "poll");
  }];
  yield ["s.10.4", async (t) => { // sessions do not mix, whichever connection is used
    const all = await Promise.all(Array.from({ length: 24 }, () => raw(t).open()));
    await Promise.all(all.map((s, i) => s.post(`4mine ${i}`)));
    const got = await Promise.all(all.map((s) => s.get()));
    same(got.map(({ text }) => text), all.map((_, i) => `4mine ${i}`), "messages");
  }];
}

const once = (emitter, event) =>
  Promise.race([new Promise((resolve) => emitter.once(event, (...args) => resolve(args))),
    pause(PATIENCE_MS).then(() => fail(`no ${event}`))]);

function* clients() {
  for (const [i, transports] of [["polling"], ["websocket"], ["polling", "websocket"]].entries()) {
    yield [`s.11.1.${i + 1}`, async (t) => {
      const s = new EngineSocket(`http://127.0.0.1:${t.port}`, { transports });
      t.clients.push({ finish: () => s.close() });
      s.binaryType = "arraybuffer";
      await once(s, transports.length > 1 ? "upgrade" : "open");
      s.send("h\u00e9");
      same(await once(s, "message"), ["h\u00e9"], "text");
      s.send(Uint8Array.from([1, 2, 255]));
      same([...new Uint8Array((await once(s, "message"))[0])], [1, 2, 255], "binary");
      await pause(PING_INTERVAL + 2 * PING_TIMEOUT);
      same([s.readyState, s.transport.name], ["open", transports.at(-1)], "alive");
    }];
    yield [`s.11.2.${i + 1}`, async (t) => {
      const manager = new Manager(`http://127.0.0.1:${t.port}`, { transports });
      const s = manager.socket("/", { auth: { token: "a" } }), u = manager.socket("/custom");
      t.clients.push({ finish: () => manager._close() });
      const [[a], [b]] = await Promise.all([once(s, "auth"), once(u, "auth")]);
      same([a, b], [{ token: "a" }, {}], "auth");
      if (manager.engine.transport.name !== transports.at(-1)) await once(manager.engine, "upgrade");
      s.emit("message", 1, { two: [3] }, Buffer.from([4]));
      const [one, two, four] = await once(s, "message-back");
      same([one, two, [...four]], [1, { two: [3] }, [4]], "event");
      same(await u.timeout(PATIENCE_MS).emitWithAck("message-with-ack", "x"), "x", "ack");
      same([...(await s.timeout(PATIENCE_MS).emitWithAck("message-with-ack", Buffer.from([7])))], [7], "ack");
      const other = io(`http://127.0.0.1:${t.port}/random`, { transports, forceNew: true });
      t.clients.push({ finish: () => other.disconnect() });
      same((await once(other, "connect_error"))[0].message, "Invalid namespace", "refusal");
    }];
  }
}

export const cases = [...handshake(1, raw), ...messages(), ...heartbeat(3, raw), ...close(4, raw),
  ...upgrade(5, raw, rawHello), ...handshake("6.1", sio), ...heartbeat("6.2", sio), ...close("6.3", sio),
  ...upgrade("6.4", sio, sioHello), ...connects(), ...events(), ...clients()];
export const calm = [...limits()]; // with pings as they are by default
