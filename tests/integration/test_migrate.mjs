// `polylog migrate`: killed again and again in the middle, and what comes out of it
// is served as before: the same tokens, cursors, changes, names.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { PROGRAM } from "./lib/server.mjs";
import { sleep, test } from "./lib/suite.mjs";

const FULL = 600;

function begin(from, to, args = []) {
  const child = spawn(PROGRAM, ["migrate", `--from=sqlite:${from}`, `--to=sqlite:${to}`, ...args]);
  const run = { child, out: "", err: "" };
  child.stdout.on("data", (chunk) => (run.out += chunk));
  child.stderr.on("data", (chunk) => (run.err += chunk));
  run.ended = new Promise((resolve) =>
    child.once("close", (code, signal) => resolve({ ...run, code: signal ?? code })),
  );
  return run;
}

const migrate = (...how) => begin(...how).ended;

async function fill(server) {
  const ana = await server.person("ana");
  for (const room of ["one", "two", "three"]) {
    await ana.call("join", { room });
    await Promise.all(Array.from({ length: FULL }, (_, i) => ana.call("send", { room, text: `m${i}` })));
  }
  await ana.call("edit", { room: "one", target: 5, text: "edited" });
  await ana.call("delete", { room: "one", target: 6 });
  await ana.call("react", { room: "one", target: 7, emoji: "👍" });
  const { room } = await ana.call("join", { room: "one" });
  return { ana, epoch: room.epoch, head: room.head.seq };
}

test("a migration that is killed goes on, and what it brought is served as before", async (t) => {
  const server = await t.start();
  const { ana, epoch, head } = await fill(server);
  const { entries } = await ana.call("history", { room: "one", after: 0, limit: 20 });
  await server.stop();
  const [from, to] = [server.flags.data, join(server.dir, "other")];
  const begun = Date.now();
  assert.equal((await migrate(from, join(server.dir, "whole"), ["--parallel=1"])).code, 0);
  const whole = Date.now() - begun;
  let killed = 0;
  // at each tenth of what a whole run takes here, and again until some were killed
  for (let i = 0; i < 9 || (killed <= 3 && i < 200); i++) {
    const run = begin(from, to, ["--parallel=1"]);
    await sleep((whole * (1 + (i % 9))) / 10);
    run.child.kill("SIGKILL");
    killed += (await run.ended).code === "SIGKILL" ? 1 : 0;
  }
  assert.ok(killed > 3, `${killed} were killed`);
  const { code, out, err } = await migrate(from, to);
  assert.equal(code, 0, err);
  assert.match(out, /verified: heads, identities and contents of \d+ rooms are the same/);
  server.flags.data = to;
  await server.spawn();
  const again = await server.connect(ana.token);
  const joined = await again.call("join", { room: "one", after: head, epoch });
  assert.deepEqual([joined.reset, joined.room.epoch, joined.room.head.seq], [undefined, epoch, head]);
  assert.deepEqual((await again.call("history", { room: "one", after: 0, limit: 20 })).entries, entries);
  assert.notEqual((await server.login("bob")).user.id, ana.user.id);
  assert.equal((await server.login("ana")).user.id, ana.user.id);
});

test("migrate refuses what it would mix up", async (t) => {
  const [a, b] = [await t.start(), await t.start()];
  const [from, to] = [a.flags.data, b.flags.data];
  for (const server of [a, b]) await (await server.person("ana")).call("join", { room: "one" });
  const busy = await migrate(from, to);
  assert.deepEqual([busy.code, busy.out], [1, ""]);
  assert.match(busy.err, /source_failed: .*another process uses/);
  await a.stop();
  await b.stop();
  const other = await migrate(from, to);
  assert.deepEqual([other.code, other.out], [2, ""]);
  assert.match(other.err, /target_other: '.*': the target has/);
  const missing = await migrate(join(a.dir, "none"), join(a.dir, "new"));
  assert.equal(missing.code, 1);
  assert.match(missing.err, /source_failed: .*there is no database/);
  assert.equal((await migrate(from, "")).code, 1);
  const dry = await migrate(from, join(a.dir, "new"), ["--dry-run"]);
  assert.equal(dry.code, 0);
  assert.match(dry.out, /nothing was written/);
});
