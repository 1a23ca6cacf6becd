// The chat as clients of Socket.IO see it.
import assert from "node:assert/strict";
import { certificate } from "../integration/lib/certificate.mjs";
import { Issuer } from "../integration/lib/issuer.mjs";
import { freePort } from "../integration/lib/server.mjs";
import { sleep, test, until } from "../integration/lib/suite.mjs";
import { Peer, TRANSPORTS, at } from "./peer.mjs";

for (const transports of Object.keys(TRANSPORTS)) {
  const options = { transports };

  test(`join, send, history, ${transports}`, async (t) => {
    const room = t.room();
    const [ana, bob] = [await Peer.connect(t, "ana", options), await Peer.connect(t, "bob", options)];
    assert.equal(ana.connects[0].recovered ?? false, false);
    const { room: made } = await ana.call("join", { room, last: 0 });
    assert.deepEqual([made.id, made.head.seq], [room, 1]);
    await bob.call("join", { room, last: 10 });
    const { seq } = await ana.call("send", { room, text: "h\u00e9 \u{1f600}", cid: "c1", seen: 1 });
    assert.equal((await ana.call("send", { room, text: "h\u00e9 \u{1f600}", cid: "c1", seen: 1 })).duplicate, true);
    assert.deepEqual(await bob.shown(room, 1), ["h\u00e9 \u{1f600}"]);
    const { body, offset } = await ana.event("message");
    assert.deepEqual([body.seq, body.from.name, body.cid], [seq, ana.name, "c1"]);
    assert.equal(offset, `${room}.${made.epoch}.${seq}`);
    await ana.call("react", { room, target: seq, emoji: "👍" });
    assert.equal((await bob.event("react")).body.emoji, "👍");
    const { entries } = await bob.call("history", { room });
    assert.deepEqual(entries.map(({ text }) => text), [body.text]);
    await assert.rejects(bob.call("edit", { room, target: seq, text: "x" }), { code: "forbidden" });
    await assert.rejects(bob.call("nonsense", {}), { code: "unknown_command" });
    await assert.rejects(bob.call("send", { room }), { code: "missing_parameter", parameter: "text" });
    await assert.rejects(bob.call("send", { room, text: Buffer.from("bytes") }), { code: "bad_type" });
    bob.socket.emit("send", { room });
    assert.equal((await bob.event("error")).body.error.code, "missing_parameter");
    assert.ok((await bob.call("ping")).now > 0);
    if (transports === "both") await until("upgraded", () => ana.manager.engine.transport.name === "websocket");
  });

  test(`the usual tutorial, ${transports}`, async (t) => {
    const [room, other] = [t.room("a"), t.room("b")];
    const server = await t.server;
    const people = [];
    for (const name of ["ana", "bob", "cleo"])
      people.push(await Peer.connect(t, name, { ...options, auth: { username: t.name(name) } }));
    const [ana, bob, cleo] = people;
    assert.ok((await ana.event("session")).body.token);
    ana.socket.emit("joinRoom", { username: "ana", room });
    bob.socket.emit("join", room);
    cleo.socket.emit("join", other);
    await cleo.event("room");
    await until("both are there", () => ana.events.some(({ event }) => event === "offset") &&
      bob.events.some(({ event }) => event === "offset"));
    bob.socket.emit("typing");
    assert.equal((await ana.event("typing")).body.on, true);
    bob.socket.emit("stop typing", room);
    await ana.event("typing", ({ on }) => !on);
    ana.socket.emit("chat message", "hello");
    bob.socket.emit("chatMessage", "hi");
    await ana.shown(room, 2);
    await bob.shown(room, 2);
    await bob.call("leave", room);
    await ana.call("send", room, "gone?");
    await bob.call("join", room); // and what was said before is shown, to him for the first time
    await ana.call("send", room, "again");
    await bob.event("message", ({ text }) => text === "again");
    const again = bob.texts(room), talk = again.slice(0, 2);
    assert.deepEqual([...talk].sort(), ["hello", "hi"]);
    assert.deepEqual(again.slice(2), [...talk, "gone?", "again"]);
    assert.deepEqual(cleo.log(room), []);
    assert.ok((await server.metrics())('polylog_connections_open{door="socketio"}') >= 3);
  });
}

test("who is refused", async (t) => {
  const nobody = await Peer.connect(t, "nobody", { auth: {} });
  assert.deepEqual([nobody.error.message, nobody.error.data.code], ["Log in first.", "unauthenticated"]);
  const wrong = await Peer.connect(t, "wrong", { auth: { token: "abc" } });
  assert.equal(wrong.error.data.code, "bad_token");
  const odd = await Peer.connect(t, "odd", { auth: { username: "\u0001" } });
  assert.equal(odd.error.data.code, "bad_name");
  const server = await t.start({ "sio-path": "/chat/" });
  const elsewhere = await Peer.connect(at(t, server), "ana", {
    options: { path: "/chat" } });
  assert.ok(elsewhere.socket.connected);
  assert.equal((await server.fetch("/socket.io/?EIO=4&transport=polling")).status, 404);
});

test("a session that is ended is gone here too", async (t) => {
  const ana = await Peer.connect(t, "ana");
  const server = await t.server;
  await server.command("logout", {}, ana.token);
  await until("refused", () => ana.error?.data?.code === "revoked");
});

// A server, and tokens of somebody that expire at a second.
async function issued(t) {
  const issuer = await Issuer.start();
  t.after(() => issuer.stop());
  const server = await t.start({ issuer: issuer.url, audience: "chat", "issuer-skew": "0" });
  await until("the server has the keys", () => server.command("rooms", {}, issuer.token()).then(() => true, () => false));
  return {
    context: at(t, server),
    token: (sub, exp) => issuer.token({ sub, preferred_username: sub, jti: `${exp}`, exp }),
    soon: (s) => Math.floor(Date.now() / 1000) + s,
  };
}

// Expiry is announced a minute ahead: of these tokens at once. What must come before it has
// most of that minute.
test("a session is announced before it expires, and renewed", async (t) => {
  const { context, token, soon } = await issued(t);
  await Promise.all(
    Object.keys(TRANSPORTS).map(async (transports) => {
      const first = soon(45), second = first + 10, of = (exp) => token(transports, exp);
      const ana = await Peer.connect(context, "ana", { transports, auth: { token: of(first) } });
      let ended = 0;
      ana.socket.on("disconnect", () => ended++);
      assert.equal((await ana.event("expiring")).body.expires, first * 1000);
      await assert.rejects(ana.call("auth", { token: `${of(first + 600)}x` }), { code: "bad_token" });
      await assert.rejects(ana.call("auth", { token: token("somebody else", first + 600) }), {
        code: "already_authenticated",
      });
      assert.equal((await ana.call("auth", { token: of(second) })).expires, second * 1000);
      await ana.event("expiring", ({ expires }) => expires === second * 1000);
      assert.equal((await ana.call("auth", { token: of(first + 600) })).expires, (first + 600) * 1000);
      await sleep((second + 1) * 1000 - Date.now());
      await ana.call("rooms");
      assert.equal(ended, 0); // it outlived both
    }),
  );
});

test("a session that expires ends, and its client comes again with another token", async (t) => {
  const { context, token, soon } = await issued(t);
  await Promise.all(
    Object.keys(TRANSPORTS).map(async (transports) => {
      let asked = 0, shown; // the third time it is the second token, again
      const auth = (set) => set({ token: ++asked <= 2 ? (shown = token(transports, soon(30))) : shown });
      const ana = await Peer.connect(context, "ana", { transports, auth });
      let ended = 0;
      ana.socket.on("disconnect", () => ended++);
      await ana.back(2);
      assert.equal(ended, 1);
      await ana.call("rooms");
      await until("its end is told", () => ana.error?.data?.code === "expired");
      assert.deepEqual([ended, asked], [2, 3]);
    }),
  );
});

test("of several namespaces one may expire", async (t) => {
  const server = await t.server;
  const ana = await Peer.connect(t, "ana");
  const bob = await (await t.server).login(t.name("bob"));
  const other = await Peer.connect(t, "bob", { manager: ana.manager, nsp: "/team", auth: { token: bob.token } });
  let why;
  other.socket.on("disconnect", (reason) => (why = reason));
  await server.command("logout", {}, bob.token);
  await until("it is disconnected", () => why);
  assert.equal(why, "io server disconnect");
  await ana.call("rooms");
  assert.equal(ana.connects.length, 1);
});

test("namespaces are the same chat, each for itself", async (t) => {
  const room = t.room();
  const ana = await Peer.connect(t, "ana");
  const { token } = await (await t.server).login(t.name("bob"));
  const other = await Peer.connect(t, "bob", { manager: ana.manager, nsp: "/team", auth: { token } });
  assert.ok(other.socket.connected);
  await ana.call("join", { room, last: 0 });
  await ana.call("send", { room, text: "one" });
  assert.deepEqual(await ana.shown(room, 1), ["one"]);
  assert.deepEqual(other.log(room), []);
  await other.call("join", { room, last: 10 });
  await other.call("send", { room, text: "two" });
  assert.deepEqual(await ana.shown(room, 2), ["one", "two"]);
  assert.deepEqual(await other.shown(room, 2), ["one", "two"]);
  assert.notEqual(other.log(room).at(-1).from.id, ana.user.id);
  ana.cut();
  await ana.back(2);
  await other.back(2);
  assert.deepEqual([ana.connects.at(-1).recovered, other.connects.at(-1).recovered], [true, true]);
  other.socket.disconnect();
  await ana.call("send", { room, text: "three" });
  assert.deepEqual(await ana.shown(room, 3), ["one", "two", "three"]);
  await sleep(50);
  assert.deepEqual(other.texts(room), ["one", "two"]);
  for (let i = 0; i < 9; i++) ana.manager.socket(`/n${i}`, { auth: { token } });
  const many = await Peer.connect(t, "many", { manager: ana.manager, nsp: "/last", auth: { token } });
  assert.equal(many.error.data.code, "too_many_namespaces");
});

test("a server that stops lets go, and its successor goes on", async (t) => {
  const server = await t.start();
  const context = at(t, server);
  const ana = await Peer.connect(context, "ana"), bob = await Peer.connect(context, "bob", { transports: "polling" });
  await ana.call("join", { room: "r" });
  await bob.call("join", { room: "r" });
  await ana.call("send", { room: "r", text: "before" });
  await bob.shown("r", 1);
  await server.restart();
  await Promise.all([ana.back(2), bob.back(2)]);
  assert.deepEqual([ana.connects[1].recovered, bob.connects[1].recovered], [true, true]);
  await bob.call("send", { room: "r", text: "after" });
  assert.deepEqual(await ana.shown("r", 2), ["before", "after"]);
  assert.equal(await server.stop(), 0);
});

for (const transports of Object.keys(TRANSPORTS))
  test(`over TLS, whichever worker is asked, ${transports}`, async (t) => {
    const port = await freePort();
    const server = await t.start({ workers: 3 }, { ready: false });
    await server.stop("SIGKILL");
    const { key, cert } = certificate(server.dir, "127.0.0.1");
    await server.restart({ "tls-listen": `127.0.0.1:${port}`, "tls-key": key, "tls-cert": cert }, "SIGKILL");
    await server.ready();
    const context = at(t, server);
    const options = { transports, url: `https://127.0.0.1:${port}`, options: { rejectUnauthorized: false } };
    const people = [];
    for (let i = 0; i < 6; i++) people.push(await Peer.connect(context, `p${i}`, options));
    for (const peer of people) await peer.call("join", { room: "r" });
    for (const peer of people) await peer.call("send", { room: "r", text: peer.name });
    for (const peer of people) assert.deepEqual(await peer.shown("r", 6), people.map(({ name }) => name));
    for (const peer of people) peer.cut();
    for (const peer of people) assert.equal((await peer.back(2)).recovered, true);
    await people[0].call("send", { room: "r", text: "last" });
    for (const peer of people) assert.equal((await peer.shown("r", 7)).at(-1), "last");
    assert.equal(await server.stop(), 0);
  });

test("sessions that are polled are limited as connections are", async (t) => {
  const gone = { "sio-ping-interval": "1s", "sio-ping-timeout": "1s" }; // who does not poll
  const server = await t.start({ "connects-per-address": 1, "connects-burst": 10, open: true, ...gone });
  const open = () => server.fetch("/socket.io/?EIO=4&transport=polling");
  let answer, n = 0;
  do answer = await open();
  while (answer.status === 200 && ++n < 1000);
  assert.equal(answer.status, 429);
  assert.ok(n >= 8, `${n} were let in`);
  const { error } = await answer.json();
  assert.ok(error.code === "rate_limited" && error.retry_after_ms > 0);
  await until("they are gone", async () => (await server.metrics())('polylog_connections_open{door="socketio"}') === 0);
});
