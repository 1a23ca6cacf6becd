// Two nodes behind a balancer that knows nothing of sessions.
import assert from "node:assert/strict";
import { test, until } from "../integration/lib/suite.mjs";
import { missing, shared } from "./nodes.mjs";
import { Peer, TRANSPORTS, at } from "./peer.mjs";
import { story } from "./story.mjs";

const FORWARDED = "polylog_socketio_forwarded_total";

// All tests have the same two, one after the other.
async function start(t) {
  const why = missing();
  if (why) t.skip(`${why} is missing`);
  return shared();
}

test("whichever node is asked", async (t) => {
  const nodes = await start(t);
  const context = at(t, nodes.list[0]);
  for (const transports of ["websocket", "polling", "both"]) {
    const room = t.room(transports), before = await nodes.metric(FORWARDED), people = [];
    for (const name of ["ana", "bob", "cleo"])
      people.push(await Peer.connect(context, name, { transports, url: nodes.url }));
    for (const peer of people) await peer.call("join", { room, last: 10 });
    for (const peer of people) await peer.call("send", { room, text: peer.name });
    for (const peer of people) assert.deepEqual(await peer.shown(room, 3), people.map(({ name }) => name));
    people[0].socket.emit("typing", { room });
    await people[1].event("typing", ({ on }) => on);
    const big = "x".repeat(3000);
    await people[2].call("send", { room, text: big });
    assert.equal((await people[0].shown(room, 4))[3], big);
    if (transports === "both")
      for (const peer of people) await until("upgraded", () => peer.manager.engine.transport.name === "websocket");
    for (const peer of people) assert.deepEqual(peer.connects.length, 1, "no connection was lost");
    const forwarded = (await nodes.metric(FORWARDED)) - before;
    assert.ok(transports === "websocket" ? forwarded === 0 : forwarded > 0, `${transports}: ${forwarded} forwarded`);
  }
});

for (const transports of Object.keys(TRANSPORTS))
  test(`recovery by another node, ${transports}`, async (t) => {
    const nodes = await start(t);
    const [first, second] = nodes.list;
    const room = t.room();
    const ana = await Peer.connect(at(t, first), "ana", { transports, way: first.port });
    const bob = await Peer.connect(at(t, second), "bob", { transports, way: second.port });
    const id = ana.socket.id;
    await bob.call("join", { room, last: 0 });
    await bob.call("send", { room, text: "before" });
    await ana.call("join", { room, last: 0 });
    ana.way.to = second.port;
    await first.stop("SIGKILL"); // nothing had been received yet
    await bob.call("send", { room, text: "one" });
    assert.deepEqual(await ana.back(2), { recovered: true, id });
    assert.deepEqual(await ana.shown(room, 1), ["one"]);
    await first.spawn();
    ana.way.to = bob.way.to = first.port; // and both go back, of their own accord
    assert.equal(await second.stop(), 0);
    await second.spawn();
    assert.deepEqual([(await ana.back(3)).recovered, (await bob.back(2)).recovered], [true, true]);
    await nodes.whole();
    await ana.call("send", { room, text: "two" });
    assert.deepEqual(await bob.shown(room, 3), ["before", "one", "two"]);
    assert.deepEqual(await ana.shown(room, 2), ["one", "two"]);
  });

const seed = Number(process.env.SEED ?? Date.now() % 100000);
for (const [i, transports] of Object.keys(TRANSPORTS).entries())
  test(`cut at random, two nodes, ${transports}, seed ${seed + i}`, async (t) => {
    const nodes = await start(t);
    await nodes.patience("2s");
    await story(at(t, nodes.list[0]), { transports, seed: seed + i, port: nodes.port, sends: 25,
      async mishap() {
        await nodes.list[1].stop("SIGKILL");
        await nodes.list[1].spawn();
      } });
  });
