import assert from "node:assert/strict";
import { test } from "node:test";
import {
  again,
  arrive,
  ANA,
  amendment,
  BEN,
  EPOCH,
  loaded,
  message,
  online,
  room,
  seqs,
  story,
  texts,
  type Story,
} from "./fake.ts";

const general = (s: Awaited<ReturnType<typeof online>>) => s.client.rooms.get("general")!;

test("a first connection authenticates, lists rooms and follows them from their heads", async () => {
  const s = story();
  s.client.start();
  assert.equal(s.socket().url, "wss://chat.example/ws");
  await s.socket().open();
  assert.equal((await s.socket().answer("auth", { user: ANA, expires: 9e12 })).token, "secret");
  const own = await s.socket().answer("join", { room: { ...room(3), id: "@7", kind: "self" } });
  assert.equal(own.room, "@7");
  await s.socket().answer("rooms", { rooms: [room(10, { read: { seq: 6, count: 6 } })] });
  const resume = await s.socket().answer("resume", { rooms: {} });
  assert.deepEqual(resume.rooms, { "@7": [EPOCH, 3], general: [EPOCH, 10] });
  assert.deepEqual(s.states, ["connecting", "online"]);
  assert.equal(general(s).unread, 4);
});

test("live entries are shown in order, each once", async () => {
  const s = await online(10);
  await loaded(s, 8);
  await s.socket().event(message(11), message(12), message(11), message(12), message(13));
  assert.deepEqual(seqs(s), [8, 9, 10, 11, 12, 13]);
  assert.equal(general(s).cursor, 13);
  s.socket().none();
});

test("a gap is not shown: the log is asked for again from the cursor on", async () => {
  const s = await online(10);
  await loaded(s, 10);
  await s.socket().event(message(11), message(13), message(14));
  assert.deepEqual(seqs(s), [10, 11]);
  const join = await s.socket().answer("join", { room: room(14) });
  assert.deepEqual([join.after, join.epoch], [11, EPOCH]);
  s.socket().none();
  await s.socket().event(message(12), message(13), message(14), message(15));
  assert.deepEqual(seqs(s), [10, 11, 12, 13, 14, 15]);
});

test("entries that arrive while the newest page is fetched are neither lost nor doubled", async () => {
  const s = await online(10);
  const loading = s.client.load("general");
  await s.socket().event(message(11));
  const entries = [message(9), message(10), message(11)];
  const asked = await s.socket().answer("history", { entries, more: true, head: room(11) });
  await loading;
  assert.equal(asked.before, 11);
  assert.deepEqual(seqs(s), [9, 10, 11]);
});

test("older pages go before what is there, until there is nothing older", async () => {
  const s = await online(10);
  await loaded(s, 8);
  const older = s.client.loadOlder("general");
  await s.client.loadOlder("general");
  const entries = [message(1), message(7)];
  const asked = await s.socket().answer("history", { entries, more: false, head: room(10) });
  await older;
  assert.equal(asked.before, 8);
  assert.deepEqual(seqs(s), [1, 7, 8, 9, 10]);
  await s.client.loadOlder("general");
  s.socket().none();
});

test("after a drop the cursors are handed back, and what was missed is shown once", async () => {
  const s = await online(10);
  await loaded(s, 9);
  await s.socket().event(message(11));
  await s.socket().drop();
  assert.equal(s.client.state.name, "waiting");
  await s.clock.pass(400);
  assert.equal(s.sockets.length, 2);
  const head = { seq: 13, count: 13 };
  const resume = await again(s, { general: { epoch: EPOCH, head } });
  assert.deepEqual(resume.rooms, { "@7": [EPOCH, 3], general: [EPOCH, 11] });
  await s.socket().event(message(11), message(12), message(13));
  assert.deepEqual(seqs(s), [9, 10, 11, 12, 13]);
  assert.equal(s.client.state.name, "online");
});

test("attempts are spaced further and further, and at once when the network is back", async () => {
  const s = await online(10);
  await s.clock.pass(5000);
  await s.socket().drop();
  for (const wait of [400, 800, 1600]) {
    await s.clock.pass(wait - 1);
    const before = s.sockets.length;
    await s.clock.pass(1);
    assert.equal(s.sockets.length, before + 1);
    await s.socket().drop();
  }
  const before = s.sockets.length;
  s.client.wake();
  assert.equal(s.sockets.length, before + 1);
});

test("a silent connection is asked for a sign of life, and given up without one", async () => {
  const s = await online(10);
  await s.clock.pass(30_000);
  await s.socket().answer("ping", { now: 1 });
  await s.clock.pass(30_000);
  s.socket().take("ping");
  await s.clock.pass(10_000);
  assert.equal(s.client.state.name, "waiting");
  assert.equal(s.socket().closed, true);
});

test("behind: the cursor moves, the cache goes, the newest page is fetched", async () => {
  const s = await online(10);
  await loaded(s, 5);
  await s.socket().event({ event: "behind", room: "general", from: 10, to: 5000 });
  assert.deepEqual(seqs(s), []);
  const loading = s.client.load("general");
  const entries = [message(4999), message(5000)];
  const asked = await s.socket().answer("history", { entries, more: true, head: room(5000) });
  await loading;
  assert.equal(asked.before, 5001);
  await s.socket().event(message(5001));
  assert.deepEqual(seqs(s), [4999, 5000, 5001]);
});

test("a page that was asked for before the cache went is not taken", async () => {
  const s = await online(10);
  const loading = s.client.load("general");
  const asked = s.socket().take("history");
  await s.socket().event({ event: "behind", room: "general", from: 10, to: 5000 });
  await s.socket().event({ id: asked.id, ok: { entries: [message(10)], more: true } });
  await loading;
  assert.deepEqual(seqs(s), []);
  assert.equal(general(s).log.loaded, false);
});

test("reset: another log, from its head, with nothing kept of the first", async () => {
  const s = await online(10);
  await loaded(s, 5);
  const head = { seq: 2, count: 2 };
  await s.socket().event({ event: "reset", room: "general", epoch: 99, head });
  assert.deepEqual(seqs(s), []);
  assert.deepEqual([general(s).epoch, general(s).cursor, general(s).unread], [99, 2, 0]);
  await s.socket().drop();
  await s.clock.pass(400);
  const resume = await again(s, { general: { reset: true, epoch: 100, head } });
  assert.deepEqual((resume.rooms as Record<string, unknown>).general, [99, 2]);
  assert.equal(general(s).epoch, 100);
});

test("a room that resume refuses for now is kept, and resumed by another connection", async () => {
  for (const id of ["general", "@7"]) {
    const s = await online(10);
    s.client.on("lost", () => assert.fail("lost"));
    await s.socket().drop();
    await s.clock.pass(400);
    await again(s, { [id]: { error: { code: "store_failed", message: "" } } });
    assert.equal(s.socket().closed, true);
    assert.notEqual(s.client.state.name, "online");
    await s.clock.pass(1000);
    assert.deepEqual((await again(s)).rooms, { "@7": [EPOCH, 3], general: [EPOCH, 10] });
    assert.equal(s.client.state.name, "online");
  }
});

test("a room that resume refuses is lost, the others are not", async () => {
  const s = await online(10);
  const lost: string[] = [];
  s.client.on("lost", ({ room: gone, error }) => lost.push(`${gone.id} ${error.code}`));
  await s.socket().drop();
  await s.clock.pass(400);
  await again(s, { general: { error: { code: "not_member", message: "" } } });
  assert.deepEqual(lost, ["general not_member"]);
  assert.equal(s.client.rooms.size, 0);
  assert.equal(s.client.state.name, "online");
});

test("a refused token ends the session; nothing is tried again", async () => {
  const s = story();
  s.client.start();
  await s.socket().open();
  await s.socket().refuse("auth", { code: "revoked" });
  assert.equal(s.client.state.name, "ended");
  await s.clock.pass(600_000);
  assert.equal(s.sockets.length, 1);
});

// What each way of being closed says of the session, older servers' ways included.
const ENDS: [number, string, string, string | undefined][] = [
  [4401, "revoked", "ended", "revoked"],
  [4440, "expired", "ended", "expired"],
  [4408, "log in first", "waiting", undefined],
  [4429, "too many tokens", "waiting", undefined],
  [4401, "expired", "ended", "expired"],
  [4401, "log in first", "waiting", undefined],
  [4401, "too many tokens", "waiting", undefined],
  [4477, "what later servers may say", "waiting", undefined],
];

function whatIsSaid({ client: { state } }: Story): [string, string | undefined] {
  return [state.name, state.name === "ended" ? state.error.code : undefined];
}

test("a session ends only where the server says that it is over, and says why", async () => {
  for (const [code, reason, name, why] of ENDS) {
    const s = await online(10);
    await s.socket().drop(code, reason);
    assert.deepEqual(whatIsSaid(s), [name, why], `${code} ${reason}`);
  }
});

test("behind a gateway, which has no close codes, an event says as much before the end", async () => {
  for (const [code, reason, name, why] of ENDS) {
    const s = await online(10);
    await s.socket().event({ event: "closing", code, reason }, message(11));
    assert.deepEqual(whatIsSaid(s), [name, why], `${code} ${reason}`);
    assert.ok(s.socket().closed, "it does not wait for the gateway");
  }
});

test("an end that has no code is one like any other", async () => {
  for (const code of [undefined, "4401", 1, 99_999]) {
    const s = await online(10);
    await s.socket().event({ event: "closing", code, reason: "revoked" });
    assert.deepEqual(whatIsSaid(s), ["waiting", undefined], String(code));
  }
});

test("a login that was late is tried again with the same token, further and further apart", async () => {
  const s = story();
  s.client.start();
  for (const wait of [400, 800, 1600]) {
    await s.socket().open();
    await s.socket().drop(4408, "log in first");
    await s.clock.pass(wait - 1);
    const before = s.sockets.length;
    await s.clock.pass(1);
    assert.equal(s.sockets.length, before + 1);
  }
  await arrive(s, 10);
});

test("an edit, a reaction and a deletion change the message that they name", async () => {
  const s = await online(10);
  await loaded(s, 9);
  const before = general(s).log.get(10);
  await s
    .socket()
    .event(
      amendment("edit", 11, 10, { text: "better" }),
      amendment("react", 12, 10, { emoji: "👍", on: true }),
      amendment("react", 13, 10, { emoji: "👍", on: true, from: ANA }),
      amendment("react", 14, 10, { emoji: "👍", on: false }),
    );
  const after = general(s).log.get(10);
  assert.notEqual(after, before);
  assert.ok(after?.type === "message");
  assert.deepEqual(
    [after.text, after.edited, after.rev, [...after.reactions]],
    ["better", 11_000, 14, [["👍", [7]]]],
  );
  await s.socket().event(amendment("delete", 15, 10));
  assert.deepEqual(texts(s), ["message 9", ""]);
  assert.equal(general(s).cursor, 15);
});

test("a change that a page of history shows already is not applied again", async () => {
  const s = await online(10);
  const loading = s.client.load("general");
  const page = [message(10, { text: "second edit", rev: 12 })];
  await s.socket().answer("history", { entries: page, more: true, head: room(12) });
  await loading;
  await s.socket().event(amendment("edit", 11, 10, { text: "first edit" }));
  assert.deepEqual(texts(s), ["second edit"]);
  await s.socket().event(amendment("edit", 12, 10, { text: "second edit" }));
  await s.socket().event(amendment("edit", 13, 10, { text: "third edit" }));
  assert.deepEqual(texts(s), ["third edit"]);
});

test("a change that overtakes the page with its message is applied when the page comes", async () => {
  const s = await online(10);
  const loading = s.client.load("general");
  await s.socket().event(amendment("edit", 11, 10, { text: "newer" }));
  await s.socket().answer("history", { entries: [message(10)], more: true, head: room(10) });
  await loading;
  assert.deepEqual(texts(s), ["newer"]);
});

test("typing expires after 6 s, and ends when the message comes", async () => {
  const s = await online(10);
  const on = { event: "typing", room: "general", from: BEN, on: true };
  await s.socket().event(on);
  assert.equal(general(s).typing.size, 1);
  await s.clock.pass(5999);
  assert.equal(general(s).typing.size, 1);
  await s.clock.pass(1);
  assert.equal(general(s).typing.size, 0);
  await s.socket().event(on, message(11));
  assert.equal(general(s).typing.size, 0);
});

test("typing is said once in 3 s, and taken back once", async () => {
  const s = await online(10);
  for (let i = 0; i < 5; i++) s.client.typing("general", true);
  assert.deepEqual(s.socket().take("typing"), { action: "typing", room: "general", on: true });
  s.socket().none();
  await s.clock.pass(3000);
  s.client.typing("general", true);
  s.socket().take("typing");
  s.client.typing("general", false);
  s.client.typing("general", false);
  assert.equal(s.socket().take("typing").on, false);
  s.socket().none();
});

test("unread counts messages only; one's own and those read elsewhere do not count", async () => {
  const s = await online(10);
  await s.socket().event(message(11), amendment("edit", 12, 11, { text: "x" }));
  assert.equal(general(s).unread, 1);
  await s.socket().event({ event: "read", room: "general", user: 7, seq: 12, count: 11 });
  assert.equal(general(s).unread, 0);
  await s.socket().event(message(13, { count: 12 }), message(14, { count: 13, from: ANA }));
  assert.equal(general(s).unread, 0);
  await s.socket().event({ event: "read", room: "general", user: 9, seq: 14, count: 13 });
  assert.equal(general(s).reads.get(9), 14);
});

test("what is unread does not count where a room is muted or off the list", async () => {
  const s = await online(10);
  await s.socket().event(message(11));
  assert.equal(general(s).calls, true);
  for (const pref of [{ muted: true }, { hidden: true }]) {
    general(s).pref = pref;
    assert.deepEqual([general(s).calls, general(s).unread], [false, 1]);
  }
});

test("what was deleted is not unread", async () => {
  const s = story();
  s.client.start();
  await s.socket().open();
  await s.socket().answer("auth", { user: ANA, expires: 9e12 });
  await s.socket().answer("join", { room: { ...room(3), id: "@7", kind: "self" } });
  const info = room(10, { read: { seq: 6, count: 6 }, unread: 3 });
  await s.socket().answer("rooms", { rooms: [info] });
  await s.socket().answer("resume", { rooms: {} });
  assert.equal(general(s).unread, 3);
  await s.socket().event(message(11), amendment("delete", 12, 11), amendment("delete", 13, 5));
  assert.equal(general(s).unread, 3);
  await s.socket().event(amendment("delete", 14, 10), message(15, { count: 12 }));
  assert.equal(general(s).unread, 3);
  await s.socket().event({ event: "read", room: "general", user: 7, seq: 14, count: 11 });
  assert.equal(general(s).unread, 1);
  await s.socket().event(amendment("delete", 16, 15));
  assert.equal(general(s).unread, 0);
});

test("read positions are sent at once, then at most every 2 s, the latest last", async () => {
  const s = await online(10);
  const sent = () =>
    s
      .socket()
      .sent.splice(0)
      .map((frame) => [frame.action, frame.seq, frame.count]);
  for (const seq of [11, 12, 13]) {
    await s.socket().event(message(seq));
    s.client.markRead("general");
  }
  assert.deepEqual(sent(), [["read", 11, 11]]);
  await s.clock.pass(2000);
  assert.deepEqual(sent(), [["read", 13, 13]]);
  await s.clock.pass(2000);
  s.client.markRead("general");
  assert.deepEqual(sent(), []);
  for (const seq of [14, 15]) {
    await s.socket().event(message(seq));
    s.client.markRead("general");
  }
  s.client.flush();
  s.client.flush();
  assert.deepEqual(sent(), [
    ["read", 14, 14],
    ["read", 15, 15],
  ]);
});

test("an invitation in one's own log opens its room", async () => {
  const s = await online(10);
  const invite = {
    event: "invite",
    room: "@7",
    seq: 4,
    to: "dm:7:9",
    kind: "direct",
    title: "",
    from: BEN,
    ts: 1,
  };
  await s.socket().event(invite, invite);
  const info = { ...room(1), id: "dm:7:9", kind: "direct", title: "", read: undefined };
  const join = await s.socket().answer("join", { room: info, read: { seq: 0, count: 0 } });
  assert.equal(join.room, "dm:7:9");
  const direct = s.client.rooms.get("dm:7:9");
  assert.deepEqual([direct?.peer?.name, direct?.unread], ["ben", 1]);
  s.socket().none();
});

test("a direct room that one opened oneself has the other as its peer, not oneself", async () => {
  const s = await online(10);
  const invited: string[] = [];
  s.client.on("invited", (at) => invited.push(at.id));
  const opening = s.client.openDirect(BEN);
  const info = { ...room(1), id: "dm:7:9", kind: "direct", title: "", read: undefined };
  await s.socket().answer("dm", { room: { ...info, peer: BEN } });
  await s
    .socket()
    .event({
      event: "invite",
      room: "@7",
      seq: 4,
      to: "dm:7:9",
      kind: "direct",
      title: "",
      from: ANA,
      ts: 1,
    });
  await s.socket().answer("join", { room: info });
  await s.socket().answer("join", { room: info });
  assert.equal((await opening).peer?.name, "ben");
  assert.deepEqual(invited, []);
});

test("after a long absence the list of rooms is asked for again", async () => {
  const s = await online(10);
  const lost: string[] = [];
  s.client.on("lost", ({ room: gone, error }) => lost.push(`${gone.id} ${error.code} ${[...s.client.rooms.keys()].join()}`));
  await s.socket().drop();
  await s.clock.pass(31_500);
  s.client.wake();
  await s.socket().open();
  await s.socket().answer("auth", { user: ANA, expires: 9e12 });
  await s.socket().answer("rooms", { rooms: [room(12, { id: "plans" })] });
  const resume = await s.socket().answer("resume", { rooms: {} });
  assert.deepEqual(Object.keys(resume.rooms as object), ["@7", "plans"]);
  assert.deepEqual(lost, ["general not_joined plans"]);
});

test("a room is entered by its name, which the server makes an id of, whoever was first", async () => {
  const s = await online(3);
  const made = { ...room(0), id: "zmyv5rd3vw4lngyx", title: "Знакомства" };
  const first = s.client.enterRoom("Знакомства");
  const create = await s.socket().answer("room_create", { room: made });
  assert.deepEqual([create.room, create.title, create.kind], ["Знакомства", "Знакомства", "public"]);
  await s.socket().answer("join", { room: made });
  assert.equal((await first).id, made.id);
  const late = s.client.enterRoom("знакомства");
  await s.socket().refuse("room_create", { code: "room_exists" });
  const join = await s.socket().answer("join", { room: made });
  assert.deepEqual([join.room, join.create], ["знакомства", false]);
  assert.equal(await late, s.client.rooms.get(made.id));
  const bad = assert.rejects(s.client.enterRoom("!"), { code: "bad_room" });
  await s.socket().refuse("room_create", { code: "bad_room" });
  await bad;
  s.socket().none();
});
