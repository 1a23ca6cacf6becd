// Servers on DynamoDB: one chat of several, what is kept, and what is said when it is away.
import { GetItemCommand, QueryCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import assert from "node:assert/strict";
import { Pipe } from "../cluster/pipe.mjs";
import { Redis } from "../cluster/redis.mjs";
import { Issuer } from "../integration/lib/issuer.mjs";
import { refused, test, until } from "../integration/lib/suite.mjs";
import { serve, use } from "./lib/use.mjs";

const SECRET = "one secret that both servers share";

async function history(person, room) {
  const { entries } = await person.call("history", { room, after: 0, limit: 100 });
  return entries.map(({ seq, text }) => `${seq} ${text}`);
}

test("two servers are one chat, and one that is killed has lost nothing", async (t) => {
  const d = await use(t);
  const redis = await Redis.start();
  t.after(() => redis.close());
  const flags = { bus: `redis://127.0.0.1:${redis.port}`, "token-secret": SECRET };
  const [one, two] = [await serve(t, d, flags), await serve(t, d, flags)];
  const ana = await one.person("ana");
  const bob = await two.connect((await two.login("bob")).token);
  for (const person of [ana, bob]) await person.call("join", { room: "general" });
  const heard = bob.event({ event: "message", text: "from one" });
  await ana.call("send", { room: "general", text: "from one" });
  await heard;
  assert.equal((await two.login("ana")).user.id, ana.user.id);
  assert.deepEqual(await history(bob, "general"), ["2 from one"]);
  await one.stop("SIGKILL");
  await bob.call("send", { room: "general", text: "from two" });
  await one.spawn();
  const again = await one.connect(ana.token);
  assert.deepEqual(await history(again, "general"), ["2 from one", "3 from two"]);
});

test("whoever comes to two servers at once, for the first time, is one person", async (t) => {
  const d = await use(t);
  const redis = await Redis.start();
  t.after(() => redis.close());
  const issuer = await Issuer.start();
  t.after(() => issuer.stop());
  const flags = { bus: `redis://127.0.0.1:${redis.port}`, issuer: issuer.url, audience: "chat" };
  const servers = [await serve(t, d, flags), await serve(t, d, flags)];
  for (const server of servers)
    await until("it has the keys", () =>
      server.command("auth", { token: issuer.token({ sub: "probe" }) }).then(() => true, () => false));
  // all want to be called the same, each by two tokens at each server
  const token = (sub, jti) => issuer.token({ sub, jti, origin_jti: sub, preferred_username: "ana" }, { alg: "EdDSA" });
  const subjects = Array.from({ length: 12 }, (_, i) => `s-${i}`);
  // A store that answers late, as an emulator may under all this, is as good as away: decision 0017.
  const auth = (server, token) =>
    server.command("auth", { token }).catch((error) => {
      if (error.code !== "store_failed") throw error;
      return auth(server, token);
    });
  const come = async (sub) => {
    const all = [0, 1, 2, 3].map((i) => auth(servers[i % 2], token(sub, `${i}`)));
    const [first, ...others] = (await Promise.all(all)).map(({ user }) => user);
    for (const other of others) assert.deepEqual(other, first);
    return first;
  };
  const people = await Promise.all(subjects.map(come));
  for (const what of ["id", "name"]) assert.equal(new Set(people.map((user) => user[what])).size, subjects.length);
  assert.ok(people.every(({ name }) => name === "ana" || /^ana-\d+$/.test(name)));
  // a session that ends at one ends at the other
  const ana = await servers[0].connect(token("s-0", "4"));
  await servers[1].command("logout", {}, token("s-0", "5"));
  assert.equal((await ana.closed).code, 4401);
  await refused("revoked", servers[0].command("rooms", {}, token("s-0", "6")));
});

test("items are as docs/dynamodb.md shows them", async (t) => {
  const d = await use(t);
  const server = await serve(t, d);
  const ana = await server.person("ana");
  await ana.call("join", { room: "general" });
  const { seq } = await ana.call("send", { room: "general", text: "hello" });
  await ana.call("edit", { room: "general", target: seq, text: "better" });
  const { Items: items } = await d.sdk.send(
    new QueryCommand({
      TableName: `${d.prefix}-log`,
      KeyConditionExpression: "room = :r",
      ExpressionAttributeValues: { ":r": { S: "general" } },
    }),
  );
  const first = items.find((item) => item.seq.N === "1");
  assert.deepEqual(Object.keys(first).sort(), ["entries", "epoch", "n", "nonce", "rev", "room", "seq"]);
  assert.ok(Buffer.from(items.find((item) => item.seq.N === String(seq)).entries.B).includes("hello"));
  const { Item: amended } = await d.sdk.send(
    new GetItemCommand({ TableName: `${d.prefix}-log`, Key: { room: { S: "general#a" }, seq: { N: String(seq) } } }),
  );
  assert.ok(Buffer.from(amended.state.B).includes("better"));
  const { Items: records } = await d.sdk.send(new ScanCommand({ TableName: `${d.prefix}-record` }));
  const counters = records.filter((item) => item.pk.S === "#next");
  assert.deepEqual(
    counters.map(({ sk, given }) => [String(Buffer.from(sk.B)), Number(given.N) % 16, Number(given.N) > 0]),
    [["users", 0, true]], // in blocks
  );
  const kept = records.filter((item) => item.pk.S !== "#next");
  assert.ok(kept.length > 0 && kept.every((item) => item.sk.B !== undefined && item.rev.N !== undefined));
});

test("while DynamoDB is away, what cannot be done is refused, and later it goes on", async (t) => {
  const there = await use(t);
  const way = await Pipe.open(Number(new URL(there.url).port));
  t.after(() => way.close());
  const url = `http://127.0.0.1:${way.port}`;
  const d = { url, env: { ...there.env, AWS_ENDPOINT_URL_DYNAMODB: url }, prefix: there.prefix };
  const server = await serve(t, d, { "dynamodb-deadline": "10s", "dynamodb-try": "5s" });
  const ana = await server.person("ana");
  await ana.call("join", { room: "general" });
  await ana.call("send", { room: "general", text: "before" });
  way.set("cut");
  const error = await refused("store_failed", ana.call("send", { room: "general", text: "lost" }));
  assert.ok(error.message.length > 0);
  const health = await server.fetch("/health");
  assert.equal(health.status, 200);
  await until("the log says why", () => /engine_trouble.*(Connection|reset|Broken)/.test(server.log));
  way.set("open");
  const again = () => ana.call("send", { room: "general", text: "after" });
  await until("it works again", () => again().then(() => true, () => false));
});
