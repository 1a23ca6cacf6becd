// What `make lambda` builds starts where nothing else is.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Skipped, test } from "../integration/lib/suite.mjs";
import { makeTables, PROGRAM } from "./lib/function.mjs";
import { event, RuntimeApi } from "./lib/runtime.mjs";

const BUILD_MS = 3_600_000; // of all for another processor
const ROOT = new URL("../..", import.meta.url).pathname;

// What takes minutes is waited for: other tests run meanwhile.
async function run(program, args) {
  await promisify(execFile)(program, args, { cwd: ROOT, maxBuffer: Infinity }).catch((error) => assert.fail(error.stderr || error));
}

function unpack(t, zip) {
  assert.ok(statSync(zip).size <= 12 * 1024 * 1024);
  const root = mkdtempSync(join(tmpdir(), "polylog-zip-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  execFileSync("unzip", ["-q", zip, "-d", root]);
  return root;
}

// Starts the function, and has it take some events.
async function works(t, command, args) {
  const api = await RuntimeApi.start(t);
  const env = { ...(await makeTables()), AWS_LAMBDA_RUNTIME_API: api.address, POLYLOG_OPEN: "true", POLYLOG_LOGIN: "name" };
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (data) => (log += data));
  const exited = once(child, "close").then(() => Promise.reject(new Error(`it ended: ${log}`)));
  exited.catch(() => undefined);
  t.after(() => child.kill("SIGKILL"));
  await Promise.race([api.asked, exited]);
  const call = async (body) => {
    const { failed, body: answer } = await api.invoke(event("MESSAGE", "AbCdEfGhIjKlMno=", { body: JSON.stringify({ id: 1, ...body }) }));
    assert.equal(failed, false);
    return JSON.parse(answer.body).ok;
  };
  assert.equal((await api.invoke(event("CONNECT", "AbCdEfGhIjKlMno=", { headers: {} }))).body.statusCode, 200);
  assert.equal((await call({ action: "login", name: "ana" })).user.name, "ana");
  assert.equal((await call({ action: "join", room: "general" })).room.id, "general");
  assert.ok((await call({ action: "history", room: "general" })).head.seq > 0);
}

test("the zip runs in an empty root, with what it brings", async (t) => {
  await run(join(ROOT, "tools/make-lambda"), [PROGRAM]);
  const root = unpack(t, join(ROOT, "build/polylog-lambda.zip"));
  // Who is not root becomes it in a namespace of its own, to be allowed to.
  const how = process.getuid() === 0 ? ["chroot"] : ["unshare", "--map-root-user", "chroot"];
  await works(t, how[0], [...how.slice(1), root, "/bootstrap"]);
});

const has = (program) => spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;

test("the zip for arm64 runs on an emulated processor", async (t) => {
  if (!has("aarch64-linux-gnu-gcc") || !has("qemu-aarch64-static")) throw new Skipped("there is no cross-compiler, or no qemu");
  await run("make", ["-s", "lambda-arm64"]);
  const root = unpack(t, join(ROOT, "build/polylog-lambda-arm64.zip"));
  const [lib, loader] = [join(root, "lib"), join(root, "lib/ld-linux-aarch64.so.1")];
  await works(t, "qemu-aarch64-static", [loader, "--library-path", lib, join(root, "polylog"), "lambda"]);
}, BUILD_MS);
