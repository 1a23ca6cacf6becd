// Sends that are repeated are stored once: after a reconnect, a restart, a kill, and
// however much was written since.
import assert from "node:assert/strict";
import { test, testWorkers, refused } from "./lib/suite.mjs";

async function fill(who, room, n) {
  await Promise.all(Array.from({ length: n }, (_, i) => who.call("send", { room, text: `f${i}` })));
}

testWorkers("a repeat is answered with the first's seq", async (t) => {
  const [server, ana, room] = [await t.server, await t.person(), t.room()];
  await ana.call("join", { room });
  const request = { room, text: "once", cid: "c1", seen: 1 };
  const first = await ana.call("send", request);
  const again = await server.connect(ana.token);
  assert.deepEqual(await again.call("send", request), { ...first, duplicate: true });
  assert.deepEqual(await ana.http("send", request), { ...first, duplicate: true });
  await again.close();
  // both attempts in flight at once
  for (let i = 0; i < 20; i++) {
    const twice = { room, text: "twice", cid: `t${i}`, seen: 1 };
    const answers = await Promise.all([
      ana.call("send", twice),
      ana.http("send", twice),
      ana.call("send", twice),
    ]);
    assert.equal(new Set(answers.map(({ seq }) => seq)).size, 1);
    assert.equal(answers.filter(({ duplicate }) => duplicate).length, 2);
  }
  assert.equal((await ana.call("history", { room })).head.count, 21);
});

test("an Idempotency-Key is a send's cid", async (t) => {
  const [server, ana, room] = [await t.server, await t.person(), t.room()];
  await ana.call("join", { room });
  const send = (key, more = {}) => server.command("send", { room, text: "once", ...more }, ana.token, { "Idempotency-Key": key });
  const first = await send('"a key"');
  for (const key of ['"a key"', ' "a key" ; v=1'])
    assert.deepEqual(await send(key), { ...first, duplicate: true });
  assert.deepEqual(await send('"a key"', { cid: "a key" }), { ...first, duplicate: true });
  assert.deepEqual(await ana.call("send", { room, text: "once", cid: "a key" }), { ...first, duplicate: true });
  await refused("cid_conflict", send('"a key"', { text: "other" }));
  const uuid = "8e03978e-40d5-43dd-bc93-6894a57f9324";
  const bare = await send(uuid);
  assert.equal(bare.seq, first.seq + 1);
  assert.deepEqual(await send(`"${uuid}"`), { ...bare, duplicate: true });
  assert.equal((await send(`"${"k".repeat(64)}"`)).seq, bare.seq + 1);
  for (const key of ["", '""', '"open', '"a" b', '"a\\n"', "a, b", '"a", "b"', "k".repeat(65), `"${"k".repeat(81)}"`]) {
    const error = await refused("bad_key", send(key));
    assert.equal(error.status, 400, key);
  }
  assert.equal((await refused("bad_key", send('"a key"', { cid: "other" }))).status, 400);
  assert.equal((await ana.call("history", { room })).head.count, 3);
  // to other commands the field says nothing
  await server.command("history", { room }, ana.token, { "Idempotency-Key": '"' });
});

test("a repeat is recognised after a restart and after a kill", async (t) => {
  const server = await t.start();
  const { token } = await server.login("ana");
  const ana = await server.connect(token);
  await ana.call("join", { room: "r" });
  await fill(ana, "r", 10);
  const request = { room: "r", text: "once", cid: "c1", seen: 5 };
  const first = await ana.call("send", request);
  await fill(ana, "r", 10);
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    await server.restart({}, signal);
    const again = await server.connect(token);
    assert.deepEqual(await again.call("send", request), { ...first, duplicate: true });
    await refused("cid_conflict", again.call("send", { ...request, text: "other" }));
    assert.equal((await again.call("history", { room: "r" })).head.count, 21);
  }
});

test("a repeat is recognised by its own sender only, and although it was changed", async (t) => {
  const server = await t.start();
  const [ana, bob] = [await server.login("ana"), await server.login("bob")];
  const send = (who, params) =>
    server.command("send", { room: "general", cid: "c", seen: 1, ...params }, who.token);
  const one = await server.connect(ana.token);
  await one.call("join", { room: "general" });
  const first = await send(ana, { text: "a" });
  const deleted = await send(ana, { text: "b", cid: "d" });
  await server.command("edit", { room: "general", target: first.seq, text: "edited" }, ana.token);
  await server.command("delete", { room: "general", target: deleted.seq }, ana.token);
  assert.equal((await send(bob, { text: "a" })).duplicate, undefined);
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await send(ana, { text: "a" }), { ...first, duplicate: true });
    assert.deepEqual(await send(ana, { text: "b", cid: "d" }), { ...deleted, duplicate: true });
    await server.restart({}, "SIGKILL");
  }
});

test("a cid is found deep in the log, or the send is refused as unconfirmed", async (t) => {
  const server = await t.start();
  const { token } = await server.login("ana");
  let ana = await server.connect(token);
  await ana.call("join", { room: "r" });
  const request = { room: "r", text: "deep", cid: "deep", seen: 1 };
  const first = await ana.call("send", request);
  const fresh = (more) => ana.call("send", { room: "r", text: "new", ...more });
  await fill(ana, "r", 3000); // beyond what memory holds
  assert.deepEqual(await ana.call("send", request), { ...first, duplicate: true });
  await refused("cid_conflict", ana.call("send", { ...request, text: "other" }));
  assert.equal((await fresh({ cid: "n1", seen: 1 })).seq, 3003, "another cid is searched for, then appended");
  await fill(ana, "r", 9997 - 3001); // the head is 9999
  assert.deepEqual(await ana.call("send", request), { ...first, duplicate: true });
  await server.restart({}, "SIGKILL");
  ana = await server.connect(token);
  assert.deepEqual(await ana.call("send", request), { ...first, duplicate: true });
  await fill(ana, "r", 5);
  const { head } = await ana.call("history", { room: "r", limit: 1 });
  await refused("unconfirmed", ana.call("send", request));
  await refused("unconfirmed", fresh({ cid: "n2", seen: 0 }));
  assert.deepEqual((await ana.call("history", { room: "r", limit: 1 })).head, head, "nothing was stored");
  assert.equal((await fresh({ cid: "n2", seen: head.seq - 10_000 })).seq, head.seq + 1);
  assert.equal(
    (await fresh({ cid: "n3", seen: 10 ** 9 })).seq,
    head.seq + 2,
    "seen beyond the head is the head",
  );
});

test("an answer that was lost is found again", async (t) => {
  const [server, ana, room] = [await t.server, await t.person(), t.room()];
  await ana.call("join", { room });
  const sent = [];
  for (let round = 0; round < 10; round++) {
    const client = await server.connect(ana.token);
    const requests = Array.from({ length: 20 }, (_, i) => ({
      room,
      text: `${round}.${i}`,
      cid: `${round}.${i}`,
      seen: 1,
    }));
    for (const request of requests) client.write({ action: "send", id: 1, ...request });
    client.kill(); // nobody knows which of them arrived
    const again = await server.connect(ana.token);
    sent.push(...(await Promise.all(requests.map((request) => again.call("send", request)))));
    await again.close();
  }
  assert.equal(new Set(sent.map(({ seq }) => seq)).size, 200);
  const { entries } = await ana.call("history", { room, limit: 500 });
  assert.equal(entries.length, 200);
  assert.equal(new Set(entries.map(({ cid }) => cid)).size, 200);
});

// Whatever a command has to look up first, what came behind it lands behind it.
testWorkers("what comes in one packet lands in its order", async (t) => {
  const [ana, bob] = [await t.person("ana"), await t.person("bob")];
  const set = (role) => ({ action: "member_set", user: bob.user.id, role });
  for (const [room, first] of [
    [t.room(), [set("none")]],
    [t.room(), [set("moderator")]],
    [t.room(), [{ action: "edit", target: 2, text: "b" }, { action: "react", target: 2, emoji: "👍" }]],
    [t.room(), [{ action: "delete", target: 2 }, { action: "room_set", title: "t" }]],
  ]) {
    await ana.call("join", { room });
    await ana.call("send", { room, text: "a" });
    await ana.call("member_set", { room, user: bob.user.id, role: "member" });
    const commands = [...first, { action: "send", text: "behind" }, ...first.filter(({ action }) => action !== "delete")];
    const answers = commands.map((params, i) => ana.event({ id: `${room} ${i}` }));
    for (const [i, params] of commands.entries()) ana.write({ ...params, room, id: `${room} ${i}` });
    const seqs = (await Promise.all(answers)).map(({ ok }) => ok?.seq);
    assert.deepEqual(seqs, commands.map((_, i) => 4 + i));
  }
  const room = t.room(); // that comes into being
  ana.write({ action: "join", room });
  ana.write({ action: "send", room, text: "first" });
  assert.equal((await ana.event({ room, event: "message" })).seq, 2);
  ana.write({ action: "leave", room });
  ana.write({ action: "join", room });
  ana.write({ action: "send", room, text: "second" });
  assert.equal((await ana.event({ room, text: "second" })).seq, 3);
});
