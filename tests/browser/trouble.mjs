// When the connection, the server or the session goes.
import assert from "node:assert/strict";
import { Cable } from "./cable.mjs";
import { looksRight } from "./look.mjs";
import { wake } from "./person.mjs";

export default [
  [
    "the server is killed in the middle: all is shown once, in order, and sent once",
    async ({ arrive, server }) => {
      const ana = await (await arrive("Ana killed")).login();
      const ben = await (await arrive("Ben killed")).login();
      await ana.join("killed");
      await ben.join("killed");
      await ana.say("before 1");
      await ben.say("before 2");
      for (const person of [ana, ben]) {
        await person.sees("before 1");
        await person.sees("before 2");
      }
      const before = await ana.texts();
      await server.kill();
      await ana.page.getByText(/The connection was lost/).waitFor();
      await ana.say("meanwhile 1");
      await ana.say("meanwhile 2");
      await ana.page.locator(".message.pending", { hasText: "meanwhile 2" }).waitFor();
      await ana.shot("desktop-offline");
      await server.start();
      for (const person of [ana, ben]) {
        await person.seesSent("meanwhile 2");
      }
      await ben.say("after");
      for (const person of [ana, ben]) {
        await person.seesSent("after");
        assert.equal(await person.page.locator(".message.pending").count(), 0);
        assert.deepEqual(await person.texts(), [...before, "meanwhile 1", "meanwhile 2", "after"]);
      }
      await ben.page.reload();
      await ben.sees("after");
      assert.deepEqual(await ben.texts(), [...before, "meanwhile 1", "meanwhile 2", "after"]);
    },
  ],
  [
    "killed while messages are on their way: each lands once, in its sender's order",
    async ({ arrive, server }) => {
      const ana = await (await arrive("Ana burst")).login();
      const ben = await (await arrive("Ben burst")).login();
      await ana.join("burst");
      await ben.join("burst");
      const sent = Array.from({ length: 12 }, (_, i) => `burst ${i + 1}.`);
      const sending = (async () => {
        for (const text of sent) await ana.say(text);
      })();
      await ben.sees("burst 3.");
      await server.kill();
      await sending;
      await server.start();
      for (const person of [ana, ben]) {
        await person.seesSent("burst 12.");
        assert.deepEqual(await person.texts(), sent);
      }
    },
  ],
  [
    "a server that stops says so, and its clients come back to the next one",
    async ({ arrive, server }) => {
      const ana = await (await arrive("Ana bye")).login();
      await ana.join("bye");
      await ana.say("so long");
      await ana.sees("so long");
      await server.kill("SIGTERM");
      await ana.page.locator(".me-state", { hasText: /Offline|Connecting/ }).waitFor();
      await server.start();
      await ana.page.locator(".me-state", { hasText: "Connected" }).waitFor();
      await ana.say("and hello");
      await ana.seesSent("and hello");
      assert.deepEqual(await ana.texts(), ["so long", "and hello"]);
    },
  ],
  [
    "what is pending survives a reload of the page",
    async ({ arrive, server }) => {
      const cable = await Cable.to(server);
      const ana = await (await arrive("Ana reload", { at: cable.url })).login();
      await ana.join("reload");
      cable.cut();
      await ana.page.getByText(/Trying again/).waitFor();
      await ana.say("do not lose me");
      await ana.page.locator(".message.pending", { hasText: "do not lose me" }).waitFor();
      cable.mend();
      await ana.page.reload();
      await ana.seesSent("do not lose me");
      assert.deepEqual(await ana.texts(), ["do not lose me"]);
      cable.close();
    },
  ],
  [
    "more than a thousand missed messages: the newest page is shown, older ones can be had",
    async ({ arrive, server }) => {
      const cable = await Cable.to(server);
      const ana = await (await arrive("Ana behind", { at: cable.url })).login();
      await ana.join("behind");
      await ana.say("the last I saw");
      await ana.seesSent("the last I saw");
      cable.cut();
      await ana.page.getByText(/Trying again/).waitFor();
      const robots = await Promise.all(
        Array.from({ length: 6 }, (_, i) => server.robot(`Robot behind ${i}`)),
      );
      for (const robot of robots) await robot.command("join", { room: "behind" });
      for (let i = 0; i < 1020; i++) {
        await robots[i % 6].command("send", { room: "behind", text: `missed ${i}` });
      }
      cable.mend();
      await wake(ana.page);
      await ana.sees("missed 1019");
      assert.equal(await ana.message("the last I saw").count(), 0);
      const texts = await ana.texts();
      const first = 1020 - texts.length;
      assert.ok(texts.length >= 50);
      assert.deepEqual(
        texts,
        Array.from(texts, (_, i) => `missed ${first + i}`),
      );
      await ana.page.locator(".scroller").evaluate((element) => (element.scrollTop = 0));
      await ana.sees(`missed ${first - 1}`);
      cable.close();
    },
  ],
  [
    "a server that refuses the page says why, and what to set",
    async ({ arrive, server }) => {
      const cable = await Cable.to(server);
      const ana = await (await arrive("Ana refused", { at: cable.url })).login();
      cable.host = `localhost:${server.port}`; // a proxy that does not pass the name on
      cable.cut();
      cable.mend();
      const status = ana.page.getByRole("status");
      await status.getByText(/This origin is not allowed.* Trying again/).waitFor();
      await looksRight(ana, "desktop-refused");
      cable.host = undefined;
      // The page may try by itself first: then the button is gone.
      const connected = ana.page.getByText("Connected", { exact: true }).waitFor();
      const asked = ana.page.getByRole("button", { name: "Try now" }).click();
      await Promise.race([asked.catch(() => connected), connected]);
      await connected;
      cable.block("/ws");
      await status.getByText(/WebSockets do not get through/).waitFor();
      await ana.shot("desktop-no-websocket");
      await ana.page.reload(); // now it knows no room
      await status.getByText(/WebSockets do not get through/).waitFor();
      await looksRight(ana, "desktop-no-room");
      cable.close();
    },
  ],
  [
    "a session that is ended elsewhere leads back to the login, with the reason",
    async ({ arrive, server }) => {
      const ana = await (await arrive("Ana ended")).login();
      const stored = await ana.page.evaluate(() => localStorage.getItem("polylog.session"));
      await server.command("logout", {}, JSON.parse(stored).token);
      await ana.page.getByText("Your session was ended. Log in again.").waitFor();
      assert.equal(await ana.page.getByLabel("Your name").inputValue(), "Ana ended");
    },
  ],
];
