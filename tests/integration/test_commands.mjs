// Every command of the table, over both doors: what it answers is what is documented.
import assert from "node:assert/strict";
import { test, testWorkers, refused, revoked, until } from "./lib/suite.mjs";
import { commands, isAnswer } from "./lib/tables.mjs";

// Those that concern a connection have no meaning over HTTP; login none on one.
const WEBSOCKET_ONLY = ["resume"];
const PASSKEYS = ["passkey_begin", "passkey_login", "passkey_signup"];
const HTTP_ONLY = ["login", "signup", "reset", ...PASSKEYS];
const OWNERS = ["users_upsert", "token", "password", "recover", "deactivate"]; // test_token, test_passwords, test_people
const OWN = ["passkey_new", "passkey_add", "passkey_rename", "passkey_remove"]; // test_passkeys

// A life in which each command is called once; `call` checks what it answers.
async function live({ call, room, other, title }) {
  await call("ping", {});
  await call("ways", {});
  assert.deepEqual((await call("passkeys", {})).passkeys, []);
  const { user } = await call("auth", { token: call.token });
  assert.equal(user.id, call.user.id);
  const made = await call("room_create", { room, title, kind: "private" });
  assert.deepEqual([made.room.id, made.room.kind, made.room.title], [room, "private", title]);
  await call("join", { room, last: 10 });
  const sent = await call("send", { room, text: "hi", cid: "a", seen: 1 });
  assert.deepEqual([sent.seq, sent.count, sent.duplicate], [2, 1, undefined]);
  const again = await call("send", { room, text: "hi", cid: "a", seen: 1 });
  assert.deepEqual(again, { ...sent, duplicate: true });
  assert.equal((await call("send", { room, text: "yes", reply_to: 2 })).seq, 3);
  assert.equal((await call("edit", { room, target: 2, text: "hello" })).seq, 4);
  assert.equal((await call("react", { room, target: 2, emoji: "👍" })).seq, 5);
  assert.equal((await call("react", { room, target: 2, emoji: "👍", on: false })).seq, 6);
  assert.equal((await call("delete", { room, target: 3 })).seq, 7);
  const page = await call("history", { room, limit: 10, view: "log" });
  assert.deepEqual(
    page.entries.map(({ seq }) => seq),
    [1, 2, 3, 4, 5, 6, 7],
  );
  await call("history", { room, before: 7, limit: 2 });
  await call("history", { room, after: 1 });
  await call("history", { room, around: 4, limit: 3, view: "messages" });
  await call("typing", { room, on: true });
  assert.deepEqual(await call("read", { room, seq: 7, count: 2 }), { seq: 7, count: 2 });
  const mine = async () => (await call("rooms", {})).rooms.find(({ id }) => id === room);
  assert.equal((await until("the room is on the list", mine)).unread, 0);
  await call("presence", { room });
  assert.ok((await call("users", { query: call.user.name })).users.some(({ id }) => id === call.user.id));
  assert.deepEqual(await call("block", { user: other.user.id }), { user: other.user.id, on: true });
  assert.deepEqual((await call("blocks", {})).blocks, [{ id: other.user.id, name: other.user.name }]);
  await call("block", { user: other.user.id, on: false });
  const { profile } = await call("profile_set", { display: "Ana A.", status: "out", state: "dnd" });
  assert.deepEqual([profile.id, profile.display, profile.state], [call.user.id, "Ana A.", "dnd"]);
  const { profiles } = await call("profiles", { users: `${call.user.id},${other.user.id}` });
  assert.deepEqual([profiles[0], profiles[1].name], [profile, other.user.name]);
  assert.equal((await call("room_set", { room, title: "another" })).seq, 8);
  assert.ok((await call("filter_set", { room, words: "darn" })).seq > 0);
  assert.deepEqual(await call("filter", { room }), { words: "darn", hit: "refuse", links: "all", hosts: "" });
  assert.equal((await call("member_set", { room, user: other.user.id, role: "muted", until: 4e12 })).seq, 10);
  const { members } = await call("members", { room });
  assert.deepEqual(members.map(({ role, until }) => [role, until]).sort(), [
    ["muted", 4e12],
    ["owner", undefined],
  ]);
  const { seq: rude } = await call("send", { room, text: "rude" });
  await call("report", { room, target: rude, reason: "rude" });
  assert.deepEqual((await call("reports", { room })).reports.map(({ target }) => target), [rude]);
  await call("report_resolve", { room, target: rude });
  assert.ok((await call("purge", { room, user: other.user.id })).seq > 0);
  assert.ok((await call("kick", { room, user: other.user.id })).seq > 0);
  const { code, invite } = await call("invite_create", { room, uses: 3 });
  assert.deepEqual((await call("invites", { room })).invites, [invite]);
  assert.equal((await call("invite_use", { code })).room.id, room);
  await call("invite_revoke", { room, invite: invite.id });
  await call("directory", { limit: 3 });
  const direct = await call("dm", { user: other.user.id });
  assert.deepEqual(direct.room.peer, { id: other.user.id, name: other.user.name });
  assert.deepEqual(await call("room_pref", { room, favourite: true }), { room, favourite: true });
  assert.deepEqual(await call("leave", { room }), { room });
  assert.ok((await call("room_delete", { room })).seq > 0);
  const bot = await call("bot_create", { name: `bot of ${room}`.slice(0, 32) });
  assert.deepEqual((await call("bots", {})).bots, [{ ...bot.user, active: true }]);
  const { id } = await call("key_create", { name: "cron", scope: "read" });
  assert.deepEqual((await call("keys", {})).keys.map((key) => key.id), [id]);
  await call("key_revoke", { key: id });
  const { sessions } = await call("sessions", {});
  assert.equal(sessions.filter(({ current }) => current).length, 1);
}

// Notes which commands were called, and compares each answer with the table.
function checked(call, person, called) {
  const check = async (action, params) => {
    const ok = await call(action, params);
    isAnswer(action, ok);
    called.add(action);
    return ok;
  };
  return Object.assign(check, { token: person.token, user: person.user });
}

testWorkers("every command works over WebSocket", async (t) => {
  const [ana, bob] = [await t.person("ana"), await t.person("bob")];
  const called = new Set();
  const call = checked((action, params) => ana.call(action, params), ana, called);
  await live({ call, room: t.room(), title: "a room", other: bob });
  await call("resume", { rooms: {} });
  const { sessions } = await call("sessions", {});
  const { session } = await call("logout", {});
  assert.deepEqual(
    sessions.map(({ id }) => id),
    [session],
  );
  const missing = [...commands.keys()].filter((name) => !called.has(name) && ![...OWNERS, ...OWN].includes(name));
  assert.deepEqual(missing, HTTP_ONLY);
});

testWorkers("every command works over HTTP", async (t) => {
  const server = await t.server;
  const [ana, bob] = [await t.person("ana"), await t.person("bob")];
  const called = new Set();
  const call = checked((action, params) => ana.http(action, params), ana, called);
  await live({ call, room: t.room(), title: "a room", other: bob });
  const anonymous = checked((action, params) => server.command(action, params), ana, called);
  assert.deepEqual((await anonymous("login", { name: ana.user.name })).user, ana.user);
  await call("logout", {});
  await revoked(() => ana.http("rooms"));
  const missing = [...commands.keys()].filter((name) => !called.has(name) && ![...OWNERS, ...OWN].includes(name));
  const elsewhere = ["signup", "reset", ...PASSKEYS]; // test_passwords, test_passkeys
  assert.deepEqual(missing, [...elsewhere, ...WEBSOCKET_ONLY]);
});

test("what belongs to the other door is refused", async (t) => {
  const ana = await t.person();
  const made = { client_data: "x", attestation: "x" };
  const proven = { credential: "x", handle: "x", authenticator: "x", signature: "x" };
  const params = { name: "x", password: "correct horse", code: "x", ...made, ...proven };
  for (const name of HTTP_ONLY) await refused("method_not_allowed", ana.call(name, params));
  for (const name of WEBSOCKET_ONLY) await refused("method_not_allowed", ana.http(name, { rooms: {} }));
});

test("success without an id is not answered, failure is", async (t) => {
  const [ana, room] = [await t.person(), t.room()];
  await ana.call("join", { room });
  ana.write({ action: "send", room, text: "silent" });
  await ana.event({ event: "message", room, text: "silent" });
  ana.write({ action: "send", room, text: "" });
  const refusal = await ana.event(({ error }) => error?.code === "empty");
  assert.equal(refusal.id, null);
  assert.equal(ana.frames.filter((frame) => "ok" in frame && frame.id === null).length, 0);
});

test("an id may be a number or a string, and comes back as it was", async (t) => {
  const ana = await t.person();
  for (const id of [0, -5, 12345678901, "a", 'quo"te', "ü"]) {
    ana.write({ action: "ping", id });
    await ana.event((frame) => frame.id === id && frame.ok?.now > 0);
  }
});

test("the tutorial's frame is a message to general", async (t) => {
  const ana = await t.person();
  await ana.call("join", { room: "general" });
  const text = t.name("tutorial");
  ana.write({ action: "sendmessage", message: text });
  const event = await ana.event({ event: "message", text });
  assert.deepEqual([event.room, event.from], ["general", ana.user]);
  const { seq } = await ana.call("sendmessage", { message: "again", room: "General" });
  assert.ok(seq > event.seq);
});

test("unknown parameters are ignored", async (t) => {
  const ana = await t.person();
  await ana.call("ping", { colour: "red", deep: { a: [1, { b: null }] }, more: [] });
});

test("history has an address of its own", async (t) => {
  const [server, ana, room] = [await t.server, await t.person(), t.room()];
  await ana.call("join", { room });
  for (let i = 1; i <= 30; i++) await ana.call("send", { room, text: `m${i}` });
  const get = async (query, token = ana.token) => {
    const response = await server.fetch(`/api/v1/rooms/${room}/messages${query}`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    const body = await response.json();
    if (response.ok) isAnswer("history", body);
    return [response.status, body.entries?.map(({ text }) => text) ?? body.error.code, body];
  };
  const texts = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => `m${from + i}`);
  assert.deepEqual((await get("")).slice(0, 2), [200, texts(1, 30)]);
  // backwards: entry 1 is the room's own
  let [, page, { entries, more }] = await get("?limit=12");
  assert.deepEqual([page, more], [texts(19, 30), true]);
  [, page, { entries, more }] = await get(`?limit=12&before=${entries[0].seq}`);
  assert.deepEqual([page, more], [texts(7, 18), true]);
  [, page, { entries, more }] = await get(`?limit=12&before=${entries[0].seq}`);
  assert.deepEqual(page, texts(1, 6));
  // forwards
  [, page, { entries, more }] = await get("?after=0&limit=20");
  assert.deepEqual([page, more], [texts(1, 20), true]);
  [, page, { entries, more }] = await get(`?limit=20&after=${entries.at(-1).seq}`);
  assert.deepEqual([page, more], [texts(21, 30), false]);
  // both
  [, page] = await get("?around=15&limit=5");
  assert.ok(page.includes("m14") && page.length === 5, page);
  assert.deepEqual((await get("?view=log&limit=500"))[2].entries.length, 31);
  assert.deepEqual((await get("?limit=many")).slice(0, 2), [400, "bad_type"]);
  assert.deepEqual((await get("?limit=501")).slice(0, 2), [400, "bad_value"]);
  assert.deepEqual((await get("?view=all")).slice(0, 2), [400, "bad_value"]);
  assert.deepEqual((await get("", "x")).slice(0, 2), [401, "bad_token"]);
});
