// Metrics on standard output, as CloudWatch Logs reads them.
import assert from "node:assert/strict";
import { validateEmf } from "./lib/emf.mjs";
import { test, testWorkers, until } from "./lib/suite.mjs";

function documents(server) {
  const whole = server.out.slice(0, server.out.lastIndexOf("\n") + 1);
  return whole.split("\n").filter((line) => line !== "").map(validateEmf);
}

const total = (server, name) => documents(server).reduce((sum, one) => sum + one[name], 0);

testWorkers("standard output has documents of the Embedded Metric Format alone", async (t) => {
  const flags = { metrics: "emf", "metrics-every": "1s", "metrics-service": "chat", workers: t.workers };
  const server = await t.start(flags);
  const [ana, bob] = [await t.person("ana", { server }), await t.person("bob", { server })];
  for (const who of [ana, bob]) await who.call("join", { room: "r" });
  for (let i = 0; i < 5; i++) await ana.call("send", { room: "r", text: `m${i}`, cid: `${i}` });
  await ana.call("dance").catch(() => undefined);
  await bob.events({ event: "message" }, 5);
  await until("a document tells of all", () => total(server, "deliveries") >= 10);
  const level = documents(server).at(-1);
  assert.deepEqual([level.Service, level.connections_open, level.degraded, level.draining], ["chat", 2, 0, 0]);
  assert.equal(await server.stop(), 0);
  assert.equal(total(server, "errors"), 1);
  assert.ok(total(server, "append_count") > 0);
  assert.ok(documents(server).some((one) => one.append_p99 > 0));
  assert.deepEqual([total(server, "entries_appended"), total(server, "deliveries")], [6, 10]);
  assert.equal(documents(server).at(-1).draining, 1);
});

test("what happened last is told at the end", async (t) => {
  const server = await t.start({ metrics: "emf", "metrics-every": "1h" });
  await server.login("ana");
  assert.equal(server.out, "");
  assert.equal(await server.stop(), 0);
  assert.deepEqual([documents(server).length, total(server, "commands")], [1, 1]);
  assert.match(server.log, /owner=/, "the link goes to standard error");
});
