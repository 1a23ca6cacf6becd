// What is not in messages comes through a restart and a kill as well: roles, titles,
// lists of rooms, direct rooms, read positions, invitations.
import assert from "node:assert/strict";
import { direct, sleep, test, refused, until } from "./lib/suite.mjs";

const SIGNALS = ["SIGTERM", "SIGKILL"];

test("roles and titles are kept", async (t) => {
  const server = await t.start();
  const people = {};
  for (const name of ["ana", "bob", "eve", "kim", "lee"]) people[name] = await server.login(name);
  const ask = (who, action, params) => server.command(action, params, people[who].token);
  const set = (whom, role, until) =>
    ask("ana", "member_set", { room: "cellar", user: people[whom].user.id, role, ...(until && { until }) });
  await ask("ana", "room_create", { room: "cellar", title: "one", kind: "private" });
  await set("bob", "moderator");
  await set("eve", "muted", Date.now() + 600_000);
  await set("kim", "banned");
  await set("lee", "member");
  await set("lee", "none");
  await ask("bob", "room_set", { room: "cellar", title: "two" });
  const expected = [
    ["ana", "owner", undefined],
    ["bob", "moderator", undefined],
    ["eve", "muted", "until"],
    ["kim", "banned", undefined],
  ];
  for (const signal of [undefined, ...SIGNALS, "SIGKILL"]) {
    if (signal) await server.restart({}, signal);
    const { members } = await ask("bob", "members", { room: "cellar" });
    const shown = members.map(({ name, role, until: end }) => [name, role, end && "until"]).sort();
    assert.deepEqual(shown, expected);
    const { room, role } = await ask("bob", "join", { room: "cellar" });
    assert.deepEqual([room.title, room.kind, role], ["two", "private", "moderator"]);
    await refused("muted", ask("eve", "send", { room: "cellar", text: "a" }));
    await refused("banned", ask("kim", "history", { room: "cellar" }));
    await refused("not_member", ask("lee", "join", { room: "cellar" }));
    await refused("forbidden", ask("bob", "member_set", { room: "cellar", user: 1, role: "member" }));
    await ask("ana", "send", { room: "cellar", text: signal ?? "before" });
  }
});

test("changes of roles are kept however much was written since", async (t) => {
  const server = await t.start();
  const [ana, bob] = [await t.person("ana", { server }), await server.login("bob")];
  await ana.call("room_create", { room: "r" });
  const pour = (n) => Promise.all(Array.from({ length: n }, () => ana.call("send", { room: "r", text: "a" })));
  await pour(700); // the record that roles are read from is written now and then
  await ana.call("member_set", { room: "r", user: bob.user.id, role: "banned" });
  await pour(100);
  await server.restart({}, "SIGKILL");
  await refused("banned", server.command("send", { room: "r", text: "a" }, bob.token));
  await server.command("member_set", { room: "r", user: bob.user.id, role: "none" }, ana.token);
  await server.restart({}, "SIGKILL");
  assert.equal((await server.command("send", { room: "r", text: "a" }, bob.token)).seq, 804);
});

test("lists of rooms, direct rooms and read positions are kept", async (t) => {
  const server = await t.start({ "read-every": "50ms" });
  const [ana, bob] = [await t.person("ana", { server }), await t.person("bob", { server })];
  const pair = direct(ana, bob);
  await ana.call("dm", { user: bob.user.id });
  for (const room of ["one", "two"]) {
    await bob.call("join", { room });
    await ana.call("join", { room });
    for (let i = 0; i < 5; i++) await ana.call("send", { room, text: `m${i}` });
  }
  await ana.call("send", { room: pair, text: "psst" });
  await bob.call("read", { room: "one", seq: 4, count: 3 });
  await bob.call("read", { room: "two", seq: 6 });
  const list = async () =>
    (await bob.http("rooms")).rooms
      .map(({ id, unread, read, peer }) => [id, unread, read.count, peer?.name])
      .sort();
  const expected = [
    [pair, 1, 0, ana.user.name],
    ["one", 2, 3, undefined],
    ["two", 0, 5, undefined],
  ];
  await sleep(300); // positions are stored a moment later
  for (const signal of [undefined, ...SIGNALS]) {
    if (signal) await server.restart({}, signal);
    assert.deepEqual(await list(), expected);
  }
  await bob.http("leave", { room: "two" });
  await server.restart({}, "SIGKILL");
  assert.deepEqual(await list(), expected.slice(0, 2));
  // told to stop it stores what it has not stored yet
  await bob.http("read", { room: "one", seq: 6 });
  await server.restart({}, "SIGTERM");
  assert.deepEqual((await list())[1], ["one", 0, 5, undefined]);
});

test("invitations wait for whoever was away", async (t) => {
  const server = await t.start();
  const [ana, bob] = [await server.login("ana"), await server.login("bob")];
  const ask = (action, params) => server.command(action, params, ana.token);
  for (const [i, signal] of ["SIGKILL", "SIGTERM"].entries()) {
    await ask("room_create", { room: `cellar${i}`, kind: "private" });
    await ask("member_set", { room: `cellar${i}`, user: bob.user.id, role: "member" });
    await until("the invitation is stored", async () => {
      const page = await server.command("history", { room: `@${bob.user.id}`, view: "log" }, bob.token);
      return page.entries.length === i + 1;
    });
    await server.restart({}, signal);
  }
  await ask("dm", { user: bob.user.id });
  const back = await server.connect(bob.token);
  await back.call("join", { room: `@${bob.user.id}`, after: 0 });
  const invites = await back.events({ event: "invite" }, 3);
  assert.deepEqual(
    invites.map(({ seq, to }) => [seq, to]),
    [
      [1, "cellar0"],
      [2, "cellar1"],
      [3, direct(ana, bob)],
    ],
  );
  for (const { to } of invites) await back.call("join", { room: to });
});

// What is answered is stored: the server is killed behind the answer, at once.
test("a room that was made or joined is on one's list through a kill", async (t) => {
  const server = await t.start();
  const [ana, bob] = [await server.login("ana"), await server.login("bob")];
  const made = [];
  const listed = async (who) =>
    (await server.command("rooms", {}, who.token)).rooms.map(({ id, unread }) => [id, unread]).sort();
  const steps = [
    () => server.command("room_create", { kind: "private" }, ana.token),
    () => server.command("room_create", { room: "named" }, ana.token),
    () => server.command("join", { room: "opened" }, ana.token),
    () => server.command("join", { room: "general" }, ana.token),
    () => server.command("dm", { user: bob.user.id }, ana.token),
  ];
  for (const step of steps) {
    made.push((await step()).room.id);
    await server.restart({}, "SIGKILL");
    assert.deepEqual(await listed(ana), made.map((id) => [id, 0]).sort());
  }
  assert.deepEqual(await listed(bob), [[made.at(-1), 0]]);
});

test("whoever is added, or may do more, has the room and is told, through a kill", async (t) => {
  const server = await t.start();
  const [ana, bob] = [await server.login("ana"), await server.login("bob")];
  const own = `@${bob.user.id}`;
  const expected = [];
  for (const kind of ["private", "public"])
    for (const role of ["member", "moderator", "owner"]) {
      const room = `${kind}-${role}`;
      await server.command("room_create", { room, kind }, ana.token);
      await server.command("send", { room, text: "before" }, ana.token);
      await server.command("member_set", { room, user: bob.user.id, role }, ana.token);
      await server.restart({}, "SIGKILL");
      if (kind === "private" || role !== "member") expected.push([room, kind, role]);
      const { rooms } = await server.command("rooms", {}, bob.token);
      assert.deepEqual(rooms.map(({ id, unread }) => [id, unread]), expected.map(([id]) => [id, 0]).sort());
      if (expected.length === 0) continue;
      const { entries } = await server.command("history", { room: own, view: "log" }, bob.token);
      assert.deepEqual(entries.map(({ to, kind, role }) => [to, kind, role]), expected);
    }
  await server.command("send", { room: "private-owner", text: "after" }, ana.token);
  const { rooms } = await server.command("rooms", {}, bob.token);
  assert.equal(rooms.find(({ id }) => id === "private-owner").unread, 1);
});

test("a direct room that was taken off the list is back when the other writes", async (t) => {
  const server = await t.start();
  const [ana, bob] = [await t.person("ana", { server }), await server.login("bob")];
  const { room } = await ana.call("dm", { user: bob.user.id });
  const listed = async () => (await server.command("rooms", {}, bob.token)).rooms;
  await ana.call("send", { room: room.id, text: "one" });
  for (const restart of [false, true, false]) {
    await server.command("leave", { room: room.id }, bob.token);
    assert.deepEqual(await listed(), []);
    if (restart) await server.restart({}, "SIGKILL");
    const who = await server.connect(ana.token);
    await Promise.all([1, 2].map((i) => who.call("send", { room: room.id, text: `again ${i}` })));
    await server.restart({}, "SIGKILL");
    const [{ id, unread }] = await listed();
    assert.deepEqual([id, unread], [room.id, 2]);
  }
  const { entries } = await server.command("history", { room: `@${bob.user.id}`, view: "log" }, bob.token);
  assert.deepEqual(entries.map(({ to, from }) => [to, from.id]), Array(4).fill([room.id, ana.user.id]));
});

test("a client that comes back after a restart goes on where it was", async (t) => {
  const server = await t.start();
  const [ana, bob] = [await t.person("ana", { server }), await t.person("bob", { server })];
  const { epoch } = (await bob.call("join", { room: "r" })).room;
  for (let i = 0; i < 20; i++) await ana.call("send", { room: "r", text: `${i}` });
  await bob.events({ event: "message" }, 20);
  for (const signal of SIGNALS) {
    await server.restart({}, signal);
    const back = await server.connect(bob.token);
    assert.deepEqual((await back.call("resume", { rooms: { r: [epoch, 21] } })).rooms, {});
    const again = await server.connect(bob.token);
    await again.call("resume", { rooms: { r: [epoch, 11] } });
    const seqs = (await again.events({ event: "message" }, 10)).map(({ seq }) => seq);
    assert.deepEqual(seqs, [12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
  }
});
