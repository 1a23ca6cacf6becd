// Sockets are cut at random, at one node.
import { test } from "../integration/lib/suite.mjs";
import { TRANSPORTS, at } from "./peer.mjs";
import { story } from "./story.mjs";

const seed = Number(process.env.SEED ?? Date.now() % 100000);
for (const [i, transports] of Object.keys(TRANSPORTS).entries())
  test(`cut at random, ${transports}, seed ${seed + i}`, async (t) => {
    // A client whose change to WebSocket is cut short hears nothing until a ping is due.
    const server = await t.start({ "sio-ping-interval": "300ms", "sio-ping-timeout": "700ms" });
    await story(at(t, server), { transports, seed: seed + i, port: server.port });
  });
