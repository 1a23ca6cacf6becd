// Who one is: names, tokens and the ways to present one, sessions and their end.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { sleep, test, testWorkers, refused, revoked, until } from "./lib/suite.mjs";

test("names are unique regardless of case and form", async (t) => {
  const server = await t.server;
  for (const [first, ...others] of [
    ["Ana", "ana", "ANA", " aNa "],
    ["Zoë", "ZOË", "Zoe\u0308"],
    ["straße", "STRASSE"],
    ["ΟΔΥΣΣΕΥΣ", "οδυσσευς"],
    ["ﬁt", "FIT"],
    ["Ｗｉｄｅ", "wide"],
  ]) {
    const { user } = await server.login(`${first}${t.serial}`);
    assert.equal(user.name, `${first}${t.serial}`);
    for (const other of others)
      assert.deepEqual((await server.login(`${other.trim()}${t.serial}`)).user, user, other);
  }
  const [a, b] = [await server.login(`e${t.serial}`), await server.login(`é${t.serial}`)];
  assert.notEqual(a.user.id, b.user.id);
});

test("many log in under one new name at once", async (t) => {
  const [server, name] = [await t.server, t.name()];
  const users = await Promise.all(Array.from({ length: 10 }, () => server.login(name)));
  assert.equal(new Set(users.map(({ user }) => user.id)).size, 1);
  assert.equal(new Set(users.map(({ token }) => token)).size, 10);
});

testWorkers("a token may come by command, query, header or cookie", async (t) => {
  const server = await t.server;
  const { token, user } = await server.login(t.name());
  const url = `${server.url.replace("http", "ws")}/ws`;
  for (const [path, headers] of [
    [`?token=${encodeURIComponent(token)}`, {}],
    ["", { Authorization: `Bearer ${token}` }],
    ["", { Authorization: `bearer   ${token}` }],
    ["", { Cookie: `a=b; polylog_token=${token}; c=d` }],
  ]) {
    const { Client } = await import("./lib/client.mjs");
    const client = await Client.connect(url + path, { headers });
    assert.equal((await client.call("auth", { token })).user.id, user.id);
    await client.call("rooms");
    await client.close();
    const response = await server.fetch(`/api/v1/rooms${path}`, {
      method: "POST",
      headers: { ...headers, ...(headers.Cookie && { Origin: server.url }) },
    });
    assert.deepEqual(await response.json(), { rooms: [] });
  }
  // a cookie that is no longer good does not keep anybody from logging in again
  const { Client } = await import("./lib/client.mjs");
  const stale = await Client.connect(url, { headers: { Cookie: "polylog_token=old" } });
  await refused("unauthenticated", stale.call("rooms"));
  await stale.call("auth", { token });
  await stale.close();
  await server.login(t.name(), {}, { Cookie: "polylog_token=old" });
});

test("login sets a cookie, logout takes it away", async (t) => {
  const server = await t.server;
  const post = (action, body, headers) =>
    server.fetch(`/api/v1/${action}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", ...headers },
    });
  const login = await post("login", { name: t.name() });
  const cookie = login.headers.get("set-cookie");
  assert.match(cookie, /^polylog_token=[\w.-]+; Path=\/; HttpOnly; SameSite=(Lax|Strict); Max-Age=2592000$/);
  const headers = { Cookie: cookie.split(";")[0], Origin: server.url };
  assert.equal((await post("rooms", {}, headers)).status, 200);
  const logout = await post("logout", {}, headers);
  assert.match(logout.headers.get("set-cookie"), /^polylog_token=; .*Max-Age=0$/);
  await until("it is taken away", async () => (await post("rooms", {}, headers)).status === 401);
});

testWorkers("ending a session closes its connections, on every worker", async (t) => {
  const server = await t.server;
  const name = t.name();
  const [one, two] = [await server.login(name), await server.login(name)];
  const connections = [];
  for (let i = 0; i < 4; i++) connections.push(await server.connect(one.token));
  const other = await server.connect(two.token);
  const { sessions } = await other.call("sessions");
  assert.deepEqual(sessions.map(({ current }) => current).sort(), [false, true]);
  const { id, created, expires } = sessions.find(({ current }) => !current);
  assert.ok(Math.abs(created - Date.now()) < 10_000 && expires > created);
  assert.equal(id, connections[0].me.session);
  assert.deepEqual(await other.call("logout", { session: id }), { session: id });
  for (const connection of connections)
    assert.deepEqual(await connection.closed, { code: 4401, reason: "revoked" });
  await revoked(() => server.command("rooms", {}, one.token));
  await assert.rejects(server.connect(one.token), { code: "revoked" });
  assert.equal((await other.call("sessions")).sessions.length, 1);
  await refused("no_such_session", other.call("logout", { session: id }));
  // one's own: answered, then closed
  const { session } = await other.call("logout");
  assert.equal(session, other.me.session);
  assert.equal((await other.closed).code, 4401);
});

testWorkers("a session says where, when and by what it was used", async (t) => {
  const server = await t.start({ workers: t.workers, "trusted-proxies": "127.0.0.1", open: true });
  const name = t.name();
  const login = async (headers) => {
    const response = await server.fetch("/api/v1/login", {
      method: "POST",
      body: JSON.stringify({ name }),
      headers: { "Content-Type": "application/json", ...headers },
    });
    return (await response.json()).token;
  };
  const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0<b>";
  const began = Date.now();
  await login({ "User-Agent": agent, "X-Forwarded-For": "203.0.113.7" });
  await login({ "User-Agent": "<script>alert(1)</script>", "X-Forwarded-For": "2001:db8::7" });
  const token = await login({ "User-Agent": "curl/8" });
  const client = await server.connect(token);
  const said = await until("each was written", async () => {
    const { sessions } = await client.call("sessions");
    return sessions.every(({ seen }) => seen !== undefined) && sessions;
  });
  const of = (place) => said.find((one) => one.place === place);
  assert.equal(said.length, 3);
  assert.ok(said.every(({ seen }) => seen >= began - 1000 && seen <= Date.now() + 1000));
  assert.deepEqual([of("203.0.113.7").program, of("203.0.113.7").system], ["Firefox", "Linux"]);
  assert.deepEqual([of("2001:db8::7").program, of("2001:db8::7").system], [undefined, undefined]);
  assert.deepEqual([of("127.0.0.1").program, of("127.0.0.1").current], ["curl", true]);
});

testWorkers("all other sessions end at once, and this one goes on", async (t) => {
  const server = await t.server;
  const name = t.name();
  const others = [await server.login(name), await server.login(name), await server.login(name)];
  const own = await server.connect((await server.login(name)).token);
  const connections = [];
  for (const { token } of others) connections.push(await server.connect(token));
  await refused("bad_value", own.call("logout", { others: true, session: own.me.session }));
  assert.deepEqual(await own.call("logout", { others: true }), { ended: 3 });
  for (const connection of connections)
    assert.deepEqual(await connection.closed, { code: 4401, reason: "revoked" });
  for (const { token } of others) await revoked(() => server.command("rooms", {}, token));
  const { sessions } = await own.call("sessions");
  assert.deepEqual(sessions.map(({ id }) => id), [own.me.session]);
  assert.deepEqual(await own.call("logout", { others: true }), { ended: 0 });
});

test("behind TLS the cookie is this host's alone, and the older one is read, and replaced", async (t) => {
  const server = await t.start({ "trusted-proxies": "127.0.0.1", open: true });
  const post = (action, body, headers) =>
    server.fetch(`/api/v1/${action}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-Forwarded-Proto": "https", ...headers },
    });
  const login = await post("login", { name: "ana" });
  const [cookie, old] = login.headers.getSetCookie();
  assert.match(cookie, /^__Host-polylog_token=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure$/);
  assert.match(old, /^polylog_token=; Path=\/; .*Max-Age=0$/);
  const host = cookie.split(";")[0];
  const older = host.replace("__Host-", "");
  const Origin = server.url.replace("http:", "https:");
  for (const Cookie of [host, older, `polylog_token=another; ${host}`, `${host}; polylog_token=another`])
    assert.equal((await post("rooms", {}, { Cookie, Origin })).status, 200, Cookie);
  // a page of elsewhere, or none, through every door
  for (const Cookie of [host, older]) {
    for (const from of [{}, { Origin: "https://evil.example" }]) {
      const answer = await post("rooms", {}, { Cookie, ...from });
      assert.deepEqual([answer.status, (await answer.json()).error.code], [403, "bad_origin"]);
    }
    const away = { headers: { Cookie, Origin: "https://evil.example" } };
    const { Client } = await import("./lib/client.mjs");
    await assert.rejects(Client.connect(`${server.url.replace("http", "ws")}/ws`, away), /403/);
    const polled = await server.fetch("/socket.io/?EIO=4&transport=polling", away);
    assert.equal(polled.status, 403);
  }
  const logout = await post("logout", {}, { Cookie: host, Origin });
  const [gone, oldGone] = logout.headers.getSetCookie();
  assert.match(gone, /^__Host-polylog_token=; Path=\/; .*Max-Age=0; Secure$/);
  assert.match(oldGone, /^polylog_token=; .*Max-Age=0$/);
  await until("it is taken away", async () => (await post("rooms", {}, { Cookie: host, Origin })).status === 401);
});

test("who ends all other sessions by a cookie keeps it", async (t) => {
  const server = await t.server;
  const { token } = await server.login(t.name());
  const response = await server.fetch("/api/v1/logout", {
    method: "POST",
    body: JSON.stringify({ others: true }),
    headers: { "Content-Type": "application/json", Cookie: `polylog_token=${token}`, Origin: server.url },
  });
  assert.deepEqual(await response.json(), { ended: 0 });
  assert.equal(response.headers.get("set-cookie"), null);
});

test("somebody else's session cannot be ended", async (t) => {
  const [ana, bob] = [await t.person(), await t.person()];
  await refused("no_such_session", ana.call("logout", { session: bob.me.session }));
  await bob.call("rooms");
});

test("tokens and ended sessions outlive a restart", async (t) => {
  const server = await t.start();
  const [ana, bob] = [await server.login("ana"), await server.login("bob")];
  await server.command("logout", {}, bob.token);
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    await server.restart({}, signal);
    assert.deepEqual((await server.connect(ana.token)).me.user, ana.user);
    await revoked(() => server.command("rooms", {}, bob.token));
    assert.deepEqual((await server.login("ANA")).user, ana.user);
  }
  assert.equal((await server.command("sessions", {}, ana.token)).sessions.length, 3);
});

// Who knows the owner's name has no more than the name.
testWorkers("rights are a token's, not a person's", async (t) => {
  const server = await t.start({ workers: t.workers });
  const [, code] = server.out.match(/#owner=([0-9a-f]+)/);
  const { token } = await server.login("ana", { owner: code });
  const elsewhere = await server.login("ana");
  assert.equal(elsewhere.user.owner, undefined);
  const bob = await t.person("bob", { server });
  await bob.call("room_create", { room: "secret", kind: "private" });
  // beside the owner's connections and requests, on any worker
  const owners = await Promise.all(Array.from({ length: 4 }, () => server.connect(token)));
  for (const ana of owners) await ana.call("join", { room: "secret" });
  for (let i = 0; i < 4; i++) {
    const eve = await server.connect(elsewhere.token);
    assert.equal(eve.me.user.owner, undefined);
    await server.command("rooms", {}, token);
    await refused("not_member", eve.call("join", { room: "secret" }));
    await refused("not_member", server.command("history", { room: "secret" }, elsewhere.token));
  }
  for (const ana of owners) assert.equal((await ana.call("auth", { token })).user.owner, true);
  // whoever gives them up follows nothing any more that they may not read
  const [ana] = owners;
  assert.equal((await ana.call("auth", { token: elsewhere.token })).user.owner, undefined);
  assert.deepEqual(await ana.closed, { code: 1012, reason: "rights" });
});

test("the owner link works once", async (t) => {
  const server = await t.start();
  const link = /#owner=([0-9a-f]+)/;
  const [, code] = server.out.match(link);
  await refused("bad_value", server.login("eve", { owner: `${code}0` }));
  await refused("bad_value", server.login("eve", { owner: "used" }));
  await server.restart();
  assert.equal(server.out.match(link)[1], code, "it is the same until it is used");
  const { token, user } = await server.login("ana", { owner: code });
  assert.equal(user.owner, true);
  await refused("bad_value", server.login("eve", { owner: code }));
  assert.equal(
    (await server.login("ana", { owner: code })).user.owner,
    undefined,
    "a used link gives no rights",
  );
  const ana = await server.connect(token);
  assert.equal(ana.me.user.owner, true);
  // the owner may do everything in every room but direct ones
  const bob = await t.person("bob", { server });
  await bob.call("room_create", { room: "secret", kind: "private" });
  await ana.call("join", { room: "secret" });
  const { seq } = await bob.call("send", { room: "secret", text: "a" });
  await ana.call("delete", { room: "secret", target: seq });
  await ana.call("member_set", { room: "secret", user: bob.user.id, role: "muted" });
  await refused("not_member", ana.call("join", { room: `dm:${bob.user.id}:${bob.user.id + 1}` }));
  await server.restart();
  assert.equal(server.out.match(link), null);
  await refused("bad_value", server.login("eve", { owner: code }));
  assert.equal((await server.login("ana")).user.owner, undefined, "a place gives no rights");
  // who lost the token starts with a fresh link, once used or not
  await server.restart({ "owner-link": true });
  const [, fresh] = server.out.match(link);
  assert.notEqual(fresh, code);
  await refused("bad_value", server.login("eve", { owner: code }));
  assert.equal((await server.login("ana", { owner: fresh })).user.owner, true);
  await server.restart({ "owner-link": null });
  assert.equal(server.out.match(link), null);
});

test("a session that ends soon is announced, then closed", async (t) => {
  const secret = "0123456789abcdef0123456789abcdef";
  const server = await t.start({ "token-secret": secret });
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 10;
  const { token } = await server.login("ana");
  const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
  const input = `${part({ alg: "HS256" })}.${part({ ...claims, exp })}`;
  const ana = await server.connect(
    `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`,
  );
  assert.deepEqual(await ana.event({ event: "expiring" }), { event: "expiring", expires: exp * 1000 });
  assert.deepEqual(await ana.closed, { code: 4440, reason: "expired" });
});

// What clients of a gateway say, a server takes from everybody; nothing here is gathered or cut.
test("auth takes array, and has no lifetime where no gateway is", async (t) => {
  const server = await t.server;
  const { Client } = await import("./lib/client.mjs");
  const { token } = await server.login(t.name());
  const client = await Client.connect(`${server.url.replace("http", "ws")}/ws`);
  assert.ok((await client.call("ping")).now > 0); // asks who is there, before there is a login
  await refused("bad_type", client.call("auth", { token, array: 1 }));
  const answer = await client.call("auth", { token, array: true });
  assert.deepEqual(Object.keys(answer).sort(), ["expires", "session", "user"]);
  const { id: room } = (await client.call("join", { room: t.name(), create: true })).room;
  await Promise.all(["a", "b", "c"].map((text) => client.call("send", { room, text })));
  await client.events({ event: "message", room }, 3);
  assert.equal(client.frames.filter(Array.isArray).length, 0);
  await client.close();
});

test("a new token goes on where the old one ends", async (t) => {
  const [server, ana] = [await t.server, await t.person()];
  const { token } = await server.login(ana.user.name);
  const { session } = await ana.call("auth", { token });
  assert.notEqual(session, ana.me.session);
  await ana.http("logout"); // ends the first session
  await sleep(50);
  await ana.call("rooms");
  await server.command("logout", {}, token);
  assert.equal((await ana.closed).code, 4401);
});
