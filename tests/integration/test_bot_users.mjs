// Bots: users with an owner, who speak by API keys, and may look otherwise for one message.
import assert from "node:assert/strict";
import { refused, revoked, test } from "./lib/suite.mjs";

// A bot of the person's and a key of it.
async function botOf(person, name, scope = "read write") {
  const { user } = await person.call("bot_create", { name });
  const made = await person.call("key_create", { name: "a key", scope, user: user.id });
  return { user, ...made };
}

test("a bot speaks by its key, marked as one, by a name and picture for one message", async (t) => {
  const server = await t.server;
  const [ana, bob] = [await t.person("ana"), await t.person("bob")];
  const room = t.room();
  for (const who of [ana, bob]) await who.call("join", { room });
  const bot = await botOf(ana, t.name("bot"));
  const http = (action, params) => server.command(action, params, bot.key);
  await http("send", { room, text: "plain" });
  await http("send", { room, text: "guised", as: "Deploy", picture: "🚀", cid: "g" });
  assert.equal((await http("send", { room, text: "guised", as: "Deploy", picture: "🚀", cid: "g" })).duplicate, true);
  const socket = await server.connect(bot.key);
  await socket.call("send", { room, text: "by url", picture: "https://example.org/a.png?b=1" });
  await bob.event({ event: "message", text: "by url" });
  const look = ({ from, bot, as, picture }) => [from.id, bot, as, picture];
  const want = [
    [bot.user.id, true, undefined, undefined],
    [bot.user.id, true, "Deploy", "🚀"],
    [bot.user.id, true, undefined, "https://example.org/a.png?b=1"],
  ];
  const texts = ["plain", "guised", "by url"];
  const said = (entries) => texts.map((text) => look(entries.find((e) => e.event === "message" && e.text === text)));
  assert.deepEqual(said(bob.log(room)), want);
  const { entries } = await bob.call("history", { room });
  assert.deepEqual(said(entries), want);
  // what it said goes with the text; that a bot said it stays
  const { seq } = entries.find(({ text }) => text === "guised");
  await http("delete", { room, target: seq });
  const { entries: after } = await bob.call("history", { room });
  assert.deepEqual(look(after.find((e) => e.seq === seq)), [bot.user.id, true, undefined, undefined]);
  const { entries: log } = await bob.call("history", { room, view: "log" });
  assert.deepEqual(look(log.find((e) => e.seq === seq)), [bot.user.id, true, undefined, undefined]);
  await bob.call("send", { room, text: "a person" });
  const { entries: last } = await bob.call("history", { room, limit: 1 });
  assert.equal(last[0].bot, undefined);
});

test("a guise is a bot's alone, and of names and pictures that are none", async (t) => {
  const server = await t.server;
  const ana = await t.person("ana");
  const room = t.room();
  await ana.call("join", { room });
  const bot = await botOf(ana, t.name("bot"));
  for (const more of [{ as: "Boss" }, { picture: "🚀" }]) {
    const error = await refused("bots_only", ana.call("send", { room, text: "x", ...more }));
    assert.equal(error.parameter, Object.keys(more)[0]);
  }
  const own = await ana.call("key_create", { name: "own", scope: "write" });
  await refused("bots_only", server.command("send", { room, text: "x", as: "Boss" }, own.key));
  const send = (more) => server.command("send", { room, text: "x", ...more }, bot.key);
  for (const as of ["", " ", "a/b", "Аnа", "a\nb", "a​b"]) await assert.rejects(send({ as }), ({ code }) => ["bad_name", "bad_text"].includes(code), as);
  for (const picture of ["x", "http://example.org/a.png", "https://", "https:///a", "https://u:p@example.org/", 'https://e.org/"', "https://e.org/a b", "javascript:alert(1)", `https://e.org/${"a".repeat(600)}`, "🚀🚀"])
    assert.equal((await refused("bad_picture", send({ picture }))).parameter, "picture");
  const { head } = (await ana.call("join", { room })).room;
  assert.equal(head.count, 0);
});

test("bots are their owner's: their keys, their end", async (t) => {
  const server = await t.start();
  const [, code] = server.out.match(/#owner=([0-9a-f]+)/);
  const owner = await server.login("olga", { owner: code });
  const [ana, bob] = [await t.person("ana", { server }), await t.person("bob", { server })];
  const name = t.name("bot");
  const bot = await botOf(ana, name);
  assert.deepEqual(await ana.call("bot_create", { name }), { user: bot.user, owner: ana.user.id });
  assert.deepEqual((await ana.call("bots", {})).bots, [{ ...bot.user, active: true }]);
  assert.deepEqual((await bob.call("bots", {})).bots, []);
  await refused("login_elsewhere", server.login(name));
  assert.equal((await refused("name_taken", bob.call("bot_create", { name }))).parameter, "name");
  await refused("name_taken", ana.call("bot_create", { name: bob.user.name }));
  await refused("bad_name", ana.call("bot_create", { name: "a/b" }));
  const theirs = { user: bot.user.id };
  for (const [action, params] of [
    ["bots", { user: ana.user.id }],
    ["bot_create", { name: "x y", user: ana.user.id }],
    ["keys", theirs],
    ["key_create", { name: "x", scope: "read", ...theirs }],
    ["key_revoke", { key: bot.id, ...theirs }],
    ["deactivate", theirs],
  ])
    await refused("forbidden", bob.call(action, params));
  await refused("forbidden", ana.call("key_create", { name: "x", scope: "admin", ...theirs }));
  for (const action of ["bots", "bot_create"]) await refused("beyond_scope", server.command(action, { name: "x y" }, bot.key));

  // The server's owner sees and ends, and makes bots for others, but does not speak as one.
  const byOwner = (action, params) => server.command(action, params, owner.token);
  await refused("forbidden", byOwner("key_create", { name: "x", scope: "read", ...theirs }));
  await refused("name_taken", byOwner("token", { name }));
  assert.equal((await byOwner("keys", theirs)).keys.length, 1);
  const given = await byOwner("bot_create", { name: "for bob", user: bob.user.id });
  assert.equal(given.owner, bob.user.id);
  assert.deepEqual((await bob.call("bots", {})).bots.map(({ id }) => id), [given.user.id]);
  await refused("no_such_user", byOwner("bot_create", { name: "for none", user: 999_999 }));
  await refused("forbidden", byOwner("bot_create", { name: "for a bot", user: bot.user.id }));

  // Deactivated by its owner, and taken back; with its owner, too.
  await server.command("users", {}, bot.key);
  await ana.call("deactivate", theirs);
  await revoked(() => server.command("users", {}, bot.key));
  assert.deepEqual((await ana.call("bots", {})).bots.map(({ active }) => active), [false]);
  const again = await ana.call("key_create", { name: "b", scope: "read", ...theirs });
  await refused("deactivated", server.command("users", {}, again.key));
  await ana.call("deactivate", { ...theirs, on: false });
  await server.command("users", {}, again.key);
  await byOwner("deactivate", { user: ana.user.id });
  await server.restart(); // a worker remembers who a key speaks for, for some minutes
  await refused("deactivated", server.command("users", {}, again.key));
});

test("a person has so many bots", async (t) => {
  const ana = await t.person("ana");
  const names = [];
  for (let i = 0; i < 20; i++) {
    names.push(t.name("bot"));
    await ana.call("bot_create", { name: names.at(-1) });
  }
  await refused("too_many_bots", ana.call("bot_create", { name: t.name("bot") }));
  await ana.call("bot_create", { name: names[3] }); // there is
  assert.equal((await ana.call("bots", {})).bots.length, 20);
});
