// Several nodes behind an API Gateway, over DynamoDB and Redis: messages come to any of them, homes
// are lost and given away, and no client's socket is touched.
import { DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { Redis, url as redisUrl } from "../cluster/redis.mjs";
import { freePort } from "../integration/lib/ports.mjs";
import { PROGRAM, temporary } from "../integration/lib/server.mjs";
import { sleep, test, until } from "../integration/lib/suite.mjs";
import { startEmulator } from "./lib/emulator.mjs";
import { come, KEYS, routes, scene, startGateway, startNode } from "./lib/homes.mjs";

const OPEN = 'polylog_connections_open{door="gw"}';

// As a load balancer: each request of a path to another node, and to the next where one does not answer.
async function balance(t, nodes) {
  const turns = {};
  const agent = new http.Agent({ keepAlive: true });
  const forward = (request, body, response, left) => {
    const { method, url: path, headers } = request;
    const turn = (turns[path] = (turns[path] ?? -1) + 1);
    const node = nodes[turn % nodes.length];
    const again = () => (left > 0 ? forward(request, body, response, left - 1) : response.writeHead(502).end());
    const asked = http.request({ host: "127.0.0.1", port: node.port, method, path, headers, agent }, (answer) => {
      if (answer.statusCode === 503) return answer.resume(), again();
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    asked.on("error", again);
    asked.end(body);
  };
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    forward(request, Buffer.concat(parts), response, 4 * nodes.length);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => (server.closeAllConnections(), server.close(), agent.destroy()));
  return `http://127.0.0.1:${server.address().port}`;
}

async function startStore(t) {
  const endpoint = await startEmulator(t);
  await promisify(execFile)(PROGRAM, ["store", "init", "--no-recovery", "--no-deletion-protection"], {
    env: { ...process.env, ...KEYS, AWS_ENDPOINT_URL_DYNAMODB: endpoint },
  });
  const redis = await Redis.start();
  t.after(() => redis.close());
  return {
    store: "dynamodb",
    "dynamodb-endpoint": endpoint,
    bus: redisUrl(redis.port),
    "token-secret": "shared".repeat(6),
    "drain-ms": "20s",
    "dynamodb-try": "20s",
    "dynamodb-deadline": "1m",
  };
}

async function twoNodes(t) {
  const flags = await startStore(t);
  const port = await freePort();
  const dir = temporary("pids");
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const start = async (name) => {
    const file = join(dir, name);
    const node = await startNode(t, port, { ...flags, "pid-file": file });
    const drain = (...args) => promisify(execFile)(PROGRAM, ["drain", "--pid-file", file, ...args]);
    return Object.assign(node, { drain });
  };
  const nodes = [await start("a"), await start("b")];
  const gateway = await startGateway(t, port, routes(await balance(t, nodes)));
  return { nodes, gateway, server: nodes[0], port, flags };
}

const homes = async (node) => (await node.metrics())(OPEN);

// Every seq of the room from the first that was shown, once they are all there.
async function shown(person, room, head) {
  const seqs = () => person.log(room).map(({ seq }) => seq);
  await until("everything is shown", () => new Set(seqs()).size > 0 && Math.max(...seqs()) >= head);
  const first = Math.min(...seqs());
  const missing = [];
  for (let seq = first; seq <= head; seq++) if (!seqs().includes(seq)) missing.push(seq);
  assert.deepEqual(missing, [], "missing");
  return { all: seqs().length, once: head - first + 1 };
}

// Says something again and again, by a connection of its own to the node; resolves to the last seq.
async function talker(t, node, room) {
  const person = await t.person("talker", { server: node });
  await person.call("join", { room, create: true });
  let over = false;
  const said = (async () => {
    for (let n = 0; ; n++, await sleep(20)) {
      const { seq } = await person.call("send", { room, text: `${n}` });
      if (over) return seq;
    }
  })();
  said.catch(() => undefined);
  return () => ((over = true), said);
}

// The store knows of n connections that they follow the room.
async function kept(t, { flags }, room, n) {
  const client = new DynamoDBClient({
    endpoint: flags["dynamodb-endpoint"],
    region: KEYS.AWS_REGION,
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
  });
  t.after(() => client.destroy());
  const follows = (item) =>
    Object.values(item).some(({ B, S }) => (B !== undefined ? Buffer.from(B).toString("latin1") : (S ?? "")).includes(`\n${room}.`));
  await until("the rooms are kept", async () => {
    const { Items } = await client.send(new ScanCommand({ TableName: "polylog-record", ConsistentRead: true }));
    return Items.filter(follows).length === n;
  });
}

// The files of the server's own store have it that the person follows the room.
async function keptThere({ flags: { data } }, { user }, room) {
  const follows = new RegExp(`${user.name}\n[^\n]*${room}\\.`);
  await until("it is kept", () =>
    readdirSync(data).some((name) => name.startsWith("polylog") && follows.test(readFileSync(join(data, name), "latin1"))),
  );
}

async function crowd(t, at, room, n) {
  const people = [];
  for (let i = 0; i < n; i++) people.push(await come(t, at, "p", { said: { array: i % 2 === 0 } }));
  for (const person of people) await person.call("join", { room, create: true });
  await kept(t, at, room, n);
  return people;
}

test("messages that come to another node are relayed", async (t) => {
  const at = await twoNodes(t);
  const room = t.room();
  const people = await crowd(t, at, room, 4);
  const counts = await Promise.all(at.nodes.map(homes));
  assert.equal(counts[0] + counts[1], 4);
  assert.ok(counts[0] > 0 && counts[1] > 0, `${counts}`);
  const sent = await Promise.all(
    people.flatMap((person, p) => Array.from({ length: 20 }, (_, i) => person.call("send", { room, text: `${p}-${i}` }))),
  );
  const head = Math.max(...sent.map(({ seq }) => seq));
  for (const person of people) {
    const { all, once: each } = await shown(person, room, head);
    assert.equal(all, each, "shown twice");
  }
  await people[0].close();
  await until("it is gone", async () => (await homes(at.nodes[0])) + (await homes(at.nodes[1])) === 3);
});

test("a home that is killed is taken over, and nothing is missing", async (t) => {
  const at = await twoNodes(t);
  const room = t.room();
  const say = await talker(t, at.nodes[1], room);
  const people = await crowd(t, at, room, 6);
  assert.ok((await homes(at.nodes[0])) > 0);
  await at.nodes[0].stop("SIGKILL");
  // Whoever says something is not without a home for long.
  const asked = await Promise.all(people.map((person) => person.call("ping")));
  assert.equal(asked.length, 6);
  await until("the other has all", async () => (await homes(at.nodes[1])) === 6);
  await sleep(500);
  const head = await say();
  for (const person of people) {
    await shown(person, room, head);
    assert.equal(person.closing, undefined);
  }
  const { seq } = await people[0].call("send", { room, text: "still here" });
  for (const person of people) await person.event({ event: "message", seq });
});

test("a home that nobody asks for is taken over", async (t) => {
  const at = await twoNodes(t);
  const room = t.room();
  const people = await crowd(t, at, room, 4);
  const say = await talker(t, at.nodes[1], room);
  await at.nodes[0].stop("SIGKILL");
  await until("the other has all", async () => (await homes(at.nodes[1])) === 4);
  const head = await say();
  for (const person of people) {
    await shown(person, room, head);
    assert.equal(person.closing, undefined);
  }
});

test("a node that ends gives its homes away, and nobody is disconnected", async (t) => {
  const at = await twoNodes(t);
  const room = t.room();
  const say = await talker(t, at.nodes[1], room);
  const people = await crowd(t, at, room, 10);
  assert.ok((await homes(at.nodes[0])) > 0);
  const ended = at.nodes[0].stop("SIGTERM");
  const busy = Promise.all(
    people.map(async (person) => {
      for (let i = 0; i < 20; i++) await person.call("send", { room, text: `${i}` });
    }),
  );
  assert.equal(await ended, 0);
  await busy;
  // What was not given away in time is nobody's, and looked for.
  await until("the other has all", async () => (await homes(at.nodes[1])) === 10);
  const head = await say();
  for (const person of people) {
    const { all, once: each } = await shown(person, room, head);
    assert.equal(all, each, "shown twice");
    assert.equal(person.closing, undefined);
  }
  assert.ok((await at.nodes[1].metrics())("polylog_gateway_homes_taken_total") > 0);
});

test("one node that starts again has its connections again", async (t) => {
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    const at = await scene(t);
    const room = t.room();
    const [ana, ben] = [await come(t, at, "ana"), await come(t, at, "ben")];
    await ana.call("join", { room, create: true });
    await ben.call("join", { room });
    const { seq } = await ana.call("send", { room, text: "before" });
    await ben.event({ event: "message", seq });
    for (const person of [ana, ben]) await keptThere(at.server, person, room);
    await at.server.restart({}, signal);
    await until("both are back", async () => (await homes(at.server)) === 2);
    const after = await ana.call("send", { room, text: "after" });
    await ben.event({ event: "message", seq: after.seq });
    assert.equal(ana.closing, undefined);
    assert.equal(ben.closing, undefined);
  }
});

test("a node gives a share of its homes away, and serves on", async (t) => {
  const at = await twoNodes(t);
  const room = t.room();
  const say = await talker(t, at.nodes[1], room);
  const people = await crowd(t, at, room, 20);
  const [a, b] = await Promise.all(at.nodes.map(homes));
  assert.ok(a >= 8 && a + b === 20, `${a} ${b}`);
  await at.nodes[0].drain("--share", "100");
  await until("it has none", async () => (await homes(at.nodes[0])) === 0);
  assert.equal((await at.nodes[0].fetch("/ready")).status, 200);
  await at.nodes[1].drain("--share", "50");
  await until("some are back", async () => (await homes(at.nodes[0])) >= 5);
  await at.nodes[1].drain("--undo");
  await until("it has stopped", async () => {
    const [before] = await Promise.all(at.nodes.map(homes));
    await sleep(200);
    return (await homes(at.nodes[0])) === before;
  });
  const counts = await until("each has a home", async () => {
    const all = await Promise.all(at.nodes.map(homes));
    return all[0] + all[1] === 20 && all;
  });
  assert.ok(counts[0] <= 14, `half of 20, about: ${counts}`);
  const head = await say();
  for (const person of people) {
    const { all, once: each } = await shown(person, room, head);
    assert.equal(all, each, "shown twice");
    assert.equal(person.closing, undefined);
  }
});
