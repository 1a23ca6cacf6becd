// People who log in by a passkey: over both doors, and a table of attacks.
import assert from "node:assert/strict";
import { Authenticator } from "./lib/authenticator.mjs";
import { refused, revoked, test } from "./lib/suite.mjs";

const RIGHT = "correct horse";
const CHEAP = { "password-memory": "8k", "password-passes": 1 };
const FLAGS = { login: "password,passkey", ...CHEAP };
const ORIGIN = "http://localhost:8080";

const begin = (server, params = {}) => server.command("passkey_begin", params);
const rooms = (server, token) => server.command("rooms", {}, token);

async function signUp(server, name, key, more = {}) {
  const begun = await begin(server, { name, ...more });
  return server.command("passkey_signup", { name, title: "a phone", ...key.make(begun), ...more });
}

async function logIn(server, key, headers = {}) {
  return server.command("passkey_login", key.prove(await begin(server)), undefined, headers);
}

test("a passkey signs somebody up, and logs them in without a name", async (t) => {
  const server = await t.start(FLAGS);
  assert.deepEqual(await server.command("ways"), { login: ["password", "passkey"], signup: "open" });
  const key = new Authenticator(ORIGIN);
  const ana = await signUp(server, "Ana", key);
  await rooms(server, ana.token);
  assert.deepEqual((await logIn(server, key)).user, ana.user);
  await server.restart();
  assert.deepEqual((await logIn(server, key)).user, ana.user);
  await refused("bad_login", server.login("ana", { password: RIGHT }));
  await refused("name_taken", begin(server, { name: "ANA" }));
  await refused("method_not_allowed", (await server.connect(ana.token)).call("passkey_begin", {}));
});

test("a person has several passkeys, and keeps the last way to log in", async (t) => {
  const server = await t.start(FLAGS);
  const [first, second] = [new Authenticator(ORIGIN), new Authenticator(ORIGIN)];
  const ana = await signUp(server, "ana", first);
  const link = await server.connect(ana.token);
  const [only] = (await link.call("passkeys", {})).passkeys;
  assert.deepEqual([only.title, only.domain, only.synced], ["a phone", "localhost", false]);
  await refused("last_way", link.call("passkey_remove", { passkey: only.id }));
  const begun = await link.call("passkey_new", {});
  assert.deepEqual(begun.exclude, [first.id.toString("base64url")]);
  assert.equal(begun.user.handle, first.handle);
  const added = await link.call("passkey_add", { ...second.make(begun), title: "a key" });
  await revoked(() => rooms(server, ana.token));
  assert.deepEqual((await logIn(server, second)).user, ana.user);
  const again = await logIn(server, first);
  await server.command("passkey_rename", { passkey: added.passkey, title: "my key" }, again.token);
  await refused("no_such_passkey", server.command("passkey_rename", { passkey: 1, title: "x" }, again.token));
  const { passkeys } = await server.command("passkeys", {}, again.token);
  assert.deepEqual(passkeys.map(({ title }) => title), ["a phone", "my key"]);
  const renewed = await server.command("passkey_remove", { passkey: only.id }, again.token);
  await revoked(() => rooms(server, again.token));
  await refused("bad_passkey", logIn(server, first));
  await refused("last_way", server.command("passkey_remove", { passkey: added.passkey }, renewed.token));
  const { token } = await server.command("password", { new: RIGHT }, renewed.token);
  const last = await server.command("passkey_remove", { passkey: added.passkey }, token);
  assert.deepEqual((await server.command("passkeys", {}, last.token)).passkeys, []);
  await refused("bad_passkey", logIn(server, second));
  await server.login("ana", { password: RIGHT });
});

test("there are at most twenty passkeys, each once", async (t) => {
  const server = await t.start(FLAGS);
  const key = new Authenticator(ORIGIN);
  let { token } = await signUp(server, "ana", key);
  const next = () => server.command("passkey_new", {}, token);
  await refused("passkey_there", server.command("passkey_add", key.make(await next()), token));
  for (let i = 1; i < 20; i++) {
    const more = new Authenticator(ORIGIN);
    ({ token } = await server.command("passkey_add", more.make(await next()), token));
  }
  await refused("too_many_passkeys", next());
});

test("who has a name protects it by a passkey", async (t) => {
  const server = await t.start({ ...FLAGS, login: "passkey,name" });
  const ana = await server.login("ana");
  const key = new Authenticator(ORIGIN);
  await server.command("passkey_add", key.make(await server.command("passkey_new", {}, ana.token)), ana.token);
  await refused("passkey_needed", server.login("ana"));
  assert.deepEqual((await logIn(server, key)).user, ana.user);
});

test("by invite alone: who has a link signs up by a passkey, as often as it may be used", async (t) => {
  const server = await t.start({ ...FLAGS, signup: "invite" });
  const [, owner] = /#owner=([0-9a-f]+)/.exec(server.out + server.log);
  const boss = new Authenticator(ORIGIN);
  const { token, user } = await signUp(server, "boss", boss, { owner });
  assert.equal(user.owner, true);
  assert.equal((await logIn(server, boss)).user.owner, true);
  await refused("invite_needed", begin(server, { name: "ana" }));
  await refused("no_such_invite", begin(server, { name: "ana", invite: "0123456789abcdef-x" }));
  const { code: invite } = await server.command("invite_create", { uses: 1 }, token);
  const begun = await begin(server, { name: "ana", invite });
  const key = new Authenticator(ORIGIN);
  await refused("invite_needed", server.command("passkey_signup", { name: "ana", ...key.make(begun) }));
  await signUp(server, "ana", key, { invite });
  await refused("no_such_invite", signUp(server, "ben", new Authenticator(ORIGIN), { invite }));
});

test("a cookie comes with a passkey, and another one with one that is added", async (t) => {
  const server = await t.start(FLAGS);
  const key = new Authenticator(ORIGIN);
  await signUp(server, "ana", key);
  const post = (action, params, headers = {}) =>
    server.fetch(`/api/v1/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(params),
    });
  const cookieOf = (answer) => answer.headers.getSetCookie()[0].split(";")[0];
  const login = await post("passkey_login", key.prove(await begin(server)));
  const cookie = cookieOf(login);
  assert.match(cookie, /^polylog_token=./);
  const own = { Cookie: cookie, Origin: server.url };
  const begun = await post("passkey_new", {}, own);
  assert.deepEqual(begun.headers.getSetCookie(), []);
  const { challenge, user } = await begun.json();
  const made = new Authenticator(ORIGIN).make({ challenge, user });
  // A page elsewhere has the cookie sent, and gets nowhere.
  const evil = await post("passkey_add", made, { Cookie: cookie, Origin: "https://evil.example" });
  assert.equal((await evil.json()).error.code, "bad_origin");
  const added = await post("passkey_add", made, own);
  assert.notEqual(cookieOf(added), cookie);
});

test("a passkey's proof is good once, also behind a restart and at once", async (t) => {
  const server = await t.start(FLAGS);
  const key = new Authenticator(ORIGIN);
  await signUp(server, "ana", key);
  const proof = key.prove(await begin(server));
  await server.command("passkey_login", proof);
  await refused("passkey_stale", server.command("passkey_login", proof));
  await server.restart();
  await refused("passkey_stale", server.command("passkey_login", proof));
  // So is one at the same time.
  const twice = key.prove(await begin(server));
  const both = await Promise.allSettled([1, 2, 3].map(() => server.command("passkey_login", twice)));
  assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
});

// Each row: how what is said differs from what is right.
const ATTACKS = [
  ["from a page elsewhere", "bad_origin", (key) => (key.origin = "https://evil.example")],
  ["from a page that only looks like ours", "bad_origin", (key) => (key.origin = "https://localhost.evil.example")],
  ["from an address", "passkey_domain", (key) => (key.origin = "http://127.0.0.1:8080")],
  ["from a name below ours", "bad_passkey", (key) => (key.origin = "http://app.localhost:8080")],
  ["for another domain", "bad_passkey", (key) => (key.rp = "evil.example")],
  ["by another key", "bad_passkey", (key, other) => (key.privateKey = other.privateKey)],
  ["by an unknown passkey", "bad_passkey", (key, other) => (key.id = other.id)],
  ["as another person", "bad_passkey", (key, other) => (key.handle = other.handle)],
  ["as nobody", "bad_passkey", (key) => (key.handle = "")],
  ["that counts backwards", "passkey_copied", (key) => (key.count = 0)],
  ["of something that is made", "bad_passkey", (key) => (key.client = () => Buffer.from("{}"))],
  ["within another page", "bad_passkey", (key) => {
    const right = key.client.bind(key);
    key.client = (...what) => Buffer.from(right(...what).toString().replace("false", "true"));
  }],
  ["with nobody there", "bad_passkey", (key) => {
    const right = key.head.bind(key);
    key.head = () => right(0x04);
  }],
];

for (const [what, code, bend] of ATTACKS) {
  test(`a login by passkey is refused: ${what}`, async (t) => {
    const server = await t.start(FLAGS);
    const [key, other] = [new Authenticator(ORIGIN), new Authenticator(ORIGIN)];
    const ana = await signUp(server, "ana", key);
    await signUp(server, "bob", other);
    await logIn(server, key);
    const bent = Object.assign(Object.create(Authenticator.prototype), key);
    bend(bent, other);
    await refused(code, logIn(server, bent));
    key.count = 100;
    assert.deepEqual((await logIn(server, key)).user, ana.user);
  });
}

test("a passkey's challenge is for one purpose, and for who asked", async (t) => {
  const server = await t.start(FLAGS);
  const [key, other] = [new Authenticator(ORIGIN), new Authenticator(ORIGIN)];
  const ana = await signUp(server, "ana", key);
  const bob = await signUp(server, "bob", other);
  const added = await server.command("passkey_new", {}, ana.token);
  await refused("passkey_stale", server.command("passkey_login", key.prove(added)));
  await refused("passkey_stale", server.command("passkey_login", key.prove(await begin(server, { name: "eve" }))));
  await refused("passkey_stale", server.command("passkey_login", key.prove({ challenge: "AAAA" })));
  const { challenge } = await begin(server);
  const middle = challenge.length >> 1;
  const forged = `${challenge.slice(0, middle)}${challenge[middle] === "A" ? "B" : "A"}${challenge.slice(middle + 1)}`;
  await refused("passkey_stale", server.command("passkey_login", key.prove({ challenge: forged })));
  const next = new Authenticator(ORIGIN);
  await refused("passkey_stale", server.command("passkey_add", next.make(added), bob.token));
  const session = await logIn(server, key); // the same person, in another session
  await refused("passkey_stale", server.command("passkey_add", next.make(added), session.token));
  const name = { name: "eve" };
  const begun = await begin(server, name);
  await refused("passkey_stale", server.command("passkey_signup", { ...next.make(begun), name: "evelyn" }));
  await server.command("passkey_signup", { ...next.make(begun), ...name });
});

test("who guesses at passkeys has to wait, and nobody else", async (t) => {
  const server = await t.start({ ...FLAGS, "trusted-proxies": "127.0.0.1" });
  const key = new Authenticator(ORIGIN);
  const ana = await signUp(server, "ana", key);
  const wrong = Object.assign(new Authenticator(ORIGIN), { id: key.id, handle: key.handle });
  const from = (address) => ({ "X-Forwarded-For": address });
  const codes = [];
  while (codes.length < 30 && codes.at(-1) !== "rate_limited") {
    codes.push((await logIn(server, wrong, from("192.0.2.1")).catch((error) => error)).code);
  }
  assert.deepEqual(new Set(codes), new Set(["bad_passkey", "rate_limited"]));
  assert.ok(codes.indexOf("rate_limited") >= 5, codes.join());
  assert.deepEqual((await logIn(server, key, from("192.0.2.2"))).user, ana.user);
});

test("a domain's passkeys are for the pages at it and below it", async (t) => {
  await assert.rejects(t.start({ ...FLAGS, "passkey-rp": "127.0.0.1" }), /passkey-rp is a domain/);
  await assert.rejects(t.start({ ...FLAGS, "passkey-rp": "https://a.example" }), /passkey-rp is a domain/);
  const server = await t.start({ ...FLAGS, "passkey-rp": "chat.example", hosts: "*.chat.example" });
  assert.equal((await server.command("ways")).passkey_rp, "chat.example");
  const key = new Authenticator("https://eu.chat.example", "chat.example");
  await signUp(server, "ana", key);
  key.origin = "https://us.chat.example";
  await logIn(server, key);
  key.origin = "http://us.chat.example";
  await refused("passkey_domain", logIn(server, key));
  key.origin = ORIGIN;
  await refused("passkey_domain", logIn(server, key));
});

test("a server without passkeys says so", async (t) => {
  const server = await t.start({ ...FLAGS, login: "password" });
  assert.deepEqual((await server.command("ways")).login, ["password"]);
  await refused("way_closed", begin(server));
  await refused("way_closed", begin(server, { name: "ana" }));
});
