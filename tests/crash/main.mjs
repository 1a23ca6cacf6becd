// Rounds of work, a violent end, a new start, and a look at what is there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Server } from "../integration/lib/server.mjs";
import { sleep, until } from "../integration/lib/suite.mjs";
import { took } from "../integration/lib/times.mjs";
import { check } from "./check.mjs";
import { Reader, Writer } from "./crowd.mjs";

const rounds = Number(process.argv[2] ?? 14);
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const WRITERS = 5;
const READERS = 3;
const ENOUGH_MS = Number(process.env.ENOUGH_S ?? 300) * 1000; // no further round after this

class World {
  constructor() {
    this.state = seed;
    this.until = (what, look) => until(what, look);
    this.rooms = ["general", "one", "two", "three"];
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
    this.server = await Server.start({ workers: 2, "drain-ms": "500ms", "commands-in-flight": 64, "behind-max": 200 });
    await this.witness.login();
    for (const room of this.rooms) await this.witness.ask("join", { room });
    for (const who of [...this.writers, ...this.readers]) await who.login();
  }
}

// How it ends, and comes back: each leaves the program ready.
const ends = {
  async "killed while it works"(world) {
    await world.server.restart({}, "SIGKILL");
  },
  async "killed while it starts"(world) {
    await world.server.stop("SIGKILL");
    world.server.options.ready = false;
    for (let i = 0; i < 4; i++) {
      await world.server.spawn();
      await sleep(world.random(40));
      await world.server.stop("SIGKILL");
    }
    world.server.options.ready = true;
    await world.server.spawn();
  },
  async "killed while it stops"(world) {
    world.server.child.kill("SIGTERM");
    await sleep(world.random(150));
    await world.server.restart({}, "SIGKILL");
  },
  async "stopped, as it should be"(world) {
    assert.equal(await world.server.stop(), 0);
    await world.server.spawn();
  },
};

async function round(world, end) {
  const sleeper = world.chance(0.5) ? world.readers[0] : undefined; // misses it all
  if (sleeper) sleeper.away = true;
  sleeper?.client.kill();
  world.pouring = true;
  world.poured = 0;
  const pouring = Promise.all(world.writers.map((writer) => writer.pour()));
  pouring.catch(() => undefined); // it is heard of below
  await sleep(200 + world.random(700));
  await ends[end](world);
  await sleep(world.random(200));
  world.pouring = false;
  await pouring;
  if (sleeper) sleeper.away = false;
  return check(world);
}

const plan = [
  "killed while it works",
  "killed while it works",
  "killed while it starts",
  "killed while it works",
  "killed while it stops",
];
const counts = { passed: 0, failed: 0 };
const world = new World();
const start = Date.now();
let entries = 0;

try {
  await world.begin();
  for (let i = 0; i < rounds && counts.failed === 0 && Date.now() - start < ENOUGH_MS; i++) {
    const end = i === rounds - 1 ? "stopped, as it should be" : plan[i % plan.length];
    const before = Date.now();
    entries = await round(world, end);
    counts.passed++;
    took(`round ${i + 1}, ${end}`, Date.now() - before);
  }
  assert.equal(await world.server.stop(), 0);
  const file = readdirSync(world.server.flags.data).find((name) => /\.(db|sqlite)$/.test(name));
  const found = execFileSync("sqlite3", [join(world.server.flags.data, file), "pragma integrity_check"]);
  assert.equal(String(found).trim(), "ok");
  counts.passed++;
} catch (error) {
  counts.failed++;
  console.log(`not ok - SEED=${seed}, round ${counts.passed + 1}\n${error.stack}`);
  console.log(world.server?.log.slice(-2000));
}
await world.server?.close();
const behinds = world.readers.reduce((n, reader) => n + reader.behinds, 0);
console.log(
  `# SEED=${seed}: ${entries} entries, ${behinds} times behind, ${Math.round((Date.now() - start) / 1000)} s`,
);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 ? 0 : 1);
