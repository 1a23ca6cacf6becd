// Who may use it from which web page, and from where: origins, cookies, proxies.
import assert from "node:assert/strict";
import { request } from "node:http";
import { test, refused } from "./lib/suite.mjs";

// fetch may not set Origin or Host.
function ask(server, path, { method = "GET", headers = {}, body, ...more } = {}) {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: server.port, path, method, headers, agent: false, ...more };
    const asked = request(options, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, headers: response.headers, text });
    });
    asked.on("error", reject).end(body);
  });
}

const codeOf = ({ text }) => JSON.parse(text).error?.code;

const LISTED = "https://chat.example.org";

test("a WebSocket is opened from one's own and from listed origins", async (t) => {
  const server = await t.start({ origins: [LISTED, "https://other.example"] });
  const upgrade = (Origin, Host) =>
    server.connect(undefined, { headers: { ...(Origin && { Origin }), ...(Host && { Host }) } });
  const own = `127.0.0.1:${server.port}`;
  for (const [origin, host] of [
    [undefined, undefined],
    [`http://${own}`, undefined],
    [`https://${own}`, undefined],
    ["http://Polylog.local", "polylog.local"],
    [LISTED, undefined],
    ["https://OTHER.example", "polylog.local"],
  ])
    await (await upgrade(origin, host)).close();
  for (const origin of [
    "https://evil.example",
    "null",
    `http://${own}.evil.example`,
    `http://localhost:${server.port}`,
    `${LISTED}:444`,
    "https://evil.example/https://chat.example.org",
    "http://chat.example.org",
    "file://",
    own,
  ]) {
    const error = await upgrade(origin).then(
      () => assert.fail(`${origin} was let in`),
      (reason) => reason,
    );
    assert.deepEqual([error.status, JSON.parse(error.body).error.code], [403, "bad_origin"], origin);
  }
  const anybody = await t.start({ origins: "*" });
  await (await anybody.connect(undefined, { headers: { Origin: "https://evil.example" } })).close();
});

test("listed origins may ask across origins, others not", async (t) => {
  const server = await t.start({ origins: LISTED });
  const { token } = await server.login("ana");
  const preflight = (Origin) =>
    ask(server, "/api/v1/rooms", {
      method: "OPTIONS",
      headers: {
        Origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
      },
    });
  const allowed = await preflight(LISTED);
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers["access-control-allow-origin"], LISTED);
  assert.equal(allowed.headers["access-control-allow-credentials"], "true");
  assert.match(allowed.headers["access-control-allow-methods"], /POST/);
  assert.match(allowed.headers["access-control-allow-headers"], /authorization/i);
  assert.match(allowed.headers.vary, /Origin/);
  for (const origin of ["https://evil.example", "null"]) {
    assert.equal((await preflight(origin)).headers["access-control-allow-origin"], undefined);
  }
  const post = (Origin) =>
    ask(server, "/api/v1/rooms", {
      method: "POST",
      headers: { Origin, Authorization: `Bearer ${token}` },
      body: "{}",
    });
  assert.equal((await post(LISTED)).headers["access-control-allow-origin"], LISTED);
  assert.equal((await post("https://evil.example")).headers["access-control-allow-origin"], undefined);
  // errors too, so that the page can read them
  const wrong = await ask(server, "/api/v1/dance", { method: "POST", headers: { Origin: LISTED } });
  assert.deepEqual([wrong.status, wrong.headers["access-control-allow-origin"]], [404, LISTED]);
});

test("a cookie counts only together with an origin that is allowed", async (t) => {
  const server = await t.start({ origins: LISTED });
  const { token, user } = await server.login("ana");
  const own = server.url;
  const post = (headers) =>
    ask(server, "/api/v1/auth", { method: "POST", headers, body: JSON.stringify({ token }) });
  const rooms = (headers) => ask(server, "/api/v1/rooms", { method: "POST", headers });
  const Cookie = `polylog_token=${token}`;
  assert.equal((await rooms({ Cookie, Origin: own })).status, 200);
  assert.equal((await rooms({ Cookie, Origin: LISTED })).status, 200);
  for (const headers of [
    { Cookie },
    { Cookie, Origin: "https://evil.example" },
    { Cookie, Origin: "null" },
  ]) {
    const answer = await rooms(headers);
    assert.deepEqual([answer.status, codeOf(answer)], [403, "bad_origin"]);
  }
  // a header is proof enough
  assert.equal(
    (await rooms({ Authorization: `Bearer ${token}`, Origin: "https://evil.example" })).status,
    200,
  );
  assert.equal(JSON.parse((await post({ Cookie })).text).user.id, user.id);
  // reading is not a change: the cookie is enough
  const read = await ask(server, "/api/v1/rooms/general/messages", { headers: { Cookie } });
  assert.equal(codeOf(read), "no_such_room");
});

test("login is for this machine only, unless it is open", async (t) => {
  const far = { "X-Forwarded-For": "203.0.113.7" };
  const trusting = await t.start({ "trusted-proxies": ["127.0.0.0/8", "10.0.0.0/8"] });
  for (const address of [
    "203.0.113.7",
    "2001:db8::1",
    "203.0.113.7, 10.1.2.3",
    "127.0.0.1, 203.0.113.7",
    "203.0.113.7:4711",
  ])
    assert.equal(
      (await refused("login_closed", trusting.login("ana", {}, { "X-Forwarded-For": address }))).status,
      403,
    );
  for (const address of ["127.0.0.1", "::1"]) await trusting.login("ana", {}, { "X-Forwarded-For": address });
  await refused("login_closed", trusting.login("ana", {}, { "X-Forwarded-For": "203.0.113.7, 127.0.0.1" }));
  // a proxy that nobody vouched for does not make its clients this machine's
  for (const flags of [{}, { "trusted-proxies": "10.0.0.0/8" }]) {
    const server = await t.start(flags);
    await refused("login_closed", server.login("ana", {}, far));
    await refused("login_closed", server.login("ana", {}, { "X-Forwarded-For": "127.0.0.1" }));
    await server.login("ana");
  }
  const open = await t.start({ open: true, "trusted-proxies": "127.0.0.1" });
  const { token } = await open.login("ana", {}, far);
  await open.command("rooms", {}, token, far);
  // sessions go on from everywhere
  const { token: inside } = await trusting.login("bob");
  await trusting.command("rooms", {}, inside, far);
});

test("a proxy that is trusted says whether it was https", async (t) => {
  const cookie = async (flags, headers) => {
    const server = await t.start(flags);
    const { headers: answered } = await ask(server, "/api/v1/login", {
      method: "POST",
      headers,
      body: '{"name":"ana"}',
    });
    return answered["set-cookie"][0].includes("; Secure");
  };
  const https = { "X-Forwarded-Proto": "https" };
  assert.equal(await cookie({ "trusted-proxies": "127.0.0.1" }, https), true);
  assert.equal(await cookie({ "trusted-proxies": "127.0.0.1" }, {}), false);
  assert.equal(await cookie({}, https), false);
});
