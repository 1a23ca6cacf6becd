// What a client library would hide: requests and frames, one by one.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { Raw } from "../integration/lib/raw.mjs";
import { sleep, test, until } from "../integration/lib/suite.mjs";

const { WebSocket } = createRequire(new URL("../integration/package.json", import.meta.url))("ws");
const RS = "\x1e";

// No session is pinged, and none ends for being silent, however slow this machine is.
const QUIET = { "sio-ping-interval": "1h", "sio-ping-timeout": "1h" };

// A session that is polled.
async function open(server, query = "") {
  const at = `/socket.io/?EIO=4&transport=polling${query}`;
  const answer = await server.fetch(at);
  const handshake = JSON.parse((await answer.text()).slice(1));
  const path = `${at}&sid=${handshake.sid}`;
  return {
    handshake,
    async get() {
      const response = await server.fetch(path);
      return [response.status, await response.text()];
    },
    post: async (body) => (await server.fetch(path, { method: "POST", body })).status,
    websocket() {
      const ws = new WebSocket(`${server.url}${path}`.replace("http", "ws").replace("polling", "websocket"));
      ws.got = [];
      ws.on("message", (data) => ws.got.push(String(data)));
      return new Promise((resolve, reject) => ws.once("open", () => resolve(ws)).once("error", reject));
    },
  };
}

// One that is connected, and polled as far as that.
async function connected(t, server) {
  const { token } = await server.login(t.name("ana"));
  const session = await open(server);
  assert.equal(await session.post(`40${JSON.stringify({ token })}`), 200);
  let said = "";
  while (!said.includes('42["session"')) said += (await session.get())[1];
  return { token, session };
}

// It is over once it takes no POST; a pong changes nothing.
function over(session) {
  return until("the session is over", async () => (await session.post("3")) === 400);
}

test("casts wait for the next GET, a few of them", async (t) => {
  const server = await t.start(QUIET), room = t.room();
  const { session } = await connected(t, server);
  const bob = await t.person("bob", { server });
  await bob.call("join", { room });
  await session.post(`421["join",{"room":"${room}","last":0}]`);
  for (let said = ""; !said.includes("431["); ) said += (await session.get())[1];
  await bob.call("typing", { room }); // the session follows the room
  for (let said = ""; !said.includes('42["typing"'); ) said += (await session.get())[1];
  const casts = async () => {
    const metrics = await server.metrics();
    return metrics("polylog_casts_total") + metrics("polylog_casts_dropped_total");
  };
  const before = await casts();
  for (let i = 0; i < 100; i++) await bob.call("typing", { room });
  await until("all have come", async () => (await casts()) >= before + 100);
  const [, said] = await session.get();
  const packets = said.split(RS);
  assert.ok(packets.every((packet) => /^42\["(typing|presence)"/.test(packet)), said);
  // the last begins within CASTS_MAX of src/server/sio/eio.c
  const bytes = Buffer.byteLength(said), last = Buffer.byteLength(packets.at(-1));
  assert.ok(bytes >= 4096 && bytes - last - 1 < 4096, `${bytes} bytes, the last ${last}`);
  await bob.call("send", { room, text: "needed" });
  assert.match((await session.get())[1], /needed/);
});

test("the last words wait for who is not there just now", async (t) => {
  const server = await t.start(QUIET);
  const { token, session } = await connected(t, server);
  await server.command("logout", {}, token);
  await over(session);
  const [status, said] = await session.get();
  assert.deepEqual([status, said.split(RS).at(-1)], [200, "1"]);
  assert.equal((await session.get())[0], 400);
});

test("nobody is present by a session that has ended, and nothing is said behind its last words", async (t) => {
  const server = await t.start(QUIET), room = t.room();
  const { token, session } = await connected(t, server);
  const bob = await t.person("bob", { server });
  const present = (n) => bob.event(({ event, count }) => event === "presence" && count === n);
  await bob.call("join", { room });
  await session.post(`421["join",{"room":"${room}","last":0}]`);
  await present(2);
  await server.command("logout", {}, token);
  await over(session);
  await present(1);
  await bob.call("send", { room, text: "to nobody" });
  const [status, said] = await session.get();
  assert.deepEqual([status, said.split(RS).at(-1)], [200, "1"]);
});

test("the last words reach who changes the transport", async (t) => {
  const server = await t.start(QUIET);
  const { token, session } = await connected(t, server);
  const ws = await session.websocket();
  ws.send("2probe");
  await until("proven", () => ws.got.includes("3probe"));
  await server.command("logout", {}, token);
  await over(session);
  ws.send("5");
  await until("told", () => ws.got.includes("1"));
  await until("closed", () => ws.readyState === WebSocket.CLOSED);
});

test("no request is a session's that has said that it upgrades", async (t) => {
  const server = await t.start({ workers: 1, ...QUIET });
  const session = await open(server);
  const ws = await session.websocket();
  process.kill(server.pid, "SIGSTOP"); // so that it is told of all at once
  ws.send("2probe");
  ws.send("5");
  await sleep(5);
  const late = session.get();
  await sleep(30);
  process.kill(server.pid, "SIGCONT");
  assert.equal((await late)[0], 400);
  ws.send('40{"token":"abc"}');
  await until("it is the WebSocket's", () => ws.got.some((text) => text.startsWith("44")));
  ws.terminate();
});

test("so many tokens are looked at, whatever the namespace", async (t) => {
  const server = await t.start(QUIET);
  const { token, session } = await connected(t, server);
  const ws = await session.websocket();
  ws.send("2probe");
  await until("proven", () => ws.got.includes("3probe"));
  ws.send("5");
  for (let i = 0; i < 40; i++) ws.send(`40/team,${JSON.stringify({ token: `${token}x` })}`);
  await until("closed", () => ws.readyState === WebSocket.CLOSED);
  assert.equal(ws.got.filter((text) => text.startsWith("44/team,")).length, 16);
});

test("who leaves the last namespace may come back", async (t) => {
  const server = await t.start(QUIET);
  const { token, session } = await connected(t, server);
  assert.equal(await session.post("41"), 200);
  assert.equal(await session.post(`40${JSON.stringify({ token })}`), 200);
  assert.match((await session.get())[1], /^40\{/);
});

test("nobody sleeps in a session without a namespace", async (t) => {
  const server = await t.start({ "auth-timeout": "1s", ...QUIET });
  const session = await open(server);
  assert.deepEqual(await session.get(), [200, "1"]);
  assert.equal((await session.get())[0], 400);
});

test("who leaves the last namespace does not sleep there", async (t) => {
  const server = await t.start({ "auth-timeout": "1s", ...QUIET });
  const { token } = await server.login(t.name("ana"));
  const raw = await Raw.connect(server.port);
  t.after(() => raw.kill());
  raw.socket.cork(); // the namespace is joined with the handshake: nobody is late for it
  const upgraded = raw.upgrade({ path: "/socket.io/?EIO=4&transport=websocket" });
  raw.send(1, `40${JSON.stringify({ token })}`);
  raw.socket.uncork();
  await upgraded;
  const said = [];
  while (!said.some((text) => text.startsWith('42["session"'))) said.push(String((await raw.frame()).payload));
  assert.ok(said.some((text) => text.startsWith("40{")), said.join());
  raw.send(1, "41");
  assert.equal((await raw.close()).code, 1000);
});

test("the handshake says what the settings are", async (t) => {
  const server = await t.start({
    "sio-ping-interval": "7s", "sio-ping-timeout": "3s", "sio-max-payload": 2000, "sio-path": "/x" });
  const answer = await server.fetch("/x/?EIO=4&transport=polling");
  const { sid, ...said } = JSON.parse((await answer.text()).slice(1));
  assert.match(sid, /^[\w-]{34}$/);
  assert.deepEqual(said, { upgrades: ["websocket"], pingInterval: 7000, pingTimeout: 3000, maxPayload: 2000 });
  const post = (n) =>
    server.fetch(`/x/?EIO=4&transport=polling&sid=${sid}`, { method: "POST", body: "4".padEnd(n, "x") });
  assert.equal((await post(2001)).status, 413);
});

test("pages of other origins: those that are listed, with what browsers ask first", async (t) => {
  const [ours, other] = ["https://app.example", "https://evil.example"];
  const server = await t.start({ origins: ours });
  const ask = (origin, options = {}) =>
    server.fetch("/socket.io/?EIO=4&transport=polling", { ...options, headers: { Origin: origin, ...options.headers } });
  const yes = await ask(ours);
  assert.deepEqual([yes.status, yes.headers.get("access-control-allow-origin"),
    yes.headers.get("access-control-allow-credentials")], [200, ours, "true"]);
  const no = await ask(other);
  assert.deepEqual([no.status, (await no.json()).code, no.headers.get("access-control-allow-origin")], [403, 4, null]);
  const first = await ask(ours, { method: "OPTIONS", headers: { "Access-Control-Request-Method": "POST" } });
  assert.deepEqual([first.status, first.headers.get("access-control-allow-methods")], [204, "GET, POST"]);
  const ws = new WebSocket(`${server.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`, { origin: other });
  const status = await new Promise((resolve) => ws.once("unexpected-response", (_, answer) => resolve(answer.statusCode)));
  assert.equal(status, 403);
});
