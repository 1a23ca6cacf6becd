import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { Client } from "../integration/lib/client.mjs";
import { took } from "../integration/lib/times.mjs";
import gateway from "./gateway.mjs";
import serverless from "./serverless.mjs";
import { ALONE, CLIENTS, DURATION, PROGRAM, ROOT, Topology, until } from "./topology.mjs";

async function sockets(server) {
  const text = await (await fetch(`${server}/metrics`)).text();
  return Number(text.match(/^polylog_connections_open\{door="ws"\} (\d+)/m)[1]);
}

async function cli(args) {
  const child = spawn(PROGRAM, args);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, text);
  return text;
}

const post = (url, body, headers = {}) => fetch(url, { method: "POST", body: JSON.stringify(body), headers });

// Logs in at one server, and connects with the token, to the same or another.
async function person(name, url, { at = url, ...options } = {}) {
  const { token } = await (await post(`${at}/api/v1/login`, { name })).json();
  const client = await Client.connect(`${url.replace("http", "ws")}/ws`, options);
  client.me = { token, ...(await client.call("auth", { token })) };
  return client;
}

// What one says comes to the other, and the other way.
async function talk(ana, ben, room) {
  for (const who of [ana, ben]) await who.call("join", { room });
  for (const [from, to] of [[ana, ben], [ben, ana]]) {
    const text = `from ${from.me.user.name}`;
    await from.call("send", { room, text });
    await to.event({ event: "message", room, text });
  }
}

async function refuses(url) {
  await assert.rejects(fetch(url), `${url} still answers`);
}

// One on each server; then a server drains: the balancer, which asks /ready, sends who
// comes to the other.
async function twoBehind(alb, url, secure) {
  const servers = alb.servers();
  assert.equal(servers.length, 2);
  await until("bench is gone", async () => (await sockets(servers[0])) + (await sockets(servers[1])) === 0);
  const both = { ...secure, at: servers[0] }; // fetch takes no certificate
  const [ana, ben] = [await person("ana", url, both), await person("ben", url, both)];
  assert.deepEqual([await sockets(servers[0]), await sockets(servers[1])], [1, 1]);
  await talk(ana, ben, "across");
  const file = `${ROOT}build/local/alb/a.pid`;
  await cli(["drain", "--pid-file", file]);
  const { within_ms } = await Promise.race([ana, ben].map((who) => who.event({ event: "move" })));
  assert.ok(within_ms > 0);
  const later = [await person("cleo", url, both), await person("dov", url, both)];
  assert.equal(await sockets(servers[1]), 3, "the balancer still gives connections to who drains");
  await talk(later[0], ana, "across");
  await cli(["drain", "--undo", "--pid-file", file]);
  for (const who of [ana, ben, ...later]) await who.close();
}

// A token that one server gave is good for the other; so are its limits.
async function twoOrigins(servers, origin) {
  const options = { headers: { Origin: origin }, at: servers[0] };
  const [ana, ben] = [await person("ana at a", servers[0], options), await person("ben at b", servers[1], options)];
  assert.equal(JSON.parse(Buffer.from(ben.me.token.split(".")[0], "base64url")).alg, "HS256");
  await talk(ana, ben, "across");
  const sends = Array.from({ length: 60 }, (_, i) => ana.call("send", { room: "across", text: `${i}` }));
  const refused = (await Promise.allSettled(sends)).filter(({ status }) => status === "rejected");
  assert.ok(refused.length > 0 && refused.length < 60, `${refused.length} of 60 were refused`);
  assert.ok(refused.every(({ reason }) => reason.code === "rate_limited"));
  await assert.rejects(person("eve", servers[0], { headers: { Origin: "http://evil.example" } }), /refused: 403/);
  for (const who of [ana, ben]) await who.close();
}

const tests = {
  async "alb: TLS at the balancer, two servers, and everything ends with it"() {
    const alb = Topology.start("alb");
    try {
      const [, url, cert] = await alb.says(/open (https:\S+)\/ .*: (\S+)\)/);
      await assert.rejects(fetch(`${url}/ready`), /fetch failed/); // nobody vouches for it
      const secure = { ca: readFileSync(cert) };
      const said = await cli([
        "bench",
        ...["--connections=40", "--rooms=4", "--rate=20", "--warmup=200ms", "--duration=1s"],
        ...[`--ca=${cert}`, url],
      ]);
      assert.match(said, / 0 gaps, 0 repeats, 0 missing/);
      if (!ALONE) await twoBehind(alb, url, secure);
      assert.equal(await alb.stop(), 0, alb.err);
      await refuses(url);
    } finally {
      await alb.stop();
    }
  },

  async "static: files on one origin, servers on others, one login for all"() {
    const site = Topology.start("static");
    try {
      await site.says(/open .*server a\)/);
      if (!ALONE) await site.says(/open .*server b\)/);
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
      if (!ALONE) await twoOrigins(servers, origin);
    } finally {
      assert.equal(await site.stop(), 0, site.err);
    }
  },

  async "each says what it does, and what it does not know"() {
    for (const name of ["alb", "static", "bluegreen", "serverless", "gateway-bluegreen"]) {
      const help = new Topology(name, ["--help"]);
      assert.equal(await help.ended, 0);
      assert.match(help.out, new RegExp(`^deploy/local/${name}: .*--port .*--seconds `, "s"));
      const wrong = new Topology(name, ["--colour=red"]);
      assert.equal(await wrong.ended, 1);
      assert.match(wrong.err, /^[-\w]+: Unknown option '--colour'; --help says what there is\n$/);
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
    if (ALONE) return ALONE;
    const change = Topology.start("bluegreen", [`--clients=${CLIENTS}`, `--seconds=${DURATION}`]);
    assert.equal(await change.ended, 0, change.out + change.err);
    assert.match(change.out, /good: \d+ moves, .* 0 lost, 0 shown twice, 0 connections closed before/);
    return undefined;
  },

  ...serverless,
  ...gateway,
};

let [passed, failed, skipped] = [0, 0, 0];
for (const [name, run] of Object.entries(tests)) {
  if (!name.includes(process.argv[2] ?? "")) continue;
  const start = Date.now();
  try {
    const why = await run();
    if (why === undefined) passed++;
    else skipped++;
    console.log(why === undefined ? `ok - ${name}` : `skipped - ${name}: ${why}`);
  } catch (error) {
    failed++;
    console.log(`not ok - ${name}\n${error.stack}`);
  }
  took(name, Date.now() - start);
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
