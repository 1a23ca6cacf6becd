// Functions that are killed, events that are none, people that are none.
import assert from "node:assert/strict";
import { refused, test, until } from "../integration/lib/suite.mjs";
import { startFunction } from "./lib/function.mjs";
import { Killer } from "./lib/killer.mjs";

const MESSAGES = Number(process.env.MESSAGES ?? 40);

const TRIES = 50;

// Sends under one cid until it is answered, as the client library does. begun is told of each try.
async function sendSurely(person, room, text, seen, begun) {
  for (let i = 0; ; i++) {
    begun(i);
    try {
      return await person.call("send", { room, text, cid: text, seen });
    } catch (error) {
      if (!["gateway", "store_failed"].includes(error.code) || i > TRIES) throw error;
    }
  }
}

// Joins behind the last entry that was shown without a gap, until all up to seq were.
async function catchUp(person, { epoch, head }, seq) {
  const shown = () => {
    const seqs = new Set(person.said.filter((one) => one.room === "general" && one.seq).map((one) => one.seq));
    let last = head.seq;
    while (seqs.has(last + 1)) last++;
    return last;
  };
  await until("all was shown", async () => {
    if (shown() >= seq) return true;
    await person.call("resume", { rooms: { general: [epoch, shown()] } }).catch(() => undefined);
    return shown() >= seq;
  });
}

test("functions killed in the middle: nothing is missing, nothing is there twice", async (t) => {
  const gateway = await startFunction(t);
  const ana = await (await gateway.person()).login("ana");
  const ben = await (await gateway.person()).login("ben");
  const { room } = await ana.call("join", { room: "general" });
  await ben.call("join", { room: "general" });
  const killer = new Killer(gateway);
  let seen = room.head.seq;
  for (let i = 0; i < MESSAGES; i++) {
    ({ seq: seen } = await sendSurely(ana, "general", `message ${i}`, seen, killer.begun));
    killer.answered();
  }
  await catchUp(ben, room, seen);
  await catchUp(ana, room, seen);
  const { entries } = await ben.call("history", { room: "general", after: room.head.seq, limit: 500 });
  const sent = Array.from({ length: MESSAGES }, (_, i) => `message ${i}`);
  assert.deepEqual(entries.map((one) => one.text), sent);
  for (const person of [ana, ben]) {
    const shown = new Map(person.events("message").map((one) => [one.seq, one.text]));
    assert.deepEqual([...shown].sort(([a], [b]) => a - b).map(([, text]) => text), sent);
  }
  assert.ok(killer.killed > 0, "none was killed");
});

test("bad input: each gets a clear error, and nothing stops", async (t) => {
  const gateway = await startFunction(t, { concurrency: 1 });
  const invoke = async (body) => {
    const answer = await fetch(`${gateway.http}/2015-03-31/functions/chat/invocations`, { method: "POST", body });
    return { failed: answer.headers.get("x-amz-function-error"), body: await answer.json() };
  };
  const context = (more) => ({ requestContext: { eventType: "MESSAGE", connectionId: "AbCdEfGhIjKlMno=", domainName: "x", stage: "s", ...more }, body: "{}" });
  const fails = async (type, event) => {
    const { failed, body } = await invoke(typeof event === "string" ? event : JSON.stringify(event));
    assert.ok(failed, type);
    assert.equal(body.errorType, `Event.${type}`);
    assert.ok(body.errorMessage.length > 10);
  };
  await fails("no_context", {});
  await fails("other_version", { version: "2.0", routeKey: "$default", rawPath: "/", requestContext: { http: {} } });
  await fails("bad_type", context({ eventType: "ELSE" }));
  await fails("bad_connection", context({ connectionId: "../../etc" }));
  await fails("bad_address", context({ domainName: "x y" }));
  await fails("bad_body", { ...context(), body: "%%%", isBase64Encoded: true });
  await fails("bad_deliver", { deliver: { room: "" } });
  // A connection that nobody has: it is nobody, and is told so.
  const forged = await invoke(JSON.stringify({ ...context(), body: JSON.stringify({ action: "send", id: 1, room: "general", text: "x" }) }));
  assert.equal(forged.failed, null);
  assert.equal(JSON.parse(forged.body.body).error.code, "unauthenticated");
  const person = await gateway.person();
  person.say("no JSON");
  assert.equal((await until("it is answered", () => person.said[0])).error.code, "bad_json");
  person.say([1, 2]);
  await until("it is answered", () => person.said[1]?.error.code === "bad_json");
  await refused("bad_token", person.call("auth", { token: "x.y.z" }));
  await refused("unauthenticated", person.call("join", { room: "general" }));
  await person.login("ana");
  await refused("already_authenticated", person.call("login", { name: "ben" }));
  await refused("too_long", person.call("send", { room: "general", text: "x".repeat(20_000) }));
  // A message of 128 KB comes in frames of 32 KB; one byte more ends the connection.
  const large = async (bytes) => {
    const guest = await gateway.person();
    const text = JSON.stringify({ action: "ping", id: 1, pad: "" });
    const message = text.replace('""', `"${"x".repeat(bytes - text.length)}"`);
    for (let i = 0; i < bytes; i += 32 * 1024) guest.socket.send(message.slice(i, i + 32 * 1024), { fin: i + 32 * 1024 >= bytes });
    return guest;
  };
  const whole = await large(128 * 1024);
  await until("it is answered", () => whole.said.find((one) => one.id === 1 && one.ok?.now));
  assert.equal((await (await large(128 * 1024 + 1)).closed).code, 1009);
  await person.call("join", { room: "general" });
  await person.call("send", { room: "general", text: "still here" });
});

test("a token at $connect: in the query, a cookie, a subprotocol", async (t) => {
  const gateway = await startFunction(t);
  const { token } = await (await gateway.person()).login("ana");
  const ways = [
    { query: `?token=${token}` },
    { headers: { cookie: `a=b; polylog_token=${token}` } },
    { headers: { authorization: `Bearer ${token}` } },
    { protocols: ["polylog.v1", `token.${token}`] },
  ];
  for (const way of ways) {
    const person = await gateway.person(way);
    assert.equal((await person.call("presence", { room: "general" }).catch((error) => error)).code, "no_such_room");
    if (way.protocols) assert.equal(person.socket.protocol, "polylog.v1");
  }
  for (const bad of ["x", `${token}x`, token.replace(/\.[^.]*$/, ".AAAA")])
    await assert.rejects(gateway.person({ query: `?token=${bad}` }), { status: 401 });
});

test("what the command says outside of Lambda, and where names are not open", async (t) => {
  const { spawnSync } = await import("node:child_process");
  const { PROGRAM } = await import("./lib/function.mjs");
  const { status, stderr } = spawnSync(PROGRAM, ["lambda"], { encoding: "utf8", env: {} });
  assert.notEqual(status, 0);
  assert.match(stderr, /polylog gateway chat\.yaml/);
  const gateway = await startFunction(t, { settings: { POLYLOG_OPEN: "false" } });
  await refused("login_closed", (await gateway.person()).call("login", { name: "ana" }));
});
