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
