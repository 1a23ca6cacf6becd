// Each limit at its least, and all of them together, over every door: the server neither
// ends nor hangs, what is refused is refused with a code, and what the limit permits
// comes to pass.
import assert from "node:assert/strict";
import { sleep, test } from "../integration/lib/suite.mjs";
import { Raw } from "../integration/lib/raw.mjs";
import { ask, command, DOORS, Gone, patiently } from "./doors.mjs";
import { leastLimits } from "./least.mjs";

const limits = leastLimits();
const STORY_MS = 120_000, TEST_MS = 600_000; // end what hangs
// With one connection at a time only who needs one at a time gets anywhere.
const ALONE = { "connections-max": ["http"] };
// Other limits that must be below this one.
const WITH = { "dead-after": ["ping-interval"] };
// Those of which one connection in a second is let in: little is asked.
const SLOW = ["accept-rate", "all"];

// Login, join, send, be shown it, history: two people at one door.
async function story(t, server, Door, more, times) {
  const room = t.room(), doors = [];
  try {
    for (const name of ["ana", "bob"]) {
      const { token } = await patiently(() => command(server, "login", { name: t.name(name) }), times);
      const door = await patiently(() => Door.open(server, token), times);
      doors.push(door);
      await patiently(() => door.call("join", { room }));
    }
    const [ana, bob] = doors;
    const { seq } = await patiently(() => ana.call("send", { room, text: "x" }));
    assert.ok(seq >= 1);
    await bob.shown(room, "x");
    const { entries } = await patiently(() => bob.call("history", { room, limit: 10 }));
    assert.ok(entries.some((entry) => entry.seq === seq && entry.text === "x"));
    return await beyond(ana, room, more);
  } finally {
    for (const door of doors) door.close();
  }
}

// More than any least: each is answered, with a code if it is refused, or the door closes.
async function beyond(door, room, more) {
  const calls = [];
  for (let i = 0; i < more; i++) {
    calls.push(door.call("send", { room, text: "y".repeat(1 + i * 60) }));
    calls.push(door.call("join", { room: `${room}-${i}` }));
    calls.push(door.call("history", { room }));
  }
  for (const { status, reason } of await Promise.allSettled(calls))
    if (status === "rejected" && !(reason instanceof Gone)) assert.ok(reason.code, String(reason));
  if (door.code !== undefined) assert.ok(door.code >= 1000, `closed with ${door.code}`);
}

// As often as it takes: a connection may be closed because this machine is slow.
async function untilDone(t, server, name, more) {
  const end = Date.now() + STORY_MS;
  for (;;) {
    try {
      return await story(t, server, DOORS[name], more);
    } catch (error) {
      if (server.exit !== undefined) throw new Error(`the server ended: ${server.exit}`);
      if (!(error instanceof Gone)) throw error;
      if (Date.now() > end) throw new Error(`nothing comes to pass over ${name}: ${error.message}`);
    }
    await sleep(20);
  }
}

// What does not wait: requests at once, a long head, a long body, many packets.
async function crowd(server) {
  const raw = await Raw.connect(server.port).catch(() => undefined);
  if (raw === undefined) return;
  raw.write("GET /api/v1/none HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100));
  raw.write(`GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(5000)}\r\n\r\n`);
  raw.socket.end();
  await raw.rest();
  for (const n of [10, 1000, 50_000]) {
    const posted = await ask(server, "POST", "/api/v1/send", "x".repeat(n)).catch((error) => error);
    if (!(posted instanceof Gone)) assert.ok(posted.status >= 400, String(posted.status ?? posted));
  }
  for (const n of [50, 5000, 100_000]) {
    const posted = await postAndRead(server, Array(n).fill("40").join("\x1e"));
    if (posted && !(posted instanceof Gone)) assert.ok([200, 400, 413, 429, 503].includes(posted.status), String(posted.status ?? posted));
  }
}

// What a POST to a new session is answered; undefined: no session is let in. Its packets wait
// until what is said to them is read: until then somebody does.
async function postAndRead(server, packets) {
  const path = "/socket.io/?EIO=4&transport=polling";
  const opened = await ask(server, "GET", path).catch((error) => error);
  if (opened.status !== 200) return undefined;
  const session = `${path}&sid=${JSON.parse(opened.body.split("\x1e")[0].slice(1)).sid}`;
  let over = false, raw;
  const read = async () => {
    while (!over) {
      raw = await Raw.connect(server.port).catch(() => undefined);
      if (raw === undefined || over) break;
      raw.write(`GET ${session} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`);
      await raw.answer().catch(() => sleep(20)); // it was closed
      raw.socket.destroy();
    }
    raw?.socket.destroy();
  };
  const reading = read();
  const posted = await ask(server, "POST", session, packets).catch((error) => error);
  over = true;
  raw?.socket.destroy();
  await reading;
  return posted;
}

// The server is as well as before, and ends as it should.
async function isWell(server) {
  for (let n = 0; ; n++) {
    const health = await ask(server, "GET", "/health").catch((error) => error);
    if (health.status === 200) break;
    assert.equal(server.exit, undefined, `the server ended\n${server.log.slice(-4000)}`);
    assert.ok(health instanceof Gone || health.status === 429, String(health.status ?? health));
    assert.ok(n < 600, "/health is not answered");
    await sleep(100);
  }
  assert.equal(await server.stop(), 0, server.log.slice(-4000));
  assert.doesNotMatch(server.log, /Assertion|AddressSanitizer|runtime error/);
}

async function run(t, what, flags, progress) {
  const server = await t.start({ workers: 2, ...flags });
  const names = Object.keys(DOORS), more = SLOW.includes(what) ? 1 : 20;
  const results = await Promise.allSettled(
    names.map((name) => (progress.includes(name) ? untilDone : attempt)(t, server, name, more)),
  );
  await crowd(server);
  for (const { reason } of results) if (reason) throw reason;
  await isWell(server);
}

// Where nothing need come to pass: what is refused has a code.
async function attempt(t, server, name, more) {
  await story(t, server, DOORS[name], more, 3).catch((error) => {
    if (!(error instanceof Gone)) assert.ok(error.code, error.stack);
  });
}

test("the table has its limits", async () => {
  assert.ok(Object.keys(limits).length > 30, Object.keys(limits).join());
  assert.deepEqual([limits["text-max"], limits["head-max"], limits["flush-ms"]], ["1", "512", "1ms"]);
});

for (const [name, least] of Object.entries(limits))
  test(
    `${name} is ${least}`,
    (t) => {
      const flags = Object.fromEntries([name, ...(WITH[name] ?? [])].map((one) => [one, limits[one]]));
      return run(t, name, flags, ALONE[name] ?? Object.keys(DOORS));
    },
    TEST_MS,
  );

// Together, one connection at a time and one message a second let too little come to pass.
const RATES = ["connections-max", "connects-per-address", "connects-burst", "accept-rate", "messages-per-user", "messages-burst"];
const others = Object.fromEntries(Object.entries(limits).filter(([name]) => !RATES.includes(name)));

test("all limits but of rates are at their least", (t) => run(t, "others", others, Object.keys(DOORS)), TEST_MS);

test("all limits are at their least", (t) => run(t, "all", limits, []), TEST_MS);
