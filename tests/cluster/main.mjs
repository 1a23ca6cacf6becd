// Rounds of work on several nodes while what they stand on fails, and a look at what is
// there afterwards: everything that was acknowledged, once, in one order for everybody.
import assert from "node:assert/strict";
import { check } from "../crash/check.mjs";
import { Reader, Writer } from "../crash/crowd.mjs";
import { revoked, sleep, until } from "../integration/lib/suite.mjs";
import { took } from "../integration/lib/times.mjs";
import { Cluster } from "./cluster.mjs";

const nodes = Number(process.env.NODES ?? 3);
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const wanted = process.env.T ?? "";
const sharded = process.env.REDIS === "cluster";
const WRITERS = 4;
const READERS = 4;
const ENOUGH_MS = Number(process.env.ENOUGH_S ?? 90) * 1000; // no further round after this
const MOST_MS = ENOUGH_MS + 300_000; // whatever hangs: a round, or a look at what is there
const PATIENCE_MS = 120_000; // ends what hangs

class World {
  constructor() {
    this.state = seed;
    this.until = (what, look) => until(what, look, PATIENCE_MS);
    this.rooms = ["general", "one", "two"];
    this.writers = Array.from({ length: WRITERS }, (_, i) => new Writer(this, `writer${i}`));
    this.readers = Array.from({ length: READERS }, (_, i) => new Reader(this, `reader${i}`));
    this.witness = new Writer(this, "witness");
  }

  // mulberry32
  random(below) {
    let z = (this.state = (this.state + 0x6d2b79f5) | 0);
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (((z ^ (z >>> 14)) >>> 0) / 4294967296) * below;
  }

  pick(list) {
    return list[Math.floor(this.random(list.length))];
  }

  chance(p) {
    return this.random(1) < p;
  }

  async begin() {
    this.server = await Cluster.start(nodes, sharded, (list) => this.pick(list));
    await this.server.whole();
    await this.witness.login();
    for (const room of this.rooms) await this.witness.ask("join", { room });
    for (const who of [...this.writers, ...this.readers]) await who.login();
  }
}

let visitors = 0;

// Until the node says that this is wrong with it.
function raised(node, reason) {
  return until(`a node says: ${reason}`, async () => {
    const { reasons } = await (await node.fetch("/health")).json();
    return (reasons ?? []).some((one) => one.reason === reason);
  }, PATIENCE_MS);
}

// What befalls them while the crowd writes; each leaves everything whole again.
const faults = {
  async "nothing happens"() {
    await sleep(1000);
  },
  async "Redis is killed, and comes back"({ server }) {
    await server.redis.stop();
    await server.whole(false);
    await sleep(1000);
    await server.redis.spawn();
    await server.whole();
  },
  async "Redis is paused"({ server }) {
    server.redis.pause();
    await server.whole(false);
    await sleep(500);
    server.redis.resume();
    await server.whole();
  },
  async "Redis fails over to its replica, and the old one only reads"({ server }) {
    await server.replica.say("REPLICAOF", "NO", "ONE");
    await server.redis.say("REPLICAOF", "127.0.0.1", String(server.replica.port));
    await sleep(500);
    for (const { way } of server.nodes) {
      way.to = server.replica.port;
      way.set("cut");
      way.set("open");
    }
    [server.redis, server.replica] = [server.replica, server.redis];
    await sleep(500);
    await server.whole();
  },
  async "a node is cut off from Redis"(world) {
    const node = world.pick(world.server.nodes);
    node.way.set(world.pick(["cut", "stuck"]));
    await sleep(2500);
    node.way.set("cut");
    node.way.set("open");
    await world.server.whole();
  },
  // And what is said there is shown elsewhere, and the other way, while it is cut off.
  async "a node is cut off from Redis, and is heard of by the store"(world) {
    const { server } = world;
    const node = world.pick(server.nodes);
    const other = server.nodes.find((one) => one !== node);
    const room = `cut-${Math.floor(world.random(1e9))}`;
    const [ana, ben] = [await node.person("ana"), await other.person("ben")];
    for (const person of [ana, ben]) await person.call("join", { room });
    node.way.set(world.pick(["cut", "stuck"]));
    for (const [from, to] of [[ana, ben], [ben, ana], [ana, ben], [ben, ana]]) {
      const { seq } = await from.call("send", { room, text: "can you hear me?" });
      await to.event((e) => e.event === "message" && e.room === room && e.seq === seq);
    }
    await world.until("it says so", async () => (await (await node.fetch("/health")).json()).failing === "bus");
    await world.until("the other looks", async () => (await other.metrics())("polylog_bus_polls_total") > 0);
    for (const person of [ana, ben]) person.kill();
    node.way.set("cut");
    node.way.set("open");
    await server.whole();
  },
  async "the store throttles and fails"({ server }) {
    server.faults = { throttle: 0.2, fail: 0.05, lose: 0.05, reset: 0.02 };
    await sleep(2500);
    server.faults = {};
  },
  async "the store is slow to answer"({ server }) {
    server.faults = { late: 0.05 };
    await sleep(2000);
    server.faults = {};
  },
  async "a node is cut off from the store"(world) {
    const node = world.pick(world.server.nodes);
    node.flaky.faults = { reset: 1 };
    await sleep(2500);
    node.flaky.faults = {};
  },
  async "a node is killed, and replaced"(world) {
    const { server } = world;
    const i = Math.floor(world.random(server.nodes.length));
    await server.nodes[i].stop("SIGKILL");
    await sleep(300);
    const [dead] = server.nodes.splice(i, 1, await server.node());
    await server.drop(dead);
  },
  async "all nodes are killed"({ server }) {
    await Promise.all(server.nodes.map((node) => node.stop("SIGKILL")));
    await Promise.all(server.nodes.map((node) => node.spawn()));
  },
  async "a node is stopped, as it should be"(world) {
    const node = world.pick(world.server.nodes);
    assert.equal(await node.stop(), 0);
    await node.spawn();
  },
  async "a session ends while a node is cut off from both"({ server }) {
    const [node, other] = server.nodes;
    const visitor = await other.login(`visitor${++visitors}`);
    const connection = await node.connect(visitor.token);
    node.flaky.faults = { reset: 1 };
    node.way.set("stuck");
    await other.command("logout", {}, visitor.token);
    await raised(node, "sessions");
    const refused = (call) => until("it is refused", () => call().then(
      () => false,
      ({ code }) => code === "sessions_unproven",
    ), PATIENCE_MS);
    await refused(() => connection.call("rooms"));
    await refused(() => node.command("rooms", {}, visitor.token));
    node.flaky.faults = {};
    node.way.set("cut");
    node.way.set("open");
    assert.deepEqual(await connection.closed, { code: 4401, reason: "revoked" });
    await revoked(() => node.command("rooms", {}, visitor.token)); // once all is listed
    await server.whole();
  },
  async "a node has another clock than the store"({ server }) {
    const [node] = server.nodes;
    node.flaky.late_ms = 3_600_000;
    await raised(node, "clock");
    const text = await (await node.fetch("/metrics")).text();
    const apart = Number(text.match(/^polylog_clock_offset_seconds (.*)$/m)[1]);
    assert.ok(Math.abs(apart - 3600) < 5, `${apart} s`);
    node.flaky.late_ms = 0;
    await server.whole();
  },
};

// The same of a Redis cluster.
const clusterFaults = {
  async "slots move"({ server }) {
    assert.ok((await server.redis.moveSlots()) > 3);
    await sleep(500);
    await server.whole();
  },
  async "a primary is killed, and its replica takes over"({ server }) {
    await server.redis.pair[0].stop();
    await server.whole(false);
    assert.ok((await server.metric("polylog_bus_shards_down")).every((n) => n > 0));
    await server.redis.tookOver();
    await server.whole();
    assert.deepEqual(new Set(await server.metric("polylog_degraded")), new Set([0]));
    await server.redis.pair[1].spawn();
    await server.redis.follows();
    await server.whole();
  },
  async "a primary is paused, and its replica takes over"({ server }) {
    const [primary] = server.redis.pair;
    primary.pause();
    await server.redis.tookOver();
    await sleep(500);
    primary.resume();
    await server.redis.follows();
    await server.whole();
  },
  async "a primary without a replica is killed, and comes back"({ server }) {
    await server.redis.nodes[2].stop();
    await server.whole(false);
    await sleep(1500);
    await server.redis.nodes[2].spawn();
    await server.whole();
  },
  "a node is killed, and replaced": faults["a node is killed, and replaced"],
};

async function round(world, fault) {
  const sleeper = world.chance(0.5) ? world.readers[0] : undefined; // misses it all
  if (sleeper) sleeper.away = true;
  sleeper?.client.kill();
  world.pouring = true;
  world.poured = 0;
  const pouring = Promise.all(world.writers.map((writer) => writer.pour()));
  pouring.catch(() => undefined); // it is heard of below
  await sleep(300 + world.random(500));
  await befalls[fault](world);
  await sleep(world.random(300));
  world.pouring = false;
  await pouring;
  if (sleeper) sleeper.away = false;
  return check(world);
}

const befalls = sharded ? clusterFaults : faults;
const plan = Object.keys(befalls).filter((name) => name.includes(wanted));
const rounds = Number(process.argv[2] ?? plan.length);
const counts = { passed: 0, failed: 0 };
const world = new World();
let start = Date.now();
let entries = 0;
let fault = "the start";

// Ends it all with what is known.
setTimeout(() => {
  console.log(`not ok - SEED=${seed}, round ${counts.passed + 1}: ${fault}: it hangs\n${world.server?.log}`);
  console.log(`${counts.passed} passed, 1 failed`);
  Promise.resolve(world.server?.close()).finally(() => process.exit(1));
  setTimeout(() => process.exit(1), 10_000).unref();
}, MOST_MS).unref();

try {
  await world.begin();
  start = Date.now();
  for (let i = 0; i < rounds && Date.now() - start < ENOUGH_MS; i++) {
    fault = plan[i % plan.length];
    const before = Date.now();
    entries = await round(world, fault);
    counts.passed++;
    took(fault, Date.now() - before);
    if (process.env.VERBOSE) console.log(`ok - ${fault} (${Date.now() - before} ms, ${entries} entries)`);
  }
} catch (error) {
  counts.failed++;
  console.log(`not ok - SEED=${seed}, round ${counts.passed + 1}: ${fault}\n${error.stack}`);
  console.log(world.server?.log);
}
await world.server?.close();
console.log(
  `# SEED=${seed}: ${nodes} nodes, ${entries} entries, faults of the store ` +
    `${JSON.stringify(world.server?.counts ?? {})}, ${Math.round((Date.now() - start) / 1000)} s`,
);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
