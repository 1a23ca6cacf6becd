// API keys: by which machines speak, no further than their scopes, until they are revoked.
import assert from "node:assert/strict";
import { refused, revoked, test, testWorkers } from "./lib/suite.mjs";

const YEAR_MS = 365 * 86_400_000;

testWorkers("a key speaks as its person, by every door, and is shown once", async (t) => {
  const server = await t.start({ workers: t.workers });
  const ana = await t.person("ana", { server });
  const made = await ana.call("key_create", { name: "the cron", scope: "write read" });
  assert.match(made.key, /^plk_\d+_\d+_[\w-]{43}$/);
  assert.ok(Math.abs(made.expires - Date.now() - YEAR_MS) < 3600e3);
  await ana.call("join", { room: "r" });
  await server.command("send", { room: "r", text: "by HTTP", cid: "1" }, made.key);
  assert.deepEqual((await ana.event({ text: "by HTTP" })).from, ana.user);
  const machine = await server.connect(made.key);
  assert.deepEqual([machine.me.user, machine.me.expires], [ana.user, made.expires]);
  await machine.call("join", { room: "r" });
  await machine.call("send", { room: "r", text: "by WebSocket" });
  await ana.event({ text: "by WebSocket" });
  const { keys } = await ana.call("keys");
  assert.equal(keys.length, 1);
  const { created, used, ...rest } = keys[0];
  assert.deepEqual(rest, { id: made.id, name: "the cron", scope: "read write", expires: made.expires });
  assert.ok(used >= created && created > Date.now() - 3600e3);
  assert.ok(!JSON.stringify(keys).includes(made.key.slice(-43)));
  assert.ok(!server.log.includes(made.key.slice(-43)));
});

testWorkers("auth by a key is a command like others, whatever the request itself was sent by", async (t) => {
  const server = await t.start({ workers: t.workers });
  const ana = await t.person("ana", { server });
  const { key } = await ana.call("key_create", { name: "a", scope: "read" });
  for (const by of [key, ana.token, undefined])
    for (const token of [key, ana.token])
      for (let i = 0; i < 2; i++) assert.deepEqual((await server.command("auth", { token }, by)).user, ana.user);
  const machine = await server.connect(key);
  for (const token of [key, key]) assert.deepEqual((await machine.call("auth", { token })).user, ana.user);
  await refused("bad_token", server.command("auth", { token: `${key.slice(0, -1)}` }, key));
});

testWorkers("what was revoked opens nothing, and what it opened is closed", async (t) => {
  const server = await t.start({ workers: t.workers });
  const ana = await t.person("ana", { server });
  const { key, id } = await ana.call("key_create", { name: "a", scope: "read" });
  const other = await ana.call("key_create", { name: "b", scope: "read" });
  const machine = await server.connect(key);
  assert.deepEqual(await ana.call("key_revoke", { key: id }), { id });
  assert.equal((await machine.closed).code, 4401);
  await revoked(() => server.command("rooms", {}, key));
  await server.command("rooms", {}, other.key);
  await refused("no_such_key", ana.call("key_revoke", { key: id }));
  assert.deepEqual((await ana.call("keys")).keys.map((one) => one.id), [other.id]);
});

test("a key outlives the server, and what was revoked stays so", async (t) => {
  const server = await t.start();
  const ana = await t.person("ana", { server });
  const [good, bad] = [await ana.call("key_create", { name: "a", scope: "read" }), await ana.call("key_create", { name: "b", scope: "read" })];
  await ana.call("key_revoke", { key: bad.id });
  await server.restart();
  await server.command("rooms", {}, good.key);
  await refused("revoked", server.command("rooms", {}, bad.key));
});

// What a scope is for, by one command of each; and what no key may.
const PROBES = {
  read: ["history", { room: "r" }],
  write: ["send", { room: "r", text: "a" }],
  rooms: ["room_set", { room: "r", title: "A" }],
};
const NEVER = { token: { name: "x" }, sessions: {}, logout: {}, keys: {}, key_create: { name: "x", scope: "read" }, key_revoke: { key: "1" } };

testWorkers("a key goes no further than its scope", async (t) => {
  const server = await t.start({ workers: t.workers });
  const ana = await t.person("ana", { server });
  await ana.call("room_create", { room: "r" });
  for (const scope of ["read", "write", "rooms", "read write", "read write rooms"]) {
    const { key } = await ana.call("key_create", { name: "a", scope });
    const machine = await server.connect(key);
    const doors = [(...call) => machine.call(...call), (action, params) => server.command(action, params, key)];
    for (const door of doors) {
      for (const [needs, probe] of Object.entries(PROBES))
        if (scope.split(" ").includes(needs)) await door(...probe);
        else await refused("beyond_scope", door(...probe));
      for (const [action, params] of Object.entries(NEVER)) await refused("beyond_scope", door(action, params));
      await door("ping", {});
    }
  }
});

test("admin is the owner's to give", async (t) => {
  const server = await t.start();
  const [, code] = server.out.match(/#owner=([0-9a-f]+)/);
  const owner = await server.login("olga", { owner: code });
  const ana = await t.person("ana", { server });
  await refused("forbidden", ana.call("key_create", { name: "a", scope: "admin" }));
  const { key } = await server.command("key_create", { name: "a", scope: "admin read" }, owner.token);
  const drain = (token) => server.fetch("/api/v1/drain", { headers: { Authorization: `Bearer ${token}` } });
  assert.equal((await drain(key)).status, 200);
  const plain = await server.command("key_create", { name: "a", scope: "read write rooms" }, owner.token);
  assert.equal((await drain(plain.key)).status, 403);
  // of a script, and of nobody else
  const { user } = await server.command("token", { name: "cron" }, owner.token);
  const script = await server.command("key_create", { name: "b", scope: "write", user: user.id }, owner.token);
  assert.equal((await server.command("keys", { user: user.id }, owner.token)).keys.length, 1);
  await ana.call("join", { room: "general" });
  await server.command("send", { room: "general", text: "by a script" }, script.key);
  await refused("no_such_user", server.command("key_create", { name: "b", scope: "write", user: ana.user.id }, owner.token));
  await refused("forbidden", ana.call("key_create", { name: "b", scope: "write", user: user.id }));
  await refused("forbidden", ana.call("key_revoke", { key: script.id, user: user.id }));
  await server.command("key_revoke", { key: script.id, user: user.id }, owner.token);
  await revoked(() => server.command("send", { room: "general", text: "a" }, script.key));
});

test("bad keys, and bad values", async (t) => {
  const server = await t.start({ "messages-per-user": 0 });
  const [ana, bob] = [await t.person("ana", { server }), await t.person("bob", { server })];
  for (const scope of ["", " ", "read read", "read  write", "all", "read,write"])
    await refused("bad_value", ana.call("key_create", { name: "a", scope }));
  for (const ttl of [0, 59_999, 3650 * 86_400_000 + 1]) await refused("bad_value", ana.call("key_create", { name: "a", scope: "read", ttl }));
  await refused("bad_name", ana.call("key_create", { name: " ", scope: "read" }));
  for (const key of ["", "x", "-1", "0", "1 "]) await refused("bad_value", ana.call("key_revoke", { key }));
  const { key } = await ana.call("key_create", { name: "a", scope: "read" });
  const [, user, id, secret] = /^plk_(\d+)_(\d+)_(.*)$/.exec(key);
  const wrong = (secret.startsWith("A") ? "B" : "A") + secret.slice(1);
  await server.command("rooms", {}, key);
  await refused("bad_token", server.command("rooms", {}, `plk_${user}_${id}_${wrong}`));
  for (const one of [`plk_${bob.user.id}_${id}_${secret}`, `plk_${user}_${BigInt(id) + 1n}_${secret}`])
    await refused("revoked", server.command("rooms", {}, one));
  for (const one of [`plk_${user}_${id}_`, `plk_${user}_${id}_${secret}A`, `plk_${user}_${id}`, "plk_", `plk_0_${id}_${secret}`])
    await refused("bad_token", server.command("rooms", {}, one));
  for (let i = 1; i < 100; i++) await ana.call("key_create", { name: "a", scope: "read" });
  await refused("too_many_keys", ana.call("key_create", { name: "a", scope: "read" }));
});
