// The table of permissions (src/chat/model/access.tbl), cell by cell, through two doors: what
// is expected is written out here once more. And what the settings of rooms do.
import assert from "node:assert/strict";
import { Refused } from "./lib/server.mjs";
import { refused, test, testWorkers, until } from "./lib/suite.mjs";

const CODES = {
  ".": "ok",
  n: "not_member",
  f: "forbidden",
  m: "muted",
  b: "banned",
  a: "archived",
  o: "announcement",
};
const ROLES = ["none", "member", "moderator", "owner", "muted", "banned"];

// Of people without a role, members, moderators, owners, muted, banned; of the server's owner.
const PLAIN = {
  read: { public: ".....b.", private: "n....b." },
  write: { public: "....mb.", private: "n...mb." },
  moderate: { public: "ff..mb.", private: "nf..mb." },
  set: { public: "ff..fb.", private: "nf..fb." },
  invite: { public: "ff..fb.", private: "nf..fb." },
  hold: { public: "ff..fb.", private: "nf..fb." },
  kick: { public: "ff..fb.", private: "nf..fb." },
  purge: { public: "ff..fb.", private: "nf..fb." },
  report: { public: ".....b.", private: "n....b." },
  reports: { public: "ff..fb.", private: "nf..fb." },
  audit: { public: "nn..nn.", private: "nn..nn." },
  appoint: { public: "fff.fb.", private: "nff.fb." },
  leave: { public: "....fb.", private: "n...fb." },
  archive: { public: "fff.fb.", private: "nff.fb." },
};
const TABLE = [
  { settings: {}, cells: PLAIN },
  {
    settings: { announcement: true },
    cells: { ...PLAIN, write: { public: "oo..mb.", private: "no..mb." }, moderate: { public: "oo..mb.", private: "no..mb." } },
  },
  { settings: { invite: "members" }, cells: { ...PLAIN, invite: { public: "....fb.", private: "n...fb." } } },
  {
    settings: { invite: "members", archived: true },
    cells: {
      ...PLAIN,
      write: { public: "aaaamba", private: "naaamba" },
      moderate: { public: "aaaamba", private: "naaamba" },
      set: { public: "ffaafba", private: "nfaafba" },
      invite: { public: "aaaafba", private: "naaafba" },
    },
  },
];

const DOORS = {
  websocket: async (server, token) => {
    const link = await server.connect(token);
    return { call: (action, params) => link.call(action, params), end: () => link.kill() };
  },
  http: async (server, token) => ({
    call: (action, params) => server.command(action, params, token),
    end: () => {},
  }),
};

async function outcome(call) {
  try {
    await call;
    return "ok";
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

for (const door of Object.keys(DOORS))
  test(`permissions: every cell, ${door}`, async (t) => {
    const server = await t.start();
    const [, code] = server.out.match(/#owner=([0-9a-f]+)/);
    const accounts = [];
    for (const role of ROLES) accounts.push(await server.login(`${role}1`));
    accounts.push(await server.login("boss", { owner: code }));
    const keeper = await server.login("keeper");
    const other = (await server.login("other")).user.id;
    const keep = (action, params) => server.command(action, params, keeper.token);
    const people = [];
    for (const { token } of accounts) people.push(await DOORS[door](server, token));
    t.after(() => people.forEach(({ end }) => end()));
    for (const kind of ["public", "private"])
      for (const [i, { settings, cells }] of TABLE.entries()) {
        const room = `${kind}${i}`;
        await keep("room_create", { room, kind });
        for (const [at, role] of ROLES.entries())
          if (role !== "none") await keep("member_set", { room, user: accounts[at].user.id, role });
        const { seq: target } = await keep("send", { room, text: "of the keeper" });
        const targets = [];
        for (let n = 0; n < ROLES.length + 1; n++) targets.push((await keep("send", { room, text: "to go" })).seq);
        if (Object.keys(settings).length > 0) await keep("room_set", { room, ...settings });
        for (const [right, { [kind]: row }] of Object.entries(cells))
          for (const [at, letter] of [...row].entries()) {
            const me = accounts[at].user.id;
            const ask = {
              read: ["history", { room }],
              write: ["react", { room, target, emoji: "👍" }],
              moderate: ["delete", { room, target: targets[at] }],
              set: ["room_set", { room, title: "t" }],
              invite: ["member_set", { room, user: other, role: "member" }],
              hold: ["member_set", { room, user: other, role: "muted" }],
              kick: ["kick", { room, user: other }],
              purge: ["purge", { room, user: other }],
              report: ["report", { room, target, reason: "rude" }],
              reports: ["reports", { room }],
              audit: ["history", { room: `audit:${room}` }],
              appoint: ["member_set", { room, user: other, role: "moderator" }],
              leave: ["member_set", { room, user: me, role: "none" }],
              archive: ["room_set", { room, archived: settings.archived === true }],
            }[right];
            const what = `${right} by ${ROLES[at] ?? "the server's owner"} in ${room}`;
            assert.equal(await outcome(people[at].call(...ask)), CODES[letter], what);
            if (letter !== ".") continue;
            if (right === "leave" && at < ROLES.length) {
              // whoever left is given the role again, which an archive does not allow for members
              if (settings.archived) await keep("room_set", { room, archived: false });
              await keep("member_set", { room, user: me, role: ROLES[at] });
              if (settings.archived) await keep("room_set", { room, archived: true });
            } else if (["invite", "hold", "appoint"].includes(right)) {
              await keep("member_set", { room, user: other, role: "none" });
            }
          }
      }
  });

testWorkers("settings are told with the room, and as they change", async (t) => {
  const [ana, bob, room] = [await t.person("ana"), await t.person("bob"), t.room()];
  await ana.call("room_create", { room, title: "Owls" });
  const joined = await bob.call("join", { room });
  assert.equal(joined.room.settings, undefined);
  const settings = {
    ...{ topic: "of owls", description: "one\ntwo", icon: "🦉", announcement: true, slow: 5 },
    ...{ invite: "members", pin: "moderators", mention: "moderators" },
  };
  const { seq } = await ana.call("room_set", { room, ...settings });
  const event = await bob.event({ event: "room", room, seq });
  assert.deepEqual([event.title, event.settings], ["Owls", settings]);
  const again = await bob.call("join", { room });
  assert.deepEqual(again.room.settings, settings);
  const listed = (await bob.call("rooms")).rooms.find(({ id }) => id === room);
  const { description, ...brief } = settings;
  assert.deepEqual([listed.settings, description], [brief, "one\ntwo"]);
  await refused("announcement", bob.call("send", { room, text: "hoo" }));
  await ana.call("send", { room, text: "hoo" });
  await ana.call("send", { room, text: "a moderator need not wait" });
  await ana.call("room_set", { room, announcement: false });
  await bob.call("send", { room, text: "hoo" });
  const error = await refused("slow_mode", bob.call("send", { room, text: "hoo" }));
  assert.ok(error.retry_after_ms > 0 && error.retry_after_ms <= 5000, `${error.retry_after_ms}`);
});

testWorkers("an invite link lets in as many as it says, at whatever server", async (t) => {
  const [ana, room] = [await t.person("ana"), t.room()];
  await ana.call("room_create", { room, kind: "private", title: "Den" });
  const { code, invite } = await ana.call("invite_create", { room, uses: 2 });
  assert.match(code, /^[0-9a-f]{32}$/);
  assert.deepEqual([invite.room, invite.by, invite.uses, invite.used], [room, ana.user.id, 2, 0]);
  assert.ok(invite.expires > invite.created);
  const crowd = [];
  for (let i = 0; i < 5; i++) crowd.push(await t.person());
  const came = await Promise.all(crowd.map((person) => outcome(person.call("invite_use", { code }))));
  assert.deepEqual(came.sort(), ["no_such_invite", "no_such_invite", "no_such_invite", "ok", "ok"]);
  const { members } = await ana.call("members", { room });
  assert.equal(members.length, 3);
  const { invites } = await ana.call("invites", { room });
  assert.deepEqual(invites, [{ ...invite, used: 2 }]);
  await ana.call("invite_revoke", { room, invite: invite.id });
  assert.deepEqual((await ana.call("invites", { room })).invites, []);
  await refused("forbidden", ana.call("invite_create", {}));
});

testWorkers("public rooms are found, by whomever and wherever they were made", async (t) => {
  const [ana, bob] = [await t.person("ana"), await t.person("bob")];
  const word = t.name("Совы").toUpperCase();
  const rooms = [t.room(), t.room(), t.room()];
  for (const [i, room] of rooms.entries()) {
    const kind = i === 2 ? "private" : "public";
    await ana.call("room_create", { room, kind, title: `${i} ${word}` });
  }
  const find = async (params = {}) => await bob.call("directory", { query: word.toLowerCase(), ...params });
  const found = await until("both are found", async () => {
    const answer = await find();
    return answer.rooms.length === 2 && answer;
  });
  assert.deepEqual(found.rooms.map(({ id, title }) => [id, title]), [0, 1].map((i) => [rooms[i], `${i} ${word}`]));
  assert.equal(found.next, undefined);
  const first = await find({ limit: 1 });
  assert.deepEqual([first.rooms.length, first.next], [1, rooms[0]]);
  const { rooms: second, next } = await find({ limit: 1, next: first.next });
  assert.deepEqual([second.map(({ id }) => id), next], [[rooms[1]], undefined]);
  await ana.call("room_set", { room: rooms[0], archived: true });
  await until("the archived room is gone", async () => (await find()).rooms.length === 1);
  await refused("bad_value", bob.call("directory", { next: "nowhere" }));
});

testWorkers("a deleted room is gone, for those who follow it and for its owner", async (t) => {
  const [ana, bob, room] = [await t.person("ana"), await t.person("bob"), t.room()];
  await ana.call("room_create", { room, title: "Attic" });
  await bob.call("join", { room });
  for (let n = 0; n < 100; n++) await ana.call("send", { room, text: `secret ${n}` });
  await bob.event({ event: "message", room, text: "secret 99" });
  await refused("forbidden", bob.call("room_delete", { room }));
  const { seq } = await ana.call("room_delete", { room });
  const { settings, title } = await bob.event({ event: "room", room, seq });
  assert.deepEqual([settings, title], [{ deleted: true }, ""]);
  for (const person of [ana, bob]) {
    for (const [action, params] of [["join", {}], ["history", {}], ["send", { text: "x" }], ["room_delete", {}]])
      await refused("no_such_room", person.call(action, { room, ...params }));
    assert.deepEqual((await person.call("rooms")).rooms.filter(({ id }) => id === room), []);
  }
  await refused("room_exists", bob.call("room_create", { room }));
});

test("a deleted room stays deleted, however the server ends", async (t) => {
  const server = await t.start();
  const { token } = await server.login("ana");
  const ask = (action, params) => server.command(action, params, token);
  await ask("room_create", { room: "attic", title: "Attic" });
  for (let n = 0; n < 50; n++) await ask("send", { room: "attic", text: `secret ${n}` });
  await ask("room_delete", { room: "attic" });
  await server.restart({}, "SIGKILL");
  await refused("no_such_room", ask("history", { room: "attic" }));
  await refused("room_exists", ask("room_create", { room: "attic" }));
});

testWorkers("an archived room is read, and opened again", async (t) => {
  const [ana, bob, room] = [await t.person("ana"), await t.person("bob"), t.room()];
  await ana.call("room_create", { room });
  await bob.call("join", { room });
  await bob.call("send", { room, text: "before" });
  await ana.call("room_set", { room, archived: true });
  await refused("archived", bob.call("send", { room, text: "after" }));
  await refused("archived", ana.call("room_set", { room, title: "t" }));
  await refused("archived", bob.call("typing", { room }));
  const { entries } = await bob.call("history", { room });
  assert.deepEqual(entries.map(({ text }) => text), ["before"]);
  assert.equal((await bob.call("rooms")).rooms[0].settings.archived, true);
  await ana.call("room_set", { room, archived: false });
  await bob.call("send", { room, text: "after" });
});
