// The load generator against a real server: plain, over TLS, and ended early.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { certificate } from "./lib/certificate.mjs";
import { PROGRAM, freePort, temporary } from "./lib/server.mjs";
import { test, until } from "./lib/suite.mjs";

async function tlsServer(t) {
  const dir = temporary("tls");
  t.after(() => rmSync(dir, { recursive: true }));
  const { cert, key } = certificate(dir, "127.0.0.1");
  const port = await freePort();
  const at = [1, 2].map((n) => `127.0.0.${n}:${port}`);
  const server = await t.start({ "tls-listen": at, "tls-cert": cert, "tls-key": key });
  return { server, cert, port };
}

// Runs it; told(process, text of standard error) may do something meanwhile.
async function bench(args, told = () => undefined) {
  const child = spawn(PROGRAM, ["bench", "--json=-", "--connections=20", "--warmup=100ms", ...args]);
  const run = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (run.out += chunk));
  child.stderr.on("data", (chunk) => told(child, (run.err += chunk)));
  run.code = await new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code)));
  run.result = run.out === "" ? undefined : JSON.parse(run.out);
  return run;
}

function isGood({ code, err, result }) {
  assert.equal(code, 0, err);
  const { gaps, repeats, errors, deliveries } = result.total;
  assert.deepEqual({ gaps, repeats, errors, missing: result.missing }, { gaps: 0, repeats: 0, errors: 0, missing: 0 });
  assert.ok(deliveries > 20, `${deliveries} deliveries`);
}

test("bench measures a plain server", async (t) => {
  isGood(await bench(["--duration=300ms", (await t.server).url]));
});

test("bench measures over TLS whom it trusts", async (t) => {
  const { server, cert, port } = await tlsServer(t);
  const before = (await server.metrics())("polylog_tls_handshakes_total") ?? 0;
  isGood(await bench(["--duration=300ms", `--ca=${cert}`, `https://127.0.0.1:${port}`]));
  isGood(await bench(["--duration=300ms", "--insecure", `wss://127.0.0.1:${port}/ws`]));
  const handshakes = () => server.metrics().then((value) => value("polylog_tls_handshakes_total") - before);
  await until("the handshakes are counted", async () => (await handshakes()) >= 40);
});

test("bench says whom it does not trust, and which settings would", async (t) => {
  const { server, cert, port } = await tlsServer(t);
  const unknown = await bench([`https://127.0.0.1:${port}`]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /certificate is not trusted: self.signed certificate; --ca FILE .*--insecure/);
  const another = await bench([`--ca=${cert}`, `https://127.0.0.2:${port}`]); // not in the certificate
  assert.equal(another.code, 1);
  assert.match(another.err, /certificate is not trusted: IP address mismatch/);
  const plain = await bench(["--insecure", server.url.replace("http", "https")]);
  assert.equal(plain.code, 1);
  assert.match(plain.err, /does not speak TLS/);
});

test("bench that is interrupted reports what it measured", async (t) => {
  let told = false;
  const run = await bench(["--duration=60s", (await t.server).url], (child, err) => {
    if (!told && err.includes("measure ")) told = child.kill("SIGINT");
  });
  isGood(run);
  assert.equal(run.result.interrupted, true);
  assert.ok(run.result.measured_s > 0 && run.result.measured_s < 60, run.result.measured_s);
});

test("bench that is interrupted before it measures says so", async (t) => {
  let told = false;
  const run = await bench(["--warmup=60s", (await t.server).url], (child, err) => {
    if (!told && err.includes("warm up ")) told = child.kill("SIGINT");
  });
  assert.equal(run.code, 1);
  assert.match(run.err, /interrupted before it measured/);
});

// Runs it against a server that drains while it measures.
async function benchMoves(t, flags, duration, drained) {
  const server = await t.start(flags);
  let told = false;
  const args = ["--rooms=4", "--publishers=2", "--window=2", `--duration=${duration}`, server.url];
  const run = await bench(args, (_, err) => {
    if (told || !err.includes("measure ")) return;
    told = true;
    server.child.kill("SIGUSR1");
    drained(server);
  });
  return run;
}

test("bench moves when it is asked to, and loses nothing by it", async (t) => {
  // the node stays: those who were told find it again once it has said so
  const run = await benchMoves(t, { "drain-ms": "30s" }, "15s", async (server) => {
    await until("some are told, and told again", async () => (await server.metrics())("polylog_moves_total") > 8);
    server.child.kill("SIGUSR2");
  });
  isGood(run);
  const { moves, move_retries, drops, reconnects } = run.result.total;
  assert.ok(moves > 0 && moves < 20, `${moves} moved`);
  assert.ok(move_retries > 0, "none was told to try again");
  assert.deepEqual([drops, reconnects, run.result.back.n], [0, 0, 0]);
  assert.match(run.err, /0 messages lost, 0 shown twice, 0 connections closed before/);
});

test("bench tells who was closed before it had another connection", async (t) => {
  const { err, result } = await benchMoves(t, { "drain-ms": "500ms" }, "4s", () => undefined);
  assert.ok(result.total.drops >= 20, err);
  assert.match(err, /[1-9][0-9,]* connections closed before their successor was up/);
});
