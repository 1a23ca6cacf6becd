// A store that cannot write: the node says so once, and once that it can again.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporary } from "./lib/server.mjs";
import { refused, test, until } from "./lib/suite.mjs";

test("a store that fails is said once, and once that it works", async (t) => {
  const dir = temporary("full-");
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [library, full] = [join(dir, "full_disk.so"), join(dir, "full")];
  const source = fileURLToPath(new URL("lib/full_disk.c", import.meta.url));
  execFileSync("cc", ["-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library, source, "-ldl"]);
  const server = await t.start({}, { env: { LD_PRELOAD: library, FULL_DISK: full } });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  const health = async () => (await server.fetch("/health")).json();
  const metric = async (name) =>
    Number(/ (\d+)$/m.exec((await (await server.fetch("/metrics")).text()).match(new RegExp(`^${name} .*$`, "m"))[0])[1]);
  const lines = (event) =>
    server.log.split("\n").filter((line) => line.includes(`"${event}"`)).map((line) => JSON.parse(line));
  assert.deepEqual([(await health()).status, await metric("polylog_store_failing")], ["ok", 0]);
  writeFileSync(full, "");
  let refused = 0;
  const send = (i) => ana.call("send", { room: "r", text: `${i}`.padEnd(3000, "x") });
  await until("it is degraded", async () => {
    await send(refused).catch((error) => {
      assert.match(String(error.code), /^store_full$/, server.log);
      refused++;
    });
    return (await health()).degraded;
  });
  assert.ok(refused > 0);
  assert.deepEqual([(await health()).status, (await health()).failing], ["degraded", "store"]);
  assert.deepEqual((await health()).reasons.map((r) => r.reason), ["store"]);
  assert.match((await health()).reasons[0].do, /disk/);
  assert.equal(await metric("polylog_store_failing"), 1);
  await until("it is counted", async () => (await metric('polylog_alarm\\{reason="store"\\}')) === 1);
  assert.equal(await metric('polylog_alarms_total\\{reason="store"\\}'), 1);
  assert.ok((await metric("polylog_store_failures_total")) > 0);
  await until("the log says so", () => lines("store_failing").length > 0);
  await send(0).catch(() => refused++);
  rmSync(full);
  await until("it is well again", async () => !(await health()).degraded);
  await send("again");
  await until("the log says so", () => lines("store_well").length > 0);
  assert.equal(lines("store_failing").length, 1);
  assert.deepEqual([lines("store_failing")[0].level, lines("store_well")[0].level], ["error", "info"]);
  assert.ok(lines("store_well")[0].failures > 0);
  assert.equal(await metric("polylog_store_failing"), 0);
});

// What is written into a file that nobody finds again is not acknowledged.
for (const [how, befall] of [
  ["moved away", ({ data }) => renameSync(data, `${data}.before`)],
  ["deleted", ({ data }) => rmSync(data, { recursive: true })],
  ["replaced by a copy", ({ data }) => (cpSync(data, `${data}.copy`, { recursive: true }), rmSync(data, { recursive: true }), renameSync(`${data}.copy`, data))],
])
  test(`a database that is ${how} under a running server is noticed`, async (t) => {
    const server = await t.start();
    const ana = await server.person("ana");
    await ana.call("join", { room: "general" });
    await ana.call("send", { room: "general", text: "before" });
    befall(server.flags);
    await until("it says so", async () => (await (await server.fetch("/health")).text()).includes("store_changed"));
    await refused("store_behind", ana.call("send", { room: "general", text: "lost" }));
    await until("the log says it", () => /"store_changed".*moved, deleted, or replaced/.test(server.log));
    assert.equal(await server.stop(), 0, server.log);
  });
