// Following rooms: cursors, coming back, order, and what is no entry of a log.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { sleep, test, testWorkers, refused, until } from "./lib/suite.mjs";

const seqs = (frames) => frames.map(({ seq }) => seq);
const range = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);

async function fill(who, room, n, text = "m") {
  await Promise.all(range(1, n).map((i) => who.call("send", { room, text: `${text}${i}` })));
}

testWorkers("join begins where it is told to", async (t) => {
  const [ana, room] = [await t.person(), t.room()];
  const { room: made, read } = await ana.call("join", { room });
  assert.deepEqual(
    [made.head, read],
    [
      { seq: 1, count: 0 },
      { seq: 1, count: 0 },
    ],
  );
  await fill(ana, room, 20);
  const { epoch } = made;
  const shown = async (how) => {
    const bob = await t.person("bob");
    const ok = await bob.call("join", { room, ...how });
    await sleep(60); // what was missed may have to be read
    await bob.settle();
    return [seqs(bob.log(room)), ok.reset, bob.frames.find(({ event }) => event === "reset")];
  };
  assert.deepEqual(await shown({}), [[], undefined, undefined]);
  assert.deepEqual(await shown({ last: 5 }), [range(17, 21), undefined, undefined]);
  assert.deepEqual(await shown({ last: 500 }), [range(1, 21), undefined, undefined]);
  assert.deepEqual(await shown({ after: 0 }), [range(1, 21), undefined, undefined]);
  assert.deepEqual(await shown({ after: 18, epoch }), [range(19, 21), undefined, undefined]);
  assert.deepEqual(await shown({ after: 21, epoch }), [[], undefined, undefined]);
  const reset = { event: "reset", room, epoch, head: { seq: 21, count: 20 } };
  assert.deepEqual(await shown({ after: 18, epoch: epoch + 1 }), [[], true, reset]);
  assert.deepEqual(await shown({ after: 22, epoch }), [[], true, reset]);
});

testWorkers("joining again moves the cursor only if it is told to", async (t) => {
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  await ana.call("join", { room });
  await bob.call("join", { room });
  await fill(ana, room, 3);
  await bob.events({ event: "message", room }, 3);
  await bob.call("join", { room });
  await ana.call("send", { room, text: "4" });
  await bob.event({ text: "4" });
  assert.deepEqual(seqs(bob.log(room)), [2, 3, 4, 5]);
  await bob.call("join", { room, after: 3 });
  await bob.events({ room, event: "message" }, 6);
  assert.deepEqual(seqs(bob.log(room)), [2, 3, 4, 5, 4, 5]);
});

testWorkers("resume brings back every room at once", async (t) => {
  const ana = await t.person();
  const rooms = range(1, 12).map(() => t.room());
  const epochs = {};
  for (const room of rooms) epochs[room] = (await ana.call("join", { room })).room.epoch;
  for (const [i, room] of rooms.entries()) await fill(ana, room, i);
  const secret = t.room("private");
  const bob = await t.person("bob");
  await bob.call("room_create", { room: secret, kind: "private" });
  await ana.close();

  const [same, moved, wrong, beyond] = [rooms[0], rooms[7], rooms[8], rooms[9]];
  const cursors = Object.fromEntries(rooms.map((room, i) => [room, [epochs[room], Math.min(3, i + 1)]]));
  cursors[wrong][0]++;
  cursors[beyond][1] = 1000;
  cursors[secret] = [5, 5];
  cursors["no-such-room"] = [5, 5];
  const back = await t.person("back");
  const { rooms: answer } = await back.call("resume", { rooms: cursors });
  assert.equal(answer[same], undefined);
  assert.deepEqual(answer[moved], { epoch: epochs[moved], head: { seq: 8, count: 7 } });
  assert.deepEqual(answer[wrong], { reset: true, epoch: epochs[wrong], head: { seq: 9, count: 8 } });
  assert.equal(answer[beyond].reset, true);
  assert.equal(answer[secret].error.code, "not_member");
  assert.equal(answer["no-such-room"].error.code, "no_such_room");
  await back.events(({ event }) => event === "reset", 2);
  await back.events({ room: rooms[11], event: "message" }, 9);
  for (const [i, room] of rooms.entries()) {
    const expected = room === wrong || room === beyond ? [] : range(Math.min(3, i + 1) + 1, i + 1);
    assert.deepEqual(seqs(back.log(room)), expected, room);
  }
  // all are followed from then on
  for (const room of rooms) await back.call("send", { room, text: "now" });
  for (const room of rooms) await back.event({ room, text: "now" });
  // the answer comes before what it announces
  const first = back.frames.findIndex(({ event }) => event === "message" || event === "reset");
  assert.ok(back.frames.findIndex(({ ok }) => ok?.rooms?.[moved]) < first);
});

test("a resume of many rooms is one command in flight", async (t) => {
  const server = await t.start({ "commands-in-flight": 8 });
  const ana = await t.person("ana", { server });
  const cursors = {};
  for (const i of range(1, 60)) {
    const { room } = await ana.call("join", { room: `r${i}` });
    cursors[room.id] = [room.epoch, 0];
  }
  await ana.close();
  await server.restart(); // the rooms are not in memory: none answers at once
  const back = await t.person("back", { server });
  const resumed = back.call("resume", { rooms: cursors });
  await Promise.all(range(1, 6).map((i) => back.call("history", { room: `r${i}` })));
  assert.equal(Object.keys((await resumed).rooms).length, 60);
});

testWorkers("whoever missed too much is told where it stands", async (t) => {
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  const { epoch } = (await ana.call("join", { room })).room;
  await fill(ana, room, 1500);
  await bob.call("resume", { rooms: { [room]: [epoch, 10] } });
  const behind = await bob.event({ event: "behind", room });
  assert.deepEqual(behind, { event: "behind", room, from: 10, to: 1501 });
  await ana.call("send", { room, text: "live" });
  await bob.event({ text: "live" });
  assert.deepEqual(seqs(bob.log(room)), [1502]);
  // what is between can be fetched
  const missed = [];
  for (let after = behind.from; after < behind.to; after = missed.at(-1)) {
    const { entries, more } = await bob.call("history", { room, after, view: "log", limit: 500 });
    assert.equal(more, seqs(entries).at(-1) < behind.to + 1);
    missed.push(...seqs(entries).filter((seq) => seq <= behind.to));
  }
  assert.deepEqual(missed, range(11, 1501));
  // a thousand come one by one, older than memory holds
  const eve = await t.person("eve");
  await eve.call("join", { room, after: 502 });
  await eve.events({ event: "message", room }, 1000);
  assert.deepEqual(seqs(eve.log(room)), range(503, 1502));
  assert.equal(
    eve.frames.some(({ event }) => event === "behind"),
    false,
  );
});

testWorkers("everybody sees everything once and in order, whoever is on which worker", async (t) => {
  const rooms = range(1, 6).map(() => t.room());
  const people = await Promise.all(range(1, 6).map(() => t.person()));
  for (const who of people) for (const room of rooms) await who.call("join", { room, after: 0 });
  await Promise.all(people.flatMap((who) => rooms.map((room) => fill(who, room, 30, `${who.user.id}.`))));
  for (const who of people) {
    for (const room of rooms) {
      await who.events({ event: "message", room }, 180);
      const log = who.log(room);
      assert.deepEqual(seqs(log), range(1, 181));
      assert.deepEqual(
        log.slice(1).map(({ count }) => count),
        range(1, 180),
      );
      log.slice(1).forEach(({ ts }, i) => assert.ok(ts >= log[i].ts, "time went back"));
      for (const author of people) {
        const own = log.filter(({ from, event }) => event === "message" && from.id === author.user.id);
        assert.deepEqual(
          own.map(({ text }) => text),
          range(1, 30).map((i) => `${author.user.id}.${i}`),
        );
      }
      assert.deepEqual(log, people[0].log(room));
    }
  }
});

testWorkers("the reply comes before one's own event", async (t) => {
  const ana = await t.person();
  for (const room of range(1, 8).map(() => t.room())) {
    await ana.call("join", { room });
    await Promise.all(range(1, 50).map((i) => ana.call("send", { room, text: `m${i}` })));
    await ana.events({ event: "message", room }, 50);
    for (const { seq } of ana.log(room).slice(1)) {
      const reply = ana.frames.findIndex(({ ok }) => ok?.seq === seq && ok.count === seq - 1);
      const event = ana.frames.findIndex((frame) => frame.room === room && frame.seq === seq);
      assert.ok(reply >= 0 && reply < event, `${reply} ${event}`);
    }
    ana.frames.length = 0;
  }
});

test("a room's id is folded, and one's own cid comes back", async (t) => {
  const [ana, room] = [await t.person(), t.room()];
  const { room: made } = await ana.call("join", { room: ` ${room.toUpperCase().replaceAll("-", " ")}  ` });
  assert.equal(made.id, room);
  const { seq } = await ana.call("send", { room: room.toUpperCase(), text: "a", cid: "c1" });
  const event = await ana.event({ event: "message", room });
  const { ts } = event;
  const expected = {
    event: "message",
    room,
    seq,
    count: 1,
    ts,
    from: ana.user,
    text: "a",
    cid: "c1",
    rev: seq,
  };
  assert.deepEqual(event, expected);
  assert.ok(Math.abs(ts - Date.now()) < 5000);
});

testWorkers("whoever leaves is sent nothing more", async (t) => {
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  await ana.call("join", { room });
  await bob.call("join", { room });
  await bob.call("leave", { room: room.toUpperCase() });
  await ana.call("send", { room, text: "a" });
  await ana.event({ text: "a" });
  await sleep(50);
  await bob.settle();
  assert.deepEqual(bob.log(room), []);
  assert.equal((await bob.call("rooms")).rooms.length, 0);
  // and may come back to where it was
  await bob.call("join", { room, after: 1 });
  await bob.event({ text: "a" });
});

testWorkers("typing is told to the others, not kept", async (t) => {
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  await ana.call("join", { room });
  await bob.call("join", { room });
  await ana.call("typing", { room });
  assert.deepEqual(await bob.event({ event: "typing" }), { event: "typing", room, from: ana.user, on: true });
  await ana.call("typing", { room, on: false });
  assert.equal((await bob.event({ event: "typing" })).on, false);
  assert.equal(
    ana.frames.some(({ event }) => event === "typing"),
    false,
  );
  assert.equal((await ana.call("history", { room, view: "log" })).head.seq, 1);
});

testWorkers("presence tells who is there", async (t) => {
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  const sorted = (ids) => ids?.sort((a, b) => a - b);
  const ids = ({ users }) => sorted(users?.map(({ id }) => id));
  const pair = sorted([ana.user.id, bob.user.id]);
  await ana.call("join", { room });
  await ana.event((f) => f.event === "presence" && f.count === 1 && f.room === room);
  await bob.call("join", { room });
  const both = await ana.event((f) => f.event === "presence" && f.count === 2);
  assert.deepEqual(ids(both), pair);
  assert.deepEqual(
    both.users.find(({ id }) => id === bob.user.id),
    bob.user,
  );
  assert.deepEqual(ids(await ana.call("presence", { room })), pair);
  // a second device is the same person
  const again = await (await t.server).connect(bob.token);
  await again.call("join", { room });
  await sleep(300);
  assert.equal((await ana.call("presence", { room })).count, 2);
  await again.close();
  await bob.close();
  await ana.event((f) => f.event === "presence" && f.count === 1);
  assert.deepEqual(ids(await ana.call("presence", { room })), [ana.user.id]);
});

test("more people than the roster takes are only counted", async (t) => {
  const server = await t.start({ workers: 2, "presence-roster": 3, "presence-count": "100ms" });
  const room = t.room();
  const people = [];
  for (const name of ["a", "b", "c", "d", "e"]) people.push(await t.person(name, { server }));
  await Promise.all(people.map((who) => who.call("join", { room })));
  await until("all five are counted", async () => (await people[0].call("presence", { room })).count === 5);
  assert.equal((await people[0].call("presence", { room })).users, undefined);
  const cast = await people[0].event((f) => f.event === "presence" && f.count === 5);
  assert.equal(cast.users, undefined);
});

test("in a room of many, of what one has read only one's own devices are told", async (t) => {
  const server = await t.start({ workers: 2, "presence-roster": 3, "presence-count": "100ms" });
  const room = t.room();
  const people = [];
  for (const name of ["a", "b", "c", "d", "e"]) people.push(await t.person(name, { server }));
  const [ana, bob] = people;
  const again = await server.connect(ana.token);
  await Promise.all([again, ...people].map((who) => who.call("join", { room })));
  await bob.event((f) => f.event === "presence" && f.count >= 5);
  for (let i = 0; i < 5; i++) await people[2].call("send", { room, text: "hi" });
  await ana.call("read", { room, seq: 3, count: 2 });
  await again.event({ event: "read", user: ana.user.id, seq: 3 });
  await bob.call("read", { room, seq: 4, count: 3 });
  await bob.event({ event: "read", user: bob.user.id, seq: 4 });
  await ana.call("ping");
  assert.deepEqual(
    ana.frames.filter(({ event, user }) => event === "read" && user !== ana.user.id),
    [],
  );
});

test("only so many rooms are followed", async (t) => {
  const server = await t.start({ "rooms-per-connection": 3 });
  const ana = await t.person("ana", { server });
  for (const room of ["a", "b", "c"]) await ana.call("join", { room });
  await refused("too_many_rooms", ana.call("join", { room: "d" }));
  await ana.call("join", { room: "a" });
  await ana.call("leave", { room: "a" });
  await ana.call("join", { room: "d" });
  const bob = await t.person("bob", { server });
  await refused(
    "too_many_rooms",
    bob.call("resume", { rooms: { a: [0, 0], b: [0, 0], c: [0, 0], d: [0, 0] } }),
  );
  await bob.call("resume", { rooms: { a: [0, 0], b: [0, 0] } });
  const { rooms } = await bob.call("resume", { rooms: { c: [0, 0], d: [0, 0] } });
  assert.equal(rooms.d.error.code, "too_many_rooms");
});

// What the program's threads have computed, in ms.
function computed(server) {
  const tasks = `/proc/${server.pid}/task`;
  const ns = readdirSync(tasks).map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]));
  return ns.reduce((sum, one) => sum + one, 0) / 1e6;
}

test("rooms costs the same, whatever one's other connections follow", async (t) => {
  const server = await t.start();
  const ana = await t.person("ana", { server });
  const ids = Array.from({ length: 1000 }, (_, i) => `room-${i}`);
  const rooms = {};
  for (const room of ids) {
    const joined = (await ana.call("join", { room })).room;
    rooms[room] = [joined.epoch, joined.head.seq];
  }
  const least = async () => {
    const costs = [];
    for (let i = 0; i < 5; i++) {
      const before = computed(server);
      assert.equal((await ana.call("rooms")).rooms.length, 1000);
      costs.push(computed(server) - before);
    }
    return Math.min(...costs);
  };
  const alone = await least();
  for (let i = 0; i < 149; i++) {
    const other = await server.connect(ana.token);
    await other.call("resume", { rooms });
  }
  assert.equal((await server.metrics())("polylog_cursors"), 150_000);
  const among = await least();
  assert.ok(among < 10 * alone, `${among} ms of computing among 149 other connections, ${alone} alone`);
});
