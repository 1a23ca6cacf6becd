// When the server drains.
import assert from "node:assert/strict";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Notes the page's WebSockets, in which order they open and close.
async function watched(person) {
  const sockets = [];
  let events = 0;
  person.page.on("websocket", (socket) => {
    const one = { opened: ++events, closed: undefined };
    socket.on("close", () => (one.closed = ++events));
    sockets.push(one);
  });
  await person.login();
  await person.notices();
  return sockets;
}

export default [
  [
    "the server drains: each page moves to another connection, and nobody notices",
    async ({ arrive, server }) => {
      await server.kill("SIGTERM");
      await server.start("--drain-ms", "1m"); // then those are cut who have not moved
      const ana = await arrive("Ana moves");
      const ben = await arrive("Ben moves");
      const sockets = [await watched(ana), await watched(ben)];
      await ana.join("moving");
      await ben.join("moving");
      const said = [];
      const talk = async (person, text) => {
        said.push(text);
        await person.say(text);
        for (const who of [ana, ben]) await who.seesSent(text);
      };
      await talk(ana, "before");
      server.child.kill("SIGUSR1");
      // Each is told, and finds no other node yet, until this one stays.
      const every = (f) => sockets.every(f);
      for (let i = 0; !every((all) => all.length > 1); i++) await talk(i % 2 ? ana : ben, `meanwhile ${i}.`);
      server.child.kill("SIGUSR2");
      for (let i = 0; !every((all) => all[0].closed && all.at(-1).closed === undefined); i++) {
        await talk(i % 2 ? ana : ben, `still ${i}.`);
        await sleep(100);
      }
      for (const person of [ana, ben]) {
        assert.deepEqual(await person.texts(), said);
        assert.equal(await person.noticed(), false);
      }
      for (const all of sockets) {
        const [first, last] = [all[0], all.at(-1)];
        assert.ok(all.length > 1 && last.closed === undefined, JSON.stringify(all));
        assert.ok(first.closed > last.opened, `the first was closed before the last was opened: ${JSON.stringify(all)}`);
      }
      await server.kill("SIGTERM");
      await server.start();
    },
  ],
];
