// What people say of themselves.
import assert from "node:assert/strict";
import { test, refused } from "./lib/suite.mjs";

test("a look-alike name is refused, at once and over HTTP", async (t) => {
  const server = await t.server;
  await server.login("Alice 10");
  for (const [name, code] of [["AIice 10", "name_alike"], ["Alice lO", "name_alike"], ["Аlice 10", "bad_name"]])
    await refused(code, server.login(name));
});

test("a profile is set piece by piece, and others read it", async (t) => {
  const [ana, bo] = [await t.person(), await t.person()];
  const until = Date.now() + 3_600_000;
  await ana.call("profile_set", { display: "Ana Ä. 👍", zone: "Europe/Berlin" });
  await ana.call("profile_set", { status: "at lunch", status_until: until, state: "away", state_until: until });
  const read = async () => (await bo.call("profiles", { users: `${ana.user.id}` })).profiles[0];
  assert.deepEqual(await read(), {
    id: ana.user.id,
    name: ana.user.name,
    display: "Ana Ä. 👍",
    status: "at lunch",
    status_until: until,
    zone: "Europe/Berlin",
    state: "away",
    state_until: until,
  });
  await ana.call("profile_set", { status: "", state: "here", zone: "" });
  assert.deepEqual(await read(), { id: ana.user.id, name: ana.user.name, display: "Ana Ä. 👍" });
  await ana.call("profile_set", { status: "back" });
  assert.equal((await read()).status, "back");
  assert.deepEqual((await bo.call("profiles", { users: "999999" })).profiles, []);
});

test("one's other devices hear of a block and of a profile, and nobody else does", async (t) => {
  const [ana, bo] = [await t.person(), await t.person()];
  const phone = await (await t.server).connect(ana.token);
  await ana.call("profile_set", { display: "A" });
  assert.equal((await phone.event({ event: "profile" })).room, `@${ana.user.id}`);
  await ana.call("block", { user: bo.user.id });
  assert.deepEqual((await phone.event({ event: "block", on: true })).user, bo.user);
  await ana.http("block", { user: bo.user.id, on: false });
  assert.equal((await phone.event({ event: "block", on: false })).user.id, bo.user.id);
  const { entries } = await bo.call("history", { room: `@${bo.user.id}`, view: "log" });
  assert.deepEqual(entries.filter(({ event }) => event === "block" || event === "profile"), []);
});

test("a profile of nonsense is refused", async (t) => {
  const ana = await t.person();
  const later = Date.now() + 1e6;
  const bad = [
    ["profile_set", { display: "x".repeat(129) }, "too_long"],
    ["profile_set", { display: 7 }, "bad_type"],
    ["profile_set", { display: "a\u202eb" }, "bad_text"],
    ["profile_set", { status: "a\nb" }, "bad_text"],
    ["profile_set", { status: "a", status_until: 1 }, "bad_value"],
    ["profile_set", { status_until: later }, "bad_value"],
    ["profile_set", { zone: "Europe/Berlin;" }, "bad_value"],
    ["profile_set", { zone: "x".repeat(65) }, "bad_value"],
    ["profile_set", { state: "asleep" }, "bad_value"],
    ["profile_set", { state: "here", state_until: later }, "bad_value"],
    ["profile_set", { state: "away", state_until: "soon" }, "bad_type"],
    ["profiles", {}, "missing_parameter"],
    ["profiles", { users: "" }, "bad_value"],
    ["profiles", { users: "1,,2" }, "bad_value"],
    ["profiles", { users: "1, 2" }, "bad_value"],
    ["profiles", { users: "ana" }, "bad_value"],
    ["profiles", { users: Array.from({ length: 21 }, (_, i) => i + 1).join() }, "bad_value"],
    ["profiles", { users: [1] }, "bad_type"],
  ];
  for (const [action, params, code] of bad) {
    await refused(code, ana.call(action, params));
    const server = await t.server;
    await refused(code, server.command(action, params, ana.token));
  }
  await ana.call("ping", {});
});

test("whom one blocks writes to one no more, nor one to them", async (t) => {
  const [ana, bo] = [await t.person(), await t.person()];
  const { room } = await ana.call("dm", { user: bo.user.id });
  await bo.call("join", { room: room.id });
  const { seq } = await bo.call("send", { room: room.id, text: "hi" });
  assert.deepEqual(await ana.call("block", { user: bo.user.id }), { user: bo.user.id, on: true });
  await ana.call("block", { user: bo.user.id }); // again: nothing is amiss
  for (const who of [bo, ana]) {
    await refused("blocked", who.call("send", { room: room.id, text: "hi?" }));
    await refused("blocked", who.http("send", { room: room.id, text: "hi?" }));
  }
  await refused("blocked", bo.call("edit", { room: room.id, target: seq, text: "hi!" }));
  await refused("blocked", bo.call("react", { room: room.id, target: seq, emoji: "👍" }));
  await bo.call("delete", { room: room.id, target: seq });
  assert.deepEqual((await bo.call("blocks", {})).blocks, []); // they are not told by whom
  assert.deepEqual((await ana.call("blocks", {})).blocks, [{ id: bo.user.id, name: bo.user.name }]);
  await bo.call("block", { user: ana.user.id }); // both: each takes back their own
  await ana.call("block", { user: bo.user.id, on: false });
  await refused("blocked", bo.call("send", { room: room.id, text: "hi?" }));
  await bo.http("block", { user: ana.user.id, on: false });
  await bo.call("send", { room: room.id, text: "there" });
});

test("the blocked begin no direct room, and find no list of theirs changed", async (t) => {
  const [ana, bo, cy] = [await t.person(), await t.person(), await t.person()];
  await ana.call("block", { user: bo.user.id });
  await refused("blocked", bo.call("dm", { user: ana.user.id }));
  await refused("blocked", bo.http("dm", { user: ana.user.id }));
  assert.deepEqual((await ana.call("rooms", {})).rooms.filter(({ kind }) => kind === "direct"), []);
  await cy.call("dm", { user: ana.user.id }); // others do
});

test("a block of nonsense is refused", async (t) => {
  const ana = await t.person();
  for (const [action, params, code] of [
    ["block", {}, "missing_parameter"],
    ["block", { user: "bo" }, "bad_type"],
    ["block", { user: 0 }, "bad_value"],
    ["block", { user: ana.user.id }, "bad_value"],
    ["block", { user: 999_999 }, "no_such_user"],
    ["block", { user: -1 }, "bad_value"],
    ["blocks", { next: "x" }, "bad_value"],
    ["blocks", { limit: 501 }, "bad_value"],
  ]) {
    await refused(code, ana.call(action, params));
    await refused(code, ana.http(action, params));
  }
  for (const who of [await t.person(), await t.person(), await t.person()]) await ana.call("block", { user: who.user.id });
  const first = await ana.call("blocks", { limit: 2 });
  const rest = await ana.call("blocks", { limit: 2, next: first.next });
  assert.deepEqual([first.blocks.length, rest.blocks.length, rest.next], [2, 1, undefined]);
});

test("who is deactivated has no session any more, and gets none", async (t) => {
  const server = await t.start();
  const [, code] = server.out.match(/#owner=([0-9a-f]+)/);
  const owner = await server.connect((await server.login("the owner", { owner: code })).token);
  const ana = await t.person("ana", { server });
  const second = await server.login(ana.user.name);
  const { key } = await ana.call("key_create", { name: "a", scope: "read" });
  await server.command("rooms", {}, key);
  const bo = await t.person("bo", { server });
  const { room } = await bo.call("dm", { user: ana.user.id });
  await refused("forbidden", bo.call("deactivate", { user: ana.user.id }));
  await refused("forbidden", bo.http("deactivate", { user: ana.user.id }));
  await owner.call("deactivate", { user: ana.user.id });
  await refused("revoked", server.command("rooms", {}, second.token));
  await refused("revoked", server.command("rooms", {}, ana.token));
  await refused("revoked", server.command("rooms", {}, key));
  await refused("deactivated", server.login(ana.user.name));
  await bo.call("send", { room: room.id, text: "still there" });
  await refused("forbidden", bo.call("deactivate", { user: ana.user.id, on: false }));
  await owner.call("deactivate", { user: ana.user.id, on: false });
  const back = await server.login(ana.user.name);
  assert.equal(back.user.id, ana.user.id);
  assert.deepEqual((await server.command("keys", {}, back.token)).keys, []);
  assert.deepEqual(await bo.http("deactivate"), { user: bo.user.id, on: true }); // oneself
  await refused("deactivated", server.login(bo.user.name));
  await refused("no_such_user", owner.call("deactivate", { user: 999_999 }));
  await refused("bad_type", owner.call("deactivate", { user: "ana" }));
});
