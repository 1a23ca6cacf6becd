// Runs the same stories through each proxy.
//   node main.mjs [-v] [substring of the tests to run]
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { freePort } from "../integration/lib/server.mjs";
import { options, runAll, sum, test } from "../integration/lib/suite.mjs";
import "./aws.mjs";
import { PROXIES, Proxy } from "./proxy.mjs";
import { behind, ca, cert, dir, fetched, key, person, post } from "./visit.mjs";

const { io } = createRequire(new URL("../socketio/package.json", import.meta.url))("socket.io-client");
const HANG_MS = 120_000;

function socket(t, proxy, token, transports) {
  const made = io(proxy.origin, { transports, auth: { token }, forceNew: true, reconnection: false, ca });
  t.after(() => made.disconnect());
  return new Promise((resolve, reject) => {
    made.once("connect", () => resolve(made));
    made.once("connect_error", reject);
  });
}

for (const kind of PROXIES) {
  test(`${kind}: the page, a login and two WebSockets`, async (t) => {
    const proxy = await behind(t, kind);
    const page = await fetched(proxy, "/");
    assert.equal(page.status, 200);
    assert.match(page.headers["content-type"], /^text\/html/);
    const [ana, ben] = [await person(t, proxy, "ana"), await person(t, proxy, "ben")];
    const room = t.room();
    for (const who of [ana, ben]) await who.call("join", { room });
    await ana.call("send", { room, text: "through the proxy" });
    await ben.event({ event: "message", room, text: "through the proxy" }, HANG_MS);
  }, HANG_MS);

  test(`${kind}: Socket.IO by polling, by WebSocket, and upgraded`, async (t) => {
    const proxy = await behind(t, kind);
    const room = t.room();
    const ana = await person(t, proxy, "ana");
    await ana.call("join", { room });
    for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
      const ben = await socket(t, proxy, ana.token, transports);
      assert.ok((await ben.emitWithAck("join", { room })).ok);
      if (transports.length === 2 && ben.io.engine.transport.name !== "websocket")
        await new Promise((resolve) => ben.io.engine.once("upgrade", resolve));
      const heard = new Promise((resolve) => ben.on("message", ({ text }) => text === String(transports) && resolve()));
      await ana.call("send", { room, text: String(transports) });
      await heard;
    }
  }, HANG_MS);

  test(`${kind}: each client is an address of its own, and says no other`, async (t) => {
    const proxy = await behind(t, kind, { "connects-per-address": 1, "connects-burst": 5 });
    const many = (from, headers) => Promise.all(
      Array.from({ length: 40 }, (_, i) => post(proxy, "login", { name: t.name(`p${i}`) }, { from, headers })));
    const limited = (answers) => answers.filter(({ status }) => status === 429).length;
    assert.ok(limited(await many("127.0.0.2")) > 0, "nobody is limited");
    assert.equal((await post(proxy, "login", { name: t.name("other") }, { from: "127.0.0.3" })).status, 200);
    const lies = await Promise.all(Array.from({ length: 40 }, (_, i) =>
      post(proxy, "login", { name: t.name(`q${i}`) }, { from: "127.0.0.2", headers: { "X-Forwarded-For": `10.0.0.${i}` } })));
    assert.ok(limited(lies) > 0, "an address that the client made up is believed");
  }, HANG_MS);

  test(`${kind}: another origin is refused, and nobody is the owner`, async (t) => {
    const proxy = await behind(t, kind);
    const evil = await post(proxy, "login", { name: t.name("eve") }, { headers: { Origin: "https://evil.example" } });
    assert.equal(evil.status, 403);
    const login = await post(proxy, "login", { name: t.name("first") });
    assert.equal(login.status, 200);
    assert.equal(JSON.parse(login.text).owner ?? false, false);
    const drain = await post(proxy, "drain", {}, { headers: { Authorization: `Bearer ${JSON.parse(login.text).token}` } });
    assert.equal(drain.status, 403);
  }, HANG_MS);
}

// What many write first: nothing tells the server that there is a proxy.
const BARE = `server {
  listen 443 ssl;
  ssl_certificate /etc/ssl/chat.example.org.pem;
  ssl_certificate_key /etc/ssl/chat.example.org.key;
  location / { proxy_pass http://127.0.0.1:8080; }
}`;

test("nginx with a bare proxy_pass makes nobody local", async (t) => {
  const server = await t.start();
  assert.equal((await server.login("here")).user.name, "here");
  const proxy = await Proxy.start("nginx", await freePort(), server.port, { cert, key }, BARE);
  t.after(() => proxy.close());
  const headers = { "Content-Type": "application/json" };
  const answer = await fetched(proxy, "/api/v1/login", { method: "POST", headers, body: '{"name":"eve"}' });
  assert.equal(answer.status, 403);
  assert.equal(JSON.parse(answer.text).error.code, "login_closed");
}, HANG_MS);

const counts = await runAll({ get: () => undefined }, { ...options(), atOnce: 2 });
rmSync(dir, { recursive: true, force: true });
console.log(sum(counts));
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
