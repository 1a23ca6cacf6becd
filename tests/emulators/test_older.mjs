// `polylog migrate --from` an older system's tables: of each form what it brings is compared
// with the rows, message by message, as a server shows them.
import assert from "node:assert/strict";
import { test } from "../integration/lib/suite.mjs";
import { Assassin, SCANS, WRITES } from "./lib/assassin.mjs";
import { fillTable, makeTable, messages, migrate, migrateArgs } from "./lib/older.mjs";
import { run, serve, store, use } from "./lib/use.mjs";

const START_MS = 1_700_000_000_000;
const PAD = "x".repeat(700); // 2,000 messages of it are more than one page of a scan
const KILLED_READING = [1, 2];
const KILLED_WRITING = [1, 2, 3, 5];

// The tables of d and the program's, both empty of rows.
async function tablesOf(d) {
  assert.equal((await store(d, "init")).code, 0);
}

// Killed while it reads and while it writes; then it goes on to its end, and again finds
// nothing to do. What it said at its end.
async function isKilledAndGoesOn(t, d, from, more = []) {
  const dry = await migrate(d, from, [...more, "--dry-run"]);
  assert.equal(dry.code, 0, dry.err);
  assert.match(dry.out, /nothing was written/);
  const assassin = await Assassin.start(t, d.url);
  const args = migrateArgs(d, from, [...more, "--parallel=1"]);
  for (const [calls, all] of [[SCANS, KILLED_READING], [WRITES, KILLED_WRITING]])
    for (const at of all) {
      const { code, err } = await assassin.run(at, d.env, args, calls);
      assert.equal(code, "SIGKILL", `not killed at its call ${at}: ${err}`);
    }
  const last = await run(args, d.env);
  assert.equal(last.code, 0, last.err);
  assert.match(last.out, /verified: heads, identities and contents of/);
  const [, messages] = last.out.match(/^([\d,]+) messages of/m) ?? [];
  const [, copied] = last.out.match(/: copied ([\d,]+) entries of/) ?? [];
  const [n, all] = [copied, messages].map((text) => Number(text.replace(",", "")));
  assert.ok(n < all, last.out); // what came before it was killed is there
  assert.equal((dry.out.match(/^([\d,]+) messages of/m) ?? [])[1], messages);
  const again = await run(args, d.env);
  assert.match(again.out, /: copied 0 entries of 0 rooms and 0 records; /);
  return last.out;
}

// --- ec2: people, and conversations of two. ---

const ec2 = (d) => ({ users: `${d.prefix}-alex-users`, messages: `${d.prefix}-alex-messages` });

async function makeEc2(d, users, rows) {
  const names = ec2(d);
  await makeTable(d, names.users, [["username", "S"]]);
  await makeTable(d, names.messages, [["message_id", "S"]], {
    name: "UserConversation",
    key: [["conversation_id", "S"], ["timestamp", "N"]],
  });
  await fillTable(d, names.users, users);
  await fillTable(d, names.messages, rows);
  return `ec2:${names.users},${names.messages}`;
}

const people = ["ana", "bob", "Chris", "dora"];
const pairs = people.flatMap((a, i) => people.slice(i + 1).map((b) => [a, b]));
const pairOf = (a, b) => [a, b].sort().join("#");

// In an order of their own: the rows' is the hash's, the messages' is that of their moments.
const ec2Rows = Array.from({ length: 2000 }, (_, i) => {
  const [a, b] = pairs[i % pairs.length];
  const [sender, recipient] = i % 3 === 0 ? [b, a] : [a, b];
  return {
    message_id: `m-${(i * 7919) % 2000}`,
    conversation_id: pairOf(a, b),
    timestamp: START_MS + i,
    sender,
    recipient,
    message: `${i} ${PAD}`,
  };
});

// What the rows say of two people, by their moments.
const said = (rows, a, b) =>
  rows
    .filter((row) => row.conversation_id === pairOf(a, b))
    .sort((one, other) => one.timestamp - other.timestamp)
    .map((row) => [row.sender, row.message, row.timestamp]);

async function isEc2(t, d, rows) {
  const server = await serve(t, d);
  for (const name of people) {
    const person = await server.person(name);
    const { rooms } = await person.call("rooms");
    assert.deepEqual(rooms.map(({ peer }) => peer.name).sort(), people.filter((one) => one !== name).sort());
    for (const { id, kind, peer, unread } of rooms) {
      assert.deepEqual([kind, unread], ["direct", 0]);
      assert.deepEqual(await messages(person, id), said(rows, name, peer.name));
    }
  }
  const [ana, bob] = [await server.person("ana"), await server.login("bob")];
  const { room } = await ana.call("dm", { user: bob.user.id });
  const { count } = await ana.call("send", { room: room.id, text: "and on" });
  assert.equal(count, said(rows, "ana", "bob").length + 1);
  const eve = await server.login("eve"); // who came first now
  assert.ok(!people.includes(eve.user.name) && eve.user.id > people.length);
  await server.stop();
}

test("conversations of alex-messages are brought whole, in their order, though it is killed", async (t) => {
  const d = await use(t);
  const users = [...people.map((username) => ({ username, created_at: "2024-01-01" })), { username: "quiet" }];
  const from = await makeEc2(d, users, ec2Rows);
  await tablesOf(d);
  const said = await isKilledAndGoesOn(t, d, from);
  assert.match(said, /alex-messages: 2,000 rows, 0 of them left out\n2,000 messages of 5 people in 6 rooms\n/);
  await isEc2(t, d, ec2Rows);
});

test("rows that are not of the form are named and counted, and nothing is brought unless they may be left out", async (t) => {
  const d = await use(t);
  const good = { conversation_id: "ana#bob", sender: "ana", timestamp: START_MS, message: "fine" };
  const rows = [
    { ...good, message_id: "good" },
    { ...good, message_id: "later", timestamp: START_MS / 1000 + 60, sender: "bob", message: "seconds" },
    { ...good, message_id: "first", timestamp: BigInt(START_MS - 60_000) * 1_000_000n, message: "nanoseconds" },
    { ...good, message_id: "odd-1", message: "" },
    { ...good, message_id: "odd-2", sender: { BOOL: true } },
    { ...good, message_id: "odd-3", sender: "eve", recipient: "dora" },
    { ...good, message_id: "odd-4", conversation_id: "ana#ana", recipient: "ana" },
  ];
  const from = await makeEc2(d, [{ username: "ana" }], rows);
  await tablesOf(d);
  const refused = await migrate(d, from);
  assert.deepEqual([refused.code, refused.out], [2, ""], refused.err);
  for (const [id, code] of [["odd-1", "no_text"], ["odd-2", "no_from"], ["odd-3", "other_pair"], ["odd-4", "to_self"]])
    assert.match(refused.err, new RegExp(`migrate: ${code}: .*alex-messages: 'message_id ${id}, `));
  assert.match(refused.err, /rows_unfit: 4 rows are not of the form ec2/);
  const done = await migrate(d, from, ["--skip-unfit"]);
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /alex-messages: 7 rows, 4 of them left out\n3 messages of 2 people in 1 rooms\n/);
  const server = await serve(t, d);
  const ana = await server.person("ana");
  const [{ id }] = (await ana.call("rooms")).rooms;
  assert.deepEqual(
    (await messages(ana, id)).map(([from, text, ts]) => [from, text, ts - START_MS]),
    [["ana", "nanoseconds", -60_000], ["ana", "fine", 0], ["bob", "seconds", 60_000]],
  );
  await server.stop();
  const missing = await migrate(d, "ec2:none,none");
  assert.equal(missing.code, 1);
  assert.match(missing.err, /source_failed: none: Scan: ResourceNotFoundException/);
});

test("people whose names nobody can log in by get others, if that is asked for", async (t) => {
  const d = await use(t);
  const one = { message_id: "1", conversation_id: "c", sender: "alex@a.org", receiver: "alex@b.org", timestamp: 1, content: "hi" };
  const from = await makeEc2(d, [{ username: "ana" }, { username: "Ana" }], [one]);
  await tablesOf(d);
  const refused = await migrate(d, from);
  assert.deepEqual([refused.code, refused.out], [2, ""], refused.err);
  assert.match(refused.err, /bad_name: 'alex@a.org' is no name/);
  assert.match(refused.err, /name_twice: 'ana' is another's/);
  assert.match(refused.err, /names_unfit: 3 people/);
  const done = await migrate(d, from, ["--make-names"]);
  assert.equal(done.code, 0, done.err);
  const server = await serve(t, d);
  const alex = await server.person("alex");
  const [{ peer }] = (await alex.call("rooms")).rooms;
  assert.match(peer.name, /^alex-\d+$/);
  await server.stop();
});

test("an older system that is still written to is noticed", async (t) => {
  const d = await use(t);
  const from = await makeEc2(d, [{ username: "ana" }], ec2Rows.slice(0, 10));
  await tablesOf(d);
  const assassin = await Assassin.start(t, d.url);
  // at its first write to the target
  assassin.instead = () => fillTable(d, ec2(d).messages, ec2Rows.slice(10, 11));
  const moved = await assassin.run(1, d.env, migrateArgs(d, from));
  assert.deepEqual([moved.code, moved.out], [2, ""]);
  assert.match(moved.err, /source_moved: .*alex-messages: it was written to/);
});

// --- ecs-ec2: rooms, by RoomID and Timestamp. ---

test("rooms of a table by RoomID and Timestamp are brought whole, in their order, though it is killed", async (t) => {
  const d = await use(t);
  const table = `${d.prefix}-ChatMessages`;
  const names = ["general", "Tea Room", "Räume"];
  const rows = Array.from({ length: 600 }, (_, i) => ({
    RoomID: names[i % names.length],
    Timestamp: new Date(START_MS + i).toISOString(),
    Username: people[i % people.length],
    Message: `${i} said`,
  }));
  await makeTable(d, table, [["RoomID", "S"], ["Timestamp", "S"]]);
  await fillTable(d, table, rows.toReversed?.() ?? [...rows].reverse());
  await tablesOf(d);
  await isKilledAndGoesOn(t, d, `ecs-ec2:${table}`);
  const server = await serve(t, d);
  const ana = await server.person("ana");
  for (const name of names) {
    const { room } = await ana.call("join", { room: name });
    assert.equal(room.kind, "public");
    if (name !== "general") assert.equal(room.title || room.id, name === "Tea Room" ? "tea-room" : name);
    const of = rows.filter((row) => row.RoomID === name);
    assert.deepEqual(await messages(ana, room.id), of.map((row) => [row.Username, row.Message, Date.parse(row.Timestamp)]));
  }
  await server.stop();
});

// --- serverless: one room, of connections. ---

test("MessageHistory is brought into one room, though it is killed", async (t) => {
  const d = await use(t);
  const [table, connections] = [`${d.prefix}-MessageHistory`, `${d.prefix}-ActiveConnections`];
  const rows = Array.from({ length: 600 }, (_, i) => ({
    messageId: `id-${(i * 7919) % 600}`,
    timestamp: new Date(START_MS + i * 1000).toISOString(),
    connectionId: `R${i % 3}kmxc2VNjMCFIA=`,
    message: `${i} said`,
  }));
  await makeTable(d, table, [["messageId", "S"], ["timestamp", "S"]]);
  await makeTable(d, connections, [["connectionId", "S"]]);
  await fillTable(d, table, rows);
  await fillTable(d, connections, [{ connectionId: "R0kmxc2VNjMCFIA=", username: "ana" }, { connectionId: "other=" }]);
  await tablesOf(d);
  await isKilledAndGoesOn(t, d, `serverless:${table},${connections}`, ["--older-room=lobby"]);
  const server = await serve(t, d);
  const ana = await server.person("ana");
  const { rooms } = await ana.call("rooms");
  assert.deepEqual(rooms.map(({ id, unread }) => [id, unread]), [["lobby", 0]]);
  const all = await messages(ana, "lobby");
  assert.deepEqual(all.map(([, ...rest]) => rest), rows.map((row) => [row.message, Date.parse(row.timestamp)]));
  const who = new Map(rows.map((row, i) => [row.connectionId, all[i][0]]));
  assert.deepEqual(all.map(([from]) => from), rows.map((row) => who.get(row.connectionId)));
  const [known, ...guests] = [...who.values()];
  assert.equal(known, "ana");
  assert.equal(new Set(guests).size, 2);
  for (const guest of guests) assert.match(guest, /^guest-[0-9a-f]{12}$/);
  await server.stop();
});

// --- blue-green: messages, connections, user-counter. ---

test("messages, connections and user-counter are brought, though it is killed", async (t) => {
  const d = await use(t);
  const [table, connections, counter] = ["messages", "connections", "user-counter"].map((name) => `${d.prefix}-${name}`);
  const rows = Array.from({ length: 600 }, (_, i) => ({
    messageId: `id-${(i * 7919) % 600}`,
    timestamp: START_MS + i * 1000,
    message: `${i} said`,
    ...(i % 2 === 0 ? { username: "User 7" } : { connectionId: "R1kmxc2VNjMCFIA=" }),
    ...(i % 4 < 2 ? { room: "green" } : {}),
  }));
  await makeTable(d, table, [["messageId", "S"]]);
  await makeTable(d, connections, [["connectionId", "S"]]);
  await makeTable(d, counter, [["counter", "S"]]);
  await fillTable(d, table, rows);
  await fillTable(d, connections, [{ connectionId: "R1kmxc2VNjMCFIA=", username: "User 8" }]);
  await fillTable(d, counter, [{ counter: "user_id", count: 41 }]);
  await tablesOf(d);
  await isKilledAndGoesOn(t, d, `blue-green:${table},${connections},${counter}`);
  const server = await serve(t, d);
  const seven = await server.person("User 7");
  for (const room of ["general", "green"]) {
    const of = rows.filter((row) => (row.room ?? "general") === room);
    assert.deepEqual(
      await messages(seven, room),
      of.map((row) => [row.username ?? "User 8", row.message, row.timestamp]),
    );
  }
  assert.ok((await server.login("dora")).user.id > 41);
  await server.stop();
});
