// Connection state recovery: from cursors, however long the client was away.
import assert from "node:assert/strict";
import { test, until } from "../integration/lib/suite.mjs";
import { Peer, TRANSPORTS } from "./peer.mjs";

const range = (n, text) => Array.from({ length: n }, (_, i) => `${text}${i}`);

for (const transports of Object.keys(TRANSPORTS)) {
  const options = { transports };

  test(`what was missed comes, once, ${transports}`, async (t) => {
    const rooms = [t.room("a"), t.room("b"), t.room("c")];
    const [ana, bob] = [await Peer.connect(t, "ana", options), await Peer.connect(t, "bob", options)];
    for (const room of rooms) {
      await ana.call("join", { room, last: 0 });
      await bob.call("join", { room, last: 0 });
    }
    await bob.call("send", { room: rooms[0], text: "seen" });
    await ana.shown(rooms[0], 1);
    const { id } = ana.connects[0];
    ana.manager.reconnection(false);
    ana.cut();
    await until("cut", () => !ana.socket.connected);
    for (const room of rooms) for (const text of range(20, room)) await bob.call("send", { room, text });
    ana.manager.reconnection(true);
    ana.socket.connect();
    assert.deepEqual(await ana.back(2), { recovered: true, id });
    for (const [i, room] of rooms.entries())
      assert.deepEqual(await ana.shown(room, 20 + (i === 0)), [...(i === 0 ? ["seen"] : []), ...range(20, room)]);
    await ana.call("send", { room: rooms[2], text: "I am back" });
    await bob.event("message", ({ text }) => text === "I am back");
  });

  test(`nothing had been received yet, ${transports}`, async (t) => {
    const room = t.room();
    const [ana, bob] = [await Peer.connect(t, "ana", options), await Peer.connect(t, "bob", options)];
    await bob.call("join", { room, last: 0 });
    await bob.call("send", { room, text: "before" });
    await ana.call("join", { room, last: 0 });
    ana.cut();
    await bob.call("send", { room, text: "meanwhile" });
    assert.equal((await ana.back(2)).recovered, true);
    assert.deepEqual(await ana.shown(room, 1), ["meanwhile"]);
    ana.cut(); // and again, at once
    assert.equal((await ana.back(3)).recovered, true);
    await bob.call("send", { room, text: "then" });
    assert.deepEqual(await ana.shown(room, 2), ["meanwhile", "then"]);
  });
}

test("before anything was joined", async (t) => {
  const ana = await Peer.connect(t, "ana");
  ana.cut();
  assert.equal((await ana.back(2)).recovered, true);
});

test("more was missed than a page", async (t) => {
  const room = t.room(), n = 1500;
  const server = await t.server;
  const [ana, bob] = [await Peer.connect(t, "ana"), await t.person("bob")];
  await ana.call("join", { room, last: 0 });
  await bob.call("join", { room, last: 0 });
  ana.manager.reconnection(false);
  ana.cut();
  await Promise.all(range(n, "m").map((text) => bob.call("send", { room, text })));
  ana.manager.reconnection(true);
  ana.socket.connect();
  assert.equal((await ana.back(2)).recovered, true);
  const texts = await ana.shown(room, n);
  assert.equal(new Set(texts).size, n);
  assert.deepEqual(ana.log(room).map(({ seq }) => seq), range(n, "").map((i) => Number(i) + 2));
  assert.ok(server);
});

test("what cannot be recovered begins anew", async (t) => {
  const [room, own] = [t.room("public"), t.room("private")];
  const [ana, bob] = [await Peer.connect(t, "ana"), await Peer.connect(t, "bob")];
  await bob.call("room_create", { room: own, kind: "private" });
  await bob.call("member_set", { room: own, user: ana.user.id, role: "member" });
  await ana.call("join", { room, last: 0 });
  await ana.call("join", { room: own, last: 0 });
  ana.manager.reconnection(false);
  ana.cut();
  await bob.call("join", { room: own, last: 0 });
  await bob.call("member_set", { room: own, user: ana.user.id, role: "none" });
  await bob.call("send", { room: own, text: "secret" });
  ana.manager.reconnection(true);
  ana.socket.connect();
  assert.equal((await ana.back(2)).recovered ?? false, false);
  await bob.call("join", { room, last: 0 });
  await bob.call("send", { room, text: "not followed any more" });
  await ana.call("join", { room, last: 0 });
  await bob.call("send", { room, text: "followed again" });
  assert.deepEqual([await ana.shown(room, 1), ana.texts(own)], [["followed again"], []]);
});

test("who is removed is shown so, and recovers the rest", async (t) => {
  const [room, own] = [t.room("public"), t.room("private")];
  const [ana, bob] = [await Peer.connect(t, "ana"), await Peer.connect(t, "bob")];
  await bob.call("room_create", { room: own, kind: "private" });
  await bob.call("member_set", { room: own, user: ana.user.id, role: "member" });
  for (const one of [room, own]) await ana.call("join", { room: one, last: 0 });
  await bob.call("join", { room, last: 0 });
  await bob.call("member_set", { room: own, user: ana.user.id, role: "none" });
  await ana.event("member", ({ role }) => role === "none");
  await until("its cursor is gone", () => {
    const last = ana.events.findLast(({ event }) => event === "offset" || event === "member");
    return last.event === "offset" && !last.body.includes(own);
  });
  ana.cut();
  await bob.call("send", { room, text: "missed" });
  assert.equal((await ana.back(2)).recovered, true);
  assert.deepEqual(await ana.shown(room, 1), ["missed"]);
});
