// A node that drains asks its clients to move, each at its own moment, and serves
// them until they have gone.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Raw } from "./lib/raw.mjs";
import { PROGRAM } from "./lib/server.mjs";
import { sleep, test, testWorkers, until } from "./lib/suite.mjs";

const MOVE = { event: "move" };
const DRAIN_MS = 12_000;
const status = async (server, path) => (await server.fetch(path)).status;

async function crowd(t, server, n) {
  const people = await Promise.all(Array.from({ length: n }, () => t.person("p", { server })));
  for (const who of people) await who.call("join", { room: "r" });
  return people;
}

async function drain(server) {
  server.child.kill("SIGUSR1");
  await until("it drains", async () => (await status(server, "/ready")) === 503);
}

testWorkers("each is told at its own moment, and who moves misses nothing", async (t) => {
  const drainMs = 300_000; // long enough for a slow machine to go on meanwhile
  const server = await t.start({ workers: t.workers, "drain-ms": drainMs });
  const people = await crowd(t, server, 20);
  await drain(server);
  assert.equal(await status(server, "/health"), 200);
  const within = new Set(); // the end is everybody's, so this differs as the moments do
  for (const who of people) {
    const { reason, delay_ms, within_ms } = await who.event(MOVE);
    assert.deepEqual([reason, delay_ms], ["drain", 0]);
    assert.ok(within_ms > 0 && within_ms < drainMs, within_ms);
    within.add(within_ms);
  }
  assert.ok(within.size > 5, [...within].join());

  // still served, on both connections, until the first is closed
  const [ana, ben] = people;
  const first = await ben.call("send", { room: "r", text: "before" });
  const second = await server.connect(ana.token);
  const { epoch } = (await second.call("join", { room: "r", after: first.seq - 1 })).room;
  assert.ok(epoch > 0);
  assert.equal((await second.event({ event: "message" })).text, "before");
  ana.socket.close(1000);
  assert.equal((await ana.closed).code, 1000);
  await ben.call("send", { room: "r", text: "after" });
  assert.equal((await second.event({ event: "message", text: "after" })).seq, first.seq + 1);
  const metrics = await server.metrics();
  assert.equal(metrics("polylog_draining"), 1);
  assert.equal(metrics('polylog_closes_total{reason="moved"}'), 1);
});

test("who does not go is closed when the time is over, and not before", async (t) => {
  const server = await t.start({ "drain-ms": "1s" });
  const people = await crowd(t, server, 4);
  await drain(server);
  for (const who of people) assert.deepEqual(await who.closed, { code: 1012, reason: "draining" });
  for (const who of people) assert.ok(who.frames.some(({ event }) => event === "move"), "each was told before");
  assert.equal(await status(server, "/health"), 200, "it goes on");
  assert.equal(await server.stop(), 0);
});

test("who comes to a draining node is served, and told at once", async (t) => {
  const server = await t.start({ "drain-ms": "1s" });
  const { token } = await server.login("ana");
  await drain(server);
  await sleep(1200); // the others' time is over
  const raw = await Raw.connect(server.port);
  t.after(() => raw.kill());
  await raw.upgrade({ headers: { Authorization: `Bearer ${token}` } });
  const first = await raw.json();
  assert.equal(first.event, "move");
  assert.ok(first.delay_ms < 300 && first.within_ms > 0 && first.within_ms <= 1000, JSON.stringify(first));
  assert.equal((await raw.close()).code, 1012);
  await server.restart({ "drain-ms": "10m" });
  await drain(server);
  const ana = await server.connect(token);
  await ana.call("join", { room: "r" });
  await ana.call("send", { room: "r", text: "here" });
});

test("who comes to a draining node has as long as the others, whenever that is", async (t) => {
  const server = await t.start({ "drain-ms": "600ms" });
  const { token } = await server.login("ana");
  const kept = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const raw = await Raw.connect(server.port); // opened long before it speaks WebSocket
      t.after(() => raw.kill());
      raw.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
      assert.equal((await raw.answer()).status, 200);
      return raw;
    }),
  );
  await drain(server);
  for (const raw of kept) {
    await raw.upgrade({ headers: { Authorization: `Bearer ${token}` } });
    const { event, within_ms } = await raw.json();
    assert.deepEqual([event, within_ms], ["move", 600]);
    await sleep(110);
  }
  assert.equal((await kept.at(-1).close()).code, 1012);
});

test("a drain is undone: nobody else is told, and nobody closed", async (t) => {
  const server = await t.start({ "drain-ms": DRAIN_MS });
  const people = await crowd(t, server, 10);
  await drain(server);
  await Promise.race(people.map((who) => who.event(MOVE)));
  server.child.kill("SIGUSR2");
  await until("it is ready", async () => (await status(server, "/ready")) === 200);
  const moves = (who) => who.frames.filter(({ event }) => event === "move").length;
  for (const who of people) await who.settle(); // what was on its way has arrived
  const told = people.map(moves);
  assert.ok(told.includes(0), "all were told before it was undone");
  await sleep(DRAIN_MS + 1000); // all would have been told, and closed
  for (const who of people) await who.settle();
  assert.deepEqual(people.map(moves), told);
  await drain(server); // and again: all of them
  for (const [i, who] of people.entries()) await until("told again", () => moves(who) === told[i] + 1);
});

test("told to stop while it drains, it goes when everybody has gone", async (t) => {
  const server = await t.start({ "drain-ms": "10m" });
  const [ana, ben] = await crowd(t, server, 2);
  await drain(server);
  const stopped = server.stop();
  await ana.call("send", { room: "r", text: "still here" });
  await ben.event({ event: "message" });
  for (const who of [ana, ben]) who.socket.close(1000);
  assert.equal(await stopped, 0);
});

test("told to stop twice, it does not wait for anybody", async (t) => {
  const server = await t.start({ "drain-ms": "10m" });
  const [ana] = await crowd(t, server, 1);
  await drain(server);
  server.child.kill("SIGTERM");
  await until("it stops", () => /"event":"(drain|stop)/.test(server.log));
  await ana.call("ping");
  assert.equal(await server.stop(), 0);
  assert.equal((await ana.closed).code, 1012);
});

test("the server's owner drains it over HTTP, nobody else does", async (t) => {
  const server = await t.start({ "drain-ms": "30s" });
  const code = /#owner=(\S+)/.exec(server.out)[1];
  const { token } = await server.login("owner", { owner: code });
  const { token: other } = await server.login("ana");
  const ask = async (method, by) => {
    const headers = by && { Authorization: `Bearer ${by}` };
    const response = await server.fetch("/api/v1/drain", { method, headers });
    const body = await response.json();
    return [response.status, body.error?.code ?? body.draining, body.connections];
  };
  const who = await server.connect(token);
  assert.deepEqual(await ask("GET", token), [200, false, 1]);
  for (const method of ["GET", "POST", "DELETE"]) {
    assert.deepEqual(await ask(method), [401, "unauthenticated", undefined]);
    assert.deepEqual(await ask(method, other), [403, "forbidden", undefined]);
  }
  assert.deepEqual(await ask("PUT", token), [405, "method_not_allowed", undefined]);
  assert.equal(await status(server, "/ready"), 200);
  assert.deepEqual(await ask("POST", token), [200, true, 1]);
  await until("it is not ready", async () => (await status(server, "/ready")) === 503);
  assert.deepEqual(await ask("GET", token), [200, true, 1]);
  assert.deepEqual(await ask("DELETE", token), [200, false, 1]);
  await until("it is ready again", async () => (await status(server, "/ready")) === 200);
  await who.call("ping");
});

// `polylog drain`: its exit code and what it said.
async function command(...args) {
  return begin({ out: "", err: "" }, ...args);
}

// The same; what it says is in said while it runs.
async function begin(said, ...args) {
  const child = spawn(PROGRAM, ["drain", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.on("data", (chunk) => (said.out += chunk));
  child.stderr.on("data", (chunk) => (said.err += chunk));
  said.code = await new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code)));
  return said;
}

async function withPidFile(t, drain_ms) {
  const server = await t.start({ "pid-file": "polylog.pid", "drain-ms": drain_ms });
  return { server, file: `--pid-file=${join(server.dir, "polylog.pid")}` };
}

test("polylog drain says who is left until nobody is", async (t) => {
  const { server, file } = await withPidFile(t, "10m");
  const [ana, ben] = await crowd(t, server, 2);
  const said = { out: "", err: "" };
  const run = begin(said, file, "--wait", `--at=${server.url}`);
  await until("it drains", async () => (await status(server, "/ready")) === 503);
  ana.socket.close(1000);
  await until("one is left", () => said.out.includes("drain: 1 connections left"));
  ben.socket.close(1000);
  const { code, out, err } = await run;
  assert.equal(code, 0, err);
  assert.match(out, /asks its clients to go.*\n(.*\n)*drain: 1 connections left.*\n(.*\n)*drain: 0 connections left, 1 went/);
  const undone = await command(file, "--undo");
  assert.equal(undone.code, 0, undone.err);
  await until("it is ready", async () => (await status(server, "/ready")) === 200);
});

test("polylog drain does not wait for ever, and sees the end of the server", async (t) => {
  const { server, file } = await withPidFile(t, "10m");
  await crowd(t, server, 1);
  assert.equal((await command(file, "--wait", "--wait-for=1s", `--at=${server.url}`)).code, 2);
  const said = { out: "", err: "" };
  const run = begin(said, file, "--wait", `--at=${server.url}`);
  await until("it waits", () => said.out.includes("connections left"));
  server.child.kill("SIGKILL");
  const { code, out } = await run;
  assert.equal(code, 0);
  assert.match(out, /the server has ended/);
});

test("polylog drain says why it cannot", async (t) => {
  const { server, file } = await withPidFile(t, "10m");
  assert.equal((await command()).code, 64);
  assert.match((await command()).err, /--pid-file/);
  assert.match((await command("--pid-file=/nonexistent/pid")).err, /No such file/);
  const path = join(server.dir, "wrong.pid");
  for (const [text, why] of [["", "no process id"], ["x\n", "no process id"], ["1\n", "not this program"]]) {
    writeFileSync(path, text);
    const { code, err } = await command(`--pid-file=${path}`);
    assert.equal(code, 1);
    assert.match(err, new RegExp(why));
  }
  const { code, err } = await command(file, "--wait", "--at=http://127.0.0.1:1");
  assert.equal(code, 1);
  assert.match(err, /127.0.0.1:1: /);
});
