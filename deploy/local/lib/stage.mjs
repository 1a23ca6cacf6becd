// What every local topology is made of: its arguments, a directory of its own with the
// logs, processes that end when it ends, and lines that say how far it is.
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
export const PROGRAM = process.env.POLYLOG ?? join(ROOT, "build/polylog");
const AGAIN_MS = 1000; // a server told once waits for its clients, told twice it does not
const END_MS = 8000; // then what has not ended is killed

export class Problem extends Error {}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// True as soon as look() is; a problem after so many ms.
export async function until(what, look, ms = 150_000) {
  const end = Date.now() + ms;
  while (!(await look())) {
    if (Date.now() > end) throw new Problem(`${what} did not come up within ${ms / 1000} s`);
    await sleep(50);
  }
}

// Whether somebody answers, with that status; null: with any.
export async function answers(url, wanted = 200) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.arrayBuffer();
    return wanted === null || response.status === wanted;
  } catch {
    return false;
  }
}

function listens(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(undefined));
    probe.listen(port, "127.0.0.1", () => {
      const found = probe.address().port;
      probe.close(() => resolve(found));
    });
  });
}

function number(name, text, least, most) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Problem(`--${name} must be a number from ${least} to ${most}`);
  }
  return value;
}

// options: name -> { value, what, least, most } (a number), { value, what, of: [...] } (one of
// these), or { what } (a switch).
function parse(usage, options) {
  const known = { help: { what: "Says this." }, ...options };
  const kinds = Object.entries(known).map(([name, { value }]) => [
    name,
    { type: value === undefined ? "boolean" : "string" },
  ]);
  let given;
  try {
    given = parseArgs({ options: Object.fromEntries(kinds) }).values;
  } catch (error) {
    throw new Problem(`${error.message.split(". ")[0]}; --help says what there is`);
  }
  if (given.help) {
    console.log(`${usage}\n`);
    for (const [name, { value, what, of }] of Object.entries(known)) {
      const choice = of === undefined ? "" : ` (${of.join(", ")})`;
      const usual = value === undefined || value === "" ? "" : ` [${value}]`;
      console.log(`  --${name.padEnd(10)} ${what}${choice}${usual}`);
    }
    process.exit(0);
  }
  return Object.fromEntries(
    Object.entries(known).map(([name, { value, least, most, of }]) => {
      const text = given[name] ?? value;
      if (of !== undefined && !of.includes(text)) {
        throw new Problem(`--${name} must be one of ${of.join(", ")}`);
      }
      return [name, least === undefined ? text : number(name, text, least, most)];
    }),
  );
}

export class Stage {
  constructor(name, args) {
    this.name = name;
    this.args = args;
    this.dir = join(ROOT, "build/local", name);
    this.children = [];
    this.closers = [];
    this.start = Date.now();
  }

  say(text) {
    const seconds = ((Date.now() - this.start) / 1000).toFixed(1).padStart(6);
    console.log(`${seconds} s  ${text}`);
  }

  file(name) {
    return join(this.dir, name);
  }

  async freePort() {
    return listens(0);
  }

  // The port that was asked for by that option, if it is free.
  async port(option = "port") {
    const port = await listens(this.args[option]);
    if (port === undefined) throw new Problem(`port ${this.args[option]} is taken; choose another with --${option}`);
    return port;
  }

  // Starts a process whose output goes to NAME.log, and waits until ready() is true.
  async spawn(name, [program, ...args], { ready, env = {}, cwd = this.dir, what = name } = {}) {
    const log = openSync(this.file(`${name}.log`), "a");
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    const part = { name, child, ended: undefined };
    part.end = new Promise((resolve) => {
      child.once("error", (error) => resolve((part.ended = error.message)));
      child.once("exit", (code, signal) => resolve((part.ended = signal ?? code)));
    });
    this.children.push(part);
    if (ready !== undefined) await until(what, () => this.alive(part) && ready());
    this.say(`${what} is up`);
    return part;
  }

  alive({ name, ended }) {
    if (ended === undefined) return true;
    const log = readFileSync(this.file(`${name}.log`), "utf8").trim().split("\n").slice(-5).join("\n");
    throw new Problem(`${name} has ended (${ended})\n${log}`);
  }

  // A process of the topology that ends unasked ends the whole.
  watch() {
    for (const part of this.children) {
      void part.end.then(() => {
        if (!this.closing && !part.killed) this.fail(new Problem(`${part.name} has ended (${part.ended}): see ${this.dir}`));
      });
    }
  }

  async close() {
    this.closing = true;
    for (const close of this.closers.reverse()) await close();
    for (const part of [...this.children].reverse()) {
      if (part.ended !== undefined) continue;
      part.child.kill("SIGTERM");
      await Promise.race([part.end, sleep(AGAIN_MS)]);
      part.child.kill("SIGTERM");
      await Promise.race([part.end, sleep(END_MS)]);
      if (part.ended === undefined) part.child.kill("SIGKILL");
      await part.end;
    }
  }
}

// Runs one topology: body(stage) starts it and says where it is; it stays until Ctrl-C, or
// for --seconds. body may return the exit code instead of staying. instead(args), if it gives a
// code, is all that is done: one that runs may be told something.
export async function run({ name, usage, options, needs = [], instead = () => undefined }, body) {
  let stage;
  let code = 0;
  const ended = new Promise((resolve, reject) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => resolve(undefined));
    (async () => {
      stage = new Stage(name, parse(usage, options));
      stage.fail = reject;
      const told = instead(stage.args);
      if (told !== undefined) return resolve(told);
      for (const need of [PROGRAM, ...needs]) {
        if (!existsSync(need)) throw new Problem(`${need} is missing: run 'make' and 'make install-deps'`);
      }
      rmSync(stage.dir, { recursive: true, force: true });
      mkdirSync(stage.dir, { recursive: true, mode: 0o700 });
      const result = await body(stage);
      if (result !== undefined) return resolve(result);
      if (stage.args.seconds > 0) setTimeout(resolve, stage.args.seconds * 1000);
      else stage.say("Ctrl-C ends it");
    })().catch(reject);
  });
  try {
    code = (await ended) ?? 0;
  } catch (error) {
    code = error instanceof Problem ? 1 : 70;
    console.error(`${name}: ${error instanceof Problem ? error.message : error.stack}`);
  }
  await stage?.close();
  process.exit(code);
}
