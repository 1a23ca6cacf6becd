// `polylog health` against a server that runs, drains, is silent, or is none.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { PROGRAM, freePort } from "./lib/server.mjs";
import { test, until } from "./lib/suite.mjs";

// {code, out, err} of the command in an environment that has only what is given.
function health(env, ...args) {
  return new Promise((resolve) => {
    execFile(PROGRAM, ["health", ...args], { env }, (error, out, err) =>
      resolve({ code: error?.code ?? 0, out, err }),
    );
  });
}

test("polylog health: asks where the environment has the server listen", async (t) => {
  const server = await t.start({ "drain-ms": "10m" });
  const env = { POLYLOG_LISTEN: `unix:/nowhere,${server.flags.listen}`, POLYLOG_DATA: "/data" };
  const well = await health(env);
  assert.deepEqual([well.code, well.err], [0, ""]);
  assert.equal(JSON.parse(well.out).status, "ok");
  assert.deepEqual(await health(env, "--ready"), { code: 0, out: "ready\n", err: "" });
  process.kill(server.pid, "SIGUSR1");
  await until("it drains", async () => (await health(env, "--ready")).out === "draining\n");
  assert.deepEqual(await health({}, "--ready", "--at", server.url), { code: 1, out: "draining\n", err: "" });
  assert.equal((await health({}, "--at", server.url)).code, 0);
});

test("polylog health: what does not answer, or is no server of ours, is not well", async (t) => {
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  const other = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"));
  other.listen(0, "127.0.0.1");
  t.after(() => [silent, other].forEach((one) => one.close()));
  await until("both listen", () => silent.listening && other.listening);
  const at = (one) => `http://127.0.0.1:${one.address().port}`;
  for (const [args, code, why] of [
    [["--at", `http://127.0.0.1:${await freePort()}`], 1, /refused/i],
    [["--at", at(silent), "--within", "100ms"], 1, /time/i],
    [["--at", at(other)], 1, /not a Polylog server's/],
    [["--at", at(other), "--ready"], 1, /not a Polylog server's/],
    [["--listen", "fd:3"], 64, /say where/],
    [["--at", "x".repeat(700)], 64, /too long/],
  ]) {
    const said = await health({}, ...args);
    assert.deepEqual([said.code, said.out], [code, ""], JSON.stringify(said));
    assert.match(said.err, why);
    assert.equal(said.err.trim().split("\n").length, 1);
  }
});
