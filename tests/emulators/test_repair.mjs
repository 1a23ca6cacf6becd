// An item of a log is deleted under running servers: the room is read around it, the server
// says so, and `polylog store repair` puts entries in its place.
import { DeleteItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import assert from "node:assert/strict";
import { test, until } from "../integration/lib/suite.mjs";
import { run, serve, use } from "./lib/use.mjs";

const room = "general";

async function lose(d, seq) {
  const TableName = `${d.prefix}-log`;
  const { Items } = await d.sdk.send(new ScanCommand({ TableName, ConsistentRead: true }));
  const item = Items.find((one) => one.room.S.endsWith(room) && Number(one.seq.N) === seq);
  assert.ok(item, `there is an item that begins at ${seq}`);
  await d.sdk.send(new DeleteItemCommand({ TableName, Key: { room: item.room, seq: item.seq } }));
  return Number(item.n.N);
}

const reasons = async (server) => {
  const health = await (await server.fetch("/health")).json();
  return (health.reasons ?? []).map(({ reason }) => reason);
};

test("a log with an item missing is read around it, and repaired", async (t) => {
  const d = await use(t);
  const server = await serve(t, d);
  const ana = await server.person("ana");
  await ana.call("join", { room });
  for (let i = 0; i < 10; i++) await ana.call("send", { room, text: `${i}` });
  assert.equal(await lose(d, 5), 1);
  await server.restart();

  const page = async () => {
    const { entries } = await (await server.person("ana")).call("history", { room, view: "log", after: 0 });
    assert.deepEqual(entries.map(({ seq }) => seq), Array.from({ length: 11 }, (_, i) => i + 1));
    return entries.filter(({ event }) => event === "lost");
  };
  assert.deepEqual((await page()).map(({ seq, ts }) => [seq, ts]), [[5, 0]]);
  await until("it says so", async () => (await reasons(server)).includes("hole"));
  assert.match(server.log, /"reason":"hole".*room general, entries 5 to 5/);
  const ben = await server.person("ben");
  await ben.call("join", { room, after: 0 });
  await ben.event({ event: "lost", seq: 5 });
  await ben.event({ event: "message", seq: 11 });
  assert.equal((await ben.call("send", { room, text: "and on" })).seq, 12);

  const args = ["store", "repair", "--store=dynamodb", "--dynamodb-prefix", d.prefix];
  const look = await run([...args, "--dry-run"], d.env);
  assert.deepEqual([look.code, look.err], [1, ""]);
  assert.match(look.out, /room general: entries 5 to 5 are lost\n/);
  const done = await run(args, d.env); // while the server runs
  assert.deepEqual([done.code, done.err], [0, ""]);
  assert.match(done.out, /entries 5 to 5 are lost: they say so now\n/);
  await server.restart();
  const { entries } = await (await server.person("ana")).call("history", { room, view: "messages", limit: 50 });
  const lost = entries.filter(({ event }) => event === "lost");
  assert.deepEqual(lost.map(({ seq }) => seq), [5]);
  assert.ok(lost[0].ts > 0);
  assert.deepEqual(await reasons(server), []);
  assert.equal((await run([...args, "--dry-run"], d.env)).code, 0);
});
