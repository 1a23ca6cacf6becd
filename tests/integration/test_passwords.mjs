// People who log in by a password: who comes in and who does not, what a new password ends, and a
// table of attacks.
import assert from "node:assert/strict";
import { refused, revoked, test, until } from "./lib/suite.mjs";

const RIGHT = "correct horse";
const OTHER = "battery staple";
const CHEAP = { "password-memory": "8k", "password-passes": 1 };
const FLAGS = { login: "password", ...CHEAP };

const signup = (server, name, password = RIGHT, more = {}) =>
  server.command("signup", { name, password, ...more });
const login = (server, name, password, headers) => server.login(name, { password }, headers);
const rooms = (server, token) => server.command("rooms", {}, token);

async function metric(server, name) {
  const text = await (await server.fetch("/metrics")).text();
  const lines = text.split("\n").filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

// The owner of a server that was just started, by the link that it prints.
async function ownerOf(server, name = "owner") {
  const [, code] = /#owner=([0-9a-f]+)/.exec(server.out + server.log);
  return signup(server, name, RIGHT, { owner: code });
}

test("by invite alone: who has a link signs up, as often as it may be used", async (t) => {
  const server = await t.start({ ...FLAGS, signup: "invite" });
  const owner = await ownerOf(server);
  assert.equal((await server.command("ways")).signup, "invite");
  await refused("invite_needed", signup(server, "ana"));
  const { code, invite } = await server.command("invite_create", { uses: 1 }, owner.token);
  const guess = await refused("no_such_invite", signup(server, "ana", RIGHT, { invite: `${code.slice(0, -1)}x` }));
  assert.equal(guess.parameter, "invite");
  await refused("name_taken", signup(server, "OWNER", RIGHT, { invite: code }));
  await refused("bad_password", signup(server, "ana", "short", { invite: code }));
  const ana = await signup(server, "ana", RIGHT, { invite: code });
  await rooms(server, ana.token);
  await refused("no_such_invite", signup(server, "ben", RIGHT, { invite: code }));
  await refused("forbidden", server.command("invite_create", {}, ana.token));
  // a link into a room lets nobody sign up
  await server.command("room_create", { room: "den" }, ana.token);
  const into = await server.command("invite_create", { room: "den" }, ana.token);
  await refused("no_such_invite", signup(server, "ben", RIGHT, { invite: into.code }));
  // nor does one that was revoked, here or before a restart
  const other = await server.command("invite_create", {}, owner.token);
  await server.command("invite_revoke", { invite: other.invite.id }, owner.token);
  await server.restart();
  await refused("no_such_invite", signup(server, "ben", RIGHT, { invite: other.code }));
  const { invites } = await server.command("invites", {}, owner.token);
  assert.deepEqual(invites.map(({ id, used }) => [id, used]), [[invite.id, 1]]);
});

test("a password opens its name, and nothing else does", async (t) => {
  const server = await t.start(FLAGS);
  const ana = await signup(server, "Ana");
  await rooms(server, ana.token);
  assert.deepEqual((await login(server, "ana", RIGHT)).user, ana.user);
  await refused("bad_login", login(server, "ana", OTHER));
  await refused("bad_login", login(server, "nobody", RIGHT));
  assert.equal((await refused("missing_parameter", server.login("ana"))).parameter, "password");
  await refused("name_taken", signup(server, "ANA", OTHER));
  await signup(server, "Alice");
  assert.equal((await refused("name_alike", signup(server, "AIice", OTHER))).parameter, "name");
  await refused("bad_login", login(server, "AIice", OTHER));
  await refused("bad_name", signup(server, "Аlice", OTHER)); // its first letter is Cyrillic
  assert.equal((await refused("bad_password", signup(server, "bo", "short"))).parameter, "password");
  await refused("bad_password", signup(server, "annemarie", "Annemarie"));
  await refused("bad_login", login(server, "bo", "short"));
  await server.restart({}, "SIGKILL");
  assert.deepEqual((await login(server, "ana", RIGHT)).user, ana.user);
  await rooms(server, ana.token);
});

test("what ways there are is told to everybody", async (t) => {
  const server = await t.start(FLAGS);
  const link = await server.connect();
  const told = { login: ["password"], signup: "open" };
  assert.deepEqual(await (await server.fetch("/api/v1/ways")).json(), told);
  assert.deepEqual(await server.command("ways"), told);
  assert.deepEqual(await link.call("ways"), told);
  const other = await t.start({ login: "name,password", signup: "closed", ...CHEAP });
  assert.deepEqual(await other.command("ways"), { login: ["password", "name"], signup: "closed" });
  await refused("signup_closed", signup(other, "bo"));
  const named = await t.start({ login: "name" });
  assert.deepEqual(await named.command("ways"), { login: ["name"], signup: "closed" });
  await refused("way_closed", signup(named, "bo"));
  await refused("way_closed", login(named, "bo", RIGHT));
});

test("nobody logs in, signs up or recovers on a WebSocket", async (t) => {
  const server = await t.start(FLAGS);
  const link = await server.connect();
  for (const [action, params] of [
    ["login", { name: "a", password: RIGHT }],
    ["signup", { name: "a", password: RIGHT }],
    ["reset", { code: "1-2", password: RIGHT }],
  ])
    await refused("method_not_allowed", link.call(action, params));
});

test("another password ends all sessions, and answers a new one", async (t) => {
  const server = await t.start(FLAGS);
  const [first, second] = [await signup(server, "ana"), await login(server, "ana", RIGHT)];
  const link = await server.connect(second.token);
  const params = { old: RIGHT, new: OTHER };
  await refused("bad_login", server.command("password", { new: OTHER }, first.token));
  await refused("bad_login", server.command("password", { old: OTHER, new: OTHER }, first.token));
  await refused("bad_password", server.command("password", { old: RIGHT, new: "ana" }, first.token));
  await refused("unauthenticated", server.command("password", params));
  await rooms(server, first.token);
  const third = await server.command("password", params, first.token);
  assert.deepEqual(third.user, first.user);
  await revoked(() => rooms(server, first.token));
  await revoked(() => rooms(server, second.token));
  assert.equal((await link.closed).code, 4401);
  await rooms(server, third.token);
  await refused("bad_login", login(server, "ana", RIGHT));
  const again = await server.connect((await login(server, "ana", OTHER)).token);
  const { token } = await again.call("password", { old: OTHER, new: RIGHT });
  await rooms(server, token);
});

test("a name can be protected later, and an owner's by the owner alone", async (t) => {
  const server = await t.start({ login: "name,password", ...CHEAP });
  const [, code] = /#owner=([0-9a-f]+)/.exec(server.out + server.log);
  const owner = await server.login("boss", { owner: code });
  const thief = await server.login("boss");
  assert.equal(thief.user.owner, undefined);
  await refused("forbidden", server.command("password", { new: OTHER }, thief.token));
  await server.command("password", { new: RIGHT }, owner.token);
  await refused("password_needed", server.login("boss"));
  assert.equal((await login(server, "boss", RIGHT)).user.owner, true);
  await revoked(() => rooms(server, thief.token));
  const bo = await server.login("bo");
  await server.command("password", { new: OTHER }, bo.token);
  await refused("password_needed", server.login("bo"));
  await login(server, "bo", OTHER);
});

test("the first owner signs up by the link, and a recovery link works once", async (t) => {
  const server = await t.start({ ...FLAGS, signup: "closed" });
  await refused("bad_value", signup(server, "eve", RIGHT, { owner: "000000000000000000000000" }));
  const owner = await ownerOf(server);
  assert.equal(owner.user.owner, true);
  await refused("signup_closed", signup(server, "eve"));
  await server.restart({ signup: "open" });
  const ana = await signup(server, "ana");
  await refused("forbidden", server.command("recover", { name: "ana" }, ana.token));
  await refused("no_such_user", server.command("recover", { name: "nobody" }, owner.token));
  const { code, user } = await server.command("recover", { name: "ANA" }, owner.token);
  assert.deepEqual(user, ana.user);
  await rooms(server, ana.token); // the link alone ends nothing
  const reset = (password) => server.command("reset", { code, password });
  await refused("bad_password", reset("short"));
  await refused("bad_code", server.command("reset", { code: `${user.id}-${"0".repeat(32)}`, password: OTHER }));
  await refused("bad_code", server.command("reset", { code: "nonsense", password: OTHER }));
  const outcomes = await Promise.allSettled(["password 1", "password 2", "password 3"].map(reset));
  const won = outcomes.findIndex(({ status }) => status === "fulfilled");
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const { reason } of outcomes) assert.equal(reason?.code ?? "bad_code", "bad_code");
  await revoked(() => rooms(server, ana.token));
  await login(server, "ana", `password ${won + 1}`);
  await refused("bad_login", login(server, "ana", RIGHT));
  await refused("bad_code", reset(OTHER));
});

test("attack: a name that nobody has costs what any other does, and answers the same", async (t) => {
  const server = await t.start(FLAGS);
  await signup(server, "ana");
  const ask = async (name) => {
    const { code, message, status } = await refused("bad_login", login(server, name, OTHER));
    return { code, message, status };
  };
  assert.deepEqual(await ask("ana"), await ask("nobody"));
  await until("three were hashed", async () => (await metric(server, "polylog_passwords_hashed_total")) === 3);
});

test("attack: guessing is slowed down, and keeps nobody out at home", async (t) => {
  const server = await t.start({ ...FLAGS, "trusted-proxies": "127.0.0.0/8" });
  const from = (address) => ({ "X-Forwarded-For": address });
  const params = { name: "ana", password: RIGHT };
  await server.command("signup", params, undefined, from("198.51.100.1"));
  const codes = [];
  for (let i = 0; i < 30; i++)
    codes.push((await login(server, "ana", OTHER, from(`203.0.113.${i}`)).catch((error) => error)).code);
  assert.deepEqual(new Set(codes), new Set(["bad_login", "rate_limited"]));
  assert.ok(codes.indexOf("rate_limited") >= 10, codes.join());
  const held = await login(server, "ana", RIGHT, from("203.0.113.99")).catch((error) => error);
  assert.ok(held.user !== undefined || (held.code === "rate_limited" && held.retry_after_ms > 0), held.code);
  await login(server, "ana", RIGHT, from("198.51.100.1"));
  assert.match(server.log, /password_refused/);
  assert.doesNotMatch(server.log, /correct horse|battery staple/);
  await until("it is counted", async () => (await metric(server, "polylog_passwords_refused_total")) >= 10);
});

test("attack: a token of before the login, or after the logout, is worth nothing", async (t) => {
  const server = await t.start(FLAGS);
  const eve = await signup(server, "eve");
  const planted = { Cookie: `polylog_token=${eve.token}`, Origin: server.url };
  const response = await server.fetch("/api/v1/signup", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...planted },
    body: JSON.stringify({ name: "ana", password: RIGHT }),
  });
  const ana = await response.json();
  assert.notEqual(ana.token, eve.token);
  assert.match(response.headers.get("set-cookie"), /^polylog_token=.*HttpOnly.*SameSite=Lax/);
  await server.command("logout", {}, ana.token);
  await revoked(() => rooms(server, ana.token));
  await rooms(server, eve.token);
});

test("attack: no other site's page logs in, signs up, or sets a password", async (t) => {
  const server = await t.start(FLAGS);
  const { token } = await signup(server, "ana");
  const Cookie = `polylog_token=${token}`;
  for (const Origin of ["https://evil.example", "null"])
    for (const [action, params] of [
      ["login", { name: "ana", password: RIGHT }],
      ["signup", { name: "bo", password: RIGHT }],
      ["reset", { code: "1-2", password: RIGHT }],
      ["password", { old: RIGHT, new: OTHER }],
      ["recover", { name: "ana" }],
    ])
      await refused("bad_origin", server.command(action, params, undefined, { Origin, Cookie }));
  await refused("bad_origin", server.command("password", { old: RIGHT, new: OTHER }, undefined, { Cookie }));
  // A form of another page can send this type without asking: no cookie is set by it.
  const response = await server.fetch("/api/v1/login", {
    method: "POST",
    headers: { "Content-Type": "text/plain" },
    body: JSON.stringify({ name: "ana", password: RIGHT }),
  });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("set-cookie"), null);
  const cookie = { Cookie, Origin: server.url };
  const { token: fresh } = await server.command("password", { old: RIGHT, new: OTHER }, undefined, cookie);
  await rooms(server, fresh);
});

test("attack: one name is signed up once, however many want it at once", async (t) => {
  const server = await t.start(FLAGS);
  for (let round = 0; round < 5; round++) {
    const all = Array.from({ length: 8 }, (_, i) => signup(server, `name${round}`, `password ${i}`));
    const outcomes = await Promise.allSettled(all);
    const won = outcomes.filter(({ status }) => status === "fulfilled");
    assert.equal(won.length, 1);
    for (const { reason } of outcomes) assert.equal(reason?.code ?? "name_taken", "name_taken");
    const index = outcomes.indexOf(won[0]);
    assert.deepEqual((await login(server, `name${round}`, `password ${index}`)).user, won[0].value.user);
  }
});

test("attack: who logs in while the queue is full is told to come again", async (t) => {
  const server = await t.start({ login: "password", "password-memory": "64m", "password-queue": 1 });
  await signup(server, "ana");
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, () => login(server, "ana", RIGHT)),
  );
  const busy = outcomes.filter(({ reason }) => reason?.code === "login_busy");
  assert.ok(busy.length > 0 && busy.length < 20, `${busy.length}`);
  assert.ok(busy.every(({ reason }) => reason.retry_after_ms > 0 && reason.status === 503));
  await login(server, "ana", RIGHT);
});

test("who is deactivated has a password that opens nothing, and a link that changes none", async (t) => {
  const server = await t.start(FLAGS);
  const owner = await ownerOf(server);
  const ana = await signup(server, "ana");
  const { code } = await server.command("recover", { name: "ana" }, owner.token);
  await server.command("deactivate", { user: ana.user.id }, owner.token);
  await revoked(() => rooms(server, ana.token));
  await refused("deactivated", login(server, "ana", RIGHT));
  await refused("bad_login", login(server, "ana", OTHER));
  await refused("deactivated", server.command("reset", { code, password: OTHER }));
  await server.command("deactivate", { user: ana.user.id, on: false }, owner.token);
  await login(server, "ana", RIGHT); // the password is the old one
  await server.command("reset", { code, password: OTHER });
  await login(server, "ana", OTHER);
});
