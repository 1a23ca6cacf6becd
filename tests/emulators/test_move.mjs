// A node that is told to stop hands its clients over to another, over DynamoDB and Redis.
import assert from "node:assert/strict";
import { Redis } from "../cluster/redis.mjs";
import { sleep, test } from "../integration/lib/suite.mjs";
import { serve, use } from "./lib/use.mjs";

const CLIENTS = 12;
const DRAIN_MS = 20_000;
const ACCEPTS = 1; // in a second
const MOVE = { event: "move" };

// Talks until it is told to stop; resolves to the last seq.
function talk(person, room) {
  let over = false;
  const said = (async () => {
    for (let seq; ; await sleep(20)) {
      if (over) return seq;
      ({ seq } = await person.call("send", { room, text: "and on" }));
    }
  })();
  said.catch(() => undefined); // of a test that has failed by then
  return { end: () => ((over = true), said) };
}

// As docs/protocol.md says: a second connection follows from there before the first goes.
async function moves(person, to, epoch) {
  const { within_ms } = await person.event(MOVE);
  assert.ok(within_ms > 0 && within_ms <= DRAIN_MS);
  const second = await to.connect(person.token);
  const at = person.log("r").at(-1).seq;
  const { rooms } = await second.call("resume", { rooms: { r: [epoch, at] } });
  assert.ok(Object.values(rooms).every(({ error, reset }) => !error && !reset), JSON.stringify(rooms));
  assert.equal(person.closing, undefined, "closed before its successor was up");
  await person.close();
  assert.equal(person.closing.code, 1000);
  return { second, at, within_ms };
}

test("told to stop, a node moves its clients to the other, who takes them at its own pace", async (t) => {
  const d = await use(t);
  const redis = await Redis.start();
  t.after(() => redis.close());
  const flags = { bus: `redis://127.0.0.1:${redis.port}`, "token-secret": "shared".repeat(6), "drain-ms": `${DRAIN_MS}ms` };
  const [old, young] = [await serve(t, d, flags), await serve(t, d, { ...flags, "accept-rate": ACCEPTS })];
  const people = await Promise.all(Array.from({ length: CLIENTS }, () => t.person("p", { server: old })));
  const stays = await t.person("stays", { server: old });
  for (const who of [...people, stays]) await who.call("join", { room: "r" });
  const talker = await young.person("talker");
  const { epoch } = (await talker.call("join", { room: "r" })).room;
  const talking = talk(talker, "r");
  await stays.event({ event: "message" });

  const moving = people.map((who) => moves(who, young, epoch));
  const ended = old.stop("SIGTERM");
  const moved = await Promise.all(moving);
  assert.ok(new Set(moved.map(({ within_ms }) => within_ms)).size > CLIENTS / 2, "all were told at once");
  assert.deepEqual(await stays.closed, { code: 1012, reason: "draining" });
  assert.equal(await ended, 0);

  const head = await talking.end();
  for (const [i, { second, at }] of moved.entries()) {
    if (head > at) await second.event(({ seq }) => seq === head);
    const first = people[i].log("r").map(({ seq }) => seq);
    const shown = [...first.filter((seq) => seq <= at), ...second.log("r").map(({ seq }) => seq)];
    assert.deepEqual(shown, Array.from({ length: head - first[0] + 1 }, (_, n) => first[0] + n));
  }
  assert.ok((await young.metrics())("polylog_accept_waits_total") > 0, "it took all at once");
});
