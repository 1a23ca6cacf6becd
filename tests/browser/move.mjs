// When the server drains.
import assert from "node:assert/strict";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Notes the page's WebSockets, and whether it ever says that it is not connected.
async function watched(person) {
  const sockets = [];
  person.page.on("websocket", (socket) => {
    const one = { opened: Date.now(), closed: undefined };
    socket.on("close", () => (one.closed = Date.now()));
    sockets.push(one);
  });
  await person.login();
  await person.page.evaluate(() => {
    const look = () => {
      if (/was lost|Connecting|restarts/.test(document.body.innerText)) window.wasOffline = true;
    };
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
  });
  return sockets;
}

export default [
  [
    "the server drains: each page moves to another connection, and nobody notices",
    async ({ arrive, server }) => {
      await server.kill("SIGTERM");
      await server.start("--drain-ms", "6s");
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
      const start = Date.now();
      server.child.kill("SIGUSR1");
      // Each is told, and finds no other node yet, until this one stays.
      for (let i = 0; Date.now() - start < 3000; i++) await talk(i % 2 ? ana : ben, `meanwhile ${i}.`);
      server.child.kill("SIGUSR2");
      for (let i = 0; Date.now() - start < 6000; i++) {
        await talk(i % 2 ? ana : ben, `still ${i}.`);
        await sleep(100);
      }
      for (const person of [ana, ben]) {
        assert.deepEqual(await person.texts(), said);
        assert.equal(await person.page.evaluate(() => window.wasOffline), undefined);
      }
      for (const all of sockets) {
        const [first, last] = [all[0], all.at(-1)];
        assert.ok(all.length > 1 && last.closed === undefined, JSON.stringify(all));
        assert.ok(first.closed > last.opened, "the first was closed before the last was opened");
      }
      await server.kill("SIGTERM");
      await server.start();
    },
  ],
];
