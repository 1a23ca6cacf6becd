// Who may use it from which web page, and from where: origins, cookies, proxies.
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { request } from "node:http";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { temporary } from "./lib/server.mjs";
import { test, refused, until } from "./lib/suite.mjs";

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
    ["http://Chat.example.org", "chat.example.org"],
    [LISTED, undefined],
    ["https://OTHER.example", "chat.example.org"],
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
  assert.match(allowed.headers["access-control-allow-headers"], /authorization.*idempotency-key/i);
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

test("a page whose WebSocket was refused learns the reason from ping", async (t) => {
  const server = await t.server;
  const ping = (headers) => ask(server, "/api/v1/ping", { method: "POST", headers, body: "{}" });
  for (const headers of [{}, { Cookie: "polylog_token=x" }]) {
    const refusal = await ping({ Origin: "https://evil.example", ...headers });
    assert.deepEqual([refusal.status, codeOf(refusal)], [403, "bad_origin"]);
  }
  for (const headers of [{}, { Origin: server.url }]) {
    assert.equal((await ping(headers)).status, 200);
  }
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
  // an address that a header names is never this machine
  for (const address of ["127.0.0.1", "::1", "203.0.113.7, 127.0.0.1", "127.0.0.1, 10.9.9.9"])
    await refused("login_closed", trusting.login("ana", {}, { "X-Forwarded-For": address }));
  // a proxy that nobody vouched for does not make its clients this machine's
  for (const flags of [{}, { "trusted-proxies": "10.0.0.0/8" }]) {
    const server = await t.start(flags);
    await refused("login_closed", server.login("ana", {}, far));
    await refused("login_closed", server.login("ana", {}, { ...far, Cookie: "polylog_token=x" }));
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
      headers: { ...headers, "Content-Type": "application/json" },
      body: '{"name":"ana"}',
    });
    return answered["set-cookie"][0].includes("; Secure");
  };
  const https = { "X-Forwarded-Proto": "https" };
  const open = { open: true };
  assert.equal(await cookie({ ...open, "trusted-proxies": "127.0.0.1" }, https), true);
  assert.equal(await cookie({ ...open, "trusted-proxies": "127.0.0.1" }, {}), false);
  assert.equal(await cookie(open, https), false);
});

// What a browser sends for a page of evil.example whose name it was told to be 127.0.0.1.
const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};
const DOORS = [
  ["/", {}],
  ["/ws", { headers: UPGRADE }],
  ["/api/v1/login", { method: "POST", body: '{"name":"ana"}' }],
  ["/api/v1/rooms", { method: "POST", body: "{}" }],
  ["/api/v1/rooms/general/messages", {}],
  ["/api/v1/drain", { method: "POST" }],
  ["/api/v1/rooms", { method: "OPTIONS" }],
  ["/socket.io/?EIO=4&transport=polling", {}],
  ["/socket.io/?EIO=4&transport=websocket", { headers: UPGRADE }],
];

function upgradeStatus(server, path, headers) {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port: server.port, path, headers, agent: false });
    asked.on("upgrade", ({ statusCode }, socket) => (socket.destroy(), resolve({ status: statusCode })));
    asked.on("response", (response) => {
      response.resume().on("end", () => resolve({ status: response.statusCode }));
    });
    asked.on("error", reject).end();
  });
}

const through = (server, path, { headers = {}, ...more }, Host) =>
  headers.Upgrade
    ? upgradeStatus(server, path, { ...headers, Host, Origin: `http://${Host}` })
    : ask(server, path, { headers: { ...headers, Host, Origin: `http://${Host}` }, ...more });

test("a host that is not the server's is refused at every door", async (t) => {
  const workers = 2;
  const server = await t.start({ hosts: ["chat.example.org", "*.chat.example.net"], workers });
  const begun = Date.now();
  const { port } = server;
  const good = [
    ...["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", hostname()],
    ...[`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, "chat.example.org:444"],
    ...[`${hostname().split(".")[0]}.local:${port}`, "eu.chat.example.net"],
  ];
  const bad = [
    ...["evil.example", `evil.example:${port}`, "localhost.evil.example", "127.0.0.1.evil.example"],
    ...["chat.example.net", "xchat.example.org", "chat.example.org.evil.example", "128.0.0.1", "[::2]"],
    ...["127.1", "2130706433", `${hostname()}.evil.example`],
  ];
  for (const [path, options] of DOORS) {
    for (const host of good)
      assert.notEqual((await through(server, path, options, host)).status, 421, `${path} of ${host}`);
    for (const host of bad)
      assert.equal((await through(server, path, options, host)).status, 421, `${path} of ${host}`);
  }
  assert.equal(codeOf(await ask(server, "/", { headers: { Host: "evil.example" } })), "bad_host");
  // a balancer calls by any name
  for (const path of ["/health", "/ready", "/metrics"])
    assert.equal((await ask(server, path, { headers: { Host: "10.0.0.7:8080" } })).status, 200);
  // what there is to be changed is said, by each worker every 10 s at most
  await until("the log says so", () => server.log.includes('"host_refused"'));
  const lines = server.log.split("\n").filter((line) => line.includes('"host_refused"'));
  assert.match(lines[0], /evil\.example.*--hosts/);
  const most = workers * Math.ceil((Date.now() - begun + 1) / 10_000);
  assert.ok(lines.length <= most && most < bad.length * DOORS.length, `${lines.length} lines, at most ${most}`);
});

test("the hosts are those of the origins if there are no others", async (t) => {
  const status = async (flags, Host, headers = {}) =>
    (await ask(await t.start(flags), "/", { headers: { Host, ...headers } })).status;
  assert.equal(await status({ origins: LISTED }, "chat.example.org"), 200);
  assert.equal(await status({ origins: LISTED }, "other.example"), 421);
  assert.equal(await status({ origins: LISTED, hosts: "other.example" }, "chat.example.org"), 421);
  assert.equal(await status({ origins: "*" }, "other.example"), 200);
  assert.equal(await status({ hosts: "*" }, "other.example"), 200);
  // the proxy's word for it counts if the proxy is trusted
  const proxied = { "X-Forwarded-Host": "chat.example.org" };
  const proxy = { "trusted-proxies": "127.0.0.1", hosts: "chat.example.org" };
  assert.equal(await status(proxy, "backend:8080", proxied), 200);
  assert.equal(await status(proxy, "chat.example.org", { "X-Forwarded-Host": "evil.example" }), 421);
  assert.equal(await status({ hosts: "chat.example.org" }, "backend:8080", proxied), 421);
});

test("from the network it answers to addresses and to the machine's own name", async (t) => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find(({ internal, family }) => !internal && family === "IPv4")?.address;
  if (address === undefined) return t.skip("this machine has no network");
  const server = await t.start({ listen: "0.0.0.0:0", open: true });
  const port = Number(server.out.match(/http:\/\/[^:]+:(\d+)/)[1]);
  const status = async (Host) => (await ask({ port }, "/", { host: address, headers: { Host } })).status;
  // a machine cannot tell which addresses translation (containers, clouds) gives it
  for (const host of [`${address}:${port}`, "203.0.113.7", "[2001:db8::1]:80", hostname(), "localhost"])
    assert.equal(await status(host), 200, host);
  assert.equal(await status("evil.example"), 421);
});

// Each alone makes the request somebody else's.
const FORWARDING = ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"].concat(
  ["Forwarded", "Via", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP", "CDN-Loop"],
);

test("what came through a proxy is not this machine's", async (t) => {
  for (const flags of [{}, { "trusted-proxies": "127.0.0.0/8" }]) {
    const server = await t.start(flags);
    for (const name of FORWARDING) {
      await refused("login_closed", server.login("ana", {}, { [name]: "127.0.0.1" }));
      await refused("login_closed", server.login("ana", {}, { [name.toLowerCase()]: "localhost" }));
    }
    await server.login("ana");
    await until("the log says so", () => /"login_refused".*--open/.test(server.log));
  }
});

// A page elsewhere cannot log the browser in, and never has the owner's rights.
test("login is for the server's own pages and for programs", async (t) => {
  const server = await t.start({ origins: LISTED });
  const [, code] = server.out.match(/#owner=([0-9a-f]+)/);
  await server.login("ana", { owner: code });
  const login = (headers) =>
    ask(server, "/api/v1/login", { method: "POST", headers, body: '{"name":"ana"}' });
  for (const headers of [
    {},
    { Origin: server.url },
    { Origin: LISTED },
    { "Sec-Fetch-Site": "same-origin" },
    { "Sec-Fetch-Site": "none" },
  ]) {
    const answer = await login({ ...headers, "Content-Type": "application/json" });
    assert.deepEqual([answer.status, JSON.parse(answer.text).user.owner], [200, undefined]);
    assert.match(answer.headers["set-cookie"][0], /^polylog_token=/);
  }
  for (const headers of [
    { Origin: "https://evil.example" },
    { Origin: "null" },
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { Origin: "https://evil.example", "Sec-Fetch-Site": "same-origin" },
    { Origin: "https://evil.example", Cookie: "polylog_token=x" },
  ]) {
    const answer = await login({ ...headers, "Content-Type": "application/json" });
    assert.deepEqual([answer.status, codeOf(answer)], [403, "bad_origin"], JSON.stringify(headers));
    assert.equal(answer.headers["set-cookie"], undefined);
  }
  // what a form can send logs no browser in, however old the browser is
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]) {
    const answer = await login(type && { "Content-Type": type });
    assert.deepEqual([answer.status, answer.headers["set-cookie"]], [200, undefined], type);
  }
  await until("the log says so", () => /"origin_refused".*--origins/.test(server.log));
});

test("what it writes is its user's alone", async (t) => {
  const server = await t.start({ "pid-file": join(temporary(), "pid") }, { before: ["sh", "-c", 'umask 0; exec "$@"', "-"] });
  await server.login("ana");
  const files = [server.flags["pid-file"]];
  for (const name of readdirSync(server.flags.data)) files.push(join(server.flags.data, name));
  for (const file of files) assert.equal(statSync(file).mode & 0o777, 0o600, file);
  assert.equal(statSync(server.flags.data).mode & 0o777, 0o700);
});

test("over TLS a name is to be called over TLS alone", async (t) => {
  const server = await t.start({ "trusted-proxies": "127.0.0.1", hosts: "chat.example.org" });
  const strict = async (Host, proto) =>
    (await ask(server, "/", { headers: { Host, "X-Forwarded-Proto": proto } })).headers["strict-transport-security"];
  assert.match(await strict("chat.example.org", "https"), /^max-age=\d{8}$/);
  assert.equal(await strict("chat.example.org", "http"), undefined);
  assert.equal(await strict("localhost", "https"), undefined);
});
