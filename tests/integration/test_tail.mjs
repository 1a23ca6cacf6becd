// A room's log as an answer that does not end: GET /api/v1/rooms/<room>/tail, and
// polylog tail.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { Raw } from "./lib/raw.mjs";
import { PROGRAM, temporary } from "./lib/server.mjs";
import { revoked, sleep, test, testWorkers, until } from "./lib/suite.mjs";

// What came so far of an answer; `ended` resolves when it is over, to whether in order.
class Tail {
  static async open(server, room, token, { query = "", headers = {}, method = "GET" } = {}) {
    const tail = Object.assign(new Tail(), { text: "" });
    const response = await new Promise((resolve, reject) => {
      tail.request = http.request(`${server.url}/api/v1/rooms/${encodeURIComponent(room)}/tail${query}`, {
        method,
        headers: { ...(token && { Authorization: `Bearer ${token}` }), ...headers },
        agent: false,
      });
      tail.request.on("response", resolve).on("error", reject).end();
    });
    Object.assign(tail, { status: response.statusCode, headers: response.headers });
    response.setEncoding("utf8").on("data", (text) => (tail.text += text));
    response.on("error", () => undefined);
    tail.ended = new Promise((resolve) => response.once("close", () => resolve(response.complete)));
    return tail;
  }

  get lines() {
    const complete = this.text.slice(0, this.text.lastIndexOf("\n") + 1);
    return complete
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  get events() {
    return this.text
      .split("\n\n")
      .slice(0, -1)
      .filter((event) => event !== ":")
      .map((event) => Object.fromEntries(event.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2))));
  }

  line(wanted) {
    return until(`the line ${JSON.stringify(wanted)}`, () =>
      this.lines.find((line) => Object.entries(wanted).every(([key, value]) => line[key] === value)),
    );
  }

  close() {
    this.request.destroy();
  }
}

async function begin(t) {
  const server = await t.server;
  const [ana, room] = [await t.person("ana"), t.room()];
  const open = async (who, more) => {
    const tail = await Tail.open(server, more?.room ?? room, who?.token, more);
    t.after(() => tail.close());
    return tail;
  };
  await ana.call("join", { room });
  return { server, ana, room, open };
}

testWorkers("a tail of a log that does not begin at 1 any more", async (t) => {
  const { server, ana, open } = await begin(t);
  const room = t.room();
  await ana.call("room_create", { room });
  for (let i = 0; i < 60; i++) await ana.http("send", { room, text: `${i}` });
  await ana.call("room_set", { room, retain_count: 10 });
  const { settings } = await until("the first messages are gone", async () => {
    const joined = (await ana.http("join", { room })).room;
    return joined.settings.first > 1 && joined;
  });
  assert.equal(settings.first, 52);
  const whole = await open(ana, { room, query: "?after=0" });
  assert.equal((await whole.line({ text: "50" })).seq, 52);
  assert.equal(whole.lines[0].seq, 52);
  const within = await open(ana, { room, query: "?after=55" });
  await within.line({ seq: 56 });
  const before = await open(ana, { room, query: "?after=20" });
  await before.line({ event: "reset", first: 52 });
  const child = spawn(PROGRAM, ["tail", "--at", server.url, "--since=20", room], { env: { ...process.env, POLYLOG_TOKEN: ana.token } });
  t.after(() => child.kill());
  let out = "";
  child.stdout.on("data", (data) => (out += data));
  child.stderr.on("data", (data) => (out += data));
  await until("it goes on with the first that there is", () => /"seq":52,/.test(out));
  assert.match(out, /what came next is gone/);
  child.kill();
});

testWorkers("a tail is the log's events, then what comes", async (t) => {
  const { ana, room, open } = await begin(t);
  for (const text of ["a", "b\nc", "👍"]) await ana.call("send", { room, text });
  const tail = await open(ana, { query: "?after=0" });
  assert.equal(tail.status, 200);
  assert.equal(tail.headers["content-type"], "application/x-ndjson");
  await tail.line({ text: "👍" });
  const { seq: target } = await ana.call("send", { room, text: "live" });
  await ana.call("react", { room, target, emoji: "👍" });
  await tail.line({ event: "react" });
  await ana.event({ event: "react" });
  await ana.call("typing", { room }); // is no entry
  await ana.call("send", { room, text: "last" });
  await tail.line({ text: "last" });
  await ana.event({ text: "last" });
  await ana.call("join", { room, after: 0 });
  await until("all was shown anew", () => ana.log(room).length >= 7);
  const shown = ana.log(room).slice(-7);
  assert.deepEqual(tail.lines, shown);
  assert.deepEqual(
    tail.lines.map(({ seq }) => seq),
    [1, 2, 3, 4, 5, 6, 7],
  );
  const { epoch } = (await ana.call("join", { room })).room;
  assert.equal(tail.headers["polylog-cursor"], `${epoch}:0`);
  const [after, last, none] = [await open(ana, { query: "?after=5" }), await open(ana, { query: "?last=1" }), await open(ana)];
  await ana.call("send", { room, text: "for all" });
  for (const [one, seqs] of [
    [after, [6, 7, 8]],
    [last, [7, 8]],
    [none, [8]],
  ]) {
    await one.line({ text: "for all" });
    assert.equal(one.headers["polylog-cursor"], `${epoch}:${seqs[0] - 1}`);
    assert.deepEqual(
      one.lines.map(({ seq }) => seq),
      seqs,
    );
  }
});

testWorkers("a tail of events goes on from Last-Event-ID", async (t) => {
  const { ana, room, open } = await begin(t);
  await ana.call("send", { room, text: "a" });
  const headers = { Accept: "text/event-stream" };
  const tail = await open(ana, { headers, query: "?after=0" });
  assert.equal(tail.headers["content-type"], "text/event-stream");
  await until("both came", () => tail.events.length === 2);
  const [epoch] = tail.headers["polylog-cursor"].split(":");
  assert.deepEqual(
    tail.events.map(({ id }) => id),
    [`${epoch}:1`, `${epoch}:2`],
  );
  assert.equal(JSON.parse(tail.events[1].data).text, "a");
  tail.close();
  await ana.call("send", { room, text: "meanwhile" });
  const again = await open(ana, { headers: { ...headers, "Last-Event-ID": tail.events[1].id } });
  await until("the rest came", () => again.events.length > 0);
  assert.deepEqual(
    again.events.map(({ data }) => JSON.parse(data).text),
    ["meanwhile"],
  );
  const other = await open(ana, { headers: { ...headers, "Last-Event-ID": `${Number(epoch) + 1}:2` } });
  await until("the log is another", () => other.events.length > 0);
  assert.equal(other.events[0].id, undefined);
  assert.equal(JSON.parse(other.events[0].data).event, "reset");
});

test("a tail is refused as any command is", async (t) => {
  const { server, ana, room, open } = await begin(t);
  const bob = await t.person("bob");
  const hidden = t.room("hidden");
  await ana.call("room_create", { room: hidden, kind: "private" });
  const ask = async (who, more, status, code) => {
    const tail = await open(who, more);
    await tail.ended;
    assert.equal(tail.status, status, tail.text);
    assert.equal(JSON.parse(tail.text).error.code, code);
  };
  await ask(undefined, {}, 401, "unauthenticated");
  await ask({ token: "x" }, {}, 401, "bad_token");
  await ask(bob, { room: hidden }, 403, "not_member");
  await ask(bob, { room: t.room() }, 404, "no_such_room");
  await ask(bob, { room: t.room(), query: "?create=true" }, 404, "no_such_room");
  await ask(bob, { room: "!!" }, 400, "bad_room");
  await ask(bob, { query: "?after=x" }, 400, "bad_type");
  await ask(bob, { headers: { "Last-Event-ID": "7" } }, 400, "bad_value");
  await ask(bob, { headers: { "Last-Event-ID": "1:99999999999999999999" } }, 400, "bad_value");
  await ask(bob, { method: "POST" }, 405, "method_not_allowed");
  // what was refused may be asked for better on the same connection
  const raw = await Raw.connect(server.port);
  const head = (path) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${bob.token}\r\n\r\n`;
  raw.write(head(`/api/v1/rooms/${hidden}/tail`) + head(`/api/v1/rooms/${room}/tail?after=0`));
  await until("the second is answered", () => String(raw.bytes).includes('"event":"room"'));
  assert.match(String(raw.bytes), /^HTTP\/1\.1 403 [\s\S]*HTTP\/1\.1 200 /);
  raw.socket.destroy();
  // nobody's list has it for that
  assert.equal(
    (await bob.call("rooms", {})).rooms.some(({ id }) => id === room),
    false,
  );
});

testWorkers("a tail is of its room alone", async (t) => {
  const { ana, room, open } = await begin(t);
  const bob = await t.person("bob");
  const own = t.room("hidden");
  const tail = await open(ana);
  await bob.call("room_create", { room: own, kind: "private" });
  await bob.call("member_set", { room: own, user: ana.user.id, role: "member" });
  await ana.event({ event: "invite", to: own });
  await bob.call("dm", { user: ana.user.id });
  await ana.call("send", { room, text: "the next line" });
  await tail.line({ text: "the next line" });
  assert.deepEqual(
    tail.lines.map((line) => line.room),
    [room],
  );
});

test("a tail ends with the right to read", async (t) => {
  const { ana, open } = await begin(t);
  const bob = await t.person("bob");
  const room = t.room("hidden");
  await ana.call("room_create", { room, kind: "private" });
  await ana.call("member_set", { room, user: bob.user.id, role: "member" });
  const tail = await open(bob, { room, query: "?after=0" });
  await ana.call("send", { room, text: "you may" });
  await tail.line({ text: "you may" });
  const { seq } = await ana.call("member_set", { room, user: bob.user.id, role: "none" });
  await ana.call("send", { room, text: "you may not" });
  assert.equal(await tail.ended, true);
  assert.equal(tail.lines.at(-1).seq, seq);
  const eve = await t.person("eve");
  await eve.call("join", { room: "general" });
  const other = await open(eve, { room: "general" });
  assert.equal(other.status, 200);
  await eve.http("logout");
  assert.equal(await other.ended, true);
  await revoked(() => eve.http("rooms"));
});

test("a tail says while nothing comes that it is alive, and ends in order", async (t) => {
  const server = await t.start({ "ping-interval": "1s", "drain-ms": "300ms" });
  const ana = await server.person("ana");
  await ana.call("join", { room: "general" });
  const [lines, events, old] = [
    await Tail.open(server, "general", ana.token),
    await Tail.open(server, "general", ana.token, { headers: { Accept: "text/event-stream" } }),
    await Raw.connect(server.port),
  ];
  old.write(`GET /api/v1/rooms/general/tail HTTP/1.0\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${ana.token}\r\n\r\n`);
  await until("two pings of each", () => /\n\n$/.test(lines.text) && /(:\n\n){2}$/.test(events.text));
  await until("a ping without a chunk", () => /\r\n\r\n\n{2,}$/.test(String(old.bytes)));
  assert.equal((await server.metrics())('polylog_connections_open{door="tail"}'), 3);
  await ana.call("send", { room: "general", text: "hi" });
  await lines.line({ text: "hi" });
  await until("without chunks", () => /\n\{"event":"message"[^\r]*\}\n+$/.test(String(old.bytes)));
  await server.stop();
  assert.deepEqual(await Promise.all([lines.ended, events.ended]), [true, true]);
});

test("a tail that is not read holds nobody up, and loses nothing", async (t) => {
  const { server, ana, room, open } = await begin(t);
  const raw = await Raw.connect(server.port);
  raw.socket.pause();
  raw.write(
    `GET /api/v1/rooms/${room}/tail?after=0 HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${ana.token}\r\n\r\n`,
  );
  const quick = await open(ana, { query: "?after=0" });
  const text = "x".repeat(2000);
  for (let i = 0; i < 40; i++)
    await Promise.all(Array.from({ length: 50 }, (_, k) => ana.call("send", { room, text: `${i * 50 + k} ${text}` })));
  await until("who reads has them all", () => quick.lines.length >= 2001);
  raw.socket.resume();
  await until("so has who reads now", () => (String(raw.bytes).match(/"event":"message"/g) ?? []).length === 2000);
  const seqs = [...String(raw.bytes).matchAll(/"seq":(\d+)/g)].map(([, seq]) => Number(seq));
  assert.deepEqual(
    seqs,
    Array.from({ length: 2001 }, (_, i) => i + 1),
  );
  raw.socket.destroy();
});

// Forwards to the port, and cuts each connection after a random number of bytes that the
// server sent.
async function cutter(t, port, bytesMax) {
  const cut = { n: 0, on: true };
  const server = net.createServer((client) => {
    const upstream = net.connect(port, "127.0.0.1");
    let left = cut.on ? 1 + Math.floor(Math.random() * bytesMax) : Infinity;
    const end = () => (client.destroy(), upstream.destroy());
    client.on("error", end).on("close", end).pipe(upstream);
    upstream.on("error", end).on("close", end);
    upstream.on("data", (chunk) => {
      client.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      cut.n++;
      client.end(() => client.resetAndDestroy());
      upstream.destroy();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return Object.assign(cut, { port: server.address().port });
}

// polylog tail, appending to a file; `end` resolves to its code.
function runTail(t, file, args, token) {
  const out = openSync(file, "a");
  const child = spawn(PROGRAM, ["tail", ...args], {
    stdio: ["ignore", out, "pipe"],
    env: { ...process.env, POLYLOG_TOKEN: token },
  });
  closeSync(out);
  child.err = "";
  child.stderr.on("data", (chunk) => (child.err += chunk));
  child.end = new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code)));
  t.after(() => child.kill("SIGKILL"));
  return child;
}

const CUTS = Number(process.env.CUTS ?? 40);

test(
  "polylog tail, cut at random, has the log byte by byte",
  async (t) => {
    const server = await t.start({ "ping-interval": "1s" });
    const [ana, dir] = [await server.person("ana"), temporary("tail-")];
    const room = t.room();
    t.after(() => rmSync(dir, { recursive: true }));
    await ana.call("join", { room });
    const cut = await cutter(t, server.port, 3000);
    const [file, state] = [join(dir, "log"), join(dir, "state")];
    const args = [room, "--since=0", `--at=http://127.0.0.1:${cut.port}`, `--state=${state}`];
    let tail = runTail(t, file, args, ana.token);
    let [kills, restarts, sent] = [0, 0, 0];
    while (cut.n < CUTS) {
      const params = { room, cid: `${sent}`, text: `${sent++} ${"x".repeat(Math.floor(Math.random() * 300))}` };
      // a connection that was kept from before a restart ends with the first that uses it
      await server.command("send", params, ana.token).catch(() => server.command("send", params, ana.token));
      if (Math.random() < 0.1) {
        kills++;
        tail.kill("SIGKILL");
        await tail.end;
        tail = runTail(t, file, args, ana.token);
      }
      if (Math.random() < 0.02 && restarts++ < 20) await server.restart({}, "SIGKILL");
      assert.equal(tail.exitCode, null, tail.err);
      if (sent > cut.n * 10 + 100) await sleep(20); // few cuts are left to come
    }
    cut.on = false;
    const { seq } = await server.command("send", { room, text: "the end" }, ana.token);
    await until("the tail has the end", () => readFileSync(file, "utf8").endsWith('"text":"the end","rev":' + seq + "}\n"));
    tail.kill("SIGTERM");
    assert.equal(await tail.end, 0, tail.err);
    const whole = await Tail.open(server, room, ana.token, { query: "?after=0" });
    await whole.line({ seq });
    whole.close();
    const [got, wanted] = [readFileSync(file, "utf8"), whole.text.slice(0, whole.text.lastIndexOf("}\n") + 2)];
    const same = [...got].findIndex((ch, i) => ch !== wanted[i]);
    assert.ok(got === wanted, `from byte ${same}: ${got.slice(same, same + 300)}`);
    assert.equal(readFileSync(file, "utf8").trimEnd().split("\n").length, seq);
    assert.ok(kills > 0 && cut.n >= CUTS);
  },
  20 * 60_000,
);

test("polylog tail says what is wrong, and begins anew where the log does", async (t) => {
  const server = await t.start();
  const [ana, dir, room] = [await server.person("ana"), temporary("tail-"), "logs"];
  t.after(() => rmSync(dir, { recursive: true }));
  await ana.call("join", { room });
  const [file, state, at] = [join(dir, "log"), join(dir, "state"), `--at=${server.url}`];
  const fails = async (args, token, code, why) => {
    const tail = runTail(t, file, args, token);
    assert.equal(await tail.end, code, tail.err);
    assert.match(tail.err, why);
    assert.equal(readFileSync(file, "utf8"), "");
  };
  await fails([at], ana.token, 64, /ROOM: say which/);
  await fails([room, at], "", 64, /token: whose reads it/);
  await fails([room, at], "a b", 64, /token/);
  await fails([room, at, "--since=x"], ana.token, 64, /since/);
  await fails([room, at], "nonsense", 1, /The token is not valid/);
  await fails(["none", at], ana.token, 1, /There is no such room/);
  writeFileSync(state, "what is this\n");
  await fails([room, at, `--state=${state}`], ana.token, 1, /not a state of polylog tail/);
  writeFileSync(state, "other 1 2 0 0 0\n");
  await fails([room, at, `--state=${state}`], ana.token, 1, /of another room/);
  await fails([room, at, `--state=${dir}/none/state`], ana.token, 1, /none\/state/);
  // nothing is known of a log before a server has answered
  rmSync(state);
  const away = runTail(t, file, [room, "--at=http://127.0.0.1:1", `--state=${state}`], ana.token);
  await until("it says that nobody answers", () => /tail: http/.test(away.err));
  away.kill("SIGTERM");
  assert.equal(await away.end, 0);
  assert.equal(existsSync(state), false);
  // a copy of another time: what is behind it is another log
  writeFileSync(state, "logs 7 1 0 0 0\n");
  await ana.call("send", { room, text: "1" });
  const tail = runTail(t, file, [room, at, `--state=${state}`], ana.token);
  await until("both entries are there", () => readFileSync(file, "utf8").split("\n").length === 3);
  const another = /the log is another one \(epoch \d+, it was 7\); it follows from its beginning/;
  await until("it says that the log is another", () => another.test(tail.err));
  // and a server that is away is waited for
  await server.stop("SIGKILL");
  await until("it says so", () => /tail: http/.test(tail.err));
  await server.spawn();
  await server.command("send", { room, text: "2" }, ana.token);
  await until("the third is there", () => readFileSync(file, "utf8").split("\n").length === 4);
  tail.kill("SIGINT");
  assert.equal(await tail.end, 0);
  assert.match(readFileSync(state, "utf8"), /^logs \d+ 3 \d+ \d+ \d+\n$/);
});
