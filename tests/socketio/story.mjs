// Sockets are cut at random while people chat; what each was shown is checked:
// in order, without gaps or repeats (I1); what was acknowledged is there once (I2);
// a send that is repeated is answered with its seq (I3).
import assert from "node:assert/strict";
import { sleep, until } from "../integration/lib/suite.mjs";
import { Peer } from "./peer.mjs";

const PEOPLE = 4, ROOMS = 3, CUTS = 6;
// On however slow a machine something is answered between so many cuts.
const CUTS_AT_ONCE = 10;

// Numbers that a seed repeats.
function numbers(seed) {
  let state = seed >>> 0 || 1;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

// Repeats a send until it is answered, as a client does; each time it waits longer.
async function insist(peer, params) {
  for (let ms = 500; ; ms *= 2) {
    try {
      return await peer.socket.timeout(ms).emitWithAck("send", params).then((answer) => {
        if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
        return answer.ok;
      });
    } catch (error) {
      if (error.code !== undefined) throw error; // else it was lost: again, the same
      await until("connected", () => peer.socket.connected);
    }
  }
}

// Asks until it is answered: a machine that is too slow for a pong loses whom nobody cuts.
async function ask(peer, event, params) {
  for (;;)
    try {
      return await peer.call(event, params);
    } catch (error) {
      if (error.code !== undefined) throw error;
    }
}

async function follow(peer, rooms) {
  for (const room of rooms) await ask(peer, "join", { room, after: 0 });
}

function check(peer, room, acked) {
  const log = peer.log(room), seqs = log.map(({ seq }) => seq);
  assert.deepEqual(seqs, seqs.map((_, i) => i + 1), `${peer.name} in ${room}`);
  for (const [cid, seq] of acked) {
    const found = log.filter((entry) => entry.cid === cid);
    assert.deepEqual(found.map((entry) => entry.seq), [seq], `${cid} as ${peer.name} was shown it`);
  }
}

// port: where people connect to; t.server is where one goes who is not cut. mishap: once,
// in between.
export async function story(t, { transports, seed, port, sends = 60, mishap = () => undefined }) {
  const random = numbers(seed);
  const rooms = Array.from({ length: ROOMS }, () => t.room());
  const first = await Peer.connect(t, "first");
  for (const room of rooms) await ask(first, "join", { room, last: 0 });
  const people = await Promise.all(Array.from({ length: PEOPLE }, (_, i) => Peer.connect(t, `p${i}`, { transports, way: port })));
  for (const peer of people) await follow(peer, rooms);
  let over = false, cut = 0, sent = 0, unanswered = 0; // cuts since the last answer
  const cuts = (async () => {
    while (!over) {
      await sleep(20 + random(120));
      const peer = people[random(PEOPLE)];
      if (!peer.socket.connected || unanswered === CUTS_AT_ONCE) continue;
      peer.cut();
      cut++;
      unanswered++;
    }
  })();
  const acked = new Map(rooms.map((room) => [room, new Map()]));
  let happened;
  await Promise.all(people.map(async (peer, who) => {
    for (let i = 0; i < sends || cut < CUTS; i++) {
      const room = rooms[random(ROOMS)], cid = `${who}-${i}`;
      const seen = peer.log(room).at(-1)?.seq ?? 0;
      const { seq } = await insist(peer, { room, text: `text ${cid}`, cid, seen });
      acked.get(room).set(cid, seq);
      unanswered = 0;
      if (i % 10 === 0)
        assert.equal((await insist(peer, { room, text: `text ${cid}`, cid, seen })).seq, seq, "repeated");
      if (++sent === (PEOPLE * sends) / 2) happened = mishap();
    }
  }));
  await happened;
  over = true;
  await cuts;
  for (const peer of people) {
    await until("connected", () => peer.socket.connected);
    for (const room of rooms) {
      const { head } = await ask(first, "history", { room, limit: 1 });
      await until("all was shown", () => peer.log(room).at(-1)?.seq === head.seq);
      check(peer, room, acked.get(room));
    }
    assert.ok(peer.connects.slice(1).every(({ recovered }) => recovered), "every return was a recovery");
  }
  assert.ok(people.some((peer) => peer.connects.length > 1), "there were cuts");
}
