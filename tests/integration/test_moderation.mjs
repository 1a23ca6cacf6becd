// Moderation: who is muted, banned, kicked, and told why; the log of moderators.
import assert from "node:assert/strict";
import { refused, test, testWorkers } from "./lib/suite.mjs";

// A public room with its owner, a moderator and somebody who follows it on two connections.
async function begin(t, kind = "public") {
  const room = t.room();
  const [ana, mo, bob] = [await t.person("ana"), await t.person("mo"), await t.person("bob")];
  await ana.call("room_create", { room, kind });
  await ana.call("member_set", { room, user: mo.user.id, role: "moderator" });
  if (kind === "private") await ana.call("member_set", { room, user: bob.user.id, role: "member" });
  await bob.call("join", { room });
  return { room, ana, mo, bob };
}

testWorkers("who is kicked is told why, follows the room no more, and may come back", async (t) => {
  const { room, ana, mo, bob } = await begin(t);
  const other = await t.server.then((server) => server.connect(bob.token));
  t.after(() => other.kill());
  await other.call("join", { room });
  await mo.call("kick", { room, user: bob.user.id, reason: "go for a walk" });
  for (const link of [bob, other]) {
    const { user, role, kick } = await link.event({ event: "member", room });
    assert.deepEqual([user.id, role, kick], [bob.user.id, "none", true]);
    const told = await link.event({ event: "act", to: room });
    assert.deepEqual([told.act, told.from, told.reason], ["kick", mo.user, "go for a walk"]);
  }
  await ana.call("send", { room, text: "behind their back" });
  await bob.settle();
  await other.settle();
  for (const link of [bob, other]) assert.equal(link.log(room).some(({ text }) => text === "behind their back"), false);
  assert.equal((await bob.call("rooms")).rooms.some(({ id }) => id === room), false);
  await bob.call("join", { room, last: 1 });
  await bob.event({ room, text: "behind their back" });
});

testWorkers("a kick from a private room needs an invitation back", async (t) => {
  const { room, mo, bob } = await begin(t, "private");
  await mo.call("kick", { room, user: bob.user.id });
  await refused("not_member", bob.call("join", { room }));
  await mo.call("member_set", { room, user: bob.user.id, role: "member" });
  await bob.call("join", { room });
});

testWorkers("a mute ends by itself", async (t) => {
  const { room, mo, bob } = await begin(t);
  await mo.call("member_set", { room, user: bob.user.id, role: "muted", lasts: 3_600_000, reason: "loud" });
  const { act, until, reason } = await bob.event({ event: "act", to: room });
  assert.deepEqual([act, reason], ["mute", "loud"]);
  const { until: told, reason: secret } = await bob.event({ event: "member", room });
  assert.deepEqual([told, secret], [until, undefined]);
  const { retry_after_ms: wait } = await bob.call("send", { room, text: "x" }).catch((error) => error);
  assert.ok(wait > 3_000_000 && wait <= 3_600_000, `${wait}`);
  await mo.call("member_set", { room, user: bob.user.id, role: "muted", lasts: 1 });
  const log = await mo.call("history", { room: `audit:${room}`, view: "log" });
  assert.deepEqual(log.entries.map((entry) => entry.act), ["create", "role", "mute", "mute"]);
  await bob.call("send", { room, text: "at last" });
});

testWorkers("moderators follow what is done, those who are none no longer", async (t) => {
  const { room, ana, mo, bob } = await begin(t);
  const log = `audit:${room}`;
  for (const who of [ana, mo]) await who.call("join", { room: log, after: 0 });
  await refused("not_member", bob.call("join", { room: log }));
  const { seq: target } = await bob.call("send", { room, text: "rude" });
  await mo.call("delete", { room, target, reason: "rude" });
  const told = await ana.event({ room: log, act: "delete" });
  assert.deepEqual([told.from, told.user, told.target, told.reason], [mo.user, bob.user, target, "rude"]);
  await ana.call("member_set", { room, user: mo.user.id, role: "member", reason: "thank you" });
  await mo.event({ room: log, act: "role", role: "member" });
  await ana.call("room_set", { room, topic: "t" });
  await ana.event({ room: log, act: "settings" });
  await mo.settle();
  assert.equal(mo.frames.some((frame) => frame.room === log && frame.act === "settings"), false);
  await refused("not_member", mo.call("history", { room: log }));
  for (const [action, params] of [
    ["send", { text: "x" }],
    ["delete", { target: 1 }],
    ["edit", { target: 1, text: "x" }],
  ])
    await refused("forbidden", ana.call(action, { room: log, ...params }));
});

testWorkers("of two moderators at once the order of the log decides", async (t) => {
  const { room, ana, mo, bob } = await begin(t);
  const acts = [];
  for (let i = 0; i < 10; i++) {
    acts.push(ana.call("member_set", { room, user: bob.user.id, role: "muted", reason: `a${i}` }));
    acts.push(mo.call("member_set", { room, user: bob.user.id, role: "banned", reason: `m${i}` }));
  }
  const done = await Promise.all(acts);
  const { entries } = await ana.call("history", { room: `audit:${room}`, view: "log", limit: 100 });
  const noted = entries.filter(({ user }) => user?.id === bob.user.id);
  assert.deepEqual(noted.map(({ entry }) => entry), done.map(({ seq }) => seq).sort((a, b) => a - b));
  const { members } = await ana.call("members", { room });
  assert.equal(members.find(({ id }) => id === bob.user.id).role, noted.at(-1).role);
});

testWorkers("whoever revokes another's invite is told of", async (t) => {
  const { room, ana, mo } = await begin(t);
  const { invite } = await ana.call("invite_create", { room });
  await mo.call("invite_revoke", { room, invite: invite.id });
  const { entries } = await ana.call("history", { room: `audit:${room}`, view: "log" });
  assert.deepEqual([entries.at(-1).act, entries.at(-1).from], ["invite_revoke", mo.user]);
});

test("what the server's owner does is noted", async (t) => {
  const server = await t.start();
  const [, code] = server.out.match(/#owner=([0-9a-f]+)/);
  const boss = await server.login("boss", { owner: code });
  const eve = await server.login("eve");
  await server.command("deactivate", { user: eve.user.id }, boss.token);
  await server.command("deactivate", { user: eve.user.id, on: false }, boss.token);
  await server.command("token", { name: "script", ttl: 60_000 }, boss.token);
  const log = { room: "audit:@server", view: "log" };
  const { entries } = await server.command("history", log, boss.token);
  assert.deepEqual(
    entries.map(({ act, user, from }) => [act, user.id, user.name, from.id]),
    [
      ["deactivate", eve.user.id, "", boss.user.id],
      ["activate", eve.user.id, "", boss.user.id],
      ["token", 0, "script", boss.user.id],
    ],
  );
  const again = await server.login("eve");
  await refused("not_member", server.command("history", log, again.token));
});

testWorkers("all that somebody said is deleted, for who is there and who comes later", async (t) => {
  const { room, ana, mo, bob } = await begin(t);
  await ana.call("join", { room });
  const said = [];
  for (let i = 0; i < 12; i++) said.push((await bob.call("send", { room, text: `spam ${i}` })).seq);
  await ana.call("send", { room, text: "what is this?" });
  const { seq } = await mo.call("purge", { room, user: bob.user.id, reason: "spam" });
  const first = await ana.event({ event: "purge", room });
  assert.deepEqual([first.seq, first.target, first.user.id], [seq, seq, bob.user.id]);
  const { entries } = await ana.call("history", { room, limit: 100 });
  for (const { from, text, deleted } of entries)
    assert.deepEqual([text, deleted], from.id === bob.user.id ? ["", true] : ["what is this?", undefined]);
  await refused("deleted", bob.call("edit", { room, target: said[0], text: "again" }));
  await ana.event(({ event, seq: at }) => event === "purge" && at > seq); // the texts have gone
  const eve = await t.person("eve");
  await eve.call("join", { room, after: 0 });
  await eve.event({ event: "purge", room });
  assert.equal(eve.log(room).some(({ text }) => text?.startsWith("spam")), false);
  await bob.call("send", { room, text: "sorry" });
  await eve.event({ room, text: "sorry" });
});

testWorkers("reports come to moderators, once each", async (t) => {
  const { room, ana, mo, bob } = await begin(t);
  await mo.call("join", { room: `audit:${room}` });
  const { seq: target } = await ana.call("send", { room, text: "rude" });
  for (let i = 0; i < 2; i++) await bob.call("report", { room, target, reason: "rude" });
  const told = await mo.event({ act: "report", room: `audit:${room}` });
  assert.deepEqual([told.target, told.from, told.reason], [target, bob.user, "rude"]);
  const { reports } = await mo.call("reports", { room });
  assert.deepEqual(
    reports.map(({ target: of, by, user, reason }) => [of, by, user, reason]),
    [[target, bob.user, ana.user, "rude"]],
  );
  await refused("forbidden", bob.call("reports", { room }));
  // two moderators at once: one of them resolves it, and both see that it is
  const both = await Promise.allSettled([ana, mo].map((who) => who.call("report_resolve", { room, target, reason: "talked" })));
  assert.ok(both.some(({ status }) => status === "fulfilled"));
  assert.deepEqual((await ana.call("reports", { room })).reports, []);
});
