// A task of Amazon ECS, beside an agent of the test's own: it moves its clients when the
// service wants to end it, and is protected while it waits for them.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test, until } from "./lib/suite.mjs";

const MOVE = { event: "move" };
const PATIENCE_MS = 180_000; // ends what hangs; it asks every 5 s
const logged = (server, event) =>
  server.log
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))
    .filter((line) => line.event === event);

// The agent: what the service wants of the task, and whether it is protected.
async function agent(t) {
  const it = { wants: "RUNNING", protectedNow: false, asked: 0, sent: [], status: 200 };
  it.http = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const route = `${request.method} ${request.url}`;
    let answer = {};
    it.asked++;
    if (route === "GET /v4/abc/task") {
      const Containers = [{ Name: "polylog", DesiredStatus: "RUNNING" }];
      answer = { Cluster: "c", TaskARN: "arn", DesiredStatus: it.wants, KnownStatus: "RUNNING", Containers };
    } else if (route === "PUT /api/task-protection/v1/state") {
      const body = JSON.parse(Buffer.concat(chunks).toString());
      it.sent.push(body);
      it.protectedNow = body.ProtectionEnabled;
      answer = { protection: { ProtectionEnabled: it.protectedNow, TaskArn: "arn" } };
    } else {
      it.odd = route;
    }
    response.writeHead(it.status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(answer));
  });
  await new Promise((resolve) => it.http.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    it.http.close();
    it.http.closeAllConnections();
  });
  const url = `http://127.0.0.1:${it.http.address().port}`;
  it.env = { ECS_CONTAINER_METADATA_URI_V4: `${url}/v4/abc`, ECS_AGENT_URI: `${url}/api` };
  return it;
}

test("a task that is to be stopped moves its clients", async (t) => {
  const ecs = await agent(t);
  const server = await t.start({ "drain-ms": "2s" }, { env: ecs.env });
  await until("it has asked", () => ecs.asked > 0);
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r", create: true });
  assert.equal((await server.fetch("/ready")).status, 200);

  const told = ana.events(MOVE, 1, PATIENCE_MS);
  ecs.wants = "STOPPED";
  assert.equal((await told)[0].reason, "drain");
  assert.equal((await server.fetch("/ready")).status, 503);
  assert.equal((await server.fetch("/health")).status, 200);
  assert.equal(logged(server, "ecs_stopping").length, 1);
  assert.equal((await ana.closed).code, 1012);
  assert.equal(ecs.odd, undefined);
  assert.equal(await server.stop(), 0);
});

// Protected for good, neither scaling in nor a deployment would come to an end.
test("a task that drains is protected until its clients have gone, and not before", async (t) => {
  const ecs = await agent(t);
  const server = await t.start({ "drain-ms": "20s" }, { env: ecs.env });
  const ana = await t.person("ana", { server });
  await until("it has asked twice", () => ecs.asked > 1, PATIENCE_MS);
  assert.deepEqual(ecs.sent, []);
  server.child.kill("SIGUSR1");
  await until("it is protected", () => ecs.protectedNow, PATIENCE_MS);
  assert.deepEqual(ecs.sent, [{ ProtectionEnabled: true, ExpiresInMinutes: 60 }]);
  await ana.close();
  await until("it may be taken away", () => !ecs.protectedNow, PATIENCE_MS);
  assert.deepEqual(ecs.sent.at(-1), { ProtectionEnabled: false });
  assert.equal(ecs.odd, undefined);
  assert.equal(await server.stop(), 0);
});

test("an agent that fails, or is not there, is said once and hurts nobody", async (t) => {
  const ecs = await agent(t);
  ecs.status = 500;
  const { ECS_CONTAINER_METADATA_URI_V4 } = ecs.env;
  const env = { ECS_CONTAINER_METADATA_URI_V4, ECS_AGENT_URI: "http://127.0.0.1:1" };
  const server = await t.start({ "drain-ms": "20s" }, { env });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r", create: true });
  await until("it has asked twice", () => ecs.asked >= 2, PATIENCE_MS);
  server.child.kill("SIGUSR1");
  await until("it has tried", () => logged(server, "ecs_protection").length > 0, PATIENCE_MS);
  assert.equal(logged(server, "ecs_task").length, 1);
  assert.match(logged(server, "ecs_task")[0].error, /status 500/);
  assert.match(logged(server, "ecs_protection")[0].error, /no answer/);
  assert.ok((await ana.call("send", { room: "r", text: "still here" })).seq > 0);
  await ana.close();
  assert.equal(await server.stop(), 0);
});
