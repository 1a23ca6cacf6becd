// `polylog migrate` from SQLite to DynamoDB, killed while it writes, and back.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { temporary } from "../integration/lib/server.mjs";
import { test } from "../integration/lib/suite.mjs";
import { Assassin } from "./lib/assassin.mjs";
import { run, serve, store, use } from "./lib/use.mjs";

const FULL = 600; // three batches
const ROOMS = ["one", "two", "three"];
// It is killed when it makes so many writes.
const KILLS = [1, 2, 3];

// Rooms with changes, on SQLite; the server has ended.
async function fill(t) {
  const server = await t.start();
  const ana = await server.person("ana");
  for (const room of ROOMS) {
    await ana.call("join", { room });
    await Promise.all(Array.from({ length: FULL }, (_, i) => ana.call("send", { room, text: `m${i}` })));
  }
  await ana.call("edit", { room: "one", target: 5, text: "edited" });
  await ana.call("delete", { room: "one", target: 6 });
  await ana.call("react", { room: "one", target: 7, emoji: "👍" });
  const { room } = await ana.call("join", { room: "one" });
  const { entries } = await ana.call("history", { room: "one", after: 0, limit: 20 });
  assert.equal(entries.length, 20);
  await server.stop();
  return { data: server.flags.data, token: ana.token, user: ana.user, room, entries };
}

async function isServed(t, d, from) {
  const server = await serve(t, d);
  const again = await server.connect(from.token);
  const { epoch, head } = from.room;
  const joined = await again.call("join", { room: "one", after: head.seq, epoch });
  assert.deepEqual([joined.reset, joined.room.epoch, joined.room.head.seq], [undefined, epoch, head.seq]);
  const { entries } = await again.call("history", { room: "one", after: 0, limit: 20 });
  assert.deepEqual(entries, from.entries);
  assert.notEqual((await server.login("bob")).user.id, from.user.id);
  assert.equal((await server.login("ana")).user.id, from.user.id);
  await server.stop();
}

test("a migration that is killed goes on, and what it brought is served as before", async (t) => {
  const d = await use(t);
  const from = await fill(t);
  const assassin = await Assassin.start(t, d.url);
  const args = ["migrate", `--from=sqlite:${from.data}`, `--to=dynamodb:${d.prefix}`, "--parallel=1"];
  const none = await run(args, d.env);
  assert.equal(none.code, 1);
  assert.match(none.err, /ResourceNotFound.*`polylog store init` makes the tables[^]*target_failed: /);
  assert.equal((await store(d, "init")).code, 0);
  for (const at of KILLS) {
    const { code, err } = await assassin.run(at, d.env, args);
    assert.equal(code, "SIGKILL", `not killed at its write ${at}: ${err}`);
  }
  const last = await run(args, d.env);
  assert.equal(last.code, 0, last.err);
  const [, all] = last.out.match(/has 3 rooms, ([\d,]+) entries/) ?? [];
  const [, copied] = last.out.match(/: copied ([\d,]+) entries of/) ?? [];
  const [n, of] = [copied, all].map((text) => Number(text.replace(",", "")));
  assert.ok(of >= FULL * ROOMS.length && n > 0 && n < of - FULL, last.out);
  assert.match(last.out, /verified: heads, identities and contents of 3 rooms are the same/);
  const again = await run(args, d.env);
  assert.match(again.out, /: copied 0 entries of 0 rooms and 0 records; 3 rooms/);
  await isServed(t, d, from);
  const other = await run(args, d.env); // it was written to since
  assert.deepEqual([other.code, other.out], [2, ""]);
  assert.match(other.err, /target_other: /);
});

test("migrate does not mix chats in DynamoDB, and brings one back from it", async (t) => {
  const d = await use(t);
  const [there, here] = [await serve(t, d), await t.start()];
  for (const server of [there, here]) {
    await (await server.person("ana")).call("join", { room: "one" });
    await server.stop();
  }
  const other = await run(["migrate", `--from=sqlite:${here.flags.data}`, `--to=dynamodb:${d.prefix}`], d.env);
  assert.deepEqual([other.code, other.out], [2, ""]);
  assert.match(other.err, /target_other: '.*': the target has/);
  const dir = temporary("migrated");
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const back = await run(["migrate", `--from=dynamodb:${d.prefix}`, `--to=sqlite:${join(dir, "back")}`], d.env);
  assert.equal(back.code, 0, back.err);
  assert.match(back.out, /verified: heads, identities and contents of 1 rooms are the same/);
});
