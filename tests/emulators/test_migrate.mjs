// `polylog migrate` from SQLite to DynamoDB, killed while it writes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { PROGRAM, Server, temporary } from "../integration/lib/server.mjs";

const FULL = 600;
const ROOMS = ["one", "two", "three"];
const WRITES = /\.(PutItem|UpdateItem|TransactWriteItems|BatchWriteItem)$/;
// It is killed when it makes so many writes: some are done then, some are not, and of an
// odd one nobody knows: it is done after its client has gone.
const KILLS = [1, 2, 3];

async function polylog(env, args, begun = () => undefined) {
  const child = spawn(PROGRAM, args, { env: { ...process.env, ...env } });
  const run = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (run.out += chunk));
  child.stderr.on("data", (chunk) => (run.err += chunk));
  begun(child);
  const code = await new Promise((resolve) => child.once("close", (exit, signal) => resolve(signal ?? exit)));
  return { ...run, code };
}

// In front of the emulator: kills the program at its nth write.
class Assassin {
  static async start(port) {
    const it = new Assassin();
    it.server = createServer((asked, answer) => it.pass(port, asked, answer));
    await new Promise((resolve) => it.server.listen(0, "127.0.0.1", resolve));
    it.url = `http://127.0.0.1:${it.server.address().port}`;
    return it;
  }

  pass(port, asked, answer) {
    if (WRITES.test(asked.headers["x-amz-target"] ?? "") && --this.left === 0) {
      this.child.kill("SIGKILL");
      if (this.at % 2 === 0) return asked.resume();
    }
    const on = request({ port, host: "127.0.0.1", method: asked.method, path: asked.url, headers: asked.headers });
    on.on("response", (got) => (answer.writeHead(got.statusCode, got.rawHeaders), got.pipe(answer)));
    on.on("error", () => answer.destroy());
    answer.on("error", () => undefined);
    asked.pipe(on);
    return undefined;
  }

  async run(at, env, args) {
    this.at = this.left = at;
    const own = { ...env, AWS_ENDPOINT_URL_DYNAMODB: this.url };
    return polylog(own, args, (child) => (this.child = child));
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

// Rooms with changes, on SQLite; the server has ended.
async function fill() {
  const server = await Server.start();
  const ana = await server.person("ana");
  for (const room of ROOMS) {
    await ana.call("join", { room });
    await Promise.all(Array.from({ length: FULL }, (_, i) => ana.call("send", { room, text: `m${i}` })));
  }
  await ana.call("edit", { room: "one", target: 5, text: "edited" });
  await ana.call("delete", { room: "one", target: 6 });
  await ana.call("react", { room: "one", target: 7, emoji: "👍" });
  const { room } = await ana.call("join", { room: "one" });
  const { messages } = await ana.call("history", { room: "one", after: 0, limit: 20 });
  await server.stop();
  return { server, token: ana.token, user: ana.user, epoch: room.epoch, head: room.head.seq, messages };
}

async function isServed(from, dynamo, prefix) {
  const flags = { store: "dynamodb", "dynamodb-prefix": prefix };
  const server = await Server.start(flags, { env: { ...dynamo.env } });
  try {
    const again = await server.connect(from.token);
    const joined = await again.call("join", { room: "one", after: from.head, epoch: from.epoch });
    assert.deepEqual(
      [joined.reset, joined.room.epoch, joined.room.head.seq],
      [undefined, from.epoch, from.head],
    );
    const { messages } = await again.call("history", { room: "one", after: 0, limit: 20 });
    assert.deepEqual(messages, from.messages);
    assert.notEqual((await server.login("bob")).user.id, from.user.id);
    assert.equal((await server.login("ana")).user.id, from.user.id);
  } finally {
    await server.close();
  }
}

async function killedAndGoingOn(dynamo) {
  const from = await fill();
  const assassin = await Assassin.start(dynamo.port);
  const args = ["migrate", `--from=sqlite:${from.server.flags.data}`, "--to=dynamodb:moved", "--parallel=1"];
  try {
    const none = await polylog(dynamo.env, args);
    assert.equal(none.code, 1);
    assert.match(none.err, /ResourceNotFound.*`polylog store init` makes the tables[^]*target_failed: /);
    const init = await polylog(dynamo.env, ["store", "init", "--dynamodb-prefix=moved"]);
    assert.equal(init.code, 0, init.err);
    for (const at of KILLS) {
      const { code, err } = await assassin.run(at, dynamo.env, args);
      assert.equal(code, "SIGKILL", `not killed at its write ${at}: ${err}`);
    }
    const last = await polylog(dynamo.env, args);
    assert.equal(last.code, 0, last.err);
    const [, all] = last.out.match(/has 3 rooms, ([\d,]+) entries/) ?? [];
    const [, copied] = last.out.match(/: copied ([\d,]+) entries of/) ?? [];
    const [n, of] = [copied, all].map((text) => Number(text.replace(",", "")));
    assert.ok(of >= FULL * ROOMS.length && n > 0 && n < of, last.out);
    assert.match(last.out, /verified: heads, identities and contents of 3 rooms are the same/);
    const again = await polylog(dynamo.env, args);
    assert.match(again.out, /: copied 0 entries of 0 rooms and 0 records; 3 rooms/);
    await isServed(from, dynamo, "moved");
    const other = await polylog(dynamo.env, args);
    assert.deepEqual([other.code, other.out], [2, ""]);
    assert.match(other.err, /target_other: /);
  } finally {
    assassin.close();
    await from.server.close();
  }
}

async function mixesNothing(dynamo) {
  const made = await polylog(dynamo.env, ["store", "init", "--dynamodb-prefix=mixed"]);
  assert.equal(made.code, 0, made.err);
  const flags = { store: "dynamodb", "dynamodb-prefix": "mixed" };
  const [there, here] = [await Server.start(flags, { env: dynamo.env }), await Server.start()];
  const data = temporary("migrated");
  try {
    for (const server of [there, here]) {
      await (await server.person("ana")).call("join", { room: "one" });
      await server.stop();
    }
    const other = await polylog(dynamo.env, ["migrate", `--from=sqlite:${here.flags.data}`, "--to=dynamodb:mixed"]);
    assert.deepEqual([other.code, other.out], [2, ""]);
    assert.match(other.err, /target_other: '.*': the target has/);
    const args = ["migrate", "--from=dynamodb:mixed", `--to=sqlite:${join(data, "back")}`];
    const back = await polylog(dynamo.env, args);
    assert.equal(back.code, 0, back.err);
    assert.match(back.out, /verified: heads, identities and contents of 1 rooms are the same/);
  } finally {
    await there.close();
    await here.close();
    rmSync(data, { recursive: true, force: true });
  }
}

// [name, body(what startDynamo resolves to)]...
export default [
  ["a migration that is killed goes on, and what it brought is served as before", killedAndGoingOn],
  ["migrate does not mix chats in DynamoDB, and brings one back from it", mixesNothing],
];
