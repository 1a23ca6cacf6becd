// Clients of other versions than the one that all else is tested with.
import assert from "node:assert/strict";
import { Manager as Manager40 } from "socket.io-client-4.0";
import { Manager as Manager47 } from "socket.io-client-4.7";
import { test, until } from "../integration/lib/suite.mjs";
import { Peer, TRANSPORTS } from "./peer.mjs";

const ask = (peer, event, params) =>
  new Promise((resolve, reject) =>
    peer.socket.emit(event, params, ({ ok, error }) => (error ? reject(new Error(error.code)) : resolve(ok))));

for (const [version, Manager] of Object.entries({ "4.0": Manager40, 4.7: Manager47 }))
  for (const transports of Object.keys(TRANSPORTS))
    test(`socket.io-client ${version}, ${transports}`, async (t) => {
      const room = t.room();
      const [ana, bob] = [await Peer.connect(t, "ana", { transports, Manager }), await Peer.connect(t, "bob", { transports, Manager })];
      for (const peer of [ana, bob]) await ask(peer, "join", { room });
      await ask(ana, "send", { room, text: "one" });
      assert.deepEqual(await bob.shown(room, 1), ["one"]);
      await assert.rejects(ask(bob, "send", { room, text: Buffer.from("bytes") }), { message: "bad_type" });
      if (transports === "both") await until("upgraded", () => bob.manager.engine.transport.name === "websocket");
      bob.cut();
      await ask(ana, "send", { room, text: "two" });
      const { recovered } = await bob.back(2);
      assert.equal(recovered, version === "4.0" ? undefined : true);
      if (!recovered) await ask(bob, "join", { room, after: bob.log(room).at(-1).seq }); // by itself, as it always had to
      assert.deepEqual(await bob.shown(room, 2), ["one", "two"]);
      const refused = await Peer.connect(t, "nobody", { transports, Manager, auth: {} });
      assert.equal(refused.error.data.code, "unauthenticated");
    });
