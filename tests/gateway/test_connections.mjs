// Handshakes, routes and closes, with back ends over HTTP.
import assert from "node:assert/strict";
import { test, until } from "../integration/lib/suite.mjs";
import { Backend, Gateway, file, withBackend } from "./lib/gateway.mjs";

const ID = /^[A-Za-z0-9_-]{15}=$/;

test("a connection's events go to its back end", async (t) => {
  const { backend, gateway } = await withBackend(t);
  const person = await gateway.person(t, { query: "?token=1" });
  person.say({ action: "sendmessage", text: "hi" });
  const message = await backend.event("MESSAGE");
  assert.equal(message.body, '{"action":"sendmessage","text":"hi"}');
  assert.equal(message.headers["x-ws-route"], "$default");
  person.socket.close(4000, "enough");
  assert.equal((await person.closed).code, 4000);
  const [connect, gone] = [await backend.event("CONNECT"), await backend.event("DISCONNECT")];
  assert.match(connect.headers["x-ws-connection-id"], ID);
  assert.equal(connect.body, "");
  assert.equal(gone.body, "");
  for (const name of ["x-ws-connection-id", "x-ws-api", "x-ws-stage", "x-ws-connected-at", "x-ws-source-ip"]) {
    assert.equal(gone.headers[name], connect.headers[name], name);
    assert.equal(message.headers[name], connect.headers[name], name);
  }
  assert.match(message.headers["user-agent"], /^AmazonAPIGateway_/);
});

test("a back end refuses a connection by its status", async (t) => {
  const { backend, gateway } = await withBackend(t, ({ headers }) => ({
    status: headers["x-ws-event"] === "CONNECT" ? 400 : 200,
  }));
  const error = await gateway.person(t).then(
    () => assert.fail("it was let in"),
    (reason) => reason,
  );
  assert.equal(error.status, 400);
  assert.match(JSON.parse(error.body).connectionId, ID);
  assert.equal(backend.requests.length, 1, "no $disconnect follows");
});

test("a back end that cannot be reached", async (t) => {
  const gateway = await Gateway.start(t, ["--route", "$connect=http://127.0.0.1:1/", "--route", "$default=mock"]);
  await assert.rejects(gateway.person(t), { status: 502 });
  const other = await Gateway.start(t, ["--route", "$default=http://127.0.0.1:1/"]);
  const person = await other.person(t);
  person.say("anything");
  const { message, connectionId, requestId } = JSON.parse(await person.frame());
  assert.equal(message, "Internal server error");
  assert.match(connectionId, ID);
  assert.match(requestId, ID);
});

test("an integration that takes too long", async (t) => {
  const never = new Promise(() => undefined);
  const backend = await Backend.start(t, () => never);
  const limit = ["--integration-timeout", "50ms"];
  const gateway = await Gateway.start(t, ["--route", `$default=${backend.url}`, ...limit]);
  const person = await gateway.person(t);
  person.say("hang");
  assert.equal(JSON.parse(await person.frame()).message, "Endpoint request timed out");
  const closed = await Gateway.start(t, ["--route", `$connect=${backend.url}`, ...limit]);
  await assert.rejects(closed.person(t), { status: 504 });
});

test("the subprotocol comes back when the back end says so", async (t) => {
  const { gateway } = await withBackend(t, ({ headers }) =>
    headers["x-ws-event"] === "CONNECT" ? { headers: { "Sec-WebSocket-Protocol": "two" } } : {},
  );
  const person = await gateway.person(t, { protocols: ["one", "two"] });
  assert.equal(person.socket.protocol, "two");
});

test("routes are selected by the message's action", async (t) => {
  const backend = await Backend.start(t);
  const gateway = await Gateway.start(t, [
    ...["send", "7", "true"].flatMap((key) => ["--route", `${key}=${backend.url}/${key}`]),
  ]);
  const person = await gateway.person(t);
  for (const action of ["send", 7, true]) person.say({ action });
  await until("three requests came", () => backend.requests.length === 3);
  assert.deepEqual(backend.requests.map(({ url }) => url).sort(), ["/7", "/send", "/true"]);
  person.say({ action: "none" });
  assert.equal(JSON.parse(await person.frame()).message, "Forbidden");
  person.say("not JSON");
  assert.equal(JSON.parse(await person.frame(1)).message, "Forbidden");
});

test("a route with an answer sends it", async (t) => {
  const { gateway } = await withBackend(t, ({ body }) => ({ text: `you said ${body}` }), []);
  const silent = await gateway.person(t);
  silent.say("x");
  const backend = await Backend.start(t, ({ body }) => ({ text: `you said ${body}` }));
  const other = await Gateway.start(t, ["--route", `$default=${backend.url}!`]);
  const person = await other.person(t);
  person.say("something");
  assert.equal(await person.frame(), "you said something");
  assert.deepEqual(silent.frames, []);
});

test("limits of frames and messages", async (t) => {
  const { backend, gateway } = await withBackend(t);
  const close = async (send) => {
    const person = await gateway.person(t);
    send(person.socket);
    return (await person.closed).code;
  };
  const fragments = (n) => (socket) => {
    for (let i = 0; i < n; i++) socket.send("x".repeat(32 * 1024), { fin: i === n - 1 });
  };
  assert.equal(await close((socket) => socket.send("x".repeat(32 * 1024 + 1))), 1009);
  assert.equal(await close(fragments(5)), 1009);
  assert.equal(await close((socket) => socket.send(Buffer.from("binary"))), 1003);
  const person = await gateway.person(t);
  fragments(4)(person.socket);
  const whole = await backend.event("MESSAGE");
  assert.equal(whole.body.length, 128 * 1024);
  person.socket.terminate();
  await until("the gateway closed them", async () => (await gateway.metrics()).gateway_connections === 0);
});

test("an idle connection, and one of two hours, by a faster clock", async (t) => {
  const idle = await Gateway.start(t, ["--route", "$default=mock", "--speed", "10000", "--life", "0"]);
  const person = await idle.person(t);
  assert.deepEqual(await person.closed, { code: 1001, reason: "Going away" });
  const old = await Gateway.start(t, ["--route", "$default=mock", "--speed", "10000", "--idle-after", "0"]);
  const start = Date.now();
  assert.equal((await (await old.person(t)).closed).code, 1001);
  assert.ok(Date.now() - start >= 700, "two hours are 0.72 s of this clock");
  const { gateway_connected_minutes } = await old.metrics();
  assert.ok(gateway_connected_minutes >= 119, `${gateway_connected_minutes}`);
});

test("what is no WebSocket at the stage, and other paths", async (t) => {
  const gateway = await Gateway.start(t, ["--route", "$default=mock", "--stage", "live"]);
  assert.equal((await fetch(`${gateway.http}/live`)).status, 426);
  const other = await fetch(`${gateway.http}/prod`);
  assert.deepEqual([other.status, await other.json()], [403, { message: "Forbidden" }]);
  await gateway.stop();
  assert.equal(gateway.code, 0);
  assert.match(gateway.out, /On AWS this would have cost \$/);
});

// Which outcomes many connections at once have, with a rate of one a second.
async function outcomes(t, gateway) {
  const asked = Array.from({ length: 60 }, () => gateway.person(t).then(() => 101, ({ status }) => status));
  return [...new Set(await Promise.all(asked))].sort();
}

test("new connections are limited", async (t) => {
  const gateway = await Gateway.start(t, ["--route", "$default=mock", "--connect-rate", "1"]);
  assert.deepEqual(await outcomes(t, gateway), [101, 429]);
});

test("the end closes connections and runs $disconnect", async (t) => {
  const { backend, gateway } = await withBackend(t);
  const person = await gateway.person(t);
  await gateway.stop();
  assert.equal((await person.closed).code, 1001);
  assert.ok(backend.requests.some(({ headers }) => headers["x-ws-event"] === "DISCONNECT"));
});

const MANY = Array.from({ length: 7 }, () => ["--listen", "127.0.0.1:0"]).flat();
const FUNCTIONS = new URL("functions/chat.yaml", import.meta.url).pathname;

test("eight addresses, and one more for functions", async (t) => {
  const gateway = await Gateway.start(t, [...MANY, FUNCTIONS]);
  await until("all are listened on", () => gateway.out.match(/\b(ws|https):\/\//g).length === 9);
  assert.equal((await fetch(`${gateway.http}/prod`)).status, 426);
  await gateway.stop();
  assert.equal(gateway.code, 0, gateway.log);
  const more = new Gateway([...MANY, "--listen", "127.0.0.1:0", FUNCTIONS], {});
  await more.exited;
  assert.equal(more.code, 64);
  assert.match(more.log, /--listen: 9 addresses; there may be at most 8/);
});

const echo = (n) => `{mock: '{"statusCode": 200, "n": $input.json("$.n")}', response: '$input.json("$.n")'${n}}`;

test("rates of routes and of the stage", async (t) => {
  const text = `rate: 1\nburst: 3\nroutes:\n  one: ${echo(", rate: 1, burst: 2")}\n  two: ${echo("")}\n  free: ${echo(", rate: 100000, burst: 100000")}\n`;
  const gateway = await Gateway.start(t, [file(t, "rates.yaml", text)]);
  const person = await gateway.person(t);
  const all = ["one", "two", "free"].flatMap((action) => Array.from({ length: 10 }, (_, n) => ({ action, n: `${action} ${n}` })));
  const { _socket: socket } = person.socket;
  socket.cork(); // they come together, so that hardly anything refills meanwhile
  for (const message of all) person.say(message);
  socket.uncork();
  await person.frame(all.length - 1);
  const answers = (action) => person.frames.filter((frame) => frame.startsWith(`"${action} `)).length;
  const throttled = person.frames.map((frame) => JSON.parse(frame)).filter(({ message }) => message === "Too Many Requests");
  assert.equal(answers("free"), 10);
  assert.ok(answers("one") >= 2 && answers("one") < 10, `${answers("one")}`);
  assert.ok(answers("two") >= 3 && answers("two") < 10, `${answers("two")}`);
  assert.equal(throttled.length, 20 - answers("one") - answers("two"));
  const metrics = await gateway.metrics();
  assert.equal(metrics.gateway_throttled_total, throttled.length);
  assert.equal(metrics.gateway_messages_in_total, 30);
  assert.equal(metrics.gateway_metered_messages_total, 60 - throttled.length, "a throttled message costs nothing");
});

test("a rate of $connect", async (t) => {
  const gateway = await Gateway.start(t, [file(t, "rates.yaml", "routes:\n  $connect: {mock: 200, rate: 1, burst: 1}\n")]);
  assert.deepEqual(await outcomes(t, gateway), [101, 429]);
});

test("parameters that $connect requires", async (t) => {
  const required = "required: [route.request.querystring.token, route.request.header.X-Who]";
  const path = file(t, "required.yaml", `routes:\n  $connect: {mock: 200, ${required}}\n  ping: {mock: 200}\n`);
  const gateway = await Gateway.start(t, [path]);
  const headers = { "X-Who": "ana" };
  await gateway.person(t, { query: "?token=1", headers });
  const refusal = async (options) => {
    const { status, body } = await gateway.person(t, options).catch((error) => error);
    return [status, JSON.parse(body).message];
  };
  assert.deepEqual(await refusal({ headers }), [400, "Missing required request parameters: [token]"]);
  assert.deepEqual(await refusal({ query: "?token=1" }), [400, "Missing required request parameters: [X-Who]"]);
  const other = await Gateway.start(t, [path, "--connect-incomplete", "403"]);
  await assert.rejects(other.person(t), { status: 403 });
});

test("the fault reorder", async (t) => {
  const path = file(t, "echo.yaml", `routes:\n  $default: ${echo("")}\n`);
  const order = async (flags) => {
    const person = await (await Gateway.start(t, [path, ...flags])).person(t);
    const sent = Array.from({ length: 20 }, (_, n) => n);
    for (const n of sent) person.say({ n });
    await person.frame(sent.length - 1);
    const got = person.frames.map(Number);
    assert.deepEqual([...got].sort((a, b) => a - b), sent, "each once");
    return got;
  };
  const sorted = await order([]);
  assert.deepEqual(sorted, [...sorted].sort((a, b) => a - b));
  const mixed = await order(["--reorder", "500", "--reorder-by", "1s", "--seed", "1"]);
  assert.notDeepEqual(mixed, sorted);
});
