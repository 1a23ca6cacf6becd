// The safety net by the table's stream (POLYLOG_FANOUT=stream): whoever stores a message leaves it
// to the stream of the log table, as DynamoDB Local has it, to tell the function of it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test, until } from "../integration/lib/suite.mjs";
import { Server } from "../integration/lib/server.mjs";
import { processes, startFunction } from "./lib/function.mjs";
import { Killer } from "./lib/killer.mjs";
import { Mapping, sdk, turnOn } from "./lib/mapping.mjs";

const { DynamoDBClient, GetItemCommand, PutItemCommand } = createRequire(new URL("../emulators/package.json", import.meta.url))("@aws-sdk/client-dynamodb");

const MESSAGES = Number(process.env.MESSAGES ?? 20);
// An emulator in Java beside everything else may be very slow.
const PATIENT = { POLYLOG_DYNAMODB_TRY: "20s", POLYLOG_DYNAMODB_DEADLINE: "1m" };

async function scene(t) {
  const gateway = await startFunction(t, { settings: { POLYLOG_FANOUT: "stream", ...PATIENT } });
  const mapping = await Mapping.start(t, gateway, await turnOn(gateway.tables));
  const ana = await (await gateway.person()).login("ana");
  const ben = await (await gateway.person()).login("ben");
  for (const person of [ana, ben]) {
    person.mapping = mapping;
    await person.call("join", { room: "general" });
  }
  return { gateway, mapping, ana, ben };
}

// The messages that somebody was shown, by the rule that clients have: what they have they drop,
// and it is counted in repeats. A gap is none of the stream's to leave.
function shown(person, room = "general") {
  const entries = person.said.filter((one) => one.event !== undefined && one.room === room && one.seq !== undefined);
  const found = { texts: [], repeats: 0 };
  let last;
  for (const { seq, event, text } of entries) {
    if (seq <= last) {
      found.repeats++;
      continue;
    }
    assert.ok(last === undefined || seq === last + 1, `${room}: ${seq} came behind ${last}`);
    last = seq;
    if (event === "message") found.texts.push(text);
  }
  return found;
}

const allShown = (person, count, room) => until("all was shown", () => person.mapping.checked && shown(person, room).texts.length >= count);

// What was posted to somebody before comes ahead of an answer.
async function settled(mapping, ...people) {
  await mapping.readAll();
  for (const person of people) await person.call("ping");
}

async function order(person) {
  const { entries } = await person.call("history", { room: "general", limit: 500 });
  return entries.filter(({ event }) => event === "message").map(({ text }) => text);
}

test("by the stream: two people talk, each message is shown once and in order", async (t) => {
  const { mapping, ana, ben } = await scene(t);
  await mapping.hold();
  await ana.call("send", { room: "general", text: "first" });
  await ben.call("ping");
  assert.equal(ben.events("message").length, 0, "who stored it delivered it");
  mapping.release();
  const talk = async (person, name) => {
    for (let i = 0; i < MESSAGES; i++) await person.call("send", { room: "general", text: `${name} ${i}` });
  };
  await Promise.all([talk(ana, "ana"), talk(ben, "ben")]);
  for (const person of [ana, ben]) await allShown(person, 2 * MESSAGES + 1);
  await settled(mapping, ana, ben);
  const sent = await order(ana);
  assert.equal(sent.length, 2 * MESSAGES + 1);
  for (const person of [ana, ben]) assert.deepEqual(shown(person), { texts: sent, repeats: 0 });
  assert.ok(mapping.batches.every(({ failed, again }) => !failed && again === undefined));
  // What the tests that make such events by hand take for granted.
  for (const { eventName, dynamodb, ...record } of mapping.given) {
    assert.deepEqual(Object.keys(record).sort(), ["awsRegion", "eventID", "eventSource", "eventSourceARN", "eventVersion"]);
    assert.deepEqual(Object.keys(dynamodb).sort(), ["ApproximateCreationDateTime", "Keys", "SequenceNumber", "SizeBytes", "StreamViewType"]);
    assert.match(JSON.stringify(dynamodb.Keys), /^\{"(room":\{"S":"[^"]+"\},"seq":\{"N":"\d+"|seq":\{"N":"\d+"\},"room":\{"S":"[^"]+")\}\}$/);
    assert.match(dynamodb.SequenceNumber, /^\d{1,40}$/);
    assert.match(eventName, /^(INSERT|MODIFY)$/);
  }
});

test("by the stream: the function is killed in the middle of a batch, nothing is missing", async (t) => {
  const { gateway, mapping, ana, ben } = await scene(t);
  const killer = new Killer(gateway);
  const sent = [];
  for (let round = 0; round < 3; round++) {
    await mapping.hold();
    for (let i = 0; i < 2 * MESSAGES; i++) {
      const text = `message ${round} ${i}`;
      await [ana, ben][i % 2].call("send", { room: "general", text });
      sent.push(text);
    }
    const pids = processes(gateway);
    // The first of them that ben is shown; nothing else is on its way to him.
    ben.socket.once("message", () => killer.kill(pids));
    mapping.release();
    for (const person of [ana, ben]) await allShown(person, sent.length);
  }
  await settled(mapping, ana, ben);
  for (const person of [ana, ben]) assert.deepEqual(shown(person).texts, sent);
  assert.deepEqual(mapping.lost, []);
  assert.ok(killer.killed > 0 && mapping.batches.some(({ failed }) => failed), "none was killed");
  assert.ok(shown(ben).repeats > 0, "none was killed in the middle");
});

// The row of the room's first shard, with what `change` makes of its words: serverless/rows.h.
async function changeShard(tables, room, change) {
  const client = sdk(DynamoDBClient, tables);
  const TableName = `${tables.POLYLOG_DYNAMODB_PREFIX}-record`;
  const Key = { pk: { S: `s:${room}%230` }, sk: { B: Buffer.from("shard") } };
  const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
  const words = Buffer.from(Item.body.B).toString().split(" ");
  Item.body = { B: Buffer.from(change(words).join(" ")) };
  Item.rev = { N: `${Number(Item.rev.N) + 1}` };
  await client.send(new PutItemCommand({ TableName, Item }));
  client.destroy();
}

test("by the stream: what could not be delivered is asked for again, from there on", async (t) => {
  const { gateway, mapping, ana, ben } = await scene(t);
  for (const person of [ana, ben]) await person.call("join", { room: "cellar" });
  await settled(mapping, ana, ben);
  await mapping.hold();
  await ana.call("send", { room: "cellar", text: "below" });
  await ana.call("send", { room: "general", text: "one" });
  await ana.call("send", { room: "cellar", text: "below again" });
  await ana.call("send", { room: "general", text: "two" });
  // Somebody else has the lease for longer than the function has time.
  await changeShard(gateway.tables, "general", (words) => [...words.slice(0, 6), 4711, Date.now() + 3600_000]);
  const before = mapping.batches.length;
  mapping.failed = async () => {
    mapping.failed = async () => undefined;
    await allShown(ben, 2, "cellar");
    assert.equal(ben.events("message", "general").length, 0);
    await changeShard(gateway.tables, "general", (words) => [...words.slice(0, 6), 0, 0]);
  };
  mapping.release();
  for (const person of [ana, ben]) await allShown(person, 2);
  await settled(mapping, ana, ben);
  for (const person of [ana, ben]) {
    assert.deepEqual(shown(person), { texts: ["one", "two"], repeats: 0 });
    assert.deepEqual(shown(person, "cellar"), { texts: ["below", "below again"], repeats: 0 });
  }
  const [first, second, ...others] = mapping.batches.slice(before);
  assert.deepEqual(others, []);
  assert.equal(first.records, 4);
  assert.equal(first.failed, false);
  assert.deepEqual(second, { records: 3, failed: false, again: undefined });
  assert.deepEqual(mapping.lost, []);
});

test("by the stream: what a server writes reaches the function's clients", async (t) => {
  const { gateway, mapping, ben } = await scene(t);
  const { POLYLOG_DYNAMODB_PREFIX: prefix, ...env } = gateway.tables;
  const server = await Server.start({ store: "dynamodb", "dynamodb-prefix": prefix }, { env: { ...env, ...PATIENT } });
  t.after(() => server.close());
  const eve = await server.person("eve");
  await eve.call("join", { room: "general" });
  const sent = Array.from({ length: MESSAGES }, (_, i) => `by the server ${i}`);
  const seqs = [];
  for (const text of sent) seqs.push((await eve.call("send", { room: "general", text })).seq);
  await eve.call("edit", { room: "general", target: seqs[0], text: "changed" });
  await allShown(ben, sent.length);
  assert.equal((await ben.event("edit")).target, seqs[0]);
  // A person's own log is a room, too.
  await ben.call("join", { room: `@${ben.user.id}` });
  const { room } = await eve.call("dm", { user: ben.user.id });
  await ben.event("invite", (one) => one.to === room.id);
  await settled(mapping, ben);
  assert.deepEqual(shown(ben), { texts: sent, repeats: 0 });
  assert.deepEqual(mapping.lost, []);
});
