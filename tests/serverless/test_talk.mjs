// People talk through the function: every command, over connections that no process holds.
import assert from "node:assert/strict";
import { direct, refused, test, until } from "../integration/lib/suite.mjs";
import { processes, scan, startFunction } from "./lib/function.mjs";
import { Killer } from "./lib/killer.mjs";

async function two(t, options) {
  const gateway = await startFunction(t, { connections: true, ...options });
  const ana = await (await gateway.person()).login("ana");
  const ben = await (await gateway.person()).login("ben");
  for (const person of [ana, ben]) await person.call("join", { room: "general" });
  return { gateway, ana, ben };
}

test("two people talk, each over a connection that no process holds", async (t) => {
  const { ana, ben } = await two(t);
  const { seq } = await ana.call("send", { room: "general", text: "hello", cid: "c1" });
  const event = await ben.event("message");
  assert.equal(event.seq, seq);
  assert.equal(event.text, "hello");
  assert.equal(event.from.name, "ana");
  await ana.event("message", (one) => one.cid === "c1");
  await refused("no_such_room", ana.call("join", { room: "nowhere", create: false }));
  await refused("unknown_command", ana.call("dance"));
});

// Of a table of connections what is there, by the ids.
const present = async (table) => (await scan(table)).filter((row) => row.body !== undefined);

test("connections are in the table of their own, each under its id, and expire", async (t) => {
  const { gateway, ana, ben } = await two(t);
  const { POLYLOG_CONNECTIONS_TABLE: table, POLYLOG_DYNAMODB_PREFIX: prefix } = gateway.tables;
  const rows = await present(table);
  assert.equal(rows.length, 2);
  for (const row of rows) {
    assert.match(row.connectionId.S, /^[A-Za-z0-9+/_-]{15}=$/);
    assert.ok(Number(row.ttl.N) > Number(row.expires.N) / 1000 - 1);
    assert.deepEqual(Object.keys(row).sort(), ["body", "connectionId", "expires", "rev", "ttl"]);
  }
  assert.ok(!(await scan(`${prefix}-record`)).some(({ pk }) => pk.S.startsWith("c:")));
  await ana.call("send", { room: "general", text: "hello" });
  await ben.event("message");
  ben.socket.close();
  await until("who has gone is no connection any more", async () => (await present(table)).length === 1);
});

test("without a table of their own connections are records as others", async (t) => {
  const { gateway, ana, ben } = await two(t, { connections: false });
  const rows = await scan(`${gateway.tables.POLYLOG_DYNAMODB_PREFIX}-record`);
  assert.equal(rows.filter(({ pk }) => pk.S.startsWith("c:")).length, 2);
  await ana.call("send", { room: "general", text: "hello" });
  await ben.event("message");
});

test("messages are changed, deleted and reacted to, and history says so", async (t) => {
  const { ana, ben } = await two(t);
  const { seq } = await ana.call("send", { room: "general", text: "helo" });
  await ana.call("edit", { room: "general", target: seq, text: "hello" });
  await ben.call("react", { room: "general", target: seq, emoji: "👍" });
  const second = await ben.call("send", { room: "general", text: "bye" });
  await refused("forbidden", ana.call("edit", { room: "general", target: second.seq, text: "mine" }));
  await ben.call("delete", { room: "general", target: second.seq });
  await ana.event("edit", (one) => one.target === seq && one.text === "hello");
  await ana.event("react", (one) => one.target === seq);
  await ana.event("delete", (one) => one.target === second.seq);
  const { entries, more } = await ben.call("history", { room: "general" });
  assert.deepEqual(
    entries.map((one) => one.text),
    ["hello", ""],
  );
  assert.equal(more, false);
  assert.deepEqual(entries[0].reactions, { "👍": [ben.user.id] });
  assert.equal(entries[1].deleted, true);
});

test("a direct room: both hear of it in their own logs", async (t) => {
  const { ana, ben } = await two(t);
  await ben.call("join", { room: `@${ben.user.id}`, after: 0 });
  const { room } = await ana.call("dm", { user: ben.user.id });
  assert.equal(room.id, direct(ana, ben));
  await ana.call("join", { room: room.id });
  await ana.call("send", { room: room.id, text: "between us" });
  await until("ben hears of it", () => ben.said.find((one) => one.room === `@${ben.user.id}`));
  await ben.call("join", { room: room.id, after: 0 });
  assert.equal((await ben.event("message", (one) => one.room === room.id)).text, "between us");
  await ben.call("send", { room: room.id, text: "I see" });
  await ana.event("message", (one) => one.text === "I see");
  const { rooms } = await ben.call("rooms");
  assert.deepEqual(rooms.map((one) => one.id).sort(), [room.id, "general"].sort());
});

test("private rooms: who may read, and who may no more", async (t) => {
  const { ana, ben } = await two(t);
  const { room } = await ana.call("room_create", { title: "Cellar", kind: "private" });
  await ana.call("join", { room: room.id });
  await refused("not_member", ben.call("join", { room: room.id }));
  await ana.call("member_set", { room: room.id, user: ben.user.id, role: "member" });
  await ben.call("join", { room: room.id });
  await ana.call("send", { room: room.id, text: "welcome" });
  await ben.event("message", (one) => one.text === "welcome");
  const { members } = await ana.call("members", { room: room.id });
  assert.equal(members.length, 2);
  await ana.call("member_set", { room: room.id, user: ben.user.id, role: "none" });
  await ana.call("send", { room: room.id, text: "he is gone" });
  await refused("not_member", ben.call("history", { room: room.id }));
  await ana.event("message", (one) => one.text === "he is gone");
  assert.equal(ben.said.some((one) => one.text === "he is gone"), false);
});

test("typing, reading, presence, and who has left", async (t) => {
  const { ana, ben } = await two(t);
  await ana.call("typing", { room: "general" });
  const typing = await ben.event("typing");
  assert.equal(typing.from.id, ana.user.id);
  for (let i = 0; i < 3; i++) await ana.call("typing", { room: "general" });
  assert.equal(ana.events("typing").length, 0);
  const { count, users } = await ana.call("presence", { room: "general" });
  assert.equal(count, 2);
  assert.deepEqual(users.map((one) => one.name).sort(), ["ana", "ben"]);
  const { seq } = await ana.call("send", { room: "general", text: "read this" });
  await ben.call("read", { room: "general", seq });
  await ana.event("read", (one) => one.seq === seq);
  await ben.call("leave", { room: "general" });
  await ana.call("send", { room: "general", text: "alone" });
  assert.equal((await ana.call("presence", { room: "general" })).count, 1);
  assert.equal(ben.said.some((one) => one.text === "alone"), false);
});

test("who comes back is given what was missed, once and in order", async (t) => {
  const { gateway, ana, ben } = await two(t);
  const { room } = await ben.call("join", { room: "general" });
  ben.socket.terminate();
  const sent = [];
  for (let i = 0; i < 20; i++) sent.push((await ana.call("send", { room: "general", text: `${i}` })).seq);
  const back = await gateway.person({ query: `?token=${ben.token}` });
  const { rooms } = await back.call("resume", { rooms: { general: [room.epoch, room.head.seq] } });
  assert.equal(rooms.general.head.seq, sent.at(-1));
  const last = await ana.call("send", { room: "general", text: "last" });
  await back.event("message", (one) => one.text === "last");
  assert.deepEqual(back.events("message").map((one) => one.seq), [...sent, last.seq]);
});

test("who knows the array form is given several events in one frame", async (t) => {
  const { gateway, ana } = await two(t);
  for (let i = 0; i < 20; i++) await ana.call("send", { room: "general", text: `${i}` });
  const back = await gateway.person();
  const { lifetime } = await back.call("auth", { token: ana.token, array: true });
  assert.ok(lifetime > 60 * 60 * 1000 && lifetime <= 2 * 60 * 60 * 1000);
  await back.call("join", { room: "general", after: 0 });
  await back.event("message", (one) => one.text === "19");
  assert.equal(back.arrays, 1);
  assert.deepEqual(back.events("message").map((one) => one.text), Array.from({ length: 20 }, (_, i) => `${i}`));
});

test("the end of a session closes its connections", async (t) => {
  const { gateway, ana } = await two(t);
  const other = await gateway.person({ query: `?token=${ana.token}` });
  await other.call("rooms");
  const { session } = await ana.call("logout");
  assert.ok(session.length > 0);
  await ana.closed;
  await other.closed;
  await assert.rejects(gateway.person({ query: `?token=${ana.token}` }), { status: 401 });
});

test("a machine speaks by an API key, no further than its scope, until the key is revoked", async (t) => {
  const { gateway, ana, ben } = await two(t);
  const { key, id } = await ana.call("key_create", { name: "cron", scope: "write" });
  const machine = await gateway.person();
  assert.deepEqual((await machine.call("auth", { token: key })).user, ana.user);
  await machine.call("send", { room: "general", text: "by a machine" });
  await ben.event("message", ({ text, from }) => text === "by a machine" && from.id === ana.user.id);
  for (const [action, params] of [["history", { room: "general" }], ["room_set", { room: "general", title: "x" }], ["keys", {}]])
    await refused("beyond_scope", machine.call(action, params));
  // another instance knows the connection by its row alone
  const killer = new Killer(gateway);
  killer.kill(processes(gateway));
  assert.ok(killer.killed > 0);
  await until("another function has taken its place", () =>
    machine.call("send", { room: "general", text: "again", cid: "again", seen: 0 }).catch(({ code }) => {
      assert.equal(code, "gateway");
      return false;
    }),
  );
  await refused("beyond_scope", machine.call("history", { room: "general" }));
  assert.deepEqual((await ana.call("keys")).keys.map((one) => one.id), [id]);
  await ana.call("key_revoke", { key: id });
  await until("the key opens nothing", () =>
    machine.call("send", { room: "general", text: "too late" }).then(
      () => false,
      () => true,
    ),
  );
  await refused("revoked", (await gateway.person()).call("auth", { token: key }));
});
