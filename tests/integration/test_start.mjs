// Starts that have to wait: for the process before, for the store.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test, until } from "./lib/suite.mjs";

const lines = (server, event) =>
  server.log.split("\n").filter((line) => line.includes(`"event":"${event}"`)).map((line) => JSON.parse(line));

test("a start waits for the process before to let go of its data", async (t) => {
  const first = await t.start();
  const next = await t.start({ data: first.flags.data }, { ready: false });
  await until("it says what it waits for", () => lines(next, "engine_trouble").length > 0);
  assert.match(lines(next, "engine_trouble")[0].why, /another process uses .*data: waiting/);
  assert.equal(next.exit, undefined);
  await first.stop("SIGKILL");
  await next.ready();
  assert.equal((await next.fetch("/ready")).status, 200);
});

test("a start waits for the process before to let go of its address", async (t) => {
  const first = await t.start();
  const next = await t.start({ listen: [`127.0.0.1:${first.port}`], data: join(first.dir, "other") }, { ready: false });
  await until("it says what it waits for", () => lines(next, "address_waits").length > 0);
  assert.match(lines(next, "address_waits")[0].why, /is in use by another program/);
  await first.stop("SIGKILL");
  await next.ready();
  assert.equal((await first.fetch("/ready")).status, 200);
  assert.equal(lines(next, "address_waits").length, 1);
});

test("a pid file is one server's", async (t) => {
  const first = await t.start({ "pid-file": "polylog.pid" });
  const file = join(first.dir, "polylog.pid");
  const written = () => Number(readFileSync(file, "utf8"));
  assert.equal(written(), first.pid);
  const second = await t.start({ "pid-file": file, patience: 0 }, { ready: false });
  assert.equal(await second.ended, 1);
  assert.match(second.log, new RegExp(`process ${first.pid} has the pid file .*--pid-file`));
  assert.equal(written(), first.pid);
  const next = await t.start({ "pid-file": file }, { ready: false });
  await until("it says what it waits for", () => lines(next, "engine_trouble").length > 0);
  await first.stop("SIGKILL");
  await next.ready();
  assert.equal(written(), next.pid);
});

test("without patience a start waits for nobody", async (t) => {
  const first = await t.start();
  for (const [flags, why] of [
    [{ data: first.flags.data }, /another process uses/],
    [{ listen: `127.0.0.1:${first.port}` }, /is in use by another program/],
  ]) {
    const next = await t.start({ ...flags, patience: 0 }, { ready: false });
    assert.equal(await next.ended, 1);
    assert.match(next.log, why);
  }
});

// Enough of DynamoDB for a node to start on, when it answers.
async function dynamo(t) {
  const items = new Map();
  const it = { away: true, asked: 0 };
  const key = ({ pk, sk }) => JSON.stringify([pk, sk]);
  const answers = {
    GetItem: ({ Key }) => (items.has(key(Key)) ? { Item: items.get(key(Key)) } : {}),
    PutItem: ({ Item }) => (items.set(key(Item), Item), {}),
    UpdateItem: () => ({ Attributes: {} }),
    Query: () => ({ Items: [], Count: 0, ScannedCount: 0 }),
  };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    it.asked++;
    if (it.away === "silent") return;
    const action = request.headers["x-amz-target"].split(".")[1];
    response.writeHead(it.away ? 500 : 200, { "Content-Type": "application/x-amz-json-1.0" });
    response.end(JSON.stringify(it.away ? { __type: "InternalServerError" } : answers[action](JSON.parse(body))));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  it.flags = {
    store: "dynamodb",
    "dynamodb-endpoint": `http://127.0.0.1:${server.address().port}`,
    "dynamodb-deadline": "1s",
    "dynamodb-try": "200ms",
    "aws-region": "eu-central-1",
    data: null,
  };
  it.env = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" };
  return it;
}

for (const away of [true, "silent"])
  test(`a start waits for a store that ${away === true ? "fails" : "does not answer"}`, async (t) => {
    const store = await dynamo(t);
    store.away = away;
    const server = await t.start(store.flags, { env: store.env, ready: false });
    await until("it says that it waits", () => lines(server, "store_waits").length > 0);
    const ready = await server.fetch("/ready");
    assert.deepEqual([ready.status, (await ready.text()).startsWith("starting: the store ")], [503, true]);
    const health = await server.fetch("/health");
    assert.deepEqual([health.status, (await health.json()).failing], [200, "store"]);
    assert.equal((await server.fetch("/metrics")).status, 200);
    for (const path of ["/", "/ws", "/api/v1/login", "/socket.io/?EIO=4&transport=polling", "/.well-known/jwks.json"])
      assert.equal((await server.fetch(path)).status, 503, path);
    const asked = store.asked;
    await until("it asks again", () => store.asked > asked + 3);
    assert.deepEqual([server.exit, lines(server, "store_waits").length], [undefined, 1]);
    store.away = false;
    await server.ready();
    assert.equal((await server.fetch("/ready")).status, 200);
    await until("the log says that it answers", () => lines(server, "store_answers").length > 0);
    assert.equal(await server.stop(), 0);
    assert.equal(lines(server, "store_answers").length, 1);
  });

test("patience ends", async (t) => {
  const store = await dynamo(t);
  const server = await t.start({ ...store.flags, patience: "2s" }, { env: store.env, ready: false });
  assert.equal(await server.ended, 1);
  assert.match(server.log, /the store could not be read/);
  const stopped = await t.start(store.flags, { env: store.env, ready: false });
  await until("it waits", () => lines(stopped, "store_waits").length > 0);
  assert.equal(await stopped.stop(), 0);
});
