// `polylog admin`: on a store that no server has open, and through a server that runs.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { PROGRAM } from "./lib/server.mjs";
import { refused, test } from "./lib/suite.mjs";

const RIGHT = "correct horse";
const FLAGS = { login: "password", "password-memory": "8k", "password-passes": 1 };

// What the program did: its exit code and what it printed.
function run(server, args, env = {}) {
  const child = spawn(PROGRAM, ["admin", ...args], {
    cwd: server.dir,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (said.out += chunk));
  child.stderr.on("data", (chunk) => (said.err += chunk));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, ...said })));
}

const offline = (server, ...args) => run(server, [...args, `--data=${server.flags.data}`]);
const online = (server, token, ...args) => run(server, [...args, "--at", server.url], { POLYLOG_TOKEN: token });

async function begin(t) {
  const server = await t.start(FLAGS);
  const [, code] = /#owner=([0-9a-f]+)/.exec(server.out);
  const owner = await server.command("signup", { name: "Owner", password: RIGHT, owner: code });
  const ana = await server.command("signup", { name: "Ana", password: RIGHT });
  const cron = await server.command("token", { name: "cron" }, owner.token);
  return { server, owner, ana, cron };
}

// Opens the link that was printed.
function reset(server, { out }, password) {
  const [, code] = /^http:\/\/\S+\/#recover=(\S+)\n$/.exec(out);
  return server.command("reset", { code, password });
}

test("polylog admin recover prints a link, with a server and without", async (t) => {
  const { server, owner, ana } = await begin(t);
  const inUse = await offline(server, "recover", "ana");
  assert.equal(inUse.code, 1);
  assert.match(inUse.err, /another process uses .*stop the server .*--at/);
  assert.equal(inUse.out, "");

  const asked = await online(server, owner.token, "recover", "ana");
  assert.equal(asked.code, 0, asked.err);
  assert.match(asked.err, /within a day sets the password of ana/);
  assert.ok(asked.out.startsWith(server.url));
  assert.equal((await reset(server, asked, "battery staple")).user.id, ana.user.id);
  await refused("bad_code", reset(server, asked, "once more, please"));

  await server.stop();
  const alone = await offline(server, "recover", "ANA", "--page=http://chat.example");
  assert.equal(alone.code, 0, alone.err);
  assert.match(alone.out, /^http:\/\/chat\.example\/#recover=/);
  const nobody = await offline(server, "recover", "nobody");
  assert.deepEqual([nobody.code, nobody.out], [1, ""]);
  assert.match(nobody.err, /There is no such user/);
  const script = await offline(server, "recover", "cron");
  assert.deepEqual([script.code, script.out], [1, ""]);

  await server.spawn();
  await server.login("ana", { password: "battery staple" }); // until the link is opened
  assert.equal((await reset(server, alone, "third of them")).user.id, ana.user.id);
  await server.login("ana", { password: "third of them" });
  await refused("bad_login", server.login("ana", { password: "battery staple" }));
});

test("polylog admin key create makes a key, with a server and without", async (t) => {
  const { server, owner, cron } = await begin(t);
  const asked = await online(server, owner.token, "key", "create", "--as=cron", "--name=a key", "--scope=read");
  assert.equal(asked.code, 0, asked.err);
  const own = await online(server, owner.token, "key", "create", "--name=mine", "--scope=admin");
  assert.equal(own.code, 0, own.err);
  const nobody = await online(server, owner.token, "key", "create", "--as=nobody", "--name=x");
  assert.match(nobody.err, /nobody: There is no such user/);
  const theirs = await online(server, owner.token, "key", "create", "--as=ana", "--name=x");
  assert.deepEqual([theirs.code, theirs.out], [1, ""]);

  await server.stop();
  const alone = await offline(server, "key", "create", "--as=CRON", "--name=the night", "--ttl=1d");
  assert.equal(alone.code, 0, alone.err);
  const super_ = await offline(server, "key", "create", "--as=owner", "--name=all", "--scope=admin read");
  assert.equal(super_.code, 0, super_.err);
  for (const [args, code, why] of [
    [["--as=nobody", "--name=x"], 1, /nobody: There is no such user/],
    [["--as=ana", "--name=x"], 1, /ana is neither the server's owner nor a script/],
    [["--as=no/name", "--name=x"], 1, /A name has/],
    [["--as=cron", "--name=x", "--scope=all"], 1, /scope/],
    [["--as=cron"], 64, /--name/],
    [["--name=x"], 64, /--as/],
  ]) {
    const no = await offline(server, "key", "create", ...args);
    assert.deepEqual([no.code, no.out], [code, ""], no.err);
    assert.match(no.err, why);
  }

  await server.spawn();
  for (const { out } of [asked, alone]) {
    assert.match(out, /^plk_\d+_\d+_[\w-]{43}\n$/);
    const client = await server.connect(out.trim());
    assert.equal(client.me.user.id, cron.user.id);
  }
  const { keys } = await server.command("keys", { user: cron.user.id }, owner.token);
  assert.deepEqual(keys.map(({ name, scope }) => [name, scope]).sort(), [["a key", "read"], ["the night", "read write"]]);
  const client = await server.connect(super_.out.trim());
  assert.deepEqual([client.me.user.id, client.me.user.owner], [owner.user.id, true]);
});

test("polylog admin says what is missing", async (t) => {
  const server = { dir: process.env.TMPDIR ?? "/tmp" };
  for (const [args, code, why] of [
    [[], 64, /say what/],
    [["recover"], 64, /say whose/],
    [["recover", "ana", "ben"], 64, /does not know what "ben" is for/],
    [["key", "list"], 64, /polylog admin key create/],
    [["recover", "ana", "--store=mem"], 64, /--at/],
    [["recover", "ana", `--data=${server.dir}/there-is-none`], 1, /there is no database/],
    [["recover", "ana", "--at=http://127.0.0.1:1"], 64, /POLYLOG_TOKEN/],
  ]) {
    const no = await run(server, args);
    assert.deepEqual([no.code, no.out], [code, ""], no.err);
    assert.match(no.err, why);
  }
});
