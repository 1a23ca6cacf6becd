// What is not in messages comes through a restart and a kill as well: roles, titles,
// lists of rooms, direct rooms, read positions, invitations.
import assert from "node:assert/strict";
import { sleep, test, refused, until } from "./lib/suite.mjs";

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
  const direct = `dm:${ana.user.id}:${bob.user.id}`;
  await ana.call("dm", { user: bob.user.id });
  for (const room of ["one", "two"]) {
    await bob.call("join", { room });
    await ana.call("join", { room });
    for (let i = 0; i < 5; i++) await ana.call("send", { room, text: `m${i}` });
  }
  await ana.call("send", { room: direct, text: "psst" });
  await bob.call("read", { room: "one", seq: 4, count: 3 });
  await bob.call("read", { room: "two", seq: 6 });
  const list = async () =>
    (await bob.http("rooms")).rooms
      .map(({ id, unread, read, peer }) => [id, unread, read.count, peer?.name])
      .sort();
  const expected = [
    [direct, 1, 0, ana.user.name],
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
      [3, `dm:${ana.user.id}:${bob.user.id}`],
    ],
  );
  for (const { to } of invites) await back.call("join", { room: to });
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
