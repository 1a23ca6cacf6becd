// What has become of messages: edits, deletions and reactions, live, in the log view
// and in the message view.
import assert from "node:assert/strict";
import { test, testWorkers } from "./lib/suite.mjs";

const byRead = async (who, room, more = {}) => (await who.call("history", { room, ...more })).entries;

testWorkers("changes are entries, and the message view is merged from them", async (t) => {
  const server = await t.server;
  const [ana, bob, room] = [await t.person("ana"), await t.person("bob"), t.room()];
  await ana.call("join", { room });
  await bob.call("join", { room, after: 0 });
  const { seq: first } = await ana.call("send", { room, text: "frist", cid: "c" });
  const { seq: second } = await bob.call("send", { room, text: "a secret", reply_to: first });
  const { seq: edit, ts: edited } = await ana.call("edit", { room, target: first, text: "first" });
  await bob.call("react", { room, target: first, emoji: "👍" });
  await ana.call("react", { room, target: first, emoji: "👍" });
  await ana.call("react", { room, target: first, emoji: "❤️" });
  await ana.call("react", { room, target: second, emoji: "👀" });
  const { seq: off } = await bob.call("react", { room, target: first, emoji: "👍", on: false });
  const { seq: gone } = await bob.call("delete", { room, target: second });
  await bob.event({ seq: gone });

  const live = bob.log(room);
  const who = ({ event, from }) => [event, from?.id];
  assert.deepEqual(
    live.map(who),
    [
      ...[
        ["room", ana],
        ["message", ana],
        ["message", bob],
        ["edit", ana],
        ["react", bob],
        ["react", ana],
      ],
      ...[
        ["react", ana],
        ["react", ana],
        ["react", bob],
        ["delete", bob],
      ],
    ].map(([event, { user }]) => [event, user.id]),
  );
  const [editEvent, reaction] = [live[3], live[4]];
  assert.deepEqual([editEvent.target, editEvent.text], [first, "first"]);
  assert.deepEqual([reaction.target, reaction.emoji, reaction.on], [first, "👍", true]);
  assert.equal(live[8].on, false);

  const messages = await byRead(ana, room);
  assert.deepEqual(messages, [
    {
      ...live[1],
      text: "first",
      edited: messages[0].edited,
      rev: off,
      reactions: { "👍": [ana.user.id], "❤️": [ana.user.id] },
    },
    { ...live[2], text: "", deleted: true, rev: gone },
  ]);
  assert.ok(Math.abs(messages[0].edited - edited) < 1000);
  assert.equal(edit, 4);

  // the log keeps every entry, but not what was deleted
  const log = await byRead(bob, room, { view: "log" });
  assert.deepEqual(
    log,
    live.map((entry) => (entry.seq === second ? { ...entry, text: "" } : entry)),
  );
  // nor do newcomers see it, from memory or from the store
  const eve = await t.person("eve");
  await eve.call("join", { room, after: 0 });
  await eve.event({ seq: gone });
  assert.equal(eve.log(room).find(({ seq }) => seq === second).text, "");
  assert.equal(JSON.stringify(eve.frames).includes("secret"), false);
  const response = await server.fetch(`/api/v1/rooms/${room}/messages`, {
    headers: { Authorization: `Bearer ${ana.token}` },
  });
  assert.deepEqual((await response.json()).entries, messages);
});

testWorkers("the path says whose messages they are, whatever the query says", async (t) => {
  const [server, room] = [await t.server, t.room()];
  const ana = await t.person("ana");
  await ana.call("join", { room });
  await ana.call("send", { room, text: "here" });
  for (const query of ["room=elsewhere", "room=abc&zz=%FF%FE%FD", "room=&limit=5", "limit=5&room=@1"]) {
    const response = await server.fetch(`/api/v1/rooms/${room}/messages?${query}`, {
      headers: { Authorization: `Bearer ${ana.token}` },
    });
    assert.equal(response.status, 200, query);
    const { entries } = await response.json();
    assert.deepEqual(entries.map(({ text }) => text), ["here"]);
  }
});

testWorkers("changing twice does no harm", async (t) => {
  const [ana, room] = [await t.person(), t.room()];
  await ana.call("join", { room });
  const { seq: target } = await ana.call("send", { room, text: "a" });
  for (let i = 0; i < 3; i++) {
    await ana.call("react", { room, target, emoji: "👍" });
    await ana.call("edit", { room, target, text: "b" });
  }
  const [message] = await byRead(ana, room);
  assert.deepEqual([message.reactions, message.text, message.rev], [{ "👍": [ana.user.id] }, "b", 8]);
  await ana.call("react", { room, target, emoji: "👍", on: false });
  await ana.call("react", { room, target, emoji: "👍", on: false });
  assert.equal((await byRead(ana, room))[0].reactions?.x, undefined);
});

testWorkers("many change one message at once", async (t) => {
  const [server, room] = [await t.server, t.room()];
  const people = await Promise.all(Array.from({ length: 8 }, () => t.person()));
  await people[0].call("join", { room });
  const { seq: target } = await people[0].call("send", { room, text: "0" });
  await Promise.all(
    people.flatMap((who) =>
      Array.from({ length: 10 }, (_, i) => who.call("react", { room, target, emoji: String.fromCodePoint(0x1f600 + i) })),
    ),
  );
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => people[0].call("edit", { room, target, text: `t${i}` })),
  );
  const [message] = await byRead(people[0], room);
  const ids = people.map(({ user }) => user.id).sort((a, b) => a - b);
  assert.equal(Object.keys(message.reactions).length, 10);
  for (const users of Object.values(message.reactions))
    assert.deepEqual(
      [...users].sort((a, b) => a - b),
      ids,
    );
  assert.deepEqual([message.text, message.rev], ["t19", 102]);
  const log = (await byRead(people[0], room, { view: "log", limit: 500 })).map(({ seq }) => seq);
  assert.deepEqual(
    log,
    Array.from({ length: 102 }, (_, i) => i + 1),
  );
  assert.ok(server.exit === undefined);
});

test("changes outlive a restart and a kill", async (t) => {
  const server = await t.start();
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  const seqs = [];
  for (let i = 0; i < 100; i++) seqs.push((await ana.call("send", { room: "r", text: `m${i}` })).seq);
  for (const [i, target] of seqs.entries()) {
    if (i % 3 === 0) await ana.call("edit", { room: "r", target, text: `e${i}` });
    if (i % 5 === 0) await ana.call("react", { room: "r", target, emoji: "👍" });
    if (i % 7 === 0) await ana.call("delete", { room: "r", target });
  }
  const before = await byRead(ana, "r", { limit: 500 });
  assert.equal(before.length, 100);
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    await server.restart({}, signal);
    const again = await server.connect(ana.token);
    assert.deepEqual(await byRead(again, "r", { limit: 500 }), before);
    await again.call("edit", { room: "r", target: seqs[1], text: signal });
    before[1] = (await byRead(again, "r", { limit: 500 }))[1];
    assert.equal(before[1].text, signal);
  }
});

test("a page keeps to its limit of bytes", async (t) => {
  const [ana, room] = [await t.person(), t.room()];
  await ana.call("join", { room });
  const text = "x".repeat(4000);
  await Promise.all(Array.from({ length: 40 }, () => ana.call("send", { room, text })));
  const all = [];
  for (let before; ; before = all[0].seq) {
    const { entries, more } = await ana.call("history", { room, limit: 500, ...(before && { before }) });
    assert.ok(JSON.stringify(entries).length < 66_000);
    all.unshift(...entries);
    if (!more) break;
    assert.ok(entries.length > 0);
  }
  assert.deepEqual(
    all.map(({ seq }) => seq),
    Array.from({ length: 40 }, (_, i) => i + 2),
  );
});
