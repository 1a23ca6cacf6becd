// Past a limit there is an error with a code and when to come again, or a close: never
// silence.
import assert from "node:assert/strict";
import { Raw } from "./lib/raw.mjs";
import { sleep, test, testWorkers, refused, until } from "./lib/suite.mjs";

testWorkers("a person may send only so fast", async (t) => {
  const server = await t.start({ workers: t.workers, "messages-per-user": 10, "messages-burst": 20 });
  const ana = await t.person("ana", { server });
  await sleep(500); // join and auth cost too
  await ana.call("join", { room: "r" });
  let sent = 0;
  let error;
  for (; error === undefined && sent < 100; sent++)
    error = await ana.call("send", { room: "r", text: "a" }).then(
      () => undefined,
      (reason) => reason,
    );
  assert.equal(error.code, "rate_limited");
  assert.ok(sent > 15 && sent < 30, `${sent} were let through`);
  assert.ok(error.retry_after_ms > 0 && error.retry_after_ms <= 1000, error.retry_after_ms);
  await sleep(error.retry_after_ms + 5);
  await ana.call("send", { room: "r", text: "b" });
  await refused("rate_limited", Promise.all(Array.from({ length: 20 }, () => ana.call("rooms"))));
  await ana.call("ping"); // costs nothing
  await ana.call("read", { room: "r", seq: 1 });
  // over HTTP it is 429 with Retry-After in seconds
  let response;
  await until("HTTP is limited too", async () => {
    response = await server.fetch("/api/v1/send", {
      method: "POST",
      headers: { Authorization: `Bearer ${ana.token}` },
      body: JSON.stringify({ room: "r", text: "c" }),
    });
    return response.status !== 200;
  });
  assert.equal(response.status, 429);
  const { error: body } = await response.json();
  assert.equal(body.code, "rate_limited");
  assert.equal(response.headers.get("retry-after"), String(Math.ceil(body.retry_after_ms / 1000)));
});

test("only so many commands wait at once", async (t) => {
  const server = await t.start({ "commands-in-flight": 4, workers: 1 });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  const sends = Array.from({ length: 50 }, (_, i) => ana.call("send", { room: "r", text: `m${i}` }));
  const results = await Promise.allSettled(sends);
  const codes = results.filter(({ status }) => status === "rejected").map(({ reason }) => reason.code);
  assert.ok(codes.length > 0 && codes.length <= 46, codes.length);
  assert.deepEqual([...new Set(codes)], ["too_many_commands"]);
  const stored = results.length - codes.length;
  assert.equal((await ana.call("history", { room: "r" })).head.count, stored);
});

test("an address may connect only so fast", async (t) => {
  const server = await t.start({ "connects-per-address": 5, "connects-burst": 10 });
  let open = 0;
  let closed = 0;
  for (let i = 0; i < 25; i++) {
    const raw = await Raw.connect(server.port);
    t.after(() => raw.kill());
    raw.write("GET /ready HTTP/1.1\r\nHost: a\r\n\r\n");
    await raw.answer().then(
      () => open++,
      () => closed++,
    );
  }
  assert.ok(open >= 9 && open <= 14, `${open} were let in`);
  assert.equal(open + closed, 25);
  await sleep(500);
  const later = await Raw.connect(server.port);
  t.after(() => later.kill());
  assert.equal((await later.write("GET /ready HTTP/1.1\r\nHost: a\r\n\r\n").answer()).status, 200);
  await sleep(300);
  assert.equal((await server.metrics())('polylog_refused_total{reason="rate"}'), closed);
});

test("whoever comes too fast waits, and is not refused", async (t) => {
  const server = await t.start({ "accept-rate": 20 });
  const start = Date.now();
  const raws = await Promise.all(Array.from({ length: 50 }, () => Raw.connect(server.port)));
  for (const raw of raws) t.after(() => raw.kill());
  const times = raws.map(async (raw) => {
    const { status } = await raw.write("GET /ready HTTP/1.1\r\nHost: a\r\n\r\n").answer();
    assert.equal(status, 200);
    return Date.now() - start;
  });
  const taken = (await Promise.all(times)).sort((a, b) => a - b);
  // a second's worth at once, then one after another
  assert.ok(taken[15] < 500, `the 16th after ${taken[15]} ms`);
  assert.ok(taken[49] > 1200 && taken[49] < 3000, `the last after ${taken[49]} ms`);
  assert.ok((await server.metrics())("polylog_accept_waits_total") > 20);
});

test("an address may log in only so fast", async (t) => {
  const server = await t.start({ "connects-per-address": 1, "connects-burst": 10 });
  const raw = await Raw.connect(server.port);
  t.after(() => raw.kill());
  const body = JSON.stringify({ name: "ana" });
  let response;
  let n = 0;
  do {
    response = await raw
      .write(`POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`)
      .answer();
    n++;
  } while (response.status === 200 && n < 20);
  assert.equal(response.status, 429);
  assert.ok(n >= 5 && n <= 12, `${n} logins`);
});

test("only so many connections are open", async (t) => {
  const server = await t.start({ "connections-max": 3 });
  const three = [await server.connect(), await server.connect(), await server.connect()];
  await assert.rejects(server.connect());
  for (const client of three) await client.call("ping");
  await three[0].close();
  await until("there is room again", async () => server.connect().catch(() => undefined));
});

test("limits that are set are kept", async (t) => {
  const server = await t.start({
    "text-max": 10,
    "frame-max": "1k",
    "body-max": "1k",
    "head-max": "512",
    "history-max": "4k",
  });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  await ana.call("send", { room: "r", text: "ö".repeat(10) });
  await refused("too_long", ana.call("send", { room: "r", text: "x".repeat(11) }));
  assert.equal((await server.fetch("/api/v1/ping", { method: "POST", body: "x".repeat(1025) })).status, 413);
  assert.equal((await server.fetch("/", { headers: { "X-Long": "x".repeat(600) } })).status, 431);
  for (let i = 0; i < 60; i++) await ana.call("send", { room: "r", text: `${i}`.padStart(10) });
  const page = await ana.call("history", { room: "r", limit: 500 });
  assert.equal(page.more, true);
  assert.ok(JSON.stringify(page.entries).length <= 4200);
  ana.write(" ".repeat(1025));
  assert.equal((await ana.closed).code, 1009);
});

test("0 lifts a limit", async (t) => {
  const server = await t.start({
    "text-max": 0,
    "frame-max": "4m",
    "body-max": 0,
    "behind-max": 0,
    "history-max": "8m",
  });
  const [ana, bob] = [await t.person("ana", { server }), await t.person("bob", { server })];
  const { room } = await ana.call("join", { room: "r" });
  const text = "\u0001x".repeat(200_000); // escaped it is longer
  await ana.call("send", { room: "r", text });
  assert.equal((await ana.http("send", { room: "r", text })).seq, 3);
  await ana.events({ event: "message", text }, 2);
  await Promise.all(Array.from({ length: 1200 }, (_, i) => ana.call("send", { room: "r", text: `m${i}` })));
  await bob.call("resume", { rooms: { r: [room.epoch, 3] } });
  await bob.events({ event: "message" }, 1200);
});

test("texts may be as long as one wants them", async (t) => {
  const server = await t.start({ "text-max": "100000", "frame-max": "1m", "body-max": "1m" });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  const text = (i) => `${i}${"\u0001".repeat(99_990)}`; // escaped six times as long
  for (let i = 0; i < 150; i++) await ana.call("send", { room: "r", text: text(i) });
  for (let target = 2; target < 100; target++)
    await ana.call("edit", { room: "r", target, text: text(`e${target}`) });
  const history = (params) => ana.call("history", { room: "r", limit: 500, ...params });
  for (const [params, seq, begins] of [
    [{}, 151, "149"],
    [{ after: 0 }, 2, "e2"],
    [{ before: 50 }, 49, "e49"],
    [{ view: "log" }, 249, "e99"],
  ]) {
    const { entries, more } = await history(params);
    assert.deepEqual(
      [more, entries.length, entries[0].seq, entries[0].text.startsWith(begins)],
      [true, 1, seq, true],
    );
  }
}, 90_000);
