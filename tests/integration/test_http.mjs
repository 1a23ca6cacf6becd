// HTTP/1.1 as a browser, a proxy or curl would have it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { Client as Pipeline } from "undici";
import { Raw } from "./lib/raw.mjs";
import { sleep, test, testWorkers } from "./lib/suite.mjs";

const HEAD = "Host: localhost\r\n";
const get = (path, more = "") => `GET ${path} HTTP/1.1\r\n${HEAD}${more}\r\n`;

async function open(t, server) {
  const raw = await Raw.connect((server ?? (await t.server)).port);
  t.after(() => raw.kill());
  return raw;
}

test("many requests on one connection, one after the other", async (t) => {
  const raw = await open(t);
  for (let i = 0; i < 50; i++) {
    const { status, body } = await raw.write(get("/health")).answer();
    assert.deepEqual([status, JSON.parse(body).status], [200, "ok"]);
  }
  await raw.write(get("/health", "Connection: close\r\n")).answer();
  assert.equal(await raw.rest(), "");
  const old = await open(t);
  assert.equal((await old.write("GET /ready HTTP/1.0\r\n\r\n").answer()).headers.connection, "close");
  assert.equal(await old.rest(), "");
});

testWorkers("many requests at once are answered in their order", async (t) => {
  const server = await t.server;
  const { token } = await server.login(t.name());
  const room = t.room();
  const post = (action, params) => {
    const body = JSON.stringify(params);
    return (
      `POST /api/v1/${action} HTTP/1.1\r\n${HEAD}Authorization: Bearer ${token}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    );
  };
  const raw = await open(t);
  // one packet: quick and slow ones, heads without bodies, errors
  const sends = Array.from({ length: 40 }, (_, i) => post("send", { room, text: `m${i}` }));
  raw.write(
    [post("join", { room }), ...sends, get("/nothing"), get("/ready"), post("history", { room })].join(""),
  );
  assert.equal((await raw.answer()).status, 200);
  for (let i = 0; i < 40; i++) assert.equal(JSON.parse((await raw.answer()).body).seq, i + 2);
  assert.equal((await raw.answer()).status, 404);
  assert.equal(String((await raw.answer()).body), "ready\n");
  const texts = JSON.parse((await raw.answer()).body).entries.map(({ text }) => text);
  assert.deepEqual(
    texts,
    Array.from({ length: 40 }, (_, i) => `m${i}`),
  );
  // and cut at every byte
  for (const byte of post("rooms", {}) + get("/ready")) {
    raw.write(byte);
    await sleep(0);
  }
  assert.equal((await raw.answer()).status, 200);
  assert.equal((await raw.answer()).status, 200);
});

test("a pipelining client gets what it asked for", async (t) => {
  const server = await t.server;
  const { token } = await server.login(t.name());
  const client = new Pipeline(server.url, { pipelining: 20 });
  t.after(() => client.close());
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const { statusCode, body } = await client.request({
        path: "/api/v1/users",
        method: "POST",
        idempotent: true,
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: `nobody ${i}` }),
      });
      return [statusCode, await body.json()];
    }),
  );
  for (const answer of answers) assert.deepEqual(answer, [200, { users: [] }]);
});

test("a body may be chunked, empty, or announced", async (t) => {
  const server = await t.server;
  const raw = await open(t);
  const post = "POST /api/v1/ping HTTP/1.1\r\n" + HEAD;
  const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;
  for (const request of [
    `${post}Content-Length: 2\r\n\r\n{}`,
    `${post}Content-Length: 0\r\n\r\n`,
    `${post}\r\n`,
    `${chunked}0\r\n\r\n`,
    `${chunked}1\r\n{\r\n1;a=b\r\n}\r\n0\r\nTrailer: x\r\n\r\n`,
    `${chunked}${[..."{ }"].map((c) => `1\r\n${c}\r\n`).join("")}0\r\n\r\n`,
    `${post}Expect: 100-continue\r\nContent-Length: 0\r\n\r\n`.replace("Expect: 100-continue\r\n", ""),
  ]) {
    assert.equal((await raw.write(request).answer()).status, 200, request);
  }
  raw.write(`${post}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
  assert.equal((await raw.answer()).status, 100);
  assert.equal((await raw.write("{}").answer()).status, 200);
  raw.write(`${chunked.replace("\r\n\r\n", "\r\nExpect: 100-Continue\r\n\r\n")}`);
  assert.equal((await raw.answer()).status, 100);
  assert.equal((await raw.write("2\r\n{}\r\n0\r\n\r\n").answer()).status, 200);
  // curl announces a large body, and waits
  const big = JSON.stringify({ pad: "x".repeat(60_000) });
  const args = ["-sS", "-H", "Expect: 100-continue", "-d", big, `${server.url}/api/v1/ping`];
  const { stdout } = await promisify(execFile)("curl", args);
  assert.ok(JSON.parse(stdout).now > 0);
});

test("the web app is served as it should be cached", async (t) => {
  const server = await t.server;
  const raw = await open(t);
  const ask = (path, more, method = "GET") => {
    raw.write(`${method} ${path} HTTP/1.1\r\n${HEAD}${more}\r\n`);
    return raw.answer({ headOnly: method === "HEAD" });
  };
  const page = await ask("/", "");
  assert.equal(page.status, 200);
  assert.match(page.headers["content-type"], /^text\/html/);
  assert.equal(page.headers["cache-control"], "no-cache");
  assert.match(page.headers["content-security-policy"], /default-src 'self'/);
  assert.equal(page.headers["x-content-type-options"], "nosniff");
  assert.ok(Math.abs(new Date(page.headers.date) - Date.now()) < 5000);
  const script = `/${String(page.body).match(/type="module" src="([^"]+)"/)[1]}`;
  for (const path of ["/", script]) {
    const plain = await ask(path, "");
    assert.equal(plain.headers["content-encoding"], undefined);
    for (const [accept, coding, unpack] of [
      ["gzip, deflate, br", "br", brotliDecompressSync],
      ["gzip", "gzip", gunzipSync],
      ["br;q=0, gzip;q=0.5", "gzip", gunzipSync],
      ["*", undefined, undefined],
    ]) {
      const packed = await ask(path, `Accept-Encoding: ${accept}\r\n`);
      assert.match(packed.headers.vary, /Accept-Encoding/i);
      const used = packed.headers["content-encoding"];
      if (coding === undefined) continue;
      assert.equal(used, coding);
      assert.deepEqual(unpack(packed.body), plain.body);
    }
    const head = await ask(path, "", "HEAD");
    assert.deepEqual([head.status, head.headers["content-length"]], [200, String(plain.body.length)]);
    const { etag } = plain.headers;
    for (const match of [etag, etag.replace("W/", ""), `"x", ${etag}`, "*"]) {
      const same = await ask(path, `If-None-Match: ${match}\r\n`);
      assert.deepEqual([same.status, same.headers.etag], [304, etag], match);
    }
    assert.equal((await ask(path, 'If-None-Match: "other"\r\n')).status, 200);
  }
  assert.match((await ask(script, "")).headers["cache-control"], /max-age=31536000, immutable/);
  assert.equal(
    (await server.fetch("/api/v1/ping", { method: "POST" })).headers.get("cache-control"),
    "no-store",
  );
});

test("what is nowhere is 404, whatever it looks like", async (t) => {
  const raw = await open(t);
  for (const path of [
    "/nothing",
    "/../etc/passwd",
    "/..%2f..%2fetc/passwd",
    "//",
    "/index.html/",
    "/api/v1/",
    "/api/v1/a/b",
    "/api/v1/rooms/x/other",
    "/api/v2/ping",
    "/%00",
    "/ws/",
  ]) {
    const { status, body } = await raw.write(get(path)).answer();
    assert.ok([404, 405].includes(status), `${path}: ${status}`);
    assert.match(JSON.parse(body).error.code, /no_such_path|unknown_command|method_not_allowed/);
  }
});

test("limits of a request", async (t) => {
  const server = await t.server;
  for (const [status, request] of [
    [414, get(`/${"x".repeat(9000)}`)],
    [431, get("/", `X: ${"x".repeat(9000)}\r\n`)],
    [431, get("/", "a:\r\n".repeat(200))],
    [413, `POST /api/v1/ping HTTP/1.1\r\n${HEAD}Content-Length: 65537\r\n\r\n`],
    [413, `POST /api/v1/ping HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n10001\r\n`],
    [413, `POST /api/v1/ping HTTP/1.1\r\n${HEAD}Content-Length: 99999999999999\r\n\r\n`],
    [417, get("/", "Expect: miracles\r\n")],
    [505, "GET / HTTP/2.0\r\n\r\n"],
    [501, `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    [400, `POST /api/v1/ping HTTP/1.1\r\n${HEAD}Content-Length: \r\n\r\n`],
  ]) {
    const raw = await open(t, server);
    const answer = await raw.write(request).answer();
    assert.equal(answer.status, status, request.slice(0, 80));
    assert.equal(answer.headers.connection, "close");
    assert.equal(await raw.rest(), "");
  }
  const raw = await open(t, server);
  const body = `{"pad":"${"x".repeat(65536 - 10)}"}`; // what just fits
  const head = `POST /api/v1/ping HTTP/1.1\r\n${HEAD}Content-Length: ${body.length}\r\n\r\n`;
  assert.equal((await raw.write(head, body).answer()).status, 200);
});

test("whoever is slow with a request is told so", async (t) => {
  const server = await t.start({ "head-timeout": "3s", "keepalive-timeout": "10s" });
  // One that is not about to close what has said nothing yet.
  const patient = await t.start({ "head-timeout": "3s", "keepalive-timeout": "90s" });
  const slow = async (bytes) => {
    const raw = await open(t, patient);
    raw.write(bytes);
    const { status } = await raw.answer();
    await raw.rest();
    return status;
  };
  const head = slow("GET / HT");
  const body = slow(`POST /api/v1/ping HTTP/1.1\r\n${HEAD}Content-Length: 5\r\n\r\n{`);
  assert.deepEqual(await Promise.all([head, body]), [408, 408]);
  // a byte now and then does not help
  const drip = await open(t, patient);
  const dripping = setInterval(() => !drip.ended && drip.write("X"), 100);
  drip.write(`GET / HTTP/1.1\r\n${HEAD}X: `);
  await drip.closed;
  clearInterval(dripping);
  // nothing at all: closed without a word
  const silent = await open(t, server);
  assert.equal(await silent.rest(), "");
  // idle between requests
  const idle = await open(t, server);
  await idle.write(get("/ready")).answer();
  assert.equal(await idle.rest(), "");
});

test("an answer is complete when the other side has said all it will", async (t) => {
  const raw = await open(t);
  raw.socket.end(get("/health"));
  const { status } = await raw.answer();
  assert.equal(status, 200);
});

test("answers have the fields that HTTP wants of them", async (t) => {
  const server = await t.server;
  const ask = (path, method) => server.fetch(path, { method });
  for (const [path, method, allow] of [
    ["/api/v1/send", "GET", "POST, OPTIONS"],
    ["/api/v1/send", "DELETE", "POST, OPTIONS"],
    ["/api/v1/rooms/general/messages", "POST", "GET, HEAD, OPTIONS"],
    ["/api/v1/drain", "PUT", "GET, HEAD, POST, DELETE, OPTIONS"],
    ["/", "POST", "GET, HEAD"],
    ["/health", "DELETE", "GET, HEAD"],
  ]) {
    const answer = await ask(path, method);
    assert.deepEqual([answer.status, answer.headers.get("allow")], [405, allow], `${method} ${path}`);
    assert.match((await answer.json()).error.message, /called by POST/);
  }
  for (const headers of [{}, { Authorization: "Bearer x.y.z" }]) {
    const answer = await server.fetch("/api/v1/rooms", { method: "POST", headers });
    assert.deepEqual([answer.status, answer.headers.get("www-authenticate")], [401, "Bearer"]);
  }
  const plain = await Raw.connect(server.port);
  t.after(() => plain.kill());
  const answer = await plain.write(`GET /ws HTTP/1.1\r\n${HEAD}\r\n`).answer();
  assert.deepEqual([answer.status, answer.headers.upgrade], [426, "websocket"]);
});
