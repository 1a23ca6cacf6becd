// Tests: a name and a function that is given what it needs and gives it back at the
// end. They run a few at a time; each against servers that it shares with others
// (t.server) or has for itself (t.start).
import assert from "node:assert/strict";
import { took } from "./times.mjs";

// Guards, which end what hangs: no test passes or fails by them on a slow machine.
const HANG_MS = 180_000;
const TEST_MS = 600_000;
const tests = [];

export class Skipped extends Error {}

// It has ms to end, if that is given.
export function test(name, run, ms = TEST_MS) {
  tests.push({ name, run, ms });
}

// The same for one worker and for two.
export function testWorkers(name, run) {
  for (const workers of [1, 2]) tests.push({ name: `${name}, workers ${workers}`, run, ms: TEST_MS, workers });
}

export async function until(what, look, ms = HANG_MS) {
  const end = Date.now() + ms;
  for (let wait = 2; ; wait = Math.min(wait * 1.5, 50)) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it did not come to pass: ${what}`);
    await sleep(wait);
  }
}

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// The error with this code that the promise must come to.
export async function refused(code, promise) {
  const error = await promise.then(
    (value) => assert.fail(`${code} was expected, but: ${JSON.stringify(value)}`),
    (reason) => reason,
  );
  if (error.code !== code || error.message === undefined) throw error;
  return error;
}

// The direct room of two people, {user: {id}}. Each worker takes numbers of people from a
// block of its own: the later person may have the lower one.
export function direct(...people) {
  return `dm:${people.map(({ user }) => user.id).sort((a, b) => a - b).join(":")}`;
}

// Other workers hear of a session's end a moment later.
export function revoked(call) {
  return until("the session has ended", () =>
    call().then(
      () => false,
      ({ code }) => code === "revoked",
    ),
  );
}

let serial = 0;

class Context {
  constructor(shared, workers) {
    this.shared = shared;
    this.workers = workers ?? 2;
    this.serial = `${++serial}`;
    this.cleanup = [];
  }

  after(f) {
    this.cleanup.push(f);
  }

  async finish() {
    for (const f of this.cleanup.reverse()) await f();
  }

  // Names that no other test uses, nor one that looks like them: of digits alone.
  name(name = "p") {
    return `${name} ${this.serial}-${++serial}`;
  }

  room(name = "room") {
    return `${name}-${this.serial}-${++serial}`;
  }

  get server() {
    return this.shared.get(this.workers);
  }

  async start(flags, options) {
    const { Server } = await import("./server.mjs");
    const server = await Server.start(flags, options);
    this.after(() => server.close());
    return server;
  }

  // Somebody who is connected to the shared server, or to the one that is given.
  async person(name, { server = this.server, ...options } = {}) {
    const person = await (await server).person(this.name(name), options);
    this.after(() => person.kill());
    return person;
  }

  skip(why) {
    throw new Skipped(why);
  }
}

function isWanted(name, wanted) {
  return wanted.length === 0 || wanted.some((part) => name.includes(part));
}

async function runOne(shared, { name, run, ms, workers }) {
  const t = new Context(shared, workers);
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${ms / 1000} s`)), ms);
  });
  const start = Date.now();
  try {
    await Promise.race([run(t), late]);
    return { name, ms: Date.now() - start };
  } catch (error) {
    const ms = Date.now() - start;
    return error instanceof Skipped ? { name, ms, skipped: error.message } : { name, ms, error };
  } finally {
    clearTimeout(timer);
    await t.finish().catch(() => undefined);
  }
}

// Runs those that are there by now and have one of the substrings in their name, once;
// all if there is no substring. Returns the number of each outcome.
export async function runAll(shared, { wanted = [], atOnce = 6, verbose = false } = {}) {
  const queue = tests.splice(0).filter(({ name }) => isWanted(name, wanted));
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const result = await runOne(shared, next);
      const outcome = result.error ? "failed" : result.skipped ? "skipped" : "passed";
      counts[outcome]++;
      took(next.name, result.ms);
      if (result.error) console.log(`not ok - ${result.name}\n${result.error.stack ?? result.error}`);
      else if (result.skipped) console.log(`skipped - ${result.name}: ${result.skipped}`);
      else if (verbose) console.log(`ok - ${result.name} (${result.ms} ms)`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return counts;
}

// The command line of a runner: [-v] [substring of the tests to run]...
export function options(args = process.argv.slice(2)) {
  const verbose = args[0] === "-v";
  return { verbose, wanted: args.slice(verbose ? 1 : 0).filter((part) => part !== "") };
}

// "N passed, N failed[, N skipped]"
export function sum({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
