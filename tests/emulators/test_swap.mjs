// The tables under running servers become others: they are deleted and made again, or an
// older copy takes their place, which is then adopted.
import { BatchWriteItemCommand, DeleteTableCommand, ScanCommand, UpdateTableCommand } from "@aws-sdk/client-dynamodb";
import assert from "node:assert/strict";
import { Redis } from "../cluster/redis.mjs";
import { refused, test, until } from "../integration/lib/suite.mjs";
import { run, serve, store, use } from "./lib/use.mjs";

const TABLES = { log: ["room", "seq"], record: ["pk", "sk"] };

async function begin(t) {
  const d = await use(t);
  const redis = await Redis.start();
  t.after(() => redis.close());
  const flags = { bus: `redis://127.0.0.1:${redis.port}` };
  const servers = [await serve(t, d, flags), await serve(t, d, flags)];
  const ana = await servers[0].person("ana");
  const bob = await servers[1].person("bob");
  const { room } = await ana.call("join", { room: "general" });
  await bob.call("join", { room: "general" });
  for (const person of [ana, bob]) await person.call("send", { room: "general", text: "before" });
  return { d, servers, ana, bob, epoch: room.epoch };
}

async function items(d, table) {
  const all = [];
  for (let from; ; ) {
    const page = await d.sdk.send(new ScanCommand({ TableName: `${d.prefix}-${table}`, ExclusiveStartKey: from }));
    all.push(...page.Items);
    if ((from = page.LastEvaluatedKey) === undefined) return all;
  }
}

async function write(d, table, requests) {
  for (let i = 0; i < requests.length; i += 20)
    await d.sdk.send(new BatchWriteItemCommand({ RequestItems: { [`${d.prefix}-${table}`]: requests.slice(i, i + 20) } }));
}

async function copyOf(d) {
  return { log: await items(d, "log"), record: await items(d, "record") };
}

async function putBack(d, copy) {
  for (const [table, keys] of Object.entries(TABLES)) {
    const key = (item) => Object.fromEntries(keys.map((name) => [name, item[name]]));
    await write(d, table, (await items(d, table)).map((item) => ({ DeleteRequest: { Key: key(item) } })));
    await write(d, table, copy[table].map((Item) => ({ PutRequest: { Item } })));
  }
}

const beats = ({ record }) =>
  record.filter((item) => item.pk.S === "nodes" && item.body !== undefined).map((item) => JSON.stringify(item));

async function noticed(servers) {
  for (const server of servers)
    await until("it says that the store is another", async () => {
      const health = await (await server.fetch("/health")).json();
      return health.degraded && JSON.stringify(health).includes("store_changed");
    });
}

// Nothing is acknowledged, and nothing written.
async function checkShut(d, people) {
  const before = JSON.stringify(await copyOf(d));
  for (const person of people) {
    await refused("store_behind", person.call("send", { room: "general", text: "lost", cid: "1" }));
    await refused("store_behind", person.call("room_create", { room: "cellar" }));
  }
  assert.equal(JSON.stringify(await copyOf(d)), before);
}

test("tables that are deleted and made again are noticed, and not written", async (t) => {
  const { d, servers, ana, bob } = await begin(t);
  for (const table of Object.keys(TABLES)) {
    const TableName = `${d.prefix}-${table}`;
    await d.sdk.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
    await d.sdk.send(new DeleteTableCommand({ TableName }));
  }
  await refused("store_failed", ana.call("send", { room: "general", text: "into nothing" }));
  assert.equal((await store(d, "init")).code, 0);
  await noticed(servers);
  assert.match(servers[0].log, /"store_changed".*(empty|heartbeat|identity)/);
  await checkShut(d, [ana, bob]);
  for (const server of servers) await server.restart();
  const again = await servers[0].person("ana");
  assert.equal((await again.call("join", { room: "general" })).room.head.seq, 1);
  await again.call("send", { room: "general", text: "in the new one" });
});

test("an older copy is noticed, and adopted it gives nothing twice", async (t) => {
  const { d, servers, ana, bob, epoch } = await begin(t);
  const copy = await copyOf(d);
  // more than a node takes numbers of at once: some are taken from the store behind the copy
  const late = [];
  for (let i = 0; i < 20; i++) late.push(await servers[1].login(`late${i}`));
  for (let i = 0; i < 5; i++) await ana.call("send", { room: "general", text: `${i}` });
  await until("each server has beaten since", async () => {
    const now = beats(await copyOf(d));
    return now.length === 2 && now.every((beat) => !beats(copy).includes(beat));
  });
  const { head } = await ana.call("history", { room: "general", limit: 1 });
  await putBack(d, copy);
  await noticed(servers);
  await checkShut(d, [ana, bob]);
  const args = ["store", "adopt", "--store=dynamodb", "--dynamodb-prefix", d.prefix];
  for (const server of servers) assert.equal(await server.stop(), 0, server.log);
  const done = await run(args, d.env);
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /one of its own/);
  for (const server of servers) await server.spawn();
  for (const { token } of [ana, bob, late[0]]) await refused("bad_token", servers[0].command("rooms", {}, token));
  const dan = await servers[0].person("dan");
  assert.ok(![ana, bob, ...late].some(({ user }) => user.id === dan.user.id));
  const { room } = await dan.call("join", { room: "general" });
  assert.ok(room.head.seq < head.seq && room.epoch !== epoch);
  while ((await dan.call("send", { room: "general", text: "new" })).seq <= head.seq);
  const { rooms } = await dan.call("resume", { rooms: { general: [epoch, head.seq] } });
  assert.equal(rooms.general.reset, true);
  const running = await run(args, d.env);
  assert.equal(running.code, 1);
  assert.match(running.err, /a node runs on this store/);
});
