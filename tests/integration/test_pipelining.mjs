// Requests that do not wait for their answers, over TLS and without, at two workers: for
// sessions of Engine.IO that the other worker has, with bodies behind Expect, and at the
// limit of a body.
import assert from "node:assert/strict";
import { certificate } from "./lib/certificate.mjs";
import { Raw } from "./lib/raw.mjs";
import { freePort, temporary } from "./lib/server.mjs";
import { test } from "./lib/suite.mjs";
import { rmSync } from "node:fs";

const POLL = "/socket.io/?EIO=4&transport=polling";
const MAX = 50_000; // sio-max-payload
const SESSIONS = 6; // of two workers, all but surely

// Starts a server that speaks both; the ways to it.
async function start(t, flags = {}) {
  const dir = temporary("pipelining");
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const { cert, key } = certificate(dir, "127.0.0.1");
  const tlsPort = await freePort();
  const tls = { "tls-listen": `127.0.0.1:${tlsPort}`, "tls-cert": cert, "tls-key": key };
  const server = await t.start({ workers: 2, "sio-max-payload": MAX, ...tls, ...flags });
  const open = (secure) =>
    secure ? Raw.connect(tlsPort, { tls: { rejectUnauthorized: false } }) : Raw.connect(server.port);
  return { server, open };
}

const get = (path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const head = (path, length, more = "") =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n${more}\r\n`;
const post = (path, body, more) => head(path, Buffer.byteLength(body), more) + body;
const EXPECT = "Expect: 100-continue\r\n";

// Sessions, each opened on a connection of its own.
async function sessions(t, way) {
  const paths = [];
  for (let i = 0; i < SESSIONS; i++) {
    const raw = await way();
    t.after(() => raw.socket.destroy());
    const { status, body } = await raw.write(get(POLL)).answer();
    assert.equal(status, 200);
    paths.push(`${POLL}&sid=${JSON.parse(String(body).slice(1)).sid}`);
  }
  return paths;
}

async function statuses(raw, n) {
  const got = [];
  while (got.length < n) {
    const { status } = await raw.answer();
    if (status !== 100) got.push(status);
  }
  return got;
}

for (const secure of [false, true]) {
  const over = secure ? "TLS" : "plain HTTP";

  test(`pipelined requests for other workers' sessions are answered in order, over ${over}`, async (t) => {
    const { server, open } = await start(t), way = () => open(secure);
    const paths = await sessions(t, way);
    for (const path of paths) {
      const raw = await way();
      raw.write(get("/api/v1/none") + post(path, "40") + get(path) + get("/api/v1/none"));
      assert.deepEqual(await statuses(raw, 4), [404, 200, 200, 404]);
      // Through all sessions on one connection, in one write.
      raw.write(paths.map((one) => post(one, "3") + get("/health")).join(""));
      assert.deepEqual(await statuses(raw, 2 * paths.length), paths.flatMap(() => [200, 200]));
      raw.socket.destroy();
    }
    assert.equal(await server.stop(), 0);
  });

  test(`a body behind Expect goes to another worker's session, over ${over}`, async (t) => {
    const { server, open } = await start(t), way = () => open(secure);
    for (const path of await sessions(t, way)) {
      const raw = await way();
      raw.write(get("/api/v1/none") + head(path, 2, EXPECT)); // the body waits
      assert.equal((await raw.answer()).status, 404);
      assert.equal((await raw.answer()).status, 100);
      raw.write("40");
      assert.equal((await raw.answer()).status, 200);
      raw.write(post(path, "3", EXPECT) + get("/api/v1/none")); // the body does not wait
      assert.deepEqual(await statuses(raw, 2), [200, 404]);
      raw.socket.destroy();
    }
    assert.equal(await server.stop(), 0);
  });

  test(`a body as long as the limit is taken, and none that is longer, over ${over}`, async (t) => {
    const { server, open } = await start(t), way = () => open(secure);
    for (const path of await sessions(t, way)) {
      const raw = await way();
      raw.write(get("/api/v1/none"), post(path, "4".padEnd(MAX, "x")));
      assert.deepEqual(await statuses(raw, 2), [404, 200]);
      raw.socket.destroy();
      const late = await way();
      late.write(get("/api/v1/none"), post(path, "4".padEnd(MAX + 1, "x"), EXPECT));
      assert.deepEqual(await statuses(late, 2), [404, 413]);
      late.socket.destroy();
    }
    assert.equal(await server.stop(), 0);
  });

  test(`thousands of packets in one body end no server, over ${over}`, async (t) => {
    // a POST that waits for more than may wait is answered when its session ends
    const quick = { "sio-ping-interval": "2s", "sio-ping-timeout": "2s" };
    const { server, open } = await start(t, quick), way = () => open(secure);
    const body = Array(Math.floor(MAX / 3)).fill("40").join("\x1e");
    for (const path of await sessions(t, way)) {
      const raw = await way();
      raw.write(post(path, body) + post(path, body) + get("/health"));
      const got = await statuses(raw, 3).catch(() => []);
      assert.ok(got.every((status) => status === 200 || status === 400), String(got));
      raw.socket.destroy();
    }
    const raw = await way();
    assert.equal((await raw.write(get("/health")).answer()).status, 200);
    raw.socket.destroy();
    assert.equal(await server.stop(), 0);
  });
}
