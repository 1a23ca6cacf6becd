// Who may do what: every command, at every door, by everybody. A command that has no row
// here fails.
import assert from "node:assert/strict";
import { Polled } from "./lib/polled.mjs";
import { Refused } from "./lib/server.mjs";
import { test, testWorkers } from "./lib/suite.mjs";
import { commands } from "./lib/tables.mjs";

const PEOPLE = ["owner", "moderator", "member", "removed", "stranger", "nobody"];
const OUTSIDE = ["removed", "stranger"];

// What each of PEOPLE is answered in a private room: "ok" or a code.
const members = { removed: "not_member", stranger: "not_member", nobody: "unauthenticated" };
const MEMBERS = { owner: "ok", moderator: "ok", member: "ok", ...members };
const MODERATORS = { owner: "ok", moderator: "ok", member: "forbidden", ...members };
const OWN = { owner: "ok", moderator: "forbidden", member: "forbidden", ...members };
const all = (code, nobody = "unauthenticated") => ({
  ...Object.fromEntries(PEOPLE.map((name) => [name, code])),
  nobody,
});

// Of each command: who is answered what, and its parameters, of which those that are given
// as a list make one call each: whoever may not read is answered the same by all of them.
// `own`: the message at `target` is one that was sent for this call, by the owner.
const TARGETS = [1, 2, 3, 999_999];
const TABLE = {
  ways: { who: all("ok", "ok"), params: {} },
  login: { who: null },
  signup: { who: null },
  password: { who: null },
  reset: { who: null },
  recover: { who: all("forbidden"), params: { name: ["ana", "nobody else"] } },
  ...{ passkey_begin: { who: null }, passkey_login: { who: null }, passkey_signup: { who: null } },
  passkey_new: { who: all("way_closed"), params: {} },
  passkey_add: { who: all("way_closed"), params: { client_data: "AA", attestation: "AA" } },
  passkeys: { who: all("ok"), params: {} },
  passkey_rename: { who: all("no_such_passkey"), params: { passkey: 1, title: "t" } },
  passkey_remove: { who: all("no_such_passkey"), params: { passkey: 1 } },
  auth: { who: null },
  key_create: { who: all("ok"), params: { name: "k", scope: "read" } },
  keys: { who: all("ok"), params: {} },
  key_revoke: { who: all("no_such_key"), params: { key: "1" } },
  bot_create: { who: all("forbidden"), params: { name: "its bot", user: [999_999] } },
  bots: { who: all("ok"), params: {} },
  users_upsert: { who: all("forbidden"), params: { people: ["ana", "its own"], active: [true, false] } },
  token: { who: all("forbidden"), params: { name: ["cron", "ana"], ttl: [0, 60_000] } },
  logout: { who: null },
  sessions: { who: all("ok"), params: {} },
  users: { who: all("ok"), params: {} },
  deactivate: { who: all("forbidden"), params: { user: ["another", 999_999], on: [true, false] } },
  block: { who: all("ok"), params: { user: "another", on: [false] } },
  blocks: { who: all("ok"), params: {} },
  profile_set: { who: all("ok"), params: { status: ["busy", ""] } },
  profiles: { who: all("ok"), params: { users: ["1", "1,999999"] } },
  rooms: { who: all("ok"), params: {} },
  room_pref: { who: MEMBERS, params: { favourite: [true, false], muted: [true], notify: ["none", "all"], hidden: [true] } },
  directory: { who: all("ok"), params: {} },
  ping: { who: all("ok", "ok"), params: {} },
  dm: { who: { ...all("ok") }, params: { user: "another" } },
  join: { who: MEMBERS, params: { after: [0, 2, 999_999], epoch: [1] } },
  resume: { who: MEMBERS, params: { rooms: [[1, 1], [1, 999_999], [0, 0]] } },
  send: { who: MEMBERS, params: { text: "hi", cid: ["a", "b"], seen: [0, 1, 999_999] } },
  edit: { who: OWN, own: true, params: { text: "hi", target: TARGETS } },
  delete: { who: MODERATORS, own: true, params: { target: TARGETS } },
  react: { who: MEMBERS, own: true, params: { emoji: "👍", target: TARGETS } },
  history: { who: MEMBERS, params: { before: TARGETS, after: TARGETS, around: TARGETS } },
  leave: { who: all("ok"), params: {} },
  typing: { who: MEMBERS, params: { on: [true, false] } },
  read: { who: MEMBERS, params: { seq: TARGETS, count: [0, 999_999] } },
  presence: { who: MEMBERS, params: {} },
  members: { who: MEMBERS, params: {} },
  room_create: { who: all("room_exists"), params: { kind: ["public", "private"] } },
  room_set: { who: MODERATORS, params: { title: "t" } },
  filter_set: { who: MODERATORS, params: { words: ["", "grr"] } },
  filter: { who: MODERATORS, params: {} },
  room_delete: { who: { owner: "ok", moderator: "no_such_room", member: "no_such_room", ...members }, params: {} },
  member_set: { who: MODERATORS, params: { user: ["another", 999_999], role: ["muted", "none"] } },
  purge: { who: MODERATORS, params: { user: ["another", 999_999] } },
  report: { who: MEMBERS, own: true, params: { reason: "rude", target: [1, 999_999] } },
  reports: { who: MODERATORS, params: {} },
  report_resolve: { who: { ...MODERATORS, owner: "no_such_report", moderator: "no_such_report" }, params: { target: [1, 999_999] } },
  kick: { who: MODERATORS, params: { user: ["another", 999_999] } },
  invite_create: { who: MODERATORS, params: { expires: [0, 1], uses: [1, 2] } },
  invites: { who: MODERATORS, params: {} },
  invite_revoke: {
    who: { ...MODERATORS, owner: "no_such_invite", moderator: "no_such_invite" },
    params: { invite: ["0011223344556677", "x"] },
  },
  invite_use: { who: all("no_such_invite"), params: { code: "x" } },
};

const HTTP_LACKS = ["resume"];

const DOORS = {
  websocket: (server, token) => server.connect(token),
  http: (server, token) => ({ call: (action, params) => server.command(action, params, token), kill() {} }),
  socketio: (server, token) => Polled.connect(server, token),
};

test("every command has a row that says who may", () => {
  assert.deepEqual(Object.keys(TABLE).sort(), [...commands.keys()].sort());
  for (const [name, { who, params }] of Object.entries(TABLE)) {
    if (who === null) continue; // these are about who one is
    assert.deepEqual(Object.keys(who).sort(), [...PEOPLE].sort(), name);
    for (const param of Object.keys(params)) assert.ok(commands.get(name).params.has(param), `${name} ${param}`);
  }
});

// "ok", or the code: and all that was said, for comparison.
async function outcome(call, action, params) {
  try {
    const answer = await call(action, params);
    const refusal = action === "resume" ? answer.rooms[Object.keys(params.rooms)[0]]?.error : undefined;
    return [refusal?.code ?? "ok", refusal];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { code, message, parameter, retry_after_ms: retry } = error;
    return [code, { code, message, parameter, retry }];
  }
}

// Parameters for each call: the first of each, then with each of the others.
function variants(params, room, another) {
  const one = (name, value) => (value === "another" ? another : name === "rooms" ? { [room]: value } : value);
  const list = (value) => (Array.isArray(value) ? value : [value]);
  const fixed = Object.entries(params).filter(([, value]) => !Array.isArray(value));
  const base = Object.fromEntries(fixed.map(([name, value]) => [name, one(name, value)]));
  const made = [];
  for (const [name, values] of Object.entries(params))
    if (Array.isArray(values)) for (const value of values) made.push({ ...base, [name]: one(name, value) });
  const first = Object.entries(params).map(([name, value]) => [name, one(name, list(value)[0])]);
  return [Object.fromEntries(first), ...made.map((more) => ({ ...Object.fromEntries(first), ...more }))];
}

for (const door of Object.keys(DOORS))
  testWorkers(`who may what, ${door}`, async (t) => {
    // So many refusals in a row would close a connection, on a machine that is fast enough.
    const server = await t.start({ workers: t.workers, "work-max": 0, "work-before-login": 0 });
    const accounts = {};
    for (const name of PEOPLE) if (name !== "nobody") accounts[name] = await server.login(t.name(name));
    const { owner } = accounts;
    const another = (await server.login(t.name("another"))).user.id;
    const rooms = {};
    const ask = (action, params) => server.command(action, params, owner.token);
    for (const name of Object.keys(TABLE)) {
      const room = (rooms[name] = t.room());
      await ask("room_create", { room, kind: "private" });
      for (const text of ["one", "two"]) await ask("send", { room, text });
      for (const role of ["moderator", "member", "removed"]) {
        const user = accounts[role].user.id;
        await ask("member_set", { room, user, role: role === "removed" ? "member" : role });
        if (role === "removed") await ask("member_set", { room, user, role: "none" });
      }
    }
    for (const name of PEOPLE) {
      if (name === "nobody" && door === "socketio") {
        const error = await Polled.connect(server).catch((thrown) => thrown);
        assert.equal(error.code, "unauthenticated");
        continue;
      }
      const link = await DOORS[door](server, accounts[name]?.token);
      t.after(() => link.kill());
      const call = (action, params) => link.call(action, params);
      for (const [action, { who, params, own }] of Object.entries(TABLE)) {
        if (who === null || (door === "http" && HTTP_LACKS.includes(action))) continue;
        const room = rooms[action];
        const isRoom = commands.get(action).params.has("room");
        const all = variants(params, room, another).map((one) => (isRoom ? { room, ...one } : one));
        if (own) all[0].target = (await ask("send", { room, text: "of the owner" })).seq;
        const [code, said] = await outcome(call, action, all[0]);
        assert.equal(code, who[name], `${action} by ${name}`);
        if (code === "ok" || !(OUTSIDE.includes(name) || name === "nobody")) continue;
        for (const other of all.slice(1)) {
          const [, same] = await outcome(call, action, other);
          assert.deepEqual(same, said, `${action} by ${name}: ${JSON.stringify(other)}`);
        }
      }
    }
  });

testWorkers("who was removed hears nothing more at any door, however late they read", async (t) => {
  const server = await t.server;
  const [ana, bob, room] = [await t.person("ana"), await server.login(t.name("bob")), t.room()];
  await ana.call("room_create", { room, kind: "private" });
  await ana.call("join", { room });
  await ana.call("member_set", { room, user: bob.user.id, role: "member" });
  const polls = await Polled.connect(server, bob.token);
  t.after(() => polls.kill());
  await polls.call("join", { room, last: 0 });
  await ana.call("send", { room, text: "before" });
  const { seq } = await ana.call("member_set", { room, user: bob.user.id, role: "none" });
  const cleo = await t.person("cleo");
  await ana.call("member_set", { room, user: cleo.user.id, role: "member" });
  await ana.call("typing", { room, on: true });
  await ana.call("read", { room, seq: 2, count: 1 });
  await cleo.call("join", { room });
  await cleo.call("typing", { room, on: true });
  await ana.event({ event: "typing", room });
  const { users } = await ana.event((frame) => frame.event === "presence" && frame.users?.some(({ id }) => id === cleo.user.id));
  assert.deepEqual(users.map(({ id }) => id).sort(), [ana.user.id, cleo.user.id].sort());
  await polls.call("ping");
  const heard = polls.events.filter(([, body]) => body?.room === room).map(([event, body]) => [event, body.seq]);
  const logged = heard.filter(([event]) => event !== "presence"); // no cast, and nothing behind
  assert.deepEqual(logged.slice(-2), [["message", seq - 1], ["member", seq]]);
  assert.ok(logged.every(([, at]) => at <= seq), JSON.stringify(logged));
  assert.deepEqual(heard.slice(heard.findIndex(([, at]) => at === seq) + 1), []);
});

test("general is open, whoever comes first", async (t) => {
  const server = await t.start();
  const [ana, bob] = [await t.person("ana", { server }), await t.person("bob", { server })];
  for (const kind of ["private", "public"]) {
    const [code] = await outcome((a, p) => ana.call(a, p), "room_create", { room: "general", kind, title: "mine" });
    assert.equal(code, "room_exists");
  }
  const { room, role } = await bob.call("join", { room: "general" });
  assert.deepEqual([room.kind, room.title, role], ["public", "", undefined]);
});
