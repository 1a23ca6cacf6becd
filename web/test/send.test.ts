import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pending } from "../src/lib/index.ts";
import { again, ANA, EPOCH, loaded, message, online, seqs, settle, type Story } from "./fake.ts";

const states = (s: Story) => s.client.outbox.all.map((p) => p.state);

test("a message is pending until it is seen in the log, which its answer alone is not", async () => {
  const s = await online(10);
  await loaded(s, 10);
  const { cid } = s.client.send("general", "hi", 9);
  assert.deepEqual(states(s), ["sending"]);
  const frame = await s.socket().answer("send", { seq: 11, ts: 1, count: 11 });
  assert.deepEqual([frame.text, frame.cid, frame.seen, frame.reply_to], ["hi", cid, 10, 9]);
  assert.deepEqual(states(s), ["sent"]);
  assert.equal(s.client.rooms.get("general")!.cursor, 10);
  await s.socket().event(message(11, { from: ANA, text: "hi", cid }));
  assert.deepEqual(states(s), []);
  assert.deepEqual(seqs(s), [10, 11]);
});

test("what was written without a connection is sent once there is one", async () => {
  const s = await online(10);
  await s.socket().drop();
  s.client.send("general", "later");
  assert.deepEqual(states(s), ["queued"]);
  await s.clock.pass(400);
  await again(s);
  assert.equal(s.socket().take("send").text, "later");
});

test("a retry after a drop has the cid and the seen of the first attempt", async () => {
  const s = await online(10);
  await loaded(s, 10);
  s.client.send("general", "hi");
  const first = s.socket().take("send");
  await s.socket().drop();
  assert.deepEqual(states(s), ["queued"]);
  await s.clock.pass(400);
  await again(s, { general: { epoch: EPOCH, head: { seq: 12, count: 12 } } });
  const second = s.socket().take("send");
  assert.deepEqual([second.cid, second.seen, second.text], [first.cid, 10, "hi"]);
  await s.socket().event({ id: second.id, ok: { seq: 12, ts: 1, count: 12, duplicate: true } });
  await s.socket().event(message(11), message(12, { from: ANA, cid: first.cid }));
  assert.deepEqual(states(s), []);
  assert.deepEqual(seqs(s), [10, 11, 12]);
});

test("a message that is found in the log is not sent again", async () => {
  const s = await online(10);
  s.client.send("general", "hi");
  const { cid } = s.socket().take("send");
  await s.socket().drop();
  await s.clock.pass(400);
  await s.socket().open();
  await s.socket().answer("auth", { user: ANA, expires: 9e12 });
  const resume = s.socket().take("resume");
  await s.socket().event(message(11, { from: ANA, cid }));
  await s.socket().event({ id: resume.id, ok: { rooms: {} } });
  s.socket().none();
  assert.deepEqual(states(s), []);
});

test("an acknowledged message that lies in what was left out is no longer pending", async () => {
  const s = await online(10);
  s.client.send("general", "hi");
  await s.socket().answer("send", { seq: 11, ts: 1, count: 11 });
  await s.socket().event({ event: "behind", room: "general", from: 10, to: 5000 });
  assert.deepEqual(states(s), []);
});

test("messages to a room go one after the other, in their order", async () => {
  const s = await online(10);
  for (const text of ["one", "two", "three"]) s.client.send("general", text);
  const one = await s.socket().refuse("send", { code: "rate_limited", retry_after_ms: 700 });
  s.socket().none();
  await s.clock.pass(699);
  s.socket().none();
  await s.clock.pass(1);
  const again = await s.socket().answer("send", { seq: 11, ts: 1, count: 11 });
  assert.deepEqual([again.cid, again.seen, again.text], [one.cid, one.seen, "one"]);
  assert.equal((await s.socket().answer("send", { seq: 12, ts: 1, count: 12 })).text, "two");
  assert.equal((await s.socket().answer("send", { seq: 13, ts: 1, count: 13 })).text, "three");
});

test("a refused message says why, lets the next one pass, and can be sent anew", async () => {
  const s = await online(10);
  const { cid } = s.client.send("general", "bad");
  s.client.send("general", "good");
  await s.socket().refuse("send", { code: "muted", message: "You are muted in this room." });
  assert.equal(s.socket().take("send").text, "good");
  assert.equal(s.client.outbox.get(cid)?.error?.code, "muted");
  s.client.retry(cid);
  assert.equal(s.client.outbox.get(cid), undefined);
  assert.equal(s.client.outbox.all.at(-1)?.text, "bad");
});

test("a message that another log may hold is not sent into this one", async () => {
  const s = await online(10);
  const { cid } = s.client.send("general", "hi");
  s.socket().take("send");
  await s.socket().drop();
  s.client.send("general", "never transmitted");
  await s.clock.pass(400);
  await again(s, { general: { reset: true, epoch: 99, head: { seq: 5, count: 5 } } });
  assert.equal(s.client.outbox.get(cid)?.error?.code, "unconfirmed");
  const next = s.socket().take("send");
  assert.deepEqual([next.text, next.seen], ["never transmitted", 5]);
});

test("what waits survives a reload of the page, with its cid and its seen", async () => {
  let stored: readonly Pending[] = [];
  const storage = {
    load: () => stored,
    save: (pending: readonly Pending[]) => void (stored = pending),
  };
  const s = await online(10, storage);
  s.client.send("general", "hi");
  const first = s.socket().take("send");
  s.client.stop();
  stored = JSON.parse(JSON.stringify(stored));
  const t = await online(14, storage);
  const second = t.socket().take("send");
  assert.deepEqual([second.cid, second.seen, second.text], [first.cid, 10, "hi"]);
});

test("an answer that never comes is treated as a lost connection", async () => {
  const s = await online(10);
  s.client.send("general", "hi");
  const first = s.socket().take("send");
  await s.clock.pass(20_000);
  assert.equal(s.socket().closed, true);
  await s.clock.pass(400);
  await again(s);
  assert.equal(s.socket().take("send").cid, first.cid);
});

test("what names a message is fixed when it is written: a copy of it is the same message", async () => {
  let stored: readonly Pending[] = [];
  const storage = {
    load: () => stored,
    save: (pending: readonly Pending[]) => void (stored = pending),
  };
  const s = await online(10, storage);
  await s.socket().drop();
  s.client.send("general", "hi");
  const copy = { load: () => JSON.parse(JSON.stringify(stored)), save: () => undefined };
  const t = await online(14, copy); // a tab that was duplicated, and is later
  await s.clock.pass(400);
  await again(s, { general: { epoch: EPOCH, head: { seq: 12, count: 12 } } });
  const [first, second] = [s.socket().take("send"), t.socket().take("send")];
  assert.deepEqual([second.cid, second.seen], [first.cid, first.seen]);
  assert.equal(first.seen, 10);
});

test("what was stored is sent once it is known whose it is, before what came since", async () => {
  let tell: (items: readonly Pending[]) => void = () => undefined;
  const saved: (readonly Pending[])[] = [];
  const storage = {
    load: () => new Promise<readonly Pending[]>((resolve) => (tell = resolve)),
    save: (pending: readonly Pending[]) => void saved.push(pending),
  };
  const s = await online(10, storage);
  s.socket().none();
  const old = { cid: "old", room: "general", text: "old", ts: 1, epoch: EPOCH, seen: 7 };
  tell([{ ...old, state: "queued" }]);
  await settle();
  const frame = s.socket().take("send");
  assert.deepEqual([frame.cid, frame.seen], ["old", 7]);
  assert.equal(saved.at(-1)?.length, 1);
});
