// What strangers may send to end a server, or to fill it: each by plain HTTP and by TLS,
// with two workers. No one of them logs in. Another client looks that the server lives.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { certificate } from "./lib/certificate.mjs";
import { Raw } from "./lib/raw.mjs";
import { freePort, temporary } from "./lib/server.mjs";
import { test, until } from "./lib/suite.mjs";

const GUARD_MS = 300_000;
const AT = "/socket.io/?EIO=4&transport=polling";

// A server of one's own with a plain and a TLS address, which ends no session for being slow.
async function start(t, flags = {}) {
  const dir = temporary();
  const { cert, key } = certificate(dir, "127.0.0.1");
  const tlsPort = await freePort();
  const server = await t.start({
    workers: 2,
    "tls-listen": `127.0.0.1:${tlsPort}`,
    "tls-cert": cert,
    "tls-key": key,
    "sio-ping-timeout": "1h",
    ...flags,
  });
  return Object.assign(server, { tlsPort });
}

// The same attack over both.
function attack(name, run, flags = {}) {
  for (const tls of [false, true])
    test(
      `${name}, ${tls ? "TLS" : "plain"}`,
      async (t) => {
        const server = await start(t, flags);
        const connect = async () => {
          const options = { tls: { rejectUnauthorized: false } };
          const raw = await Raw.connect(tls ? server.tlsPort : server.port, tls ? options : {});
          t.after(() => raw.kill());
          return raw;
        };
        await run({ t, server, connect, tls });
        assert.equal((await server.fetch("/health")).status, 200);
        assert.equal(server.exit, undefined);
      },
      GUARD_MS,
    );
}

const get = (path, more = "") => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;

// The id of a new session, whichever worker has it.
async function open(raw) {
  const { body } = await raw.write(get(AT)).answer({ patience: GUARD_MS });
  return JSON.parse(String(body).slice(1)).sid;
}

// Each of some connections sends what `say` makes of each of some sessions: of both workers.
async function each(connect, say) {
  const sids = [];
  for (let i = 0; i < 6; i++) sids.push(await open(await connect()));
  for (const sid of sids) for (let i = 0; i < 4; i++) await say(await connect(), sid);
}

attack("a pipelined request for another worker's session", async ({ connect }) => {
  await each(connect, async (raw, sid) => {
    raw.write(`${get("/api/v1/none")}${get(`${AT}&sid=${sid}`)}`);
    assert.equal((await raw.answer({ patience: GUARD_MS })).status, 404);
    raw.kill(); // the session ends with its GET
  });
  await each(connect, async (raw, sid) => {
    const post = `POST ${AT}&sid=${sid} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n40`;
    raw.write(`${get("/api/v1/none")}${get("/health")}${post}${get("/health")}`);
    for (const status of [404, 200, 200, 200])
      assert.equal((await raw.answer({ patience: GUARD_MS })).status, status);
  });
});

attack("a body behind Expect: 100-continue for another worker's session", async ({ connect }) => {
  await each(connect, async (raw, sid) => {
    const head = `POST ${AT}&sid=${sid} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n`;
    raw.write(`${head}Expect: 100-continue\r\n\r\n`);
    assert.equal((await raw.answer({ patience: GUARD_MS })).status, 100);
    raw.write("40", get("/health"));
    for (const status of [200, 200])
      assert.equal((await raw.answer({ patience: GUARD_MS })).status, status);
  });
  let wait = 0;
  await each(connect, async (raw, sid) => {
    const head = `POST ${AT}&sid=${sid} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n`;
    raw.write(`${head}Expect: 100-continue\r\n\r\n`);
    for (let i = 0; i < wait % 8; i++) await new Promise(setImmediate);
    wait++;
    raw.write("40", get("/health")); // while the 100 is on its way, or before
    const seen = [];
    while (seen.length < 2) {
      const { status } = await raw.answer({ patience: GUARD_MS });
      if (status !== 100) seen.push(status);
    }
    assert.deepEqual(seen, [200, 200]);
  });
});

// A POST of a session's; `more` to be sent along.
function post(sid, body, more = "") {
  const length = Buffer.byteLength(body);
  return `POST ${AT}&sid=${sid} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n${body}${more}`;
}

// So many that each is refused with more bytes than it has.
const REFUSED = Array(93_944).fill("40").join("\x1e");

attack("one POST that is answered with more than may wait", async ({ server, connect }) => {
  const sids = [];
  for (let i = 0; i < 4; i++) sids.push(await open(await connect()));
  // With a GET that waits, one behind it, and one that comes after.
  for (const sid of sids) (await connect()).write(get(`${AT}&sid=${sid}`));
  for (const sid of sids) (await connect()).write(post(sid, REFUSED, get("/health")));
  for (const sid of sids) (await connect()).write(get(`${AT}&sid=${sid}`));
  const other = await connect();
  for (let i = 0; i < 20; i++)
    assert.equal((await other.write(get("/health")).answer({ patience: GUARD_MS })).status, 200);
  await server.login("other");
}, { "body-max": "1m" });

// The most memory that the server has had so far, in MB.
function peak(server) {
  return Number(readFileSync(`/proc/${server.pid}/status`, "utf8").match(/VmHWM:\s*(\d+) kB/)[1]) / 1024;
}

attack("a hundred POSTs that are answered with more than may wait", async ({ server, connect }) => {
  const before = peak(server);
  const got = async () => (await server.metrics())("polylog_received_bytes_total");
  const posts = [], sids = [];
  const start = await got();
  for (let i = 0; i < 100; i++) {
    sids.push(await open(await connect()));
    posts.push((await connect()).write(post(sids[i], REFUSED)));
  }
  await until("all of it came", async () => (await got()) - start > 100 * REFUSED.length, GUARD_MS);
  assert.ok(peak(server) - before < 150, `${before} MB before, ${peak(server)} MB`);
  // Who reads is answered every one, and then the POST is.
  const answered = posts[0].answer({ patience: GUARD_MS });
  let n = 0, done = false;
  answered.then(() => (done = true)).catch(() => undefined);
  const raw = await connect();
  while (n < 93_944) {
    const { status, body } = await raw.write(get(`${AT}&sid=${sids[0]}`)).answer({ patience: GUARD_MS });
    assert.equal(status, 200);
    n += String(body).split("\x1e").filter((packet) => packet.startsWith("44")).length;
    assert.ok(body.length < 200_000 && (!done || n >= 90_000), `${body.length} ${done} ${n}`);
  }
  assert.equal(n, 93_944);
  assert.equal((await answered).status, 200);
}, { "sio-ping-interval": "1h", "body-max": "1m" });

attack(
  "more than all connections together may keep",
  async ({ server, connect }) => {
    const before = peak(server);
    const closed = async () => (await server.metrics())('polylog_closes_total{reason="memory"}');
    const bob = await server.person("bob");
    // Each keeps little enough for itself: it is their number that is too large.
    for (let i = 0; i < 60; i++) (await connect()).write(post(await open(await connect()), REFUSED));
    await until("some were closed", async () => (await closed()) > 0, GUARD_MS);
    assert.ok(peak(server) - before < 80, `${before} MB before, ${peak(server)} MB`);
    await bob.call("join", { room: "r" }); // who keeps little stays
    await until("the log says so", () => server.log.includes("buffers_full"), GUARD_MS);
  },
  { "sio-ping-interval": "1h", "buffers-budget": "8m", "body-max": "1m" },
);

attack("a hundred thousand pipelined requests", async ({ connect }) => {
  const raw = await connect();
  const one = get("/health");
  for (let i = 0; i < 100; i++) raw.write(one.repeat(1000));
  const status = "HTTP/1.1 200 OK";
  const all = (bytes) => (bytes.length > 0 ? { used: bytes.length, value: String(bytes) } : undefined);
  for (let n = 0, rest = ""; n < 100_000; ) {
    const parts = (rest + (await raw.read(all, GUARD_MS))).split(status);
    n += parts.length - 1;
    rest = parts.at(-1).slice(-(status.length - 1)); // where one may have begun
    assert.doesNotMatch(parts.at(-1), /HTTP\/1.1 [345]/);
  }
});

// A head that promises more than it sends.
const promise = (sid) =>
  `POST ${AT}&sid=${sid} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n${"4".repeat(400_000)}`;

for (const whose of ["sessions that are none", "sessions of nobody"])
  attack(
    `two hundred unfinished bodies for ${whose}`,
    async ({ server, connect, tls }) => {
      const before = peak(server);
      const sids = [];
      for (let i = 0; i < 4; i++) sids.push(await open(await connect()));
      if (whose.endsWith("none")) for (const i in sids) sids[i] = `${sids[i].slice(0, -4)}AAAA`;
      const statuses = [];
      for (let i = 0; i < 200; i++) {
        const raw = (await connect()).write(promise(sids[i % 4]));
        raw.answer({ patience: GUARD_MS }).then(
          ({ status }) => statuses.push(status),
          () => undefined,
        );
      }
      // Over TLS the worker that has the session is asked when the body is complete: until
      // then the budget of all is what bounds it.
      await until("they were refused", () => statuses.length >= (tls ? 50 : 200), GUARD_MS);
      assert.deepEqual([...new Set(statuses)], [400]);
      assert.ok(peak(server) - before < 60, `${before} MB before, ${peak(server)} MB`);
    },
    { "buffers-budget": "16m", "sio-ping-interval": "1h" },
  );

test("large answers that nobody reads", async (t) => {
  const server = await t.start({ workers: 2, "commands-in-flight": 64, "unsent-replies-max": "64k" });
  const ana = await server.person("ana");
  await ana.call("join", { room: "r" });
  for (let i = 0; i < 40; i++) await ana.call("send", { room: "r", text: `${i}${"x".repeat(3900)}` });
  const { token } = await server.login("bob");
  const raw = await Raw.connect(server.port);
  t.after(() => raw.kill());
  await raw.upgrade({ path: `/ws?token=${token}` });
  const ask = (id) => raw.send(1, JSON.stringify({ action: "history", id, room: "r", limit: 500 }));
  raw.socket.pause();
  const asked = 1000; // 64 KB each: more than the system keeps for a socket
  for (let id = 0; id < asked; id++) ask(id);
  // It stands still when no more is asked of the rooms within a second.
  const ran = async () => (await server.metrics())('polylog_commands_total{command="history"}');
  let before = -1;
  await until("it waits", async () => {
    const now = await ran();
    const still = now === before && now > 0;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return still;
  }, GUARD_MS);
  assert.ok(before < asked, `${before} were run`);
  const kept = (await server.metrics())("polylog_buffers_bytes");
  assert.ok(kept < 1_000_000, `${kept} bytes`);
  raw.socket.resume();
  for (let n = 0; n < asked; ) {
    const { payload } = await raw.frame(GUARD_MS);
    const { id, ok } = JSON.parse(payload);
    if (id === undefined) continue;
    assert.ok(ok.entries.length > 0);
    n++;
  }
}, 2 * GUARD_MS);
