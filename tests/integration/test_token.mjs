// Tokens that last, for scripts: `polylog token` against a server that runs.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { PROGRAM } from "./lib/server.mjs";
import { refused, revoked, test } from "./lib/suite.mjs";
import { isAnswer } from "./lib/tables.mjs";

// What the program did: its exit code and what it printed.
function run(server, args, token) {
  const child = spawn(PROGRAM, ["token", "--at", server.url, ...args], {
    cwd: server.dir,
    env: { ...process.env, ...(token && { POLYLOG_TOKEN: token }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (said.out += chunk));
  child.stderr.on("data", (chunk) => (said.err += chunk));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, ...said })));
}

test("polylog token: the owner makes a token for a script, which lasts", async (t) => {
  const server = await t.start({ "log-level": "debug" });
  const [, code] = server.out.match(/#owner=([0-9a-f]+)/);
  const { token } = await server.login("ana", { owner: code });
  const ben = await server.login("ben");

  const made = await run(server, ["--name", "cron", "--ttl", "10y"], token);
  assert.deepEqual([made.code, made.err], [0, ""]);
  assert.match(made.out, /^[\w.-]+\n$/);
  const lasting = made.out.trim();
  await server.restart();
  await server.command("join", { room: "general" }, lasting);
  await server.command("send", { room: "general", text: "backup done" }, lasting);
  const { sessions } = await server.command("sessions", {}, lasting);
  assert.equal(sessions.length, 1);
  const life = sessions[0].expires - sessions[0].created;
  assert.equal(life, 3650 * 86_400_000);

  // at either door
  const owner = await server.connect(token);
  isAnswer("token", await owner.call("token", { name: "bot" }));
  isAnswer("token", await server.command("token", { name: "bot", ttl: 60_000 }, token));

  // again for the same script; not for a person, nor by one, nor with the script's own
  assert.equal((await run(server, ["--name", "cron"], token)).code, 0);
  await refused("login_elsewhere", server.login("cron"));
  await refused("name_taken", server.command("token", { name: "ben" }, token));
  for (const [args, by, why] of [
    [["--name", "ben"], token, /Somebody has this name/],
    [["--name", "other"], ben.token, /You may not do this/],
    [["--name", "other"], lasting, /You may not do this/],
    [["--name", "other"], "none", /token is not valid/],
    [["--name", "other"], undefined, /POLYLOG_TOKEN/],
    [[], token, /--name/],
    [["--name", "other", "--ttl", "11y"], token, /1m\.\.10y|10y/],
  ]) {
    const no = await run(server, args, by);
    assert.notEqual(no.code, 0);
    assert.equal(no.out, "");
    assert.match(no.err, why);
  }

  // ended like any session
  await server.command("logout", {}, lasting);
  await revoked(() => server.command("ping", {}, lasting));
  for (const secret of [token, lasting]) assert.ok(!server.log.includes(secret), "a token is in the log");
});
