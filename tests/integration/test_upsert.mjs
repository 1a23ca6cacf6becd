// Another system says which people there are: users_upsert by a key of scope admin.
import assert from "node:assert/strict";
import { refused, revoked, test } from "./lib/suite.mjs";

const RIGHT = "correct horse";
const FLAGS = { login: "password", "password-memory": "8k", "password-passes": 1 };

async function begin(t) {
  const server = await t.start(FLAGS);
  const [, code] = /#owner=([0-9a-f]+)/.exec(server.out);
  const owner = await server.command("signup", { name: "olga", password: RIGHT, owner: code });
  const { key } = await server.command("key_create", { name: "hr", scope: "admin read" }, owner.token);
  const upsert = (people, more = {}) => server.command("users_upsert", { people, ...more }, key);
  return { server, owner, key, upsert };
}

test("people are made, named, deactivated and taken back by another system, once each", async (t) => {
  const { server, owner, key, upsert } = await begin(t);
  const ana = await server.command("signup", { name: "Ana", password: RIGHT });
  const { people } = await upsert("ana,Ana Smith\nben\ncat, \n");
  assert.deepEqual(people[0], { name: "Ana", id: ana.user.id, made: false, active: true });
  assert.deepEqual(people.map(({ name, made, active }) => [name, made, active]), [["Ana", false, true], ["ben", true, true], ["cat", true, true]]);
  const again = (await upsert("ana,Ana Smith\nben\ncat,")).people;
  assert.deepEqual(again, people.map((one) => ({ ...one, made: false })));
  const { profiles } = await server.command("profiles", { users: people.map(({ id }) => id).join(",") }, key);
  assert.deepEqual(profiles.map(({ display }) => display), ["Ana Smith", undefined, undefined]);
  await upsert("ana,");
  const [{ display }] = (await server.command("profiles", { users: `${ana.user.id}` }, key)).profiles;
  assert.equal(display, undefined);

  // nobody gets in by a name that was made so, until a link is opened
  await refused("bad_login", server.login("ben", { password: RIGHT }));
  await refused("name_taken", server.command("signup", { name: "ben", password: RIGHT }));
  const { code } = await server.command("recover", { name: "ben" }, owner.token);
  const ben = await server.command("reset", { code, password: RIGHT });
  assert.equal(ben.user.id, people[1].id);

  const off = await upsert("ana\nBEN", { active: false });
  assert.deepEqual(off.people.map(({ name, active }) => [name, active]), [["Ana", false], ["ben", false]]);
  for (const { token } of [ana, ben]) await revoked(() => server.command("rooms", {}, token));
  await refused("deactivated", server.login("ana", { password: RIGHT }));
  assert.deepEqual((await upsert("ben")).people.map(({ active }) => active), [false]); // as it was
  await upsert("ana", { active: true });
  await server.login("ana", { password: RIGHT });
  await server.restart();
  assert.deepEqual((await upsert("ana\nben")).people.map(({ active }) => active), [true, false]);
});

test("each is answered for itself, and nobody but the owner asks", async (t) => {
  const { server, owner, upsert } = await begin(t);
  await server.command("bot_create", { name: "robot" }, owner.token);
  const { people } = await upsert(`a/b\nAlice\nAIice\nrobot\nolga\nbob,${"x".repeat(600)}\n\ncat`, { active: false });
  const told = people.map(({ name, active, error }) => [name, error ?? active]);
  assert.deepEqual(told, [
    ["a/b", "bad_name"],
    ["Alice", false],
    ["AIice", "name_alike"],
    ["robot", "name_taken"],
    ["olga", "forbidden"],
    ["bob", "too_long"],
    ["", "bad_name"],
    ["cat", false],
  ]);
  await server.command("rooms", {}, owner.token);
  const many = Array.from({ length: 51 }, (_, i) => `p ${20 + 13 * i}`);
  assert.equal((await refused("too_long", upsert(many.join("\n")))).parameter, "people");
  assert.equal((await upsert(many.slice(1).join("\n"))).people.filter(({ made }) => made).length, 50);
  await refused("empty", upsert(""));
  const ana = await server.command("signup", { name: "ana", password: RIGHT });
  await refused("forbidden", server.command("users_upsert", { people: "x" }, ana.token));
  const { key } = await server.command("key_create", { name: "a", scope: "read write rooms" }, owner.token);
  await refused("beyond_scope", server.command("users_upsert", { people: "x" }, key));
});
