// A server behind a gateway: several events come in one frame, some twice, some not at all;
// the connection is cut after a time that was told; the gateway answers when the server does not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { login } from "../src/lib/index.ts";
import {
  again,
  ANA,
  arrive,
  BEN,
  EPOCH,
  FakeClock,
  FakeSocket,
  type Frame,
  loaded,
  message,
  room,
  seqs,
  settle,
  story,
  type Story,
} from "./fake.ts";

const HOUR = 3_600_000;
const LIFETIME = { lifetime: 2 * HOUR };

// Online, on a connection that lasts two hours. random: what every chance comes out as.
async function bound(head: number, random = 1): Promise<Story> {
  const s = story(undefined, undefined, undefined, () => random);
  s.client.start();
  await arrive(s, head, LIFETIME);
  return s;
}

const states = (s: Story) => s.client.outbox.all.map((p) => p.state);
const general = (s: Story) => s.client.rooms.get("general")!;
const timedOut = (text = "Endpoint request timed out") => ({
  message: text,
  connectionId: "L0SM9cOFvHcCIhw=",
  requestId: "8c1bcd1e",
});

// Answers the resume that stands as the only frame there is.
async function beat(s: Story, socket = s.socket()): Promise<Frame> {
  const frame = await socket.answer("resume", { rooms: {} });
  socket.none();
  return frame;
}

// Passes the time, and answers each resume meanwhile.
async function passes(s: Story, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 60_000) {
    await s.clock.pass(Math.min(left, 60_000));
    for (const socket of s.sockets) if (!socket.closed && socket.sent.length > 0) await beat(s, socket);
  }
}

test("the client says that it takes arrays, whoever the server is", async () => {
  const s = story();
  s.client.start();
  await s.socket().open();
  assert.equal(s.socket().take("auth").array, true);
});

test("a frame that is an array is taken as if its elements had come one by one", async () => {
  const s = await bound(10);
  await loaded(s, 10);
  s.client.send("general", "hi");
  const sent = s.socket().take("send");
  await s.socket().frame([
    message(11),
    { id: sent.id, ok: { seq: 12, ts: 1, count: 12 } },
    { event: "typing", room: "general", from: BEN, on: true },
    message(12, { from: ANA, text: "hi", cid: sent.cid }),
  ]);
  assert.deepEqual(seqs(s), [10, 11, 12]);
  assert.deepEqual([states(s), general(s).typing.size], [[], 1]);
  await s.socket().frame([]);
  await s.socket().frame([null, 7, message(13)]);
  assert.deepEqual(seqs(s), [10, 11, 12, 13]);
});

test("what stands behind a reply in an array is taken once the reply is understood", async () => {
  const s = await bound(10);
  await loaded(s, 10);
  await s.socket().drop();
  await s.clock.pass(400);
  await s.socket().open();
  await s.socket().answer("auth", { user: ANA, expires: 9e12, ...LIFETIME });
  const { id } = s.socket().take("resume");
  const reset = { reset: true, epoch: 99, head: { seq: 2, count: 2 } };
  await s.socket().frame([{ id, ok: { rooms: { general: reset } } }, message(3), message(4)]);
  assert.deepEqual([general(s).epoch, general(s).cursor], [99, 4]);
  await s.clock.pass(100);
  s.socket().none();
});

test("frames that come while an array is taken wait for their turn", async () => {
  const s = await bound(10);
  await s.socket().drop();
  await s.clock.pass(400);
  await s.socket().open();
  await s.socket().answer("auth", { user: ANA, expires: 9e12, ...LIFETIME });
  const { id } = s.socket().take("resume");
  const reset = { reset: true, epoch: 99, head: { seq: 2, count: 2 } };
  const data = JSON.stringify([{ id, ok: { rooms: { general: reset } } }, message(3)]);
  s.socket().onmessage?.({ data });
  s.socket().onmessage?.({ data: JSON.stringify(message(4)) });
  await settle();
  assert.deepEqual([general(s).epoch, general(s).cursor], [99, 4]);
  s.socket().none();
});

for (const [random, minutes] of [
  [0, 90],
  [1, 115],
] as const) {
  test(`the client moves before the cut, ${minutes} of 120 minutes in at ${random}`, async () => {
    const s = await bound(10, random);
    await loaded(s, 10);
    const first = s.socket();
    await passes(s, minutes * 60_000 - 1);
    assert.equal(s.sockets.length, 1);
    await s.clock.pass(1);
    assert.equal(s.sockets.length, 2);
    assert.equal(first.closed, false);
    const resume = await again(s, {}, LIFETIME);
    assert.deepEqual(resume.rooms, { "@7": [EPOCH, 3], general: [EPOCH, 10] });
    assert.deepEqual([first.closed, first.code], [true, 1000]);
    assert.deepEqual(s.states, ["connecting", "online"]);
    // The second one has its own two hours.
    await passes(s, minutes * 60_000 - 1);
    assert.equal(s.sockets.length, 2);
    await s.clock.pass(1);
    assert.equal(s.sockets.length, 3);
  });
}

test("a move that does not succeed is tried again until the cut, and nobody notices", async () => {
  const s = await bound(10, 0.5);
  const first = s.socket();
  await passes(s, 102.5 * 60_000 + 1);
  assert.equal(s.sockets.length, 2);
  for (let i = 0; i < 20; i++) {
    await s.socket().drop();
    await s.clock.pass(5000);
  }
  assert.ok(s.sockets.length > 15);
  assert.equal(first.closed, false);
  await s.socket().open();
  await s.socket().answer("auth", { user: ANA, expires: 9e12, ...LIFETIME });
  await s.socket().answer("resume", { rooms: {} });
  assert.equal(first.closed, true);
  assert.deepEqual(s.states, ["connecting", "online"]);
});

test("a server that moves its clients earlier does so; the time starts anew", async () => {
  const s = await bound(10);
  await passes(s, 60 * 60_000);
  await s.socket().event({ event: "move", reason: "drain", delay_ms: 0, within_ms: 10_000 });
  await s.clock.pass(0);
  await again(s, {}, LIFETIME);
  await passes(s, 115 * 60_000 - 1);
  assert.equal(s.sockets.length, 2);
  await s.clock.pass(1);
  assert.equal(s.sockets.length, 3);
});

test("without a lifetime there is neither a move nor a resume, and pings as ever", async () => {
  const s = story();
  s.client.start();
  await arrive(s, 10);
  for (let i = 0; i < 480; i++) {
    await s.clock.pass(29_999);
    s.socket().none();
    await s.clock.pass(1);
    await s.socket().answer("ping", { now: 1 });
  }
  assert.equal(s.sockets.length, 1);
});

test("resume keeps the connection alive, at least every 5 minutes, and nothing else is said", async () => {
  for (const [random, seconds] of [
    [0, 240],
    [1, 180],
  ] as const) {
    const s = await bound(10, random);
    for (let i = 0; i < 3; i++) {
      await s.clock.pass(seconds * 1000 - 1);
      s.socket().none();
      await s.clock.pass(1);
      const resume = await beat(s);
      assert.deepEqual(resume.rooms, { "@7": [EPOCH, 3], general: [EPOCH, 10] });
    }
  }
});

test("a connection on which the resume is not answered is dead", async () => {
  const s = await bound(10);
  await s.clock.pass(180_000);
  s.socket().take("resume");
  await s.clock.pass(39_999);
  assert.equal(s.client.state.name, "online");
  await s.clock.pass(1);
  assert.equal(s.client.state.name, "waiting");
});

test("a resume that is refused for now ends nothing", async () => {
  const s = await bound(10);
  await s.clock.pass(180_000);
  const error = { code: "store_failed", message: "" };
  await s.socket().answer("resume", { rooms: { general: { error } } });
  assert.equal(s.client.state.name, "online");
  await s.clock.pass(180_000);
  await beat(s);
});

test("entries behind a gap are kept: only what is missing must come", async () => {
  const s = await bound(10);
  await loaded(s, 10);
  await s.socket().event(message(13), message(14), message(13), message(12));
  assert.deepEqual(seqs(s), [10]);
  const join = s.socket().take("join");
  assert.deepEqual([join.room, join.after, join.epoch], ["general", 10, EPOCH]);
  s.socket().none();
  await s.socket().frame([{ id: join.id, ok: { room: room(14) } }, message(11)]);
  assert.deepEqual(seqs(s), [10, 11, 12, 13, 14]);
  await s.socket().event(message(11), message(14), message(15));
  assert.deepEqual(seqs(s), [10, 11, 12, 13, 14, 15]);
  s.socket().none();
});

test("a gap that cannot be filled for now is asked for again, on the same connection", async () => {
  const s = await bound(10);
  await loaded(s, 10);
  await s.socket().event(message(12));
  await s.socket().refuse("join", { code: "store_failed" });
  await s.clock.pass(20_000);
  assert.deepEqual([s.sockets.length, s.client.state.name], [1, "online"]);
  assert.deepEqual(s.socket().take("resume").rooms, { general: [EPOCH, 10] });
});

test("an entry that is never delivered is asked for: after an answer that knows of it", async () => {
  const s = await bound(10);
  await loaded(s, 10);
  await s.clock.pass(6000);
  s.client.send("general", "hi");
  const { cid } = await s.socket().answer("send", { seq: 11, ts: 1, count: 11 });
  await s.clock.pass(4999);
  s.socket().none();
  await s.clock.pass(1);
  const resume = s.socket().take("resume");
  assert.deepEqual(resume.rooms, { general: [EPOCH, 10] });
  const head = { seq: 11, count: 11 };
  await s.socket().event({ id: resume.id, ok: { rooms: { general: { epoch: EPOCH, head } } } });
  await s.clock.pass(9999);
  s.socket().none(); // ever later
  await s.clock.pass(1);
  s.socket().take("resume");
  await s.socket().event(message(11, { from: ANA, text: "hi", cid }));
  assert.deepEqual([seqs(s), states(s)], [[10, 11], []]);
});

test("what the regular resume says is missing is asked for again", async () => {
  const s = await bound(10);
  await loaded(s, 10);
  await s.clock.pass(180_000);
  const head = { seq: 12, count: 12 };
  await s.socket().answer("resume", { rooms: { general: { epoch: EPOCH, head } } });
  await s.socket().event(message(12)); // 11 is lost
  await s.socket().answer("join", { room: room(12) });
  await s.clock.pass(5000);
  await s.socket().answer("resume", { rooms: { general: { epoch: EPOCH, head } } });
  await s.socket().event(message(11));
  assert.deepEqual(seqs(s), [10, 11, 12]);
  await s.clock.pass(20_000);
  s.socket().none();
});

test("events of a room that is being joined are kept until the answer is there", async () => {
  const s = await bound(10);
  const plans = { room: "plans" };
  const joining = s.client.join("Plans");
  const join = s.socket().take("join");
  const people = { event: "presence", room: "plans", count: 1, users: [BEN] };
  await s.socket().event(message(6, plans), people, message(5, plans), message(1, { room: "else" }));
  await s.socket().event({ id: join.id, ok: { room: room(4, { id: "plans" }) } });
  const { cursor, presence } = await joining;
  assert.deepEqual([cursor, presence.count], [6, 1]);
  s.socket().none();
  await s.socket().event(message(7, plans));
  assert.equal(s.client.rooms.get("plans")!.cursor, 7);
  assert.equal(s.client.rooms.has("else"), false);
});

test("the answer to a join and the room's events come in one frame", async () => {
  const s = await bound(10);
  const joining = s.client.join("plans");
  const { id } = s.socket().take("join");
  const plans = { room: "plans" };
  const ok = { room: room(4, { id: "plans" }) };
  await s.socket().frame([{ id, ok }, message(4, plans), message(5, plans)]);
  assert.equal((await joining).cursor, 5);
});

test("an invitation that was lost on the way is asked for", async () => {
  const s = await bound(10);
  const invite = (seq: number, to: string) => ({
    event: "invite",
    room: "@7",
    seq,
    to,
    kind: "private",
    title: "",
    from: BEN,
    ts: 1,
  });
  await s.socket().event(invite(5, "second"));
  const join = s.socket().take("join");
  assert.deepEqual([join.room, join.after, join.epoch], ["@7", 3, EPOCH]);
  await s.socket().event({ id: join.id, ok: { room: room(5, { id: "@7", kind: "self" }) } });
  await s.socket().event(invite(4, "first"), invite(5, "second"));
  const [first, second] = [s.socket().take("join"), s.socket().take("join")];
  assert.deepEqual([first.room, second.room], ["first", "second"]);
  s.socket().none();
});

for (const text of ["Endpoint request timed out", "Internal server error", "Forbidden"]) {
  test(`"${text}" from the gateway: the send is repeated with its cid, and lands once`, async () => {
    const s = await bound(10);
    await loaded(s, 10);
    s.client.send("general", "hi");
    const first = s.socket().take("send");
    await s.socket().frame(timedOut(text));
    assert.deepEqual(states(s), ["sending"]);
    await s.clock.pass(499);
    s.socket().none();
    await s.clock.pass(1);
    const second = s.socket().take("send");
    assert.deepEqual(second, first);
    await s.socket().event({ id: first.id, ok: { seq: 11, ts: 1, count: 11, duplicate: true } });
    await s.socket().event({ id: first.id, ok: { seq: 11, ts: 1, count: 11, duplicate: true } });
    await s.socket().event(message(11, { from: ANA, text: "hi", cid: first.cid }));
    assert.deepEqual([states(s), seqs(s)], [[], [10, 11]]);
    assert.deepEqual(s.states, ["connecting", "online"]);
    assert.equal(s.sockets.length, 1);
  });
}

test("a balancer's page in the server's place is no end: the send is repeated, and lands once", async () => {
  const s = await bound(10);
  await loaded(s, 10);
  s.client.send("general", "hi");
  const first = s.socket().take("send");
  s.socket().onmessage?.({ data: "<html><body><h1>502 Bad Gateway</h1></body></html>\n" });
  await s.clock.pass(500);
  assert.deepEqual(s.socket().take("send"), first);
  await s.socket().event({ id: first.id, ok: { seq: 11, ts: 1, count: 11 } });
  await s.socket().event(message(11, { from: ANA, text: "hi", cid: first.cid }));
  assert.deepEqual([states(s), seqs(s)], [[], [10, 11]]);
  assert.deepEqual(s.states, ["connecting", "online"]);
  assert.equal(s.sockets.length, 1);
});

test("a send that is never answered waits, and is sent until it is", async () => {
  const s = await bound(10);
  s.client.send("general", "hi");
  const { cid, seen } = s.socket().take("send");
  await s.socket().frame(timedOut());
  for (let i = 0; i < 20; i++) {
    await s.clock.pass(8000);
    for (const frame of s.socket().sent.splice(0)) {
      if (frame.action === "resume") await s.socket().event({ id: frame.id, ok: { rooms: {} } });
      else assert.deepEqual([frame.action, frame.cid, frame.seen], ["send", cid, seen]);
      if (frame.action === "send") await s.socket().frame(timedOut());
    }
    assert.notDeepEqual(states(s), ["failed"]);
  }
  s.socket().sent.length = 0;
  await s.clock.pass(10_000);
  await s.socket().answer("send", { seq: 11, ts: 1, count: 11 });
  assert.deepEqual(states(s), ["sent"]);
});

test("a command that may have been any of several: all are repeated, the first reply counts", async () => {
  const s = await bound(10);
  const presence = s.client.refreshPresence("general");
  const editing = s.client.edit("general", 10, "better");
  const [one, two] = [s.socket().take("presence"), s.socket().take("edit")];
  await s.socket().frame(timedOut());
  await s.socket().event({ id: one.id, ok: { count: 3 } });
  await presence;
  await s.clock.pass(500);
  assert.deepEqual(await s.socket().answer("edit", { seq: 11, ts: 1 }), two);
  await editing;
  s.socket().none();
});

test("what cannot be repeated is not: whether it was done cannot be told", async () => {
  const s = await bound(10);
  const making = assert.rejects(s.client.createRoom("Secret", "private"), { code: "unanswered" });
  s.socket().take("room_create");
  await s.socket().frame(timedOut());
  await making;
  await s.clock.pass(60_000);
  s.socket().none();
});

test("the gateway's word on what wanted no answer changes nothing", async () => {
  const s = await bound(10);
  s.client.typing("general", true);
  s.socket().take("typing");
  await s.socket().frame(timedOut());
  await s.clock.pass(60_000);
  s.socket().none();
  assert.equal(s.client.state.name, "online");
});

test("other requests are given up after a few repeats, and say so", async () => {
  const s = await bound(10);
  const asked = assert.rejects(s.client.refreshPresence("general"), { code: "unanswered" });
  for (const wait of [500, 1000, 2000, 4000]) {
    s.socket().take("presence");
    await s.socket().frame(timedOut());
    await s.clock.pass(wait);
  }
  s.socket().take("presence");
  await s.socket().frame(timedOut());
  await asked;
  assert.equal(s.client.state.name, "online");
});

test("a login on the way in is repeated as well", async () => {
  const s = story();
  s.client.start();
  await s.socket().open();
  const first = s.socket().take("auth");
  await s.socket().frame(timedOut("Internal server error"));
  await s.clock.pass(500);
  assert.deepEqual(s.socket().take("auth"), first);
  assert.equal(s.sockets.length, 1);
});

test("a frame of 32 KB is not sent where it would end the connection: the message says so", async () => {
  const s = await bound(10);
  s.client.send("general", "x".repeat(32 * 1024));
  await settle();
  s.socket().none();
  assert.deepEqual(states(s), ["failed"]);
  const [pending] = s.client.outbox.all;
  assert.deepEqual([pending!.error?.code, /31 KB/.test(pending!.error!.message)], ["too_long", true]);
  s.client.send("general", "ü".repeat(15_000));
  const { text } = await s.socket().answer("send", { seq: 11, ts: 1, count: 11 });
  assert.equal((text as string).length, 15_000);
  s.client.send("general", "ü".repeat(20_000)); // bytes count
  await settle();
  s.socket().none();
  assert.deepEqual(states(s), ["failed", "sent", "failed"]);
  assert.equal(s.client.state.name, "online");
});

test("elsewhere 128 KB are the limit", async () => {
  const s = story();
  s.client.start();
  await arrive(s, 10);
  const long = assert.rejects(s.client.edit("general", 1, "x".repeat(128 * 1024)), {
    code: "too_long",
    message: /127 KB/,
  });
  await long;
  s.socket().none();
  void s.client.edit("general", 1, "x".repeat(100 * 1024)).catch(() => undefined);
  s.socket().take("edit");
});

test("a message for which the connection is closed is not sent on the next one", async () => {
  const s = story();
  s.client.start();
  await arrive(s, 10);
  s.client.send("general", "x".repeat(100 * 1024));
  s.client.send("general", "short");
  s.socket().take("send");
  await s.socket().drop(1009);
  await s.clock.pass(400);
  await again(s);
  assert.equal(s.socket().take("send").text, "short");
  assert.deepEqual(states(s), ["failed", "sending"]);
});

test("the cursors of many rooms are handed over in several frames, each small enough", async () => {
  const s = story();
  s.client.start();
  const ids = Array.from({ length: 1000 }, (_, i) => `room-${i}-${"x".repeat(50)}`);
  await s.socket().open();
  await s.socket().answer("auth", { user: ANA, expires: 9e12, ...LIFETIME });
  await s.socket().answer("join", { room: { ...room(3), id: "@7", kind: "self" } });
  await s.socket().answer("rooms", { rooms: ids.map((id) => room(10, { id })) });
  const found: string[] = [];
  while (s.client.state.name === "connecting") {
    const frame = await s.socket().answer("resume", { rooms: {} });
    assert.ok(JSON.stringify(frame).length < 32 * 1024);
    found.push(...Object.keys(frame.rooms as object));
  }
  assert.deepEqual(found, ["@7", ...ids]);
});

test("a server that has a WebSocket only is logged in to there, on a connection of its own", async () => {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const socket = (url: string) => {
    sockets.push(new FakeSocket(url));
    return sockets.at(-1)!;
  };
  const at = "wss://x.execute-api.eu-central-1.amazonaws.com/prod";
  const one = login(at, "ana", undefined, { socket, clock });
  assert.equal(sockets[0]!.url, at);
  await sockets[0]!.open();
  const session = { token: "t", user: ANA, expires: 9e12 };
  const asked = await sockets[0]!.answer("login", session);
  assert.deepEqual([asked.name, "owner" in asked], ["ana", false]);
  assert.deepEqual(await one, session);
  assert.equal(sockets[0]!.closed, true);
  const two = assert.rejects(login(at, "ana", "code", { socket, clock }), { code: "unreachable" });
  await sockets[1]!.drop();
  await two;
  const three = assert.rejects(login(at, "!", undefined, { socket, clock }), { code: "bad_name" });
  await sockets[2]!.open();
  await sockets[2]!.refuse("login", { code: "bad_name" });
  await three;
});
