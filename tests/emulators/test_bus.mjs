// Servers that share a Redis with somebody else: a stranger, and a system on a copy of their
// tables. Neither is heard.
import { BatchWriteItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import assert from "node:assert/strict";
import { Redis } from "../cluster/redis.mjs";
import { sleep, test, until } from "../integration/lib/suite.mjs";
import { serve, store, use } from "./lib/use.mjs";

const ROOM = "general";
const LIES = 500;
const OLD_RING = `r12345678\0\0\0\0\0\0\0\0${"9".repeat(8)}`; // as it was before there were seals
const RING = `\x02abcd${"t".repeat(16)}r${"n".repeat(8)}${"c".repeat(8)}${"s".repeat(8)}${"a".repeat(8)}the entries`;

const health = async (server) => (await server.fetch("/health")).json();

async function channels(redis) {
  const text = await redis.answer("PUBSUB", "CHANNELS", "*");
  return text.split("\r\n").filter((line) => /^[0-9a-f]{16}:/.test(line));
}

async function sum(servers, metric) {
  const all = await Promise.all(servers.map((server) => server.metrics()));
  return all.reduce((n, value) => n + value(metric), 0);
}

test("what a stranger publishes in Redis is not heard, and costs no reads", async (t) => {
  const d = await use(t);
  const redis = await Redis.start();
  t.after(() => redis.close());
  const flags = { bus: `redis://127.0.0.1:${redis.port}` };
  const servers = [await serve(t, d, flags), await serve(t, d, flags)];
  const ana = await servers[0].person("ana");
  const bob = await servers[1].person("bob");
  for (const person of [ana, bob]) await person.call("join", { room: ROOM });
  const first = bob.event({ event: "message", text: "first" });
  await ana.call("send", { room: ROOM, text: "first" });
  await first;
  await until("both are heard", async () => (await sum(servers, "polylog_bus_nodes")) === 2);
  await sleep(3000); // looks of newcomers
  const before = await sum(servers, "polylog_store_reads_total");
  const targets = (await channels(redis)).filter((name) => name.endsWith(`:${ROOM}`) || name.endsWith(":$"));
  assert.equal(targets.length, 2);
  for (let i = 0; i < LIES; i++) await redis.say("PUBLISH", targets[i % 2], i % 3 === 0 ? OLD_RING : RING);
  await until("all are counted", async () => {
    const forged = await sum(servers, "polylog_bus_forged_total");
    return forged + (await sum(servers, "polylog_bus_other_keys_total")) === 2 * LIES;
  });
  assert.ok((await sum(servers, "polylog_store_reads_total")) - before < 50);
  for (const server of servers) assert.match(JSON.stringify(await health(server)), /bus_forged/);
  const heard = bob.event({ event: "message", text: "still here" });
  await ana.call("send", { room: ROOM, text: "still here" });
  await heard;
  assert.equal((await bob.call("history", { room: ROOM, after: 1 })).entries.length, 2);
});

async function copyTables(d, prefix) {
  for (const table of ["log", "record"]) {
    const { Items } = await d.sdk.send(new ScanCommand({ TableName: `${d.prefix}-${table}` }));
    const requests = Items.map((Item) => ({ PutRequest: { Item } }));
    for (let i = 0; i < requests.length; i += 20)
      await d.sdk.send(new BatchWriteItemCommand({ RequestItems: { [`${prefix}-${table}`]: requests.slice(i, i + 20) } }));
  }
}

test("a system on a copy of the tables is not heard over the same Redis", async (t) => {
  const d = await use(t);
  const redis = await Redis.start();
  t.after(() => redis.close());
  const flags = { bus: `redis://127.0.0.1:${redis.port}` };
  const production = await serve(t, d, flags);
  const ana = await production.person("ana");
  await ana.call("join", { room: ROOM });
  for (let i = 0; i < 3; i++) await ana.call("send", { room: ROOM, text: `before ${i}` });
  const copy = { ...d, prefix: `${d.prefix}-staging` };
  assert.equal((await store(copy, "init")).code, 0);
  await copyTables(d, copy.prefix);
  const staging = await serve(t, copy, flags);
  const tester = await staging.connect((await staging.login("tester")).token);
  await tester.call("join", { room: ROOM });
  const both = async (i) => {
    await tester.call("send", { room: ROOM, text: `staging ${i}` });
    if (i % 2 === 0) await ana.call("send", { room: ROOM, text: `production ${i}` });
  };
  for (let i = 0; i < 10; i++) await both(i);
  const shown = await ana.call("history", { room: ROOM, after: 1 });
  assert.ok(shown.entries.every(({ text }) => !text.startsWith("staging")));
  for (const server of [production, staging]) {
    const metrics = await server.metrics();
    assert.equal(metrics("polylog_append_conflicts_total"), 0);
    assert.equal(metrics("polylog_bus_nodes"), 0);
    assert.equal(metrics("polylog_bus_forged_total") + metrics("polylog_bus_other_keys_total"), 0);
    assert.equal((await health(server)).status, "ok");
  }
  assert.ok(!ana.frames.some(({ text }) => text?.startsWith("staging")));
});
