// The program as a process: how it starts, refuses to start, tells its supervisor, and
// ends.
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { WebSocket } from "ws";
import { Client } from "./lib/client.mjs";
import { Raw } from "./lib/raw.mjs";
import { PROGRAM, freePort, temporary } from "./lib/server.mjs";
import { sleep, test, testWorkers, until } from "./lib/suite.mjs";

// {code, out, err} of a run that ends by itself.
function run(...args) {
  return new Promise((resolve) => {
    execFile(PROGRAM, args, { timeout: 60_000 }, (error, out, err) =>
      resolve({ code: error?.code ?? 0, out, err }),
    );
  });
}

test("what cannot be understood ends with 64, and says why", async () => {
  for (const [args, says] of [
    [["serve", "--colour", "red"], /--colour/],
    [["serve", "--workers", "many"], /--workers.*many|many/],
    [["serve", "--text-max"], /--text-max/],
    [["serve", "--workers=999"], /256/],
    [["serve", "--drain-ms", "1 fortnight"], /drain-ms/],
    [["serve", "--tls-listen", ":0"], /tls-cert/],
    [["serve", "--token-secret", "short"], /32/],
    [["dance"], /dance/],
  ]) {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, out], [64, ""], args.join(" "));
    assert.match(err, says);
    assert.equal(err.trim().split("\n").length, 1, err);
  }
  const dump = await run("serve", "--print-settings", "--bus=redis://ana:hush@h", "--text-max", "7");
  assert.deepEqual([dump.code, dump.err], [0, ""]);
  assert.ok(dump.out.includes("\ntext-max = 7  (--text-max)\n"), dump.out);
  assert.ok(dump.out.includes("\nbus = (set)  (--bus)\n"));
  assert.equal(dump.out.includes("hush"), false);
  for (const args of [["--help"], ["help", "serve"], ["serve", "--help"], ["version"], ["man"]]) {
    const { code, out } = await run(...args);
    assert.equal(code, 0, args.join(" "));
    assert.ok(out.length > 5);
  }
});

test("an address that is taken ends with 1 and one line that names the setting", async (t) => {
  const first = await t.start();
  const second = await t.start({ listen: first.flags.listen, patience: 0 }, { ready: false });
  assert.equal(await second.ended, 1);
  assert.equal(second.log.trim().split("\n").length, 1, second.log);
  assert.match(second.log, new RegExp(`127.0.0.1:${first.port}.*--listen`));
  await first.login("ana");
});

// What is written before there is a log, or instead of one.
test("a log of JSON has no other lines, whatever ends the start", async (t) => {
  const first = await t.start();
  const refused = [
    { listen: first.flags.listen, patience: 0 },
    { data: "/dev/null/x" },
    { bus: "redis://127.0.0.1:1/x?no=1" },
    { "tls-listen": "127.0.0.1:0", "tls-cert": "/dev/null", "tls-key": "/dev/null" },
  ];
  for (const flags of refused) {
    const second = await t.start({ ...flags, "log-format": "json" }, { ready: false });
    assert.notEqual(await second.ended, 0, JSON.stringify(flags));
    const lines = second.log.trim().split("\n").map((line) => JSON.parse(line));
    assert.ok(lines.some(({ level, event, why }) => level === "error" && event === "start_failed" && why), second.log);
  }
});

test("data that another program has open, or that cannot be, ends with 1", async (t) => {
  const first = await t.start();
  for (const data of [first.flags.data, "/proc/nowhere", "/dev/null/x"]) {
    const second = await t.start({ data, patience: 0 }, { ready: false });
    assert.equal(await second.ended, 1, data);
    assert.match(second.log, /--data/);
    assert.equal(second.log.trim().split("\n").length, 1, second.log);
  }
  await first.login("ana");
});

test("settings come from flags, the environment and .env, in this order", async (t) => {
  const server = await t.start({ "text-max": null }, { env: { POLYLOG_TEXT_MAX: "20" } });
  const longest = async () => {
    const ana = await t.person("ana", { server });
    await ana.call("join", { room: "r" });
    for (let n = 5; ; n += 5) {
      const failed = await ana.call("send", { room: "r", text: "x".repeat(n + 1) }).then(
        () => false,
        () => true,
      );
      if (failed) return n;
    }
  };
  writeFileSync(join(server.dir, ".env"), "# settings\nPOLYLOG_TEXT_MAX=10\n");
  assert.equal(await longest(), 20);
  server.options.env = {};
  await server.restart();
  assert.equal(await longest(), 10);
  await server.restart({ "text-max": 30 });
  assert.equal(await longest(), 30);
});

test("a Unix socket and several addresses are listened on", async (t) => {
  const other = await freePort();
  const server = await t.start({}, { ready: false });
  await server.stop("SIGKILL");
  const path = join(server.dir, "polylog.sock");
  server.flags.listen = [`127.0.0.1:${server.port}`, `unix:${path}`, `[::1]:${other}`];
  await server.spawn();
  await server.ready();
  const status = (options) =>
    new Promise((resolve, reject) => {
      request({ path: "/ready", agent: false, ...options }, (response) => resolve(response.statusCode))
        .on("error", reject)
        .end();
    });
  assert.equal(await status({ socketPath: path }), 200);
  assert.equal(await status({ host: "::1", port: other }), 200);
  const client = await Client.connect(`ws+unix://${path}:/ws`);
  await client.call("ping");
  await client.close();
  assert.equal(await server.stop(), 0);
  // a socket that a killed program left behind is no hindrance
  await server.spawn();
  await server.stop("SIGKILL");
  assert.ok(existsSync(path));
  await server.spawn();
  await server.ready();
  assert.equal(await status({ socketPath: path }), 200);
});

test("descriptors may be inherited, as systemd hands them over", async (t) => {
  const listener = createServer();
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address();
  const launcher = ["sh", "-c", 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" "$@"'];
  const inherit = [listener._handle.fd];
  const server = await t.start({}, { before: launcher, inherit });
  listener.close();
  assert.match(server.out, new RegExp(`http://localhost:${port}\n`));
  const client = await Client.connect(`ws://127.0.0.1:${port}/ws`);
  await client.call("ping");
  await client.close();
  await assert.rejects(Raw.connect(server.port), "its own address is not opened then");
  assert.equal(await server.stop(), 0);
});

test("a descriptor may be named as an address", async (t) => {
  const listener = createServer();
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address();
  await t.start({ listen: "fd:3" }, { inherit: [listener._handle.fd] });
  listener.close();
  const client = await Client.connect(`ws://127.0.0.1:${port}/ws`);
  await client.call("ping");
  await client.close();
});

test("systemd is told when it is ready and when it stops", async (t) => {
  const probe = await t.start();
  const path = join(probe.dir, "notify.sock");
  const code = `use IO::Socket::UNIX; use Socket; $| = 1;
    my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die; print "open\\n";
    while (defined $s->recv(my $m, 4096)) { print "$m\\n" }`;
  const listener = spawn("perl", ["-e", code, path], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => listener.kill("SIGKILL"));
  let told = "";
  listener.stdout.on("data", (chunk) => (told += chunk));
  await until("the socket is open", () => told.includes("open"));
  const server = await t.start({}, { env: { NOTIFY_SOCKET: path } });
  await until("READY=1", () => told.includes("READY=1"));
  assert.equal(await server.stop(), 0);
  await until("STOPPING=1", () => told.includes("STOPPING=1"));
  assert.ok(told.indexOf("READY") < told.indexOf("STOPPING"));
});

testWorkers("the only node closes everybody when it stops: there is nowhere to go", async (t) => {
  const server = await t.start({ workers: t.workers, "drain-ms": "10m" });
  const people = await Promise.all(Array.from({ length: 20 }, () => t.person("p", { server })));
  for (const who of people) await who.call("join", { room: "r" });
  const idle = await Raw.connect(server.port);
  t.after(() => idle.kill());
  await idle.write("GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n").answer();
  const stopped = server.stop();
  for (const who of people) assert.deepEqual(await who.closed, { code: 1012, reason: "draining" });
  assert.equal(await stopped, 0);
  assert.equal(await idle.rest(), "");
  await assert.rejects(Raw.connect(server.port));
});

test("whoever does not go is left behind", async (t) => {
  const server = await t.start({ "drain-ms": "500ms" });
  const { token } = await server.login("ana");
  const deaf = await Raw.connect(server.port);
  t.after(() => deaf.kill());
  await deaf.upgrade({ headers: { Authorization: `Bearer ${token}` } });
  deaf.socket.pause();
  assert.equal(await server.stop(), 0);
});

testWorkers("what was sent while it stops is stored once or not at all", async (t) => {
  const server = await t.start({ workers: t.workers });
  const people = await Promise.all(Array.from({ length: 6 }, () => t.person("p", { server })));
  await people[0].call("join", { room: "r" });
  const sent = [];
  const pour = async (who) => {
    for (let i = 0; who.closing === undefined; i++) {
      const request = { room: "r", text: `${who.user.id}.${i}`, cid: `${i}`, seen: 1 };
      const answer = who.call("send", request).then(
        (ok) => ok.seq,
        () => undefined,
      );
      sent.push({ who, request, answer });
      if (i % 8 === 0) await answer;
      // more than 10,000 entries in all are not looked through for a repeat
      if (i >= 1000) await sleep(5);
    }
  };
  const pouring = people.map(pour);
  await until("some was sent", () => sent.length > 300);
  assert.equal(await server.stop(), 0);
  await Promise.all(pouring);
  await server.spawn();
  let unanswered = 0;
  for (const { who, request, answer } of sent) {
    const before = await answer;
    if (before === undefined) unanswered++;
    const again = await server.command("send", request, who.token);
    if (before !== undefined) assert.deepEqual([again.seq, again.duplicate], [before, true]);
  }
  const { head } = await server.command("history", { room: "r", limit: 1 }, people[0].token);
  assert.equal(head.count, sent.length);
  assert.ok(sent.length > 100 && unanswered < sent.length);
});

test("it can be told to stop at any moment of its start", async (t) => {
  for (let i = 0; i < 16; i++) {
    const server = await t.start({}, { ready: false });
    await sleep(i * 3);
    const exit = await server.stop(i % 2 ? "SIGTERM" : "SIGINT");
    assert.ok([0, "SIGTERM", "SIGINT"].includes(exit), `${exit} after ${i * 3} ms: ${server.log}`);
    await server.close();
  }
});

test("mem keeps nothing", async (t) => {
  const server = await t.start({ store: "mem" });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  await ana.call("send", { room: "r", text: "a" });
  assert.equal((await ana.call("history", { room: "r" })).entries.length, 1);
  await server.restart();
  assert.equal(existsSync(server.flags.data), false);
  await assert.rejects(server.connect(ana.token), { code: "bad_token" });
});

test("what it keeps is for its own user's eyes", async (t) => {
  const server = await t.start();
  assert.equal(statSync(server.flags.data).mode & 0o077, 0);
});

// What the kernel says of each of its threads.
function threads(server) {
  const tasks = `/proc/${server.pid}/task`;
  return readdirSync(tasks).map((id) => readFileSync(join(tasks, id, "status"), "utf8"));
}

test("none of its threads can gain rights, and as root it need not stay root", async (t) => {
  const server = await t.start();
  for (const status of threads(server)) assert.match(status, /^NoNewPrivs:\t1$/m, status);
  if (process.getuid() !== 0) return;
  await server.restart({ user: "nobody" });
  await until("all have become nobody", () =>
    threads(server).every((status) => {
      const [uid, gid, groups] = ["Uid", "Gid", "Groups"].map((what) => status.match(`\n${what}:\t(.*)\n`)[1].trim());
      return !/\b0\b/.test(`${uid} ${gid} ${groups}`) && /^CapEff:\t0+$/m.test(status);
    }),
  );
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  await ana.call("send", { room: "r", text: "a" });
  assert.equal(await server.stop(), 0);
});

async function echo(t) {
  const port = await freePort();
  const child = spawn(PROGRAM, ["echo", "--listen", `127.0.0.1:${port}`], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const stop = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    assert.equal(await ended, 0);
  };
  return { port, stop };
}

test("attachments of acks go nowhere, however many", async (t) => {
  const { port, stop } = await echo(t);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  const back = [];
  socket.on("message", (data, binary) => back.push(binary ? [...data] : String(data)));
  await new Promise((resolve) => socket.once("open", resolve));
  socket.send("40");
  const text = JSON.stringify(Array.from({ length: 10 }, (_, num) => ({ _placeholder: true, num })));
  for (let i = 0; i < 300; i++) {
    socket.send(`4610-1${text}`);
    for (let n = 0; n < 10; n++) socket.send(Buffer.alloc(1000, n));
  }
  socket.send('451-["message",{"_placeholder":true,"num":0}]');
  socket.send(Buffer.from([7]));
  await until("the last event comes back", () => back.some((data) => Array.isArray(data)) || socket.readyState === 3);
  assert.deepEqual(back.slice(2), ['42["auth",{}]', '451-["message-back",{"_placeholder":true,"num":0}]', [7]]);
  socket.terminate();
  await stop();
});

test("echo sends back what it gets", async (t) => {
  const { port, stop } = await echo(t);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  await new Promise((resolve) => socket.once("open", resolve));
  for (const message of ["", "hello", "x".repeat(200_000)]) {
    const back = new Promise((resolve) => socket.once("message", (data) => resolve(String(data))));
    socket.send(message);
    assert.equal(await back, message);
  }
  socket.terminate();
  await stop();
});

test("a .env that others could have written is not obeyed", async (t) => {
  const dir = temporary();
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, ".env");
  writeFileSync(file, "POLYLOG_TEXT_MAX=7\n");
  const settings = () => spawnSync(PROGRAM, ["serve", "--print-settings"], { cwd: dir, encoding: "utf8" });
  assert.match(settings().stdout, /text-max = 7 /);
  const refused = () => {
    const { status, stdout, stderr } = settings();
    assert.equal(status, 0);
    assert.match(stdout, /text-max = 4000 /);
    assert.match(stderr, /\.env is not read/);
  };
  chmodSync(file, 0o606);
  refused();
  chmodSync(file, 0o644);
  assert.match(settings().stdout, /text-max = 7 /);
  if (process.getuid() !== 0) return;
  chownSync(file, 65534, 65534);
  refused();
});

test("every interface has an address that a browser opens", async (t) => {
  const server = await t.start({ listen: ":0" });
  assert.match(server.out, /at http:\/\/localhost:\d+\n/);
});

test("the log says what was started, and of what there is no setting", async (t) => {
  const secret = "0123456789abcdef0123456789abcdef";
  const server = await t.start(
    { "text-max": 99 },
    { env: { POLYLOG_TOKEN_SECRET: secret, POLYLOG_OPNE: "true", POLYLOG_PORT: "tcp://10.0.0.1:8080" } },
  );
  await until("the log has whole lines", () => /"event":"started"[^]*\n$/.test(server.log));
  const lines = server.log.trim().split("\n").map((line) => JSON.parse(line));
  const started = lines.find(({ event }) => event === "started");
  assert.deepEqual([started.store, started.bus, started.at], ["sqlite", "local", `http://localhost:${server.port}`]);
  assert.match(started.version, /^\d+\.\d+\.\d+$/);
  assert.match(started.settings, /(^| )text-max=99( |$)/);
  assert.match(started.settings, /token-secret=\(set\)/);
  assert.ok(!started.settings.includes("body-max") && !server.log.includes(secret));
  const unknown = lines.filter(({ event }) => event === "setting_unknown");
  assert.deepEqual(unknown.map(({ variable }) => variable), ["POLYLOG_OPNE"]);
});

test("the help says what is in force", () => {
  const { stdout } = spawnSync(PROGRAM, ["echo", "--help"], { encoding: "utf8" });
  assert.match(stdout, /fragments-max[^[]*\[0\]/);
});
