// Every error of the table that a client can provoke, over both doors; the
// connection lives on after each.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { request as httpRequest } from "node:http";
import { test, testWorkers, refused, revoked } from "./lib/suite.mjs";
import { errors } from "./lib/tables.mjs";

// Those that take a broken disk or a broken server, and those of other test files.
const ELSEWHERE = new Set([
  "bad_origin", // test_origins
  "bad_host", // test_origins
  "login_closed", // test_origins
  ...["bad_login", "bad_password", "bad_code", "password_needed"], // test_passwords
  ...["way_closed", "signup_closed", "invite_needed", "login_busy"],
  ...["bad_passkey", "passkey_stale", "passkey_copied", "passkey_domain", "passkey_needed"], // test_passkeys
  ...["passkey_there", "no_such_passkey", "too_many_passkeys", "last_way"],
  ...["beyond_scope", "no_such_key", "too_many_keys"], // test_keys
  ...["bots_only", "bad_picture", "too_many_bots"], // test_bot_users
  "login_elsewhere", // test_identity
  "no_such_report", // test_access
  ...["too_many_reports", "too_many_purges"], // tests/unit: test_report, test_purge
  "refused", // test_checks
  "check_failed",
  "name_taken", // test_token
  ...["name_alike", "blocked", "deactivated"], // test_people
  "issuer_unavailable",
  "sessions_unproven", // tests/cluster
  "bad_secret", // tests/gateway
  "answer_too_long",
  "store_behind", // tests/emulators
  "no_such_path", // test_http
  "bad_key", // test_sends
  "rate_limited", // test_limits
  "rooms_limit",
  "too_many_rooms",
  "too_many_commands",
  "too_many_namespaces", // tests/socketio
  "store_full",
  "store_failed",
  "internal",
]);

const provoked = new Set();

// One request that is refused over WebSocket and HTTP alike, with the table's text
// and status; the parameter at fault is named where there is one.
async function both(who, code, action, params, { parameter, detail } = {}) {
  const { status, text } = errors.get(code);
  const message = detail === undefined ? text : `${text} ${detail}`;
  for (const call of [(a, p) => who.call(a, p), who.http]) {
    const error = await refused(code, call(action, params));
    assert.equal(error.message, message);
    if (error.status !== undefined) assert.equal(error.status, status);
    if (parameter !== undefined) assert.equal(error.parameter, parameter);
  }
  await who.settle();
  provoked.add(code);
}

function noted(code, promise) {
  provoked.add(code);
  return refused(code, promise);
}

testWorkers("parameters that are wrong are refused", async (t) => {
  const [ana, room] = [await t.person(), t.room()];
  await ana.call("join", { room });
  const wrong = (code, action, params, parameter) => both(ana, code, action, params, { parameter });
  for (const text of [1, true, ["a"], { a: 1 }, 1.5]) await wrong("bad_type", "send", { room, text }, "text");
  for (const target of ["1", true, [], {}, 1.5])
    await wrong("bad_type", "edit", { room, text: "a", target }, "target");
  for (const on of ["yes", 1, {}]) await wrong("bad_type", "typing", { room, on }, "on");
  await wrong("missing_parameter", "send", { room }, "text");
  await wrong("missing_parameter", "send", { room, text: null }, "text");
  await wrong("missing_parameter", "send", { text: "a" }, "room");
  for (const after of [-1, -(2 ** 52)]) await wrong("bad_value", "history", { room, after }, "after");
  await wrong("bad_value", "history", { room, limit: 501 }, "limit");
  await wrong("bad_value", "history", { room, view: "everything" }, "view");
  await wrong("bad_value", "room_create", { kind: "direct" }, "kind");
  await wrong("bad_value", "member_set", { room, user: 1, role: "king" }, "role");
  await wrong("bad_value", "dm", { user: ana.user.id }, "user");
  for (const bad of [
    "",
    "!",
    "x".repeat(129),
    "dm:2:1",
    "dm:1:1",
    "dm:01:2",
    "@",
    "@0",
    "@x",
    "/",
    "a\u0000b",
  ])
    await wrong("bad_room", "history", { room: bad }, "room");
  await wrong("bad_room", "room_create", { room: "dm:1:2" });
  await wrong("empty", "send", { room, text: "" }, "text");
  await wrong("empty", "send", { room, text: "a", cid: "" }, "cid");
  await wrong("empty", "react", { room, target: 1, emoji: "" }, "emoji");
  await wrong("too_many_values", "send", { room, text: "a", other: Array(5000).fill(1) });
  await wrong("bad_text", "send", { room, text: "a\u0000b" }, "text");
  await wrong("bad_text", "room_set", { room, title: "a\nb" }, "title");
  await wrong("empty", "send", { room, text: " \u3164\n" }, "text");
  await wrong("bad_emoji", "react", { room, target: 1, emoji: "<img>" }, "emoji");
  await wrong("too_long", "send", { room, text: "x".repeat(4001) }, "text");
  await wrong("too_long", "send", { room, text: "a", cid: "x".repeat(65) }, "cid");
  await wrong("too_long", "room_set", { room, title: "x".repeat(129) }, "title");
  await wrong("missing_parameter", "room_set", { room }, "title");
  await wrong("bad_value", "room_set", { room, slow: 21601 }, "slow");
  await wrong("bad_value", "room_set", { room, pin: "" }, "pin");
  await wrong("bad_value", "room_set", { room, invite: "owners" }, "invite");
  await wrong("bad_type", "room_set", { room, mention: 1 }, "mention");
  await wrong("bad_type", "room_set", { room, announcement: 1 }, "announcement");
  await wrong("bad_emoji", "room_set", { room, icon: "owl" }, "icon");
  await wrong("bad_text", "room_set", { room, topic: "a\nb" }, "topic");
  await wrong("bad_text", "room_set", { room, description: "\u0007" }, "description");
  await wrong("too_long", "room_set", { room, description: "x".repeat(1001) }, "description");
  await wrong("too_long", "react", { room, target: 1, emoji: "👍".repeat(17) }, "emoji");
  // what just fits
  await ana.call("send", { room, text: "😀".repeat(4000), cid: "x".repeat(64) });
  await ana.call("room_set", { room, title: "é".repeat(128) });
});

test("requests that are no requests are refused", async (t) => {
  const [server, ana] = [await t.server, await t.person()];
  const broken = [
    [
      "bad_json",
      "",
      "[]",
      "null",
      '"ping"',
      "{",
      '{"action":"ping"',
      '{"action":"ping"}{}',
      '{"action":"ping",}',
      "{'a':1}",
    ],
    [
      "bad_json",
      '{"action":"ping","a":01}',
      '{"action":"ping","a":+1}',
      '{"action":"ping","a":"\n"}',
      '{"action":"ping" "a":1}',
    ],
    ["bad_utf8", '{"action":"ping","a":"\\ud800"}', '{"action":"ping","a":"\\udc00\\ud800"}'],
    ["too_deep", '{"action":"ping","a":[[[[[[1]]]]]]}', `{"action":"ping","a":${"[".repeat(5000)}`],
    ["missing_parameter", "{}", '{"id":1}', '{"action":1}', '{"action":null}'],
    ["unknown_command", '{"action":"dance"}', '{"action":""}', '{"action":"PING"}'],
  ];
  for (const [code, ...frames] of broken) {
    for (const frame of frames) {
      ana.write(frame);
      const refusal = await ana.event(({ error }) => error !== undefined);
      assert.equal(refusal.error.code, code, frame);
      assert.equal(refusal.error.message, errors.get(code).text);
      await ana.settle();
      if (["missing_parameter", "unknown_command"].includes(code) || frame === "") continue;
      assert.equal((await refused(code, server.command("ping", frame))).status, errors.get(code).status);
    }
    provoked.add(code);
  }
  // an id that was read before the mistake comes back
  ana.write('{"id":77,"action":"dance"}');
  await ana.event(({ id, error }) => id === 77 && error.code === "unknown_command");
  await noted(
    "bad_utf8",
    server.command("ping", new Uint8Array([...Buffer.from('{"a":"'), 0xff, 0x22, 0x7d])),
  );
  await noted("unknown_command", server.command("dance"));
});

function token(claims, secret, header = { alg: "HS256", typ: "JWT" }) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

test("tokens that are not good are refused", async (t) => {
  const secret = "0123456789abcdef0123456789abcdef";
  const server = await t.start({ "token-secret": secret });
  const ana = await t.person("ana", { server });
  const now = Math.floor(Date.now() / 1000);
  const { sid } = JSON.parse(Buffer.from(ana.token.split(".")[1], "base64url"));
  const claims = { sub: String(ana.user.id), name: "ana", sid, iat: now - 100, exp: now + 1000 };
  const nobody = await server.connect();
  const each = [
    ["bad_token", "x", "a.b.c", `${ana.token}x`, ana.token.slice(0, -2), `x${ana.token}`],
    [
      "bad_token",
      token(claims, `${secret}!`),
      token(claims, secret, { alg: "none" }),
      token({ ...claims, sub: "0" }, secret),
    ],
    ["bad_token", token({ ...claims, exp: undefined }, secret), token(claims, secret, { alg: "HS512" })],
    ["expired", token({ ...claims, exp: now - 10 }, secret)],
    ["too_long", "x".repeat(5000)],
    ["empty", ""],
  ];
  for (const [code, ...tokens] of each) {
    for (const bad of tokens) {
      await noted(code, nobody.call("auth", { token: bad }));
      if (code === "too_long" || code === "empty") continue;
      assert.equal((await noted(code, server.command("rooms", {}, bad))).status, 401);
      await assert.rejects(server.connect(undefined, { headers: { Authorization: `Bearer ${bad}` } }), {
        status: 401,
      });
    }
  }
  const whole = token(claims, secret);
  assert.equal((await server.command("rooms", {}, whole)).rooms.length, 0);
  await noted("unauthenticated", nobody.call("rooms"));
  assert.equal((await noted("unauthenticated", server.command("rooms"))).status, 401);
  assert.equal((await nobody.call("auth", { token: ana.token })).user.id, ana.user.id);
  const bob = await t.person("bob", { server });
  await noted("already_authenticated", nobody.call("auth", { token: bob.token }));
  await nobody.call("rooms");
  const { token: second } = await server.login(ana.user.name);
  await ana.http("logout");
  await revoked(() => ana.http("rooms"));
  await revoked(() => bob.call("auth", { token: ana.token }));
  provoked.add("revoked");
  await server.command("rooms", {}, second);
});

test("names that are none are refused", async (t) => {
  const server = await t.server;
  for (const name of ["", " ", "-", "a/b", "a@b", "<b>", "a\u0000b", "a\u200b", "😀", "a\nb", ".a", "a-"])
    await noted("bad_name", server.login(name));
  await noted("too_long", server.login("x".repeat(33)));
  for (const name of ["x".repeat(32), "Zoë-Ann O", "李小龍", "a_b.c d", "  trimmed  "])
    assert.equal((await server.login(name)).user.name, name.trim());
});

testWorkers("what is not there is refused", async (t) => {
  const [ana, room] = [await t.person(), t.room()];
  const none = (code, action, params) => both(ana, code, action, params);
  for (const [action, params] of [
    ["send", { text: "a" }],
    ["history", {}],
    ["typing", {}],
    ["read", { seq: 1 }],
    ["presence", {}],
    ["members", {}],
    ["room_set", { title: "a" }],
    ["member_set", { user: ana.user.id, role: "member" }],
    ["join", { create: false }],
  ])
    await none("no_such_room", action, { room, ...params });
  await ana.call("join", { room });
  for (const target of [0, 1, 2, 2 ** 52]) {
    await none("no_such_message", "edit", { room, target, text: "a" }); // 1 is the room's own entry
    await none("no_such_message", "delete", { room, target });
    await none("no_such_message", "react", { room, target, emoji: "👍" });
  }
  await none("no_such_user", "dm", { user: 99999999 });
  await none("no_such_user", "dm", { user: 0 });
  await none("no_such_user", "member_set", { room, user: 99999999, role: "member" });
  await none("no_such_session", "logout", { session: "12345" });
  await none("bad_value", "logout", { session: "x" });
  await none("room_exists", "room_create", { room });
  const { seq } = await ana.call("send", { room, text: "a" });
  await ana.call("delete", { room, target: seq });
  await none("deleted", "edit", { room, target: seq, text: "b" });
  await none("deleted", "delete", { room, target: seq });
  await none("deleted", "react", { room, target: seq, emoji: "👍" });
});

testWorkers("what a room's settings forbid is refused", async (t) => {
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  await ana.call("room_create", { room });
  await bob.call("join", { room });
  await ana.call("room_set", { room, announcement: true });
  await both(bob, "announcement", "send", { room, text: "a" });
  await ana.call("filter_set", { room, words: "darn\nbuy now", links: "except", hosts: "evil.example" });
  await ana.call("room_set", { room, announcement: false });
  await both(bob, "word_refused", "send", { room, text: "So DARN" }, { detail: "DARN" });
  await both(bob, "link_refused", "send", { room, text: "www.evil.example" }, { detail: "www.evil.example" });
  await ana.call("room_set", { room, slow: 21600 });
  await bob.call("send", { room, text: "a" });
  await both(bob, "slow_mode", "send", { room, text: "b" });
  await ana.call("room_set", { room, archived: true });
  await both(bob, "archived", "send", { room, text: "c" });
  await ana.call("room_set", { room, archived: false });
  await both(bob, "no_such_invite", "invite_use", { code: "0".repeat(32) });
  await both(ana, "no_such_invite", "invite_revoke", { room, invite: "0011223344556677" });
  await both(ana, "bad_value", "invite_create", { room, expires: 1 });
  await both(ana, "bad_value", "directory", { next: "nowhere" });
  for (let i = 0; i < 100; i++) await ana.call("invite_create", { room });
  await both(ana, "too_many_invites", "invite_create", { room });
});

testWorkers("what one may not do is refused", async (t) => {
  const [ana, bob, eve, room, closed] = [
    await t.person(),
    await t.person(),
    await t.person(),
    t.room(),
    t.room(),
  ];
  const not = (who, code, action, params) => both(who, code, action, { room, ...params });
  await ana.call("join", { room });
  await bob.call("join", { room });
  const { seq } = await ana.call("send", { room, text: "mine" });
  await not(bob, "forbidden", "edit", { target: seq, text: "yours" });
  await not(bob, "forbidden", "delete", { target: seq });
  await not(bob, "forbidden", "room_set", { title: "ours" });
  await not(bob, "forbidden", "member_set", { user: eve.user.id, role: "banned" });
  await not(ana, "forbidden", "send", { room: `@${ana.user.id}`, text: "a" });

  await ana.call("room_create", { room: closed, kind: "private" });
  for (const [action, params] of [
    ["join", {}],
    ["send", { text: "a" }],
    ["history", {}],
    ["typing", {}],
    ["read", { seq: 1 }],
    ["presence", {}],
    ["members", {}],
    ["member_set", { user: bob.user.id, role: "member" }],
    ["react", { target: 1, emoji: "👍" }],
  ])
    await not(bob, "not_member", action, { room: closed, ...params });
  const { room: direct } = await ana.call("dm", { user: bob.user.id });
  for (const action of ["join", "history", "presence"])
    await not(eve, "not_member", action, { room: direct.id });
  await not(eve, "not_member", "send", { room: direct.id, text: "a" });
  await not(eve, "not_member", "join", { room: `@${ana.user.id}` });

  await ana.call("member_set", { room, user: bob.user.id, role: "muted", until: Date.now() + 60_000 });
  const { retry_after_ms: wait } = await refused("muted", bob.call("send", { room, text: "a" }));
  assert.ok(wait > 55_000 && wait <= 60_000, wait);
  await not(bob, "muted", "send", { text: "a" });
  await not(bob, "muted", "react", { target: seq, emoji: "👍" });
  await ana.call("member_set", { room, user: bob.user.id, role: "muted" });
  assert.equal((await refused("muted", bob.call("send", { room, text: "a" }))).retry_after_ms, undefined);
  await bob.call("history", { room });

  await ana.call("member_set", { room, user: bob.user.id, role: "banned" });
  for (const action of ["join", "history", "members"]) await not(bob, "banned", action, {});
  await not(bob, "banned", "send", { text: "a" });
});

test("a message takes only so many reactions", async (t) => {
  const [ana, room] = [await t.person(), t.room()];
  await ana.call("join", { room });
  const { seq } = await ana.call("send", { room, text: "a" });
  for (let i = 0; i < 20; i++) await ana.call("react", { room, target: seq, emoji: String.fromCodePoint(0x1f600 + i) });
  await both(ana, "too_many_reactions", "react", { room, target: seq, emoji: "👍" });
  await ana.call("react", { room, target: seq, emoji: "😀" });
});

test("methods that an address does not know are refused", async (t) => {
  const server = await t.server;
  const ask = (method, path) =>
    new Promise((resolve, reject) => {
      const asked = httpRequest(server.url + path, { method }, async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve([response.statusCode, JSON.parse(text).error.code]);
      });
      asked.on("error", reject).end();
    });
  for (const [method, path] of [
    ["GET", "/api/v1/ping"],
    ["PUT", "/api/v1/ping"],
    ["DELETE", "/api/v1/send"],
    ["POST", "/api/v1/rooms/general/messages"],
    ["POST", "/"],
    ["POST", "/health"],
    ["PATCH", "/metrics"],
  ])
    assert.deepEqual(await ask(method, path), [405, "method_not_allowed"], `${method} ${path}`);
  provoked.add("method_not_allowed");
});

testWorkers("a cid is one message's", async (t) => {
  const [ana, bob, room] = [await t.person(), await t.person(), t.room()];
  await ana.call("join", { room });
  const first = await ana.call("send", { room, text: "one", cid: "c", seen: 1 });
  for (const seen of [0, 1, undefined]) {
    await both(ana, "cid_conflict", "send", { room, text: "two", cid: "c", seen });
    await both(ana, "cid_conflict", "send", { room, text: "one", cid: "c", reply_to: 1, seen });
    assert.deepEqual(await ana.call("send", { room, text: "one", cid: "c", seen }), {
      ...first,
      duplicate: true,
    });
  }
  assert.equal((await bob.call("send", { room, text: "two", cid: "c" })).duplicate, undefined);
});

// unconfirmed: test_sends. Last: it looks at what the others did.
test("every error of the table was seen", async (t) => {
  if (provoked.size < 5) t.skip("the others were not run");
  const unseen = () => [...errors.keys()].filter((code) => !provoked.has(code) && !ELSEWHERE.has(code));
  for (let i = 0; i < 100 && unseen().length > 1; i++) await new Promise((r) => setTimeout(r, 100));
  assert.deepEqual(unseen(), ["unconfirmed"]);
});
