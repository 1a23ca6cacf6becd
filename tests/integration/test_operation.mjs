// What an operator looks at: health, readiness, metrics, logs.
import assert from "node:assert/strict";
import { Raw } from "./lib/raw.mjs";
import { freePort } from "./lib/server.mjs";
import { sleep, test, testWorkers, until } from "./lib/suite.mjs";

test("health and readiness say how it is", async (t) => {
  const server = await t.server;
  const health = await server.fetch("/health");
  const body = await health.json();
  assert.deepEqual([health.status, body.status, body.degraded], [200, "ok", false]);
  assert.match(body.version, /^\d+\.\d+\.\d+/);
  const ready = await server.fetch("/ready");
  assert.deepEqual([ready.status, await ready.text()], [200, "ready\n"]);
  for (const path of ["/health", "/ready", "/metrics"]) {
    assert.equal((await server.fetch(path)).headers.get("cache-control"), "no-store");
    assert.equal((await server.fetch(path, { method: "HEAD" })).status, 200);
  }
});

// The text format 0.0.4, strictly; a map from sample to value.
function parse(text) {
  const types = new Map();
  const samples = new Map();
  assert.ok(text.endsWith("\n"));
  for (const line of text.trimEnd().split("\n")) {
    const comment = line.match(/^# (HELP|TYPE) ([a-z_]+) (.+)$/);
    if (comment) {
      const [, kind, name, rest] = comment;
      if (kind === "TYPE") {
        assert.ok(!types.has(name), `TYPE twice: ${name}`);
        assert.match(rest, /^(counter|gauge|histogram)$/);
        types.set(name, rest);
      }
      continue;
    }
    const match = line.match(/^([a-z_]+)(\{[a-z_]+="[^"]*"\})? (-?[0-9.e+-]+|\+Inf|NaN)$/);
    assert.ok(match, `no sample: ${line}`);
    const [, name, labels = "", value] = match;
    const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
    assert.ok(types.has(family), `no TYPE before ${name}`);
    if (types.get(family) === "counter") assert.match(name, /_total$/);
    assert.ok(!samples.has(name + labels), `twice: ${name}${labels}`);
    assert.ok(Number.isFinite(Number(value)), line);
    assert.ok(Number(value) >= 0 || name === "polylog_tail_bytes", line);
    samples.set(name + labels, Number(value));
  }
  for (const [name, type] of types) {
    if (type !== "histogram") continue;
    const buckets = [...samples].filter(([sample]) => sample.startsWith(`${name}_bucket{`));
    assert.ok(buckets.length > 2, name);
    const bounds = buckets.map(([sample]) =>
      Number(sample.match(/le="(.*)"/)[1].replace("+Inf", "Infinity")),
    );
    assert.deepEqual(
      bounds,
      [...bounds].sort((a, b) => a - b),
    );
    assert.equal(bounds.at(-1), Infinity);
    buckets.forEach(([, value], i) => assert.ok(i === 0 || value >= buckets[i - 1][1], `${name} sinks`));
    assert.equal(buckets.at(-1)[1], samples.get(`${name}_count`));
    assert.ok(samples.has(`${name}_sum`));
  }
  return samples;
}

testWorkers("metrics are Prometheus', and move with what happens", async (t) => {
  const server = await t.start({ workers: t.workers });
  const read = async () => parse(await (await server.fetch("/metrics")).text());
  const before = await read();
  const [ana, bob] = [await t.person("ana", { server }), await t.person("bob", { server })];
  for (const who of [ana, bob]) await who.call("join", { room: "r" });
  for (let i = 0; i < 10; i++) await ana.call("send", { room: "r", text: "a", cid: `${i % 5}`, seen: 1 });
  await ana.call("dance").catch(() => undefined);
  await bob.events({ event: "message" }, 5);
  await until("the numbers moved", async () => (await read()).get("polylog_duplicates_total") === 5);
  const after = await read();
  const moved = (sample) => after.get(sample) - before.get(sample);
  assert.equal(moved("polylog_entries_appended_total"), 6);
  assert.equal(moved('polylog_commands_total{command="send"}'), 10);
  assert.equal(moved('polylog_commands_total{command="login"}'), 2);
  assert.equal(moved('polylog_errors_total{code="unknown_command"}'), 1);
  assert.equal(moved("polylog_deliveries_total"), 10);
  assert.equal(moved('polylog_connections_total{door="ws"}'), 2);
  assert.equal(after.get('polylog_connections_open{door="ws"}'), 2);
  assert.equal(after.get("polylog_cursors"), 2);
  assert.ok(moved("polylog_received_bytes_total") > 1000);
  assert.ok(moved("polylog_sent_bytes_total") > 1000);
  const batches = moved("polylog_append_batch_entries_count");
  assert.ok(batches > 0 && batches <= 6);
  assert.equal(moved("polylog_append_batch_entries_sum"), 6);
  assert.equal(moved("polylog_append_seconds_count"), batches);
  assert.ok(moved("polylog_append_seconds_sum") > 0);
  assert.equal(moved("polylog_send_deliveries_sum"), 10);
  assert.ok(moved("polylog_store_commits_total") > 0);
  assert.equal(after.get("polylog_degraded"), 0);
  await ana.close();
  await until("it is gone", async () => (await read()).get('polylog_connections_open{door="ws"}') === 1);
  assert.equal((await read()).get('polylog_closes_total{reason="client"}'), 1);
});

test("what is open goes back to nothing", async (t) => {
  const server = await t.start();
  const people = await Promise.all(Array.from({ length: 30 }, () => t.person("p", { server })));
  for (const [i, who] of people.entries()) {
    await who.call("join", { room: "r" });
    if (i % 3 === 0) who.kill();
    else if (i % 3 === 1) await who.close();
    else who.write(Buffer.from([0xff]).toString("latin1")); // lives on
  }
  for (const who of people) who.kill();
  for (let i = 0; i < 20; i++) {
    const raw = await Raw.connect(server.port);
    raw.write(["GET / HT", "nonsense\r\n\r\n", "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n", ""][i % 4]).kill();
  }
  await until("all are gone", async () => {
    const metric = await server.metrics();
    return (
      metric('polylog_connections_open{door="ws"}') === 0 &&
      metric('polylog_connections_open{door="http"}') <= 2 &&
      metric("polylog_cursors") === 0 &&
      metric("polylog_log_lines_dropped_total") === 0
    );
  });
});

const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info |warn |error) \w+( [\w.]+=("[^"]*"|\S+))*$/;

test("the log is one JSON object a line, or text, without a token", async (t) => {
  const began = Date.now() - 1;
  for (const format of ["json", "text", "auto"]) {
    const server = await t.start({ "log-format": format, "log-level": "debug" });
    const ana = await t.person("ana", { server });
    const { token } = await server.login("bob");
    await (await server.connect(undefined, { headers: { Cookie: `polylog_token=${token}` } })).close();
    await server.fetch(`/api/v1/rooms?token=${token}`, { method: "POST" });
    await server.command("rooms", {}, `${token}x`).catch(() => undefined);
    ana.write("{");
    (await Raw.connect(server.port)).write(`GET /?token=${token} HTTP/1.1\r\n\r\n`);
    await ana.settle();
    assert.equal(await server.stop(), 0);
    const lines = server.log.trimEnd().split("\n");
    assert.ok(lines.length > 0 && server.log !== "", "nothing was logged");
    for (const line of lines) {
      if (format === "text") {
        assert.match(line, LINE);
        continue;
      }
      const { ts, level, event } = JSON.parse(line);
      assert.ok(new Date(ts) >= began && new Date(ts) <= Date.now() + 1, line);
      assert.match(level, /^(debug|info|warn|error)$/);
      assert.match(event, /^\w+$/);
    }
    for (const secret of [token, ana.token]) {
      assert.equal(server.log.includes(secret), false);
      assert.equal(server.log.includes(secret.split(".")[2]), false);
    }
  }
});

test("no secret of its settings is said, whatever goes wrong", async (t) => {
  const closed = await freePort();
  const secret = "hush-hush-hush-hush-hush-hush-hush-hush";
  const env = {
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_SESSION_TOKEN: secret,
    AWS_REGION: "eu-west-1",
    AWS_ENDPOINT_URL: `http://127.0.0.1:${closed}`,
    POLYLOG_TOKEN_SECRET: secret,
  };
  const flags = { "log-level": "debug", "print-settings": null };
  const cases = [
    [{ bus: `redis://ana:${secret}@127.0.0.1:${closed}` }, /bus_down.*Connection refused/],
    [{ bus: `redis://:${secret}@127.0.0.1:${closed}` }, /bus_down.*Connection refused/],
    [{ bus: `redis://${secret}@` }, /bus: .*there is no host/],
    [{ bus: `redis://ana:${secret}@127.0.0.1:${closed}/no-number` }, /bus: .*the number of a database/],
    [{ bus: `redis://127.0.0.1:${closed}`, "bus-password-command": `echo ${secret}; exit 1` }, /bus_down.*bus-password-command/],
    [{ store: "dynamodb" }, /engine_trouble.*Connection refused/],
    [{ "token-secret": secret.slice(0, 31) }, /token-secret is too short/],
    [{ bus: `redis://ana:${secret}@127.0.0.1`, "print-settings": true }, /bus = \(set\)/],
  ];
  await Promise.all(
    cases.map(async ([more, says]) => {
      const server = await t.start({ ...flags, ...more }, { env, ready: false });
      const said = () => server.log + server.out;
      await until(`${says}`, () => says.test(said()) || server.exit !== undefined);
      await Promise.race([server.ended, sleep(300)]);
      await server.stop("SIGKILL");
      assert.match(said(), says);
      assert.equal(said().includes("hush"), false, said());
    }),
  );
});
