// A server that drains asks to move: the second connection is up before the first
// is closed.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  again,
  ANA,
  EPOCH,
  loaded,
  message,
  online,
  room,
  seqs,
  story,
  type Story,
} from "./fake.ts";

const MOVE = { event: "move", reason: "drain", delay_ms: 100, within_ms: 10_000 };

// Told to move, with the second socket created.
async function moving(s: Story): Promise<void> {
  await s.socket().event(MOVE);
  await s.clock.pass(100);
  assert.equal(s.sockets.length, 2);
}

test("the second connection is up before the first is closed, and the state stays online", async () => {
  const s = await online(10);
  await loaded(s, 9);
  await s.socket().event(MOVE);
  await s.clock.pass(99);
  assert.equal(s.sockets.length, 1);
  await s.clock.pass(1);
  assert.equal(s.sockets.length, 2);
  const [first, second] = s.sockets;
  await second!.open();
  await second!.answer("auth", { user: ANA, expires: 9e12 });
  await first!.event(message(11));
  assert.equal(first!.closed, false);
  const resume = await second!.answer("resume", { rooms: {} });
  assert.deepEqual(resume.rooms, { "@7": [EPOCH, 3], general: [EPOCH, 10] });
  assert.equal(first!.closed, true);
  assert.equal(first!.code, 1000);
  await second!.event(message(11), message(12));
  assert.deepEqual(seqs(s), [9, 10, 11, 12]);
  assert.deepEqual(s.states, ["connecting", "online"]);
});

test("what both connections bring is shown once, in order", async () => {
  const s = await online(10);
  await loaded(s, 10);
  const first = s.socket();
  s.client.send("general", "in flight"); // keeps the first one open
  const sent = first.take("send");
  await moving(s);
  await again(s);
  const second = s.socket();
  await second.event(message(11));
  await first.event(message(11), message(12), message(13));
  await second.event(message(12), message(13), message(14));
  await first.event(message(14));
  assert.deepEqual(seqs(s), [10, 11, 12, 13, 14]);
  second.none();
  assert.equal(first.closed, false);
  await first.event({ id: sent.id, ok: { seq: 15, ts: 1, count: 15 } });
  assert.equal(first.closed, true);
});

test("what is asked on the first is answered there; what comes later goes to the second", async () => {
  const s = await online(10);
  const first = s.socket();
  s.client.send("general", "one");
  s.client.send("general", "two");
  const one = first.take("send");
  await moving(s);
  first.none();
  await again(s);
  const second = s.socket();
  s.client.send("general", "three");
  second.none(); // in each room one after another
  await first.event({ id: one.id, ok: { seq: 11, ts: 1, count: 11 } });
  assert.equal((await second.answer("send", { seq: 12, ts: 2, count: 12 })).text, "two");
  assert.equal(second.take("send").text, "three");
  assert.equal(first.closed, true);
});

test("sends go on over the first while the second is not up", async () => {
  const s = await online(10);
  const first = s.socket();
  await moving(s);
  await s.socket().open();
  s.client.send("general", "hello");
  assert.equal(first.take("send").text, "hello");
});

test("told to move on the second too, it is the same node: it tries again until another answers", async () => {
  const s = await online(10);
  const first = s.socket();
  await moving(s);
  await s.socket().open();
  await s.socket().event(MOVE);
  assert.equal(s.socket().closed, true);
  await s.clock.pass(499);
  assert.equal(s.sockets.length, 2);
  await s.clock.pass(1);
  assert.equal(s.sockets.length, 3);
  await s.socket().drop(); // a balancer that has no node
  await s.clock.pass(1000);
  assert.equal(s.sockets.length, 4);
  assert.equal(first.closed, false);
  await again(s);
  assert.equal(first.closed, true);
  assert.deepEqual(s.states, ["connecting", "online"]);
});

test("where a room cannot be followed for now it does not stay: the first goes on", async () => {
  const s = await online(10);
  const first = s.socket();
  await moving(s);
  await again(s, { general: { error: { code: "store_failed", message: "" } } });
  assert.equal(s.socket().closed, true);
  assert.equal(first.closed, false);
  await s.clock.pass(500);
  assert.equal(s.sockets.length, 3);
  await again(s);
  assert.equal(first.closed, true);
  assert.deepEqual(s.states, ["connecting", "online"]);
});

test("with no other node it stays until it is closed, then comes back by itself", async () => {
  const s = await online(10);
  const first = s.socket();
  await moving(s);
  const times: number[] = [];
  for (let ms = 0; ms < 12_000; ms += 50) {
    if (!s.socket().closed && s.socket() !== first) {
      times.push(ms);
      await s.socket().open();
      await s.socket().event(MOVE);
    }
    await s.clock.pass(50);
  }
  assert.ok(times.length > 8 && times.length < 20, times.join());
  assert.ok(times.at(-1)! > 9000 && times.at(-1)! < 10_000, times.join());
  assert.equal(first.closed, false);
  const tried = s.sockets.length;
  await first.drop(1012);
  const { state } = s.client;
  assert.equal(state.name === "waiting" && state.reason, "draining");
  await s.clock.pass(1999);
  assert.equal(s.sockets.length, tried);
  await s.clock.pass(1);
  assert.equal(s.sockets.length, tried + 1);
});

test("the first is lost while the second comes up: the second goes on, nothing is dialled again", async () => {
  const s = await online(10);
  await loaded(s, 10);
  const first = s.socket();
  s.client.send("general", "unanswered");
  const sent = first.take("send");
  await moving(s);
  await s.socket().open();
  await first.drop();
  assert.equal(s.client.state.name, "connecting");
  await s.socket().answer("auth", { user: ANA, expires: 9e12 });
  await s.socket().answer("resume", { rooms: {} });
  assert.equal(s.client.state.name, "online");
  const repeated = s.socket().take("send");
  assert.deepEqual([repeated.cid, repeated.seen], [sent.cid, sent.seen]);
  await s.clock.pass(5000);
  assert.equal(s.sockets.length, 2);
});

test("a room that the first joins last is followed by the second before the first goes", async () => {
  const s = await online(10);
  const first = s.socket();
  const joining = s.client.join("late");
  const join = first.take("join");
  await moving(s);
  await again(s);
  const second = s.socket();
  await first.event({ id: join.id, ok: { room: { ...room(5), id: "late" } } });
  await joining;
  assert.equal(first.closed, false);
  const resume = await second.answer("resume", { rooms: {} });
  assert.deepEqual(resume.rooms, { late: [EPOCH, 5] });
  assert.equal(first.closed, true);
});

test("a behind that the other connection has made up for clears nothing", async () => {
  const s = await online(10);
  await loaded(s, 10);
  const first = s.socket();
  await moving(s);
  await s.socket().open();
  await first.event(message(11), message(12));
  await s.socket().event({ event: "behind", room: "general", from: 10, to: 12 });
  assert.deepEqual(seqs(s), [10, 11, 12]);
});

test("a first connection to a draining node is used, and left", async () => {
  const s = story();
  s.client.start();
  const first = s.socket();
  await first.open();
  await first.event(MOVE);
  await first.answer("auth", { user: ANA, expires: 9e12 });
  await first.answer("join", { room: { ...room(3), id: "@7", kind: "self" } });
  await first.answer("rooms", { rooms: [room(10)] });
  await first.answer("resume", { rooms: {} });
  assert.equal(s.client.state.name, "online");
  await s.clock.pass(100);
  await again(s);
  assert.deepEqual([first.closed, s.sockets.length, s.client.state.name], [true, 2, "online"]);
});

test("stopped while it moves, both connections are closed", async () => {
  const s = await online(10);
  await moving(s);
  await s.socket().open();
  s.client.stop();
  assert.deepEqual(s.sockets.map(({ closed }) => closed), [true, true]);
  await s.clock.pass(20_000);
  assert.equal(s.sockets.length, 2);
});
