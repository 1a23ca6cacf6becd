// Attacks of the table in docs/security.md that are about no one thing.
import assert from "node:assert/strict";
import { request } from "undici";
import WebSocket from "ws";
import { test, testWorkers } from "./lib/suite.mjs";

const EVIL = "https://evil.example";

// What a page elsewhere makes a browser send, which adds the cookie by itself.
testWorkers("attack: no page elsewhere uses somebody's cookie, through any door", async (t) => {
  const server = await t.start({ workers: t.workers });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  const headers = { Cookie: `polylog_token=${ana.token}`, Origin: EVIL };
  const ask = async (path, options = {}) => {
    const { statusCode, headers: said, body } = await request(`${server.url.replace(/\/$/, "")}${path}`, {
      ...options,
      headers: { ...headers, ...options.headers },
    });
    return { status: statusCode, headers: said, text: await body.text() };
  };
  const send = JSON.stringify({ room: "r", text: "forged" });
  for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
    for (const path of ["/api/v1/send", "/api/v1/rooms/r/messages", "/api/v1/logout", "/api/v1/key_create"]) {
      const { status } = await ask(path, { method: "POST", headers: { "Content-Type": type }, body: send });
      assert.ok(status >= 400, `${path}: ${status}`);
    }
  for (const path of ["/ws", "/socket.io/?EIO=4&transport=websocket"]) {
    const socket = new WebSocket(`${server.url.replace("http", "ws").replace(/\/$/, "")}${path}`, { headers });
    const status = await new Promise((resolve) => {
      socket.on("open", () => resolve(101)).on("error", () => undefined);
      socket.on("unexpected-response", (_, response) => resolve(response.resume().statusCode));
    });
    socket.terminate();
    assert.equal(status, 403, path);
  }
  const polled = await ask("/socket.io/?EIO=4&transport=polling");
  assert.deepEqual([polled.status, polled.headers["access-control-allow-origin"]], [403, undefined]);
  // What is read goes to the browser, and no further: the page is not shown it.
  for (const path of ["/api/v1/rooms/r/messages", "/api/v1/rooms/r/tail?last=1"]) {
    const { statusCode, headers: said, body } = await request(`${server.url.replace(/\/$/, "")}${path}`, { headers });
    body.on("error", () => undefined).destroy();
    assert.ok(statusCode >= 200);
    assert.equal(said["access-control-allow-origin"], undefined, path);
  }
  await ana.call("send", { room: "r", text: "mine" });
  const { entries } = await ana.call("history", { room: "r" });
  assert.deepEqual(entries.map(({ text }) => text), ["mine"]);
  assert.deepEqual((await ana.call("keys")).keys, []);
});

// The page is where a link leads, or nowhere: the server sends nobody on.
test("attack: the server sends no browser elsewhere, whatever an address says", async (t) => {
  const server = await t.server;
  const base = server.url.replace(/\/$/, "");
  const at = "https%3A%2F%2Fevil.example";
  for (const path of [
    "//evil.example/", "/\\evil.example/", `/?next=${at}`, `/?redirect_uri=${at}`, `/login?return=${at}`,
    `/${at}`, "/%2F%2Fevil.example", "/..//evil.example/", "/index.html/..//evil.example", "/api//evil.example",
  ]) {
    const { statusCode, headers, body } = await request(base, { path, method: "GET" });
    const text = await body.text();
    assert.ok(statusCode < 300 || statusCode >= 400, `${path}: ${statusCode}`);
    assert.deepEqual([headers.location, headers.refresh], [undefined, undefined], path);
    assert.ok(!text.includes("evil.example"), path);
  }
});
