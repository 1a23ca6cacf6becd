// Rooms and people: who may do what, from which moment on, and what one is told of it.
import assert from "node:assert/strict";
import { direct, sleep, test, testWorkers, refused, until } from "./lib/suite.mjs";

testWorkers("a direct room is its two people's", async (t) => {
  const [ana, bob] = [await t.person("ana"), await t.person("bob")];
  const [{ room }, other] = [
    await ana.call("dm", { user: bob.user.id }),
    await bob.call("dm", { user: ana.user.id }),
  ];
  assert.equal(room.id, direct(ana, bob));
  assert.equal(room.kind, "direct");
  assert.deepEqual([room.peer, other.room.peer], [bob.user, ana.user]);
  assert.equal(other.room.head.seq, 1);
  // both were told in their own logs, without asking
  for (const who of [ana, bob]) {
    const { ts, ...invite } = await who.event({ event: "invite" });
    assert.ok(ts > 0);
    assert.deepEqual(invite, {
      ...{ event: "invite", room: `@${who.user.id}`, seq: 1, count: 0, from: ana.user },
      ...{ to: room.id, kind: "direct", title: "" },
    });
  }
  await ana.call("join", { room: room.id });
  await bob.call("join", { room: room.id });
  await ana.call("send", { room: room.id, text: "psst" });
  await bob.event({ room: room.id, text: "psst" });
  const [listed] = (await bob.call("rooms")).rooms;
  assert.deepEqual([listed.id, listed.peer, listed.unread], [room.id, ana.user, 1]);
  const eve = await t.person("eve");
  await refused("not_member", eve.call("join", { room: room.id }));
});

testWorkers("the same people are the same group, whoever asks", async (t) => {
  const [ana, bob, cem] = [await t.person("ana"), await t.person("bob"), await t.person("cem")];
  const users = (...people) => people.map(({ user }) => user.id).join(",");
  const { room } = await ana.call("dm", { users: users(bob, cem) });
  assert.equal(room.kind, "group");
  const byId = (a, b) => a.id - b.id;
  assert.deepEqual(room.people, [ana.user, bob.user, cem.user].sort(byId));
  for (const who of [ana, bob, cem]) {
    const { from, to, kind } = await who.event({ event: "invite" });
    assert.deepEqual([from, to, kind], [ana.user, room.id, "group"]);
  }
  assert.deepEqual((await cem.http("dm", { users: users(bob, cem, ana) })).room, room);
  for (const who of [ana, bob, cem]) await who.call("join", { room: room.id });
  await bob.call("leave", { room: room.id });
  await ana.call("send", { room: room.id, text: "psst" });
  await cem.event({ room: room.id, text: "psst" });
  assert.equal((await bob.event({ event: "invite", seq: 2 })).to, room.id);
  const [listed] = (await bob.call("rooms")).rooms;
  assert.deepEqual([listed.id, listed.people.length, listed.unread], [room.id, 3, 1]);
  const [made] = (await bob.call("history", { room: room.id, view: "log" })).entries;
  assert.deepEqual([made.kind, made.people], ["group", room.people]);
  const eve = await t.person("eve");
  await refused("not_member", eve.call("join", { room: room.id }));
  await refused("forbidden", ana.call("member_set", { room: room.id, user: eve.user.id, role: "member" }));
  await ana.call("block", { user: eve.user.id });
  await refused("blocked", eve.call("dm", { users: users(bob, ana) }));
  for (const [params, code] of [
    [{ users: "" }, "bad_value"],
    [{ users: `${ana.user.id}` }, "bad_value"],
    [{ users: "1,2,3,4,5,6,7,8,9,10,11" }, "bad_value"],
    [{ users: `${bob.user.id},99999999` }, "no_such_user"],
    [{}, "missing_parameter"],
  ]) {
    await refused(code, ana.call("dm", params));
    await refused(code, ana.http("dm", params));
  }
  const two = await ana.call("dm", { users: users(bob) });
  assert.deepEqual([two.room.id, two.room.peer], [direct(ana, bob), bob.user]);
});

testWorkers("how one likes to see a room is the same on all of one's devices", async (t) => {
  const [ana, bob] = [await t.person(), await t.person()];
  const room = t.room();
  await ana.call("join", { room });
  const phone = await (await t.server).connect(ana.token);
  const listed = async (id) => {
    const found = (await ana.http("rooms")).rooms.find((one) => one.id === id);
    const { favourite, muted, notify, hidden } = found;
    return { favourite, muted, notify, hidden };
  };
  const nothing = { favourite: undefined, muted: undefined, notify: undefined, hidden: undefined };
  assert.deepEqual(await listed(room), nothing);
  const chosen = { favourite: true, muted: true, notify: "mentions" };
  assert.deepEqual(await ana.call("room_pref", { room, ...chosen }), { room, ...chosen });
  const event = await phone.event({ event: "pref", to: room });
  assert.deepEqual([event.room, event.favourite, event.muted, event.notify, event.hidden], [`@${ana.user.id}`, true, true, "mentions", undefined]);
  assert.deepEqual(await listed(room), { ...nothing, ...chosen });
  await ana.http("room_pref", { room, notify: "all", favourite: false, hidden: true });
  assert.equal((await phone.event({ event: "pref", to: room, hidden: true })).favourite, undefined);
  await bob.call("send", { room, text: "hidden all the same" });
  assert.deepEqual(await listed(room), { ...nothing, muted: true, hidden: true });
  const dm = (await ana.call("dm", { user: bob.user.id })).room.id;
  await ana.call("room_pref", { room: dm, hidden: true });
  assert.deepEqual(await listed(dm), { ...nothing, hidden: true });
  await bob.call("send", { room: dm, text: "psst" });
  assert.deepEqual(await listed(dm), nothing);
  assert.equal((await bob.call("rooms")).rooms.find((one) => one.id === dm).hidden, undefined);
  for (const [params, code] of [
    [{}, "missing_parameter"],
    [{ room, favourite: 1 }, "bad_type"],
    [{ room, notify: "loud" }, "bad_value"],
    [{ room: t.room(), muted: true }, "no_such_room"],
    [{ room: `@${bob.user.id}`, muted: true }, "not_member"],
  ]) {
    await refused(code, ana.call("room_pref", params));
    await refused(code, ana.http("room_pref", params));
  }
  phone.kill();
});

testWorkers("what a room need not keep is gone, and cursors below it are reset", async (t) => {
  const [ana, bob] = [await t.person(), await t.person()];
  const room = t.room();
  await ana.call("room_create", { room });
  const { epoch } = (await bob.call("join", { room })).room;
  for (let i = 0; i < 120; i++) await ana.http("send", { room, text: `${i}` });
  await bob.event({ room, text: "119" });
  await refused("forbidden", bob.call("room_set", { room, retain_count: 30 }));
  await refused("bad_value", ana.call("room_set", { room, retain_age: 1 }));
  await ana.call("room_set", { room, retain_count: 30 });
  const { settings } = await bob.event((event) => event.event === "room" && event.settings?.first > 1);
  assert.equal(settings.first, 92); // the room's first entry, then 90 messages
  const entries = [];
  for (let page = { entries: [{ seq: 0 }] }; page.entries.length > 0; entries.push(...page.entries))
    page = await ana.call("history", { room, after: page.entries.at(-1).seq });
  assert.deepEqual([entries.length, entries[0].seq], [30, 92]);
  await refused("no_such_message", ana.call("edit", { room, target: 91, text: "x" }));
  const late = await (await t.server).connect(bob.token);
  assert.equal((await late.call("join", { room, after: 91, epoch })).reset, undefined);
  const again = await (await t.server).connect(bob.token);
  const { rooms } = await again.call("resume", { rooms: { [room]: [epoch, 90] } });
  assert.deepEqual([rooms[room].reset, rooms[room].first, rooms[room].epoch], [true, 92, epoch]);
  assert.equal((await again.event({ event: "reset", room })).first, 92);
  late.kill();
  again.kill();
});

test("the server's setting holds for every room", async (t) => {
  const server = await t.start({ "retain-count": 5 });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  for (let i = 0; i < 60; i++) await ana.http("send", { room: "r", text: `${i}` });
  await until("the first messages are gone", async () => {
    const { entries } = await ana.call("history", { room: "r", after: 0, limit: 500 });
    return entries[0].text !== "0" && entries.length >= 5 && entries.length < 46;
  });
});

testWorkers("a direct room comes into being by dm only", async (t) => {
  const [ana, bob] = [await t.person(), await t.person()];
  const room = direct(ana, bob);
  await refused("no_such_room", ana.call("join", { room }));
  await refused("no_such_room", ana.call("join", { room: `dm:${ana.user.id}:99999999`, create: true }));
  await refused("no_such_room", ana.call("send", { room, text: "a" }));
  await bob.call("dm", { user: ana.user.id });
  await ana.event({ event: "invite", to: room });
  await ana.call("join", { room });
});

testWorkers("one's own log is followed without asking, and can be read again", async (t) => {
  const [ana, bob] = [await t.person(), await t.person()];
  const own = `@${ana.user.id}`;
  const rooms = [t.room(), t.room(), t.room()];
  for (const room of rooms) {
    await bob.call("room_create", { room, kind: "private", title: `of ${room}` });
    await bob.call("member_set", { room, user: ana.user.id, role: "member" });
  }
  const invites = await ana.events({ event: "invite", room: own }, 3);
  assert.deepEqual(
    invites.map(({ seq, to, title, kind }) => [seq, to, title, kind]),
    [...rooms.map((room, i) => [i + 1, room, `of ${room}`, "private"])],
  );
  const again = await (await t.server).connect(ana.token);
  await again.call("join", { room: own, after: 1 });
  assert.deepEqual(
    (await again.events({ event: "invite" }, 2)).map(({ seq }) => seq),
    [2, 3],
  );
  const { entries } = await again.call("history", { room: own, view: "log" });
  assert.equal(entries.length, 3);
  await again.close();
});

testWorkers("a private room is its members' only", async (t) => {
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  const made = await ana.call("room_create", { room, kind: "private", title: "ours" });
  assert.equal(made.room.kind, "private");
  await refused("not_member", bob.call("join", { room }));
  await ana.call("join", { room });
  await ana.call("send", { room, text: "before" });
  await ana.call("member_set", { room, user: bob.user.id, role: "member" });
  const joined = await bob.call("join", { room, after: 0 });
  assert.deepEqual([joined.role, joined.room.title], ["member", "ours"]);
  const { user, role, from } = await bob.event({ event: "member", room });
  assert.deepEqual([user, role, from], [bob.user, "member", ana.user]);
  await bob.event({ text: "before" });
  await bob.call("send", { room, text: "thanks" });
  await ana.event({ text: "thanks" });
});

testWorkers("whoever is removed, muted or banned is so at once", async (t) => {
  const [ana, bob] = [await t.person("ana"), await t.person("bob")];
  const set = (room, role, more) => ana.call("member_set", { room, user: bob.user.id, role, ...more });
  for (const [role, kind, code] of [
    ["none", "private", "not_member"],
    ["banned", "public", "banned"],
    ["banned", "private", "banned"],
  ]) {
    const room = t.room(role);
    await ana.call("room_create", { room, kind });
    await set(room, "member");
    await ana.call("join", { room });
    await bob.call("join", { room, after: 0 });
    // what lands behind the change is not for bob, whether it was asked for before or after
    const sends = ["a", "b", "c"].map((text) => ana.call("send", { room, text }));
    const { seq } = await set(room, role);
    await Promise.all([...sends, ana.call("send", { room, text: "after" })]);
    await ana.event({ room, text: "after" });
    await bob.event({ room, event: "member", seq });
    await sleep(30);
    await bob.settle();
    assert.deepEqual(
      bob.log(room).map((entry) => entry.seq),
      Array.from({ length: seq }, (_, i) => i + 1),
    );
    for (const [action, params] of [
      ["send", { text: "let me" }],
      ["history", {}],
      ["join", {}],
    ])
      await refused(code, bob.call(action, { room, ...params }));
    await set(room, "member");
    await bob.call("join", { room, after: seq });
    await bob.event({ room, text: "after" });
  }
});

testWorkers("muting ends by itself", async (t) => {
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  await ana.call("join", { room });
  await bob.call("join", { room });
  await ana.call("member_set", { room, user: bob.user.id, role: "muted", until: Date.now() + 3000 });
  const { until: end } = await bob.event({ event: "member", role: "muted" });
  const { retry_after_ms: wait } = await refused("muted", bob.call("send", { room, text: "a" }));
  assert.ok(wait > 0 && wait <= 3000, wait);
  await sleep(end - Date.now() + 20);
  await bob.call("send", { room, text: "a" });
});

testWorkers("roles are given by those who may", async (t) => {
  const [ana, bob, eve, room] = [await t.person(), await t.person(), await t.person(), t.room()];
  const set = (who, whom, role) => who.call("member_set", { room, user: whom.user.id, role });
  assert.equal((await ana.call("join", { room })).role, "owner");
  await set(ana, bob, "moderator");
  assert.equal((await bob.call("join", { room })).role, "moderator");
  await eve.call("join", { room });
  const { seq } = await eve.call("send", { room, text: "rude" });
  await bob.call("delete", { room, target: seq });
  await bob.call("room_set", { room, title: "kept clean" });
  await set(bob, eve, "muted");
  await set(bob, eve, "member");
  await refused("forbidden", set(bob, eve, "moderator"));
  await refused("forbidden", set(bob, ana, "member"));
  await refused("forbidden", set(bob, bob, "owner"));
  await set(ana, bob, "owner");
  await set(bob, ana, "member");
  await refused("forbidden", set(ana, eve, "banned"));
  await set(ana, ana, "none"); // to leave for good
  const { members } = await bob.call("members", { room });
  assert.deepEqual(Object.fromEntries(members.map(({ id, role }) => [id, role])), {
    [bob.user.id]: "owner",
    [eve.user.id]: "member",
  });
});

testWorkers("general is nobody's", async (t) => {
  const ana = await t.person();
  const { role } = await ana.call("join", { room: "general" });
  assert.equal(role, undefined);
  await refused("forbidden", ana.call("room_set", { room: "general", title: "mine" }));
});

testWorkers("a room's title changes for everybody", async (t) => {
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  await ana.call("room_create", { room, title: "old" });
  await bob.call("join", { room, after: 0 });
  assert.deepEqual((({ title, kind }) => [title, kind])(await bob.event({ event: "room" })), [
    "old",
    "public",
  ]);
  await ana.call("room_set", { room, title: "neu ✓" });
  assert.equal((await bob.event({ event: "room" })).title, "neu ✓");
  assert.equal((await bob.call("join", { room })).room.title, "neu ✓");
});

test("a room without an id is named after its title, or at random", async (t) => {
  const ana = await t.person();
  const named = await ana.call("room_create", { title: "Über Große Dinge & mehr!" });
  assert.match(named.room.id, /^[a-z0-9-]+-[a-z0-9]{6}$/);
  const again = await ana.call("room_create", { title: "Über Große Dinge & mehr!" });
  assert.notEqual(named.room.id, again.room.id);
  assert.match((await ana.call("room_create")).room.id, /^[a-z0-9]{6,}$/);
  const long = await ana.call("room_create", { title: "x".repeat(128) });
  await ana.call("join", { room: long.room.id, create: false });
});

test("only so many rooms are made by one person", async (t) => {
  const server = await t.start({ "rooms-per-user": 3 });
  const [ana, bob] = [await t.person("ana", { server }), await t.person("bob", { server })];
  await ana.call("room_create", { room: "one" });
  await ana.call("join", { room: "two" });
  await ana.call("room_create", { title: "three" });
  await refused("rooms_limit", ana.call("room_create", { room: "four" }));
  const error = await refused("rooms_limit", ana.call("join", { room: "four" }));
  assert.equal(error.message, "You have created too many rooms.");
  await ana.call("join", { room: "general" });
  await ana.call("dm", { user: bob.user.id });
  await bob.call("join", { room: "four" });
});

testWorkers("what is unread is counted, and read positions are told", async (t) => {
  const server = await t.server;
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  await ana.call("join", { room });
  await bob.call("join", { room });
  for (let i = 1; i <= 5; i++) await ana.call("send", { room, text: `m${i}` });
  const mine = async (who) => (await who.call("rooms")).rooms.find(({ id }) => id === room);
  assert.deepEqual((await mine(bob)).unread, 5);
  assert.deepEqual((await mine(ana)).unread, 0, "one's own are read");
  assert.deepEqual(await bob.call("read", { room, seq: 4, count: 3 }), { seq: 4, count: 3 });
  const cast = await ana.event({ event: "read", user: bob.user.id });
  assert.deepEqual(cast, { event: "read", room, user: bob.user.id, seq: 4, count: 3 });
  assert.deepEqual((await mine(bob)).read, { seq: 4, count: 3 });
  assert.deepEqual((await mine(bob)).unread, 2);
  await bob.call("read", { room, seq: 2, count: 1 }); // never back
  assert.deepEqual((await mine(bob)).read, { seq: 4, count: 3 });
  const device = await server.connect(bob.token);
  await until("the position is stored", async () => {
    const { read } = await device.call("join", { room });
    return read.seq === 4 && read.count === 3;
  });
  await device.call("read", { room, seq: 99 });
  assert.deepEqual((await mine(device)).unread, 0);
  await ana.call("react", { room, target: 2, emoji: "👍" });
  assert.deepEqual((await mine(device)).unread, 0, "a reaction is no message");
  await device.close();
});

testWorkers("what was taken back is not unread", async (t) => {
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  await ana.call("join", { room });
  await bob.call("join", { room });
  const [first, second] = [await ana.call("send", { room, text: "a" }), await ana.call("send", { room, text: "b" })];
  const unread = async () => {
    const listed = (await bob.call("rooms")).rooms.find(({ id }) => id === room).unread;
    assert.equal((await bob.call("join", { room })).unread, listed);
    return listed;
  };
  assert.equal(await unread(), 2);
  await ana.call("delete", { room, target: first.seq });
  assert.equal(await unread(), 1);
  await bob.call("read", { room, seq: second.seq, count: second.count });
  await ana.call("send", { room, text: "c" });
  await ana.call("delete", { room, target: second.seq }); // which was read
  assert.equal(await unread(), 1);
});

testWorkers("users are found by how their name begins", async (t) => {
  const mark = `f${t.serial}`;
  const server = await t.server;
  for (const name of [`${mark} Ann`, `${mark} anna`, `${mark} Änne`, `${mark} bob`]) await server.login(name);
  const ana = await t.person();
  const find = async (query) => (await ana.call("users", { query })).users.map(({ name }) => name);
  assert.deepEqual(await find(`${mark} an`), [`${mark} Ann`, `${mark} anna`]);
  assert.deepEqual(await find(`${mark.toUpperCase()} ÄN`), [`${mark} Änne`]);
  assert.deepEqual(await find(`${mark} z`), []);
  assert.ok((await find(undefined)).length > 0);
});
