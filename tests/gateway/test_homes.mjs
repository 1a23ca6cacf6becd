// The chat server behind an API Gateway: `polylog serve --gateway-path`, one node.
import assert from "node:assert/strict";
import { refused, test, until } from "../integration/lib/suite.mjs";
import { freePort } from "../integration/lib/ports.mjs";
import { Client } from "../integration/lib/client.mjs";
import { come, routes, scene, SECRET, startGateway, startNode } from "./lib/homes.mjs";

test("two people talk through the gateway", async (t) => {
  const at = await scene(t);
  const room = t.room();
  const [ana, ben] = [await come(t, at, "ana"), await come(t, at, "ben")];
  await ana.call("join", { room, create: true });
  await ben.call("join", { room });
  const { seq } = await ana.call("send", { room, text: "hello", cid: "one" });
  const message = await ben.event({ event: "message", room, seq });
  assert.equal(message.text, "hello");
  assert.equal(message.from.id, ana.user.id);
  await ben.call("react", { room, target: seq, emoji: "👍" });
  await ana.event({ event: "react", room, target: seq });
  await ana.call("edit", { room, target: seq, text: "hello, all" });
  assert.equal((await ben.event({ event: "edit", room })).text, "hello, all");
  const again = await ana.call("send", { room, text: "hello", cid: "one", seen: seq - 1 });
  assert.equal(again.seq, seq);
  const { entries } = await ben.call("history", { room, limit: 10 });
  assert.ok(entries.some((entry) => entry.text === "hello, all"));
  const { room: direct } = await ana.call("dm", { user: ben.user.id });
  await ana.call("join", { room: direct.id });
  await ana.call("send", { room: direct.id, text: "for you alone" });
  await ben.call("join", { room: direct.id, after: 0 });
  assert.equal((await ben.event({ event: "message", room: direct.id })).text, "for you alone");
});

test("casts come through the gateway", async (t) => {
  const at = await scene(t);
  const room = t.room();
  const [ana, ben] = [await come(t, at, "ana"), await come(t, at, "ben")];
  await ana.call("join", { room, create: true });
  await ben.call("join", { room });
  await ana.event((frame) => frame.event === "presence" && frame.room === room && frame.count === 2);
  await until("typing is shown", async () => {
    await ana.call("typing", { room });
    return ben.frames.some(({ event, from }) => event === "typing" && from.id === ana.user.id);
  });
  const { seq, count } = await ana.call("send", { room, text: "read this" });
  await until("a position is shown", async () => {
    await ben.call("read", { room, seq, count });
    return ana.frames.some(({ event, user }) => event === "read" && user === ben.user.id);
  });
  ben.close();
  await ana.event((frame) => frame.event === "presence" && frame.room === room && frame.count === 1);
});

test("many messages come in order, once", async (t) => {
  const at = await scene(t);
  const room = t.room();
  const [ana, ben] = [await come(t, at, "ana"), await come(t, at, "ben")];
  await ana.call("join", { room, create: true });
  await ben.call("join", { room });
  const n = 200;
  await Promise.all(Array.from({ length: n }, (_, i) => ana.call("send", { room, text: `${i}`, cid: `c${i}` })));
  for (const person of [ana, ben]) {
    const log = await person.events({ event: "message", room }, n);
    log.reduce((last, { seq }) => (assert.equal(seq, last + 1), seq), log[0].seq - 1);
  }
});

test("a token in the handshake says who it is", async (t) => {
  const port = await freePort();
  const server = await startNode(t, port, { origins: "https://chat.example.org" });
  const api = routes(server.url, SECRET, {
    connect: {
      "X-Ws-Token": "route.request.querystring.token",
      "X-Ws-Protocol": "route.request.header.Sec-WebSocket-Protocol",
      "X-Ws-Origin": "route.request.header.Origin",
    },
  });
  const at = { server, gateway: await startGateway(t, port, api) };
  const { token, user } = await server.login(t.name("ana"));
  const ana = await come(t, at, undefined, { query: `?token=${token}`, protocols: ["polylog.v1"] });
  assert.equal(ana.socket.protocol, "polylog.v1");
  const { rooms } = await ana.call("rooms");
  assert.ok(Array.isArray(rooms));
  assert.equal((await ana.call("auth", { token })).user.id, user.id);
  await assert.rejects(come(t, at, undefined, { query: "?token=nonsense" }), { status: 401 });
  await assert.rejects(come(t, at, undefined, { origin: "https://elsewhere.example.org" }), { status: 403 });
  await come(t, at, undefined, { origin: "https://chat.example.org" });
});

test("who does not know the secret is refused", async (t) => {
  const port = await freePort();
  const old = "an earlier secret of the same length at least";
  const server = await startNode(t, port, { "gateway-secret-old": old });
  const post = (secret, path = "/gw/connect", more = {}) =>
    server.fetch(path, {
      method: "POST",
      headers: { "X-Ws-Secret": secret, "X-Ws-Connection-Id": "L0SM9cOFvHcCIhw=", ...more },
    });
  for (const secret of ["", "wrong", SECRET.slice(1), `${SECRET} `.repeat(2)]) {
    const response = await post(secret);
    assert.equal(response.status, 403);
    assert.equal((await response.json()).error.code, "bad_secret");
  }
  assert.equal((await post(SECRET)).status, 200);
  assert.equal((await post(old)).status, 200);
  assert.equal((await post(SECRET, "/gw/nothing")).status, 404);
  assert.equal((await post(SECRET, "/gw/connect", { "X-Ws-Connection-Id": "a b" })).status, 400);
  assert.equal((await server.fetch("/gw/connect", { headers: { "X-Ws-Secret": SECRET } })).status, 405);
  await until("the log says so", () => server.log.includes("gateway_refused"));
  assert.ok(!server.log.includes(SECRET) && !server.log.includes(old));
  await assert.rejects(come(t, { server, gateway: await startGateway(t, port, routes(server.url, "no secret")) }), {
    status: 403,
  });
});

test("a login by name stays for those on this machine", async (t) => {
  const at = await scene(t);
  const ana = await come(t, at);
  await refused("login_closed", ana.call("login", { name: t.name("ana") }));
});

test("what is not a command is answered", async (t) => {
  const at = await scene(t);
  const ana = await come(t, at, "ana");
  ana.write("nonsense");
  assert.equal((await ana.event(({ error }) => error?.code === "bad_json")).id, null);
  await refused("unknown_command", ana.call("dance"));
  await refused("no_such_room", ana.call("send", { room: "nowhere", text: "a" }));
  ana.write({ action: "ping" }); // without an id it is not answered
  const { now } = await ana.call("ping");
  assert.ok(now > 0);
  assert.equal(ana.closing, undefined);
});

test("a command ahead of auth waits for it", async (t) => {
  const at = await scene(t);
  const room = t.room();
  const { token } = await at.server.login(t.name("ana"));
  const ana = await come(t, at);
  const joined = ana.call("join", { room, create: true });
  await ana.call("ping");
  await ana.call("auth", { token });
  assert.equal((await joined).room.id, room);
  const stranger = await come(t, at);
  await refused("unauthenticated", stranger.call("join", { room }));
});

test("who does not log in is told, and ended", async (t) => {
  const at = await scene(t, { node: { "auth-timeout": "200ms" } });
  const ana = await come(t, at);
  assert.equal((await ana.event({ event: "closing" })).code, 4408);
  await ana.closed;
});

test("a session that ends is ended", async (t) => {
  const at = await scene(t);
  const ana = await come(t, at, "ana");
  await at.server.command("logout", {}, ana.token);
  assert.equal((await ana.event({ event: "closing" })).code, 4401);
  await ana.closed;
  // The gateway may close it before the server has heard that it did.
  await until("it is gone", async () => (await at.server.metrics())('polylog_connections_open{door="gw"}') === 0);
});

test("who goes is gone", async (t) => {
  const at = await scene(t);
  const ana = await come(t, at, "ana");
  const open = async () => (await at.server.metrics())('polylog_connections_open{door="gw"}');
  assert.equal(await open(), 1);
  ana.close();
  await until("the connection is gone", async () => (await open()) === 0);
});

test("who goes unseen is found gone by the next message", async (t) => {
  const at = await scene(t, { gateway: ["--lose-disconnect", "1000"] });
  const room = t.room();
  const [ana, ben] = [await come(t, at, "ana"), await come(t, at, "ben")];
  await ana.call("join", { room, create: true });
  await ben.call("join", { room });
  ben.kill();
  await until("the gateway has seen it", async () => {
    await ana.call("send", { room, text: "are you there" });
    return (await at.server.metrics())('polylog_connections_open{door="gw"}') === 1;
  });
  assert.ok((await at.server.metrics())('polylog_gateway_posts_total{result="gone"}') > 0);
});

test("throttled, doubled and overtaken, nothing is lost", async (t) => {
  const faults = ["--throttle", "300", "--duplicate", "200", "--reorder", "200", "--reorder-by", "50ms", "--seed", "7"];
  const at = await scene(t, { gateway: faults });
  const room = t.room();
  const [ana, ben] = [await come(t, at, "ana"), await come(t, at, "ben")];
  await ana.call("join", { room, create: true });
  await ben.call("join", { room });
  const n = 50;
  const sent = await Promise.all(
    Array.from({ length: n }, (_, i) => ana.call("send", { room, text: `${i}`, cid: `c${i}`, seen: 0 })),
  );
  const seqs = new Set(sent.map(({ seq }) => seq));
  assert.equal(seqs.size, n);
  const log = await ben.events({ event: "message", room }, n);
  assert.equal(log.length, n);
  assert.ok((await at.server.metrics())('polylog_gateway_posts_total{result="throttled"}') > 0);
});

test("a refused signature is said loudly, and mended", async (t) => {
  const port = await freePort();
  const server = await startNode(t, port);
  const denied = ["--access-keys", "AKIDTEST:a-secret-of-the-tests:denied"];
  const at = { server, gateway: await startGateway(t, port, routes(server.url), denied) };
  const room = t.room();
  const ana = await come(t, at, "ana");
  await ana.call("join", { room, create: true });
  await ana.call("send", { room, text: "is shown to nobody yet" });
  await until("the alarm is raised", () => server.log.includes('"reason":"gateway"'));
  const health = await (await server.fetch("/health")).text();
  assert.match(health, /gateway/);
});

test("it does not start without a secret, or without credentials", async (t) => {
  for (const [flags, env, why] of [
    [{ "gateway-secret": null }, {}, "gateway-secret"],
    [{ "gateway-secret": "short" }, {}, "at least 32 characters"],
    [{ "gateway-path": "gw" }, {}, "must begin with /"],
    [{ "gateway-callback": "here" }, {}, "gateway-callback"],
  ]) {
    const { Server } = await import("../integration/lib/server.mjs");
    const { behind } = await import("./lib/homes.mjs");
    const server = await Server.start({ ...behind(1), ...flags }, { env, ready: false });
    t.after(() => server.close());
    await server.ended;
    assert.notEqual(server.exit, 0);
    assert.ok(server.log.includes(why), `${why}: ${server.log}`);
  }
});

test("an answer that is too long is an error", async (t) => {
  const at = await scene(t, { node: { "history-max": "1m" } });
  const room = t.room();
  const ana = await come(t, at, "ana");
  await ana.call("join", { room, create: true });
  const text = "0123456789".repeat(300);
  for (let i = 0; i < 50; i++) await at.server.command("send", { room, text: `${i} ${text}` }, ana.token);
  await refused("answer_too_long", ana.call("history", { room, limit: 500 }));
  assert.ok((await ana.call("history", { room, limit: 10 })).entries.length > 0);
});

test("one connection is not kept by another's", async (t) => {
  const at = await scene(t);
  const ana = await Client.connect(at.gateway.url);
  t.after(() => ana.kill());
  assert.ok((await ana.call("ping")).now > 0);
});

test("frames that say their place are taken in order", async (t) => {
  const faults = ["--reorder", "500", "--reorder-by", "300ms", "--duplicate", "300", "--seed", "11"];
  const at = await scene(t, { gateway: faults });
  const room = t.room();
  const { token } = await at.server.login(t.name("ana"));
  const ana = await come(t, at);
  let n = 0;
  const call = (action, params) => ana.call(action, { ...params, n: ++n });
  const [auth, join, ...sent] = await Promise.all([
    call("auth", { token }),
    call("join", { room, create: true }),
    ...Array.from({ length: 50 }, (_, i) => call("send", { room, text: `${i}`, cid: `c${i}`, seen: 0 })),
  ]);
  assert.ok(auth.user.id > 0 && join.room.id === room);
  sent.reduce((last, { seq }) => (assert.equal(seq, last + 1), seq), sent[0].seq - 1);
  ana.write({ action: "send", id: 900, room, text: "one more", n: n + 3 }); // two never come
  await ana.event((frame) => frame.id === 900 && frame.ok !== undefined);
});

test("who makes too much work is told, and ended", async (t) => {
  // Work that was done is forgotten in seconds: much is asked at once, and little is let do.
  const at = await scene(t, { node: { "work-max": "64k", "frame-max": "32k", "work-before-login": "16k" } });
  const stranger = await come(t, at);
  const dance = () => stranger.call("dance").then(assert.fail, ({ code }) => code);
  for (let i = 0; i < 10; i++) assert.equal(await dance(), "unknown_command");
  // Answers and the connection's end come by different ways.
  const answers = await Promise.all(Array.from({ length: 400 }, dance));
  for (const code of answers) assert.ok(["unknown_command", "unauthenticated", undefined].includes(code), code);
  assert.equal((await stranger.event({ event: "closing" })).code, 1008);
  await stranger.closed;
});
