// API Gateway in front of blue and green: the gateway holds the sockets, the homes change.
import assert from "node:assert/strict";
import { launch } from "../browser/launch.mjs";
import { agree, visit } from "./people.mjs";
import { ALONE, Topology } from "./topology.mjs";

const { CLIENTS = "200", DURATION = "12" } = process.env;
const GUARD_MS = 1_200_000; // ends what hangs

// Parts of the text, in that order.
function inOrder(text, parts) {
  let from = 0;
  for (const part of parts) {
    const at = text.slice(from).search(part);
    assert.ok(at >= 0, `${part} does not come behind ${text.slice(0, from)} in\n${text}`);
    from += at + 1;
  }
}

// Tells the topology that runs.
async function tell(what) {
  const told = new Topology("gateway-bluegreen", [what]);
  assert.equal(await told.ended, 0, told.err);
}

// Two talk for as long as the topology does not say so.
async function talkUntil(ana, ben, change, pattern, said) {
  for (let i = said.length; !pattern.test(change.out); i++) {
    said.push(`line ${i}.`);
    await (i % 2 ? ana : ben).say(said.at(-1));
    for (const person of [ana, ben]) await person.seesSent(said.at(-1));
    await ana.page.waitForTimeout(200);
  }
}

const GOOD = /good: \d+ clients, \d+ messages shown \d+ times, 0 lost, 0 shown twice, 0 closed, 0 reconnects/;

export default {
  async "gateway-bluegreen: 90/10, 50/50, 10/90 and back: 0 closed, 0 lost, 0 shown twice"() {
    if (ALONE) return ALONE;
    const args = ["--port=0", "--hold", `--clients=${CLIENTS}`, `--seconds=${DURATION}`];
    const change = new Topology("gateway-bluegreen", args);
    try {
      await change.says(/weights 10\/90[^]* homes \d+\/\d+ after/, GUARD_MS);
      await tell("--rollback");
      assert.equal(await change.ended, 0, change.out + change.err);
      const step = (weights) => [`weights ${weights}`, /homes \d+\/\d+ after/];
      inOrder(change.out, [...step("90/10"), ...step("50/50"), ...step("10/90"), "rolls back", ...step("90/10"), "rolled back"]);
      assert.match(change.out, GOOD);
    } finally {
      await change.stop();
    }
    return undefined;
  },

  async "gateway-bluegreen: two people in two browsers notice no change, and no task that is killed"() {
    if (ALONE) return ALONE;
    const change = new Topology("gateway-bluegreen", ["--port=0", "--hold", "--clients=20", "--rooms=4", "--rate=2", "--seconds=9"]);
    const browsers = [];
    try {
      const [, server] = await change.says(/clients come to (ws:\S+)/);
      const page = `${change.servers()[0]}/?server=${encodeURIComponent(server)}`;
      browsers.push(await launch(), await launch());
      const [ana, ben] = await Promise.all(
        ["Ana tasks", "Ben tasks"].map((name, i) => visit(browsers[i], name, page, new URL(server).host)),
      );
      for (const person of [ana, ben]) await person.join("tasks");
      const said = [];
      await talkUntil(ana, ben, change, /weights 10\/90[^]* homes \d+\/\d+ after/, said);
      await tell("--kill");
      await talkUntil(ana, ben, change, /green is killed[^]*polylog green .* is up/, said);
      await tell("--rollback");
      await talkUntil(ana, ben, change, /rolled back/, said);
      for (const person of [ana, ben]) assert.equal(await person.noticed(), false);
      await agree([ana, ben], said);
      assert.deepEqual([ana, ben].flatMap(({ complaints }) => complaints), []);
      assert.equal(await change.ended, 0, change.out + change.err);
      assert.match(change.out, GOOD);
    } finally {
      for (const browser of browsers) await browser.close();
      await change.stop();
    }
    return undefined;
  },
};
