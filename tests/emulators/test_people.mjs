// People on several servers that share a store: what two of them are asked at once.
import assert from "node:assert/strict";
import { Redis } from "../cluster/redis.mjs";
import { refused, test } from "../integration/lib/suite.mjs";
import { run, serve, use } from "./lib/use.mjs";

const RIGHT = "correct horse";
const FLAGS = { login: "password", "password-memory": "8k", "password-passes": 1, "password-queue": 1000 };

// Two servers on one store, and who owns it.
async function pair(t, flags = {}) {
  const d = await use(t);
  const redis = await Redis.start();
  t.after(() => redis.close());
  const all = { ...FLAGS, bus: `redis://127.0.0.1:${redis.port}`, ...flags };
  const one = await serve(t, d, all);
  const two = await serve(t, d, all);
  const [, code] = /#owner=([0-9a-f]+)/.exec(one.out);
  const owner = await one.command("signup", { name: "Owner", password: RIGHT, owner: code });
  return { d, one, two, owner };
}

test("an invite used at two servers at once lets in as many as it may", async (t) => {
  const { one, two, owner } = await pair(t, { signup: "invite" });
  const { code } = await one.command("invite_create", { uses: 3 }, owner.token);
  const come = (i) => (i % 2 ? one : two).command("signup", { name: `p ${20 + 13 * i}`, password: RIGHT, invite: code });
  const came = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => come(i)));
  const refusals = came.filter(({ status }) => status === "rejected").map(({ reason }) => reason.code);
  assert.deepEqual(refusals, Array(9).fill("no_such_invite"));
  const { invites } = await two.command("invites", {}, owner.token);
  assert.deepEqual(invites.map(({ uses, used }) => [uses, used]), [[3, 3]]);
  // and one that was revoked at one is over at the other
  const other = await one.command("invite_create", {}, owner.token);
  await two.command("invite_revoke", { invite: other.invite.id }, owner.token);
  await refused("no_such_invite", one.command("signup", { name: "late", password: RIGHT, invite: other.code }));
  await refused("invite_needed", two.command("signup", { name: "late", password: RIGHT }));
});

test("polylog admin works on DynamoDB while servers run", async (t) => {
  const { d, one, two, owner } = await pair(t);
  const ana = await one.command("signup", { name: "ana", password: RIGHT });
  const admin = (...args) => run(["admin", ...args, "--store=dynamodb", `--dynamodb-prefix=${d.prefix}`], d.env);
  const link = await admin("recover", "ana");
  assert.equal(link.code, 0, link.err);
  const [, code] = /#recover=(\S+)\n$/.exec(link.out);
  const reset = await two.command("reset", { code, password: "battery staple" });
  assert.equal(reset.user.id, ana.user.id);
  const key = await admin("key", "create", "--as=owner", "--name=a machine", "--scope=admin read");
  assert.equal(key.code, 0, key.err);
  const { users } = await two.command("users", { query: "own" }, key.out.trim());
  assert.deepEqual(users.map(({ id }) => id), [owner.user.id]);
  const nobody = await admin("recover", "nobody");
  assert.deepEqual([nobody.code, nobody.out], [1, ""]);
});

test("users_upsert at two servers at once makes each person once", async (t) => {
  const { one, two, owner } = await pair(t);
  const { key } = await one.command("key_create", { name: "hr", scope: "admin" }, owner.token);
  const names = Array.from({ length: 20 }, (_, i) => `p ${20 + 13 * i}`);
  const upsert = (server) => server.command("users_upsert", { people: names.join("\n") }, key);
  const [here, there] = await Promise.all([upsert(one), upsert(two)]);
  for (const [i, name] of names.entries()) {
    assert.deepEqual([here.people[i].name, here.people[i].id], [name, there.people[i].id]);
    assert.equal(here.people[i].made !== there.people[i].made, true, name);
  }
});
