// Behind a gateway (relay.mjs) the page behaves as anywhere.
import assert from "node:assert/strict";
import { withRelay } from "./relay.mjs";
import { enter, useServer, withSite } from "./site.mjs";

// Runs a story with a relay, and with people whose page is files on a site of its own.
function behind(story) {
  return ({ arrive, server }) =>
    withSite(server, () =>
      withRelay(server, (relay) => {
        const visit = async (name, options) => {
          const person = await arrive(name, { at: "http://", ...options });
          await person.page.goto(server.site);
          await useServer(person, relay.url);
          await enter(person);
          await person.notices();
          return person;
        };
        return story({ relay, visit, arrive, server });
      }),
    );
}

// Both see the same, once, in the same order, and nothing is on its way any more.
async function agree(people, last, expected) {
  for (const person of people) {
    await person.seesSent(last);
    while ((await person.page.locator(".message.pending").count()) > 0) await person.page.waitForTimeout(50);
    assert.deepEqual(await person.texts(), expected);
  }
}

// Waits for what the relay sees; the story's own time ends it otherwise.
async function until(person, is) {
  while (!is()) await person.page.waitForTimeout(50);
}

export default [
  [
    "through a gateway that repeats and loses what it delivers, two people see everything once",
    behind(async ({ relay, visit, arrive, server }) => {
      const ana = await visit("Ana gate");
      const ben = await (await arrive("Ben gate")).login(); // at the server itself
      await ana.join("gate");
      await ben.join("gate");
      const lost = [];
      relay.twice = true;
      relay.lose = ({ event, room, seq }) => {
        const isLost = event === "message" && seq % 3 === 0 && !lost.includes(room + seq);
        if (isLost) lost.push(room + seq);
        return isLost;
      };
      const said = [];
      for (let i = 0; i < 12; i++) {
        said.push(`line ${i}.`);
        await (i % 2 ? ana : ben).say(`line ${i}.`);
        await (i % 2 ? ana : ben).seesSent(`line ${i}.`);
      }
      // Should the one before be lost, this one tells of it.
      said.push("the end");
      await ben.say("the end");
      await agree([ana, ben], "the end", said);
      assert.ok(lost.length >= 3, lost.join());
      assert.ok(relay.links.some(({ sizes }) => sizes.some((n) => n > 1)), "nothing was gathered");
      await ana.react(ana.message("line 1."), "Heart");
      await ben.page.getByRole("button", { name: /^❤️, 1: Ana gate/ }).waitFor();
      await ana.choose(ana.message("line 1."), "Edit");
      await ana.say("line one.");
      await ben.sees("line one.");
      const shown = ana.page.getByText("Ben gate is typing").waitFor(); // it does not last
      await Promise.all([shown, ben.input.pressSequentially("hm")]);
      const ids = await server.robot("Robot gate");
      const { room } = await ids.command("dm", {
        user: (await ids.command("users", { query: "Ana gate" })).users[0].id,
      });
      await ids.command("send", { room: room.id, text: "for you alone" });
      await ana.open(room.id);
      await ana.sees("for you alone");
      assert.equal(await ana.noticed(), false);
      await ana.page.reload();
      await ana.open("gate");
      await agree([ana], "the end", said.with(1, "line one. (edited)"));
    }),
  ],
  [
    "before the gateway cuts the connection the page is on another one, and nobody notices",
    behind(async ({ relay, visit, arrive }) => {
      relay.lifetime = 5000;
      const ana = await visit("Ana lasts");
      const ben = await (await arrive("Ben stays")).login();
      await ana.join("lasting");
      await ben.join("lasting");
      const said = [];
      const pages = () => relay.links.filter(({ array }) => array);
      const before = pages().length;
      const moved = () => pages().slice(0, before + 2);
      for (let i = 0; moved().length < before + 2 || moved().at(-1).closed === undefined; i++) {
        said.push(`still ${i}.`);
        await (i % 2 ? ana : ben).say(`still ${i}.`);
        await ana.seesSent(`still ${i}.`);
        await ana.page.waitForTimeout(100);
      }
      await agree([ana, ben], said.at(-1), said);
      for (const { closed } of moved()) assert.equal(closed, 1000);
      assert.equal(await ana.noticed(), false);
    }),
  ],
  [
    "cut by the gateway while messages are on their way: each lands once, in its sender's order",
    behind(async ({ relay, visit, arrive }) => {
      const ana = await visit("Ana cut");
      const ben = await (await arrive("Ben cut")).login();
      await ana.join("cut");
      await ben.join("cut");
      const said = [];
      for (let i = 0; i < 12; i++) {
        said.push(`cut ${i}.`);
        await ana.say(`cut ${i}.`);
        if (i % 4 === 1) relay.cut();
      }
      await agree([ana, ben], "cut 11.", said);
    }),
  ],
  [
    "when the gateway answers for the server, a message is sent again with its cid and lands once",
    behind(async ({ relay, visit, arrive }) => {
      const ana = await visit("Ana fails");
      const ben = await (await arrive("Ben fails")).login();
      await ana.join("fails");
      await ben.join("fails");
      const said = [];
      for (const [text, done] of [
        ["Endpoint request timed out", true],
        ["Internal server error", false],
        ["Internal server error", true],
        ["Forbidden", false],
      ]) {
        relay.fail("send", text, done);
        said.push(`despite ${said.length}.`);
        await ana.say(said.at(-1));
        await agree([ana, ben], said.at(-1), said);
      }
      const sends = relay.seen.filter(({ action, room }) => action === "send" && room === "fails");
      assert.equal(sends.length, 8);
      assert.equal(new Set(sends.map(({ cid }) => cid)).size, 4);
      assert.equal(relay.failures.length, 0);
      assert.equal(await ana.noticed(), false);
      // The server is away for a while, and the socket stays.
      relay.down = true;
      await ana.say("kept");
      await until(ana, () => relay.seen.filter(({ text }) => text === "kept").length > 1);
      relay.down = false;
      await agree([ana, ben], "kept", [...said, "kept"]);
      assert.equal(relay.open.length, 1);
    }),
  ],
  [
    "what is said while a room is being joined is shown, though the answer comes last",
    behind(async ({ relay, visit, server }) => {
      const ana = await visit("Ana early");
      const robot = await server.robot("Robot early");
      await robot.command("join", { room: "early" });
      await robot.command("send", { room: "early", text: "before" });
      relay.hold();
      const joining = ana.join("early");
      await until(ana, () => relay.held.length > 0);
      for (const text of ["meanwhile 1", "meanwhile 2"]) await robot.command("send", { room: "early", text });
      await until(ana, () => relay.open.some((link) => link.brought("early") >= 2));
      relay.release();
      await joining;
      await agree([ana], "meanwhile 2", ["before", "meanwhile 1", "meanwhile 2"]);
    }),
  ],
];
