// Past a limit there is an error with a code and when to come again, or a close: never
// silence.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Polled } from "./lib/polled.mjs";
import { Raw } from "./lib/raw.mjs";
import { sleep, test, testWorkers, refused, until } from "./lib/suite.mjs";
import { commands } from "./lib/tables.mjs";

testWorkers("a person may send only so fast", async (t) => {
  const server = await t.start({ workers: t.workers, "messages-per-user": 1, "messages-burst": 20 });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  const results = await Promise.allSettled(Array.from({ length: 300 }, () => ana.call("send", { room: "r", text: "a" })));
  const sent = results.filter(({ status }) => status === "fulfilled").length;
  assert.ok(sent > 15 && sent < 300, `${sent} were let through`); // join and auth cost too
  const error = results.find(({ status }) => status === "rejected").reason;
  assert.equal(error.code, "rate_limited");
  assert.ok(error.retry_after_ms > 0 && error.retry_after_ms <= 1000, error.retry_after_ms);
  // who waits as long as it is told: a slow machine may have let another through meanwhile
  await until("one may send again", async () => {
    const again = await ana.call("send", { room: "r", text: "b" }).catch((reason) => reason);
    if (again.code === undefined) return true;
    assert.equal(again.code, "rate_limited");
    await sleep(again.retry_after_ms + 5);
  });
  await refused("rate_limited", Promise.all(Array.from({ length: 200 }, () => ana.call("rooms"))));
  await ana.call("ping"); // costs nothing
  await ana.call("read", { room: "r", seq: 1 });
  // over HTTP it is 429 with Retry-After in seconds
  const headers = { Authorization: `Bearer ${ana.token}` };
  const post = () => server.fetch("/api/v1/send", { method: "POST", headers, body: JSON.stringify({ room: "r", text: "c" }) });
  const response = (await Promise.all(Array.from({ length: 60 }, post))).find(({ status }) => status !== 200);
  assert.equal(response?.status, 429);
  const { error: body } = await response.json();
  assert.equal(body.code, "rate_limited");
  assert.equal(response.headers.get("retry-after"), String(Math.ceil(body.retry_after_ms / 1000)));
});

test("only so many commands wait at once", async (t) => {
  const server = await t.start({ "commands-in-flight": 4, workers: 1 });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  const sends = Array.from({ length: 50 }, (_, i) => ana.call("send", { room: "r", text: `m${i}` }));
  const results = await Promise.allSettled(sends);
  const codes = results.filter(({ status }) => status === "rejected").map(({ reason }) => reason.code);
  assert.ok(codes.length > 0 && codes.length <= 46, codes.length);
  assert.deepEqual([...new Set(codes)], ["too_many_commands"]);
  const stored = results.length - codes.length;
  assert.equal((await ana.call("history", { room: "r" })).head.count, stored);
});

test("an address may connect only so fast", async (t) => {
  const server = await t.start({ "connects-per-address": 1, "connects-burst": 10 });
  let closed = 0;
  const isLetIn = async () => {
    const raw = await Raw.connect(server.port);
    t.after(() => raw.kill());
    raw.write("GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return raw.answer().then(
      ({ status }) => status === 200,
      () => (closed++, false),
    );
  };
  const open = (await Promise.all(Array.from({ length: 1000 }, isLetIn))).filter(Boolean).length;
  assert.ok(open >= 99 && open < 1000, `${open} were let in`);
  assert.equal(open + closed, 1000);
  await until("there is room again", isLetIn);
  let refused;
  await until("metrics may be read", async () => (refused = await server.metrics().catch(() => undefined)));
  assert.ok(refused('polylog_refused_total{reason="rate"}') >= closed);
});

test("whoever comes too fast waits, and is not refused", async (t) => {
  const server = await t.start({ "accept-rate": 5 });
  const raws = await Promise.all(Array.from({ length: 30 }, () => Raw.connect(server.port)));
  for (const raw of raws) t.after(() => raw.kill());
  const answers = raws.map((raw) => raw.write("GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n").answer());
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  assert.ok((await server.metrics())("polylog_accept_waits_total") > 0);
});

test("an address may log in only so fast", async (t) => {
  const server = await t.start({ "connects-per-address": 1, "connects-burst": 10 });
  const raw = await Raw.connect(server.port);
  t.after(() => raw.kill());
  const body = JSON.stringify({ name: "ana" });
  const login = `POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`;
  raw.write(login.repeat(100));
  let n = 0;
  let status = 200;
  while (status === 200 && n++ < 100) ({ status } = await raw.answer());
  assert.equal(status, 429);
  assert.ok(n >= 5, `${n} logins`);
});

const SIO = "/socket.io/?EIO=4&transport=polling";

test("behind a proxy each client has its own limit, at every door", async (t) => {
  for (const door of ["login", "ws", "socket.io"]) {
    const server = await t.start({
      "connects-per-address": 1,
      "connects-burst": 10,
      open: true,
      "trusted-proxies": "127.0.0.1",
    });
    const come = async (address) => {
      const headers = { "X-Forwarded-For": address };
      const status = [() => 200, (error) => error.status];
      if (door === "login") return server.login("ana", {}, headers).then(...status);
      if (door === "ws") return server.connect(undefined, { headers }).then(...status);
      return (await server.fetch(SIO, { headers })).status;
    };
    const strangers = await Promise.all(Array.from({ length: 150 }, () => come("203.0.113.7")));
    assert.deepEqual([...new Set(strangers)].sort(), [200, 429], door);
    // 2 workers have 10 each
    assert.ok(strangers.filter((status) => status === 200).length >= 10, door);
    assert.equal(await come("203.0.113.8"), 200, `${door}: somebody else`);
    await until("the log says so", () => /"rate_refused".*--connects-per-address/.test(server.log));
  }
});

// An office behind one address comes back after a restart.
test("who shows a valid token is counted as a person", async (t) => {
  const server = await t.start({ "connects-per-address": 1, "connects-burst": 15, workers: 1 });
  const { token } = await server.login("ana");
  const upgrade = () => server.connect(undefined, { headers: { Authorization: `Bearer ${token}` } });
  const people = await Promise.all(Array.from({ length: 50 }, upgrade));
  for (const one of people) assert.equal((await one.call("ping")).error, undefined);
  // by the first frame: one behind another
  for (let i = 0; i < 50; i++) await server.connect(token);
  // a token that is none is the address's
  const wrong = () =>
    server.connect(undefined, { headers: { Authorization: "Bearer x.y.z" } }).then(() => 200, (error) => error.status);
  const statuses = new Set();
  await until("the address is refused", async () => {
    for (const status of await Promise.all(Array.from({ length: 4 }, wrong))) statuses.add(status);
    statuses.delete(undefined); // what is refused before it is read may be reset
    return statuses.has(429);
  });
  assert.deepEqual([...statuses].sort(), [401, 429]);
});

test("only so many connections are open", async (t) => {
  const server = await t.start({ "connections-max": 3 });
  const three = [await server.connect(), await server.connect(), await server.connect()];
  await assert.rejects(server.connect());
  for (const client of three) await client.call("ping");
  await three[0].close();
  await until("there is room again", async () => server.connect().catch(() => undefined));
});

test("limits that are set are kept", async (t) => {
  const server = await t.start({
    "text-max": 10,
    "frame-max": "1k",
    "body-max": "1k",
    "head-max": "512",
    "history-max": "4k",
  });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  await ana.call("send", { room: "r", text: "ö".repeat(10) });
  await refused("too_long", ana.call("send", { room: "r", text: "x".repeat(11) }));
  assert.equal((await server.fetch("/api/v1/ping", { method: "POST", body: "x".repeat(1025) })).status, 413);
  assert.equal((await server.fetch("/", { headers: { "X-Long": "x".repeat(600) } })).status, 431);
  for (let i = 0; i < 60; i++) await ana.call("send", { room: "r", text: `${i}`.padStart(10) });
  const page = await ana.call("history", { room: "r", limit: 500 });
  assert.equal(page.more, true);
  assert.ok(JSON.stringify(page.entries).length <= 4200);
  ana.write(" ".repeat(1025));
  assert.equal((await ana.closed).code, 1009);
});

test("0 lifts a limit", async (t) => {
  const server = await t.start({
    "text-max": 0,
    "frame-max": "4m",
    "body-max": 0,
    "behind-max": 0,
    "history-max": "8m",
  });
  const [ana, bob] = [await t.person("ana", { server }), await t.person("bob", { server })];
  const { room } = await ana.call("join", { room: "r" });
  const text = "\nx".repeat(200_000); // escaped it is longer
  await ana.call("send", { room: "r", text });
  assert.equal((await ana.http("send", { room: "r", text })).seq, 3);
  await ana.events({ event: "message", text }, 2);
  await Promise.all(Array.from({ length: 1200 }, (_, i) => ana.call("send", { room: "r", text: `m${i}` })));
  await bob.call("resume", { rooms: { r: [room.epoch, 3] } });
  await bob.events({ event: "message" }, 1200);
});

test("texts may be as long as one wants them", async (t) => {
  const server = await t.start({ "text-max": "100000", "frame-max": "1m", "body-max": "1m" });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  const text = (i) => `${i}${"\n".repeat(99_990)}`; // escaped twice as long
  for (let i = 0; i < 150; i++) await ana.call("send", { room: "r", text: text(i) });
  for (let target = 2; target < 100; target++)
    await ana.call("edit", { room: "r", target, text: text(`e${target}`) });
  const history = (params) => ana.call("history", { room: "r", limit: 500, ...params });
  for (const [params, seq, begins] of [
    [{}, 151, "149"],
    [{ after: 0 }, 2, "e2"],
    [{ before: 50 }, 49, "e49"],
    [{ view: "log" }, 249, "e99"],
  ]) {
    const { entries, more } = await history(params);
    assert.deepEqual(
      [more, entries.length, entries[0].seq, entries[0].text.startsWith(begins)],
      [true, 1, seq, true],
    );
  }
});

// Of each command: how to ask for as much as it gives; null: its answer is small whatever
// is stored, or it has no answer before login.
const SERVES = {
  ...{ ways: null, login: null, signup: null, password: null, recover: null, reset: null, key_create: null, keys: null, key_revoke: null, token: null, auth: null, logout: null, send: null, edit: null, delete: null, react: null, leave: null },
  ...{ typing: null, read: null, room_pref: null, room_create: null, room_set: null, member_set: null, kick: null, purge: null, report: null, reports: null, report_resolve: null, dm: null, ping: null, profile_set: null, block: null, deactivate: null },
  ...{ filter_set: null, filter: null, room_delete: null, invite_create: null, invites: null, invite_revoke: null, invite_use: null },
  ...{ bot_create: null, bots: null, users_upsert: null },
  directory: { limit: 500 },
  sessions: {},
  join: { room: "large", after: 0 },
  resume: { rooms: { large: [0, 0] } },
  history: { room: "large", limit: 500 },
  rooms: {},
  presence: { room: "large" },
  users: {},
  blocks: {},
  profiles: { users: "1,2,3,4,5,6,7,8,9,10" },
  members: { room: "large" },
  ...{ passkey_begin: null, passkey_login: null, passkey_signup: null, passkey_new: null, passkey_add: null, passkeys: null, passkey_rename: null, passkey_remove: null },
};

test("every command has a row that says what it serves", () => {
  assert.deepEqual(Object.keys(SERVES).sort(), [...commands.keys()].sort());
});

// What a command costs by itself, in bytes: 64 KiB are as much as a tenth of a message.
const TENTH = 64 * 1024;

const SERVERS = { websocket: (server, who) => server.connect(who.token), socketio: (server, who) => Polled.connect(server, who.token) };

for (const [door, connect] of Object.entries(SERVERS))
  test(`what is served is paid for, ${door}`, async (t) => {
    const [rate, burst] = [1, 20]; // messages
    const server = await t.start({ "messages-per-user": 0, "sio-ping-interval": "1h", workers: 1 });
    const ana = await server.login("ana");
    const text = () => randomBytes(8000).toString("base64").slice(0, 4000);
    const writer = await server.connect(ana.token);
    await writer.call("join", { room: "large" });
    for (let i = 0; i < 9; i++)
      await Promise.all(Array.from({ length: 100 }, () => writer.call("send", { room: "large", text: text() })));
    await server.restart({ "messages-per-user": rate, "messages-burst": burst });
    for (const [action, params] of Object.entries(SERVES)) {
      if (params === null) continue;
      const who = await server.login(`who ${action}`);
      const link = await connect(server, who);
      t.after(() => link.kill());
      const begun = Date.now();
      let [bytes, largest, error, n, atOnce] = [0, 0, undefined, 0, 1];
      const size = (value) => JSON.stringify(value).length;
      const most = () => 12 * (burst + (rate * (Date.now() - begun)) / 1000) * TENTH + largest;
      // until it is refused, however slow this machine is: or it gives more than is paid for
      while (error === undefined && bytes <= most() && n < 1000) {
        const before = bytes;
        const calls = Array.from({ length: atOnce }, () => link.call(action, params));
        n += atOnce;
        for (const { value, reason } of await Promise.allSettled(calls)) {
          if (value !== undefined) bytes += size(value);
          error ??= reason;
        }
        if (error === undefined && (action === "join" || action === "resume")) bytes += await shown(link, size);
        largest = Math.max(largest, bytes - before);
        // as many small ones as are free and more: none is forgiven before the last is asked
        atOnce = bytes < 2000 * n ? 15 * burst : 1;
      }
      assert.equal(error?.code, "rate_limited", `${action} gave ${bytes} bytes by ${n} calls`);
      assert.ok(bytes <= most(), `${action} gave ${bytes} bytes`);
    }
  });

// All that a join sends: its bytes, when it was shown.
async function shown(link, size) {
  const last = 901;
  if (link.frames !== undefined) {
    link.taken.clear();
    await link.event({ event: "message", room: "large", seq: last });
    return size(link.frames.splice(0));
  }
  link.events = [];
  await link.until((packet) => packet.includes(`"seq":${last},`));
  return size(link.events);
}
