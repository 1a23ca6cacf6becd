import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_MS = 40_000;
const { CLIENTS = "200", DURATION = "16", STORE = "sqlite" } = process.env;

class Topology {
  // Starts it; its output comes as text, its exit code as ended.
  constructor(name, args = []) {
    this.child = spawn(`${ROOT}deploy/local/${name}`, ["--port=0", `--store=${STORE}`, ...args]);
    this.out = this.err = "";
    this.child.stdout.on("data", (chunk) => (this.out += chunk));
    this.child.stderr.on("data", (chunk) => (this.err += chunk));
    this.ended = new Promise((resolve) =>
      this.child.once("close", (code, signal) => resolve((this.exit = signal ?? code))),
    );
  }

  async says(pattern) {
    for (const end = Date.now() + START_MS; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const found = this.out.match(pattern);
      if (found) return found;
      if (this.exit !== undefined || Date.now() > end) throw new Error(`${pattern} is not in:\n${this.out}${this.err}`);
    }
  }

  async stop() {
    this.child.kill("SIGINT");
    return this.ended;
  }
}

async function refuses(url) {
  await assert.rejects(fetch(url), `${url} still answers`);
}

async function bench(args) {
  const child = spawn(process.env.POLYLOG ?? `${ROOT}build/polylog`, ["bench", ...args]);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, text);
  return text;
}

const post = (url, body, headers = {}) => fetch(url, { method: "POST", body: JSON.stringify(body), headers });

const tests = {
  async "alb: TLS at the balancer, and everything ends with it"() {
    const alb = new Topology("alb");
    try {
      const [, url, cert] = await alb.says(/open (https:\S+)\/ .*: (\S+)\)/);
      const args = ["--connections=40", "--rooms=4", "--rate=20", "--warmup=200ms", "--duration=1s"];
      const said = await bench([...args, `--ca=${cert}`, url]);
      assert.match(said, / 0 gaps, 0 repeats, 0 missing/);
      assert.equal(await alb.stop(), 0, alb.err);
      await refuses(url);
    } finally {
      await alb.stop();
    }
  },

  async "static: files on one origin, servers on others, one login for all"() {
    const site = new Topology("static");
    try {
      await site.says(/open .*server a\)/);
      if (STORE !== "sqlite") await site.says(/open .*server b\)/);
      const urls = [...site.out.matchAll(/open (http:\S+)\/\?server=(\S+) /g)];
      const origin = urls[0][1];
      assert.match(await (await fetch(`${origin}/`)).text(), /<title>Polylog<\/title>/);
      assert.equal((await fetch(`${origin}/health`)).status, 404);
      assert.equal((await fetch(`${origin}/..%2f..%2fMakefile`)).status, 404);
      assert.equal((await post(`${origin}/`, {})).status, 405);
      const servers = urls.map(([, , server]) => decodeURIComponent(server));
      const login = await post(`${servers[0]}/api/v1/login`, { name: "ana" }, { Origin: origin });
      assert.equal(login.headers.get("Access-Control-Allow-Origin"), origin);
      const { token } = await login.json();
      for (const server of servers) {
        const rooms = await post(`${server}/api/v1/rooms`, {}, { Origin: origin, Authorization: `Bearer ${token}` });
        assert.equal(rooms.status, 200, await rooms.text());
      }
      const other = await post(`${servers[0]}/api/v1/login`, { name: "eve" }, { Origin: "http://evil.example" });
      assert.equal(other.headers.get("Access-Control-Allow-Origin"), null);
    } finally {
      assert.equal(await site.stop(), 0, site.err);
    }
  },

  async "a port that is taken is said so"() {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address();
    const site = new Topology("static", [`--port=${port}`, "--store=sqlite"]);
    assert.equal(await site.ended, 1);
    assert.match(site.err, new RegExp(`port ${port} is taken; choose another with --port`));
    taken.close();
  },

  async "bluegreen: nothing lost, nothing twice, nobody without a connection"() {
    if (STORE === "sqlite") return "blue and green share a store";
    const change = new Topology("bluegreen", [`--clients=${CLIENTS}`, `--seconds=${DURATION}`]);
    assert.equal(await change.ended, 0, change.out + change.err);
    assert.match(change.out, /good: \d+ moves, .* 0 lost, 0 shown twice, 0 connections closed before/);
    return undefined;
  },
};

let [passed, failed, skipped] = [0, 0, 0];
for (const [name, run] of Object.entries(tests)) {
  if (!name.includes(process.argv[2] ?? "")) continue;
  try {
    const why = await run();
    if (why === undefined) passed++;
    else skipped++;
    console.log(why === undefined ? `ok - ${name}` : `skipped - ${name}: ${why}`);
  } catch (error) {
    failed++;
    console.log(`not ok - ${name}\n${error.stack}`);
  }
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
