// Rooms, direct messages, history.
import assert from "node:assert/strict";

export default [
  [
    "the first login arrives in a room and is remembered; logging out ends it",
    async ({ arrive, server }) => {
      const ana = await (await arrive("Ana first")).login();
      await ana.heading("general");
      await ana.page.reload();
      await ana.heading("general");
      await ana.page.getByText("Connected", { exact: true }).waitFor();
      const stored = await ana.page.evaluate(() => localStorage.getItem("polylog.session"));
      const { token } = JSON.parse(stored);
      await ana.page.locator(".me").click();
      await ana.page.getByRole("button", { name: "Log out" }).click();
      await ana.page.getByLabel("Your name").waitFor();
      assert.equal(await ana.page.evaluate(() => localStorage.getItem("polylog.session")), null);
      await assert.rejects(server.command("rooms", {}, token), /revoked|bad_token|unauthenticated/);
    },
  ],
  [
    "a bad name is refused with the reason",
    async ({ arrive }) => {
      const ana = await arrive("<ana>");
      await ana.page.goto(ana.url);
      await ana.page.getByLabel("Your name").fill("<ana>");
      await ana.page.getByRole("button", { name: "Enter" }).click();
      await ana.page.getByRole("alert").filter({ hasText: "A name has" }).waitFor();
    },
  ],
  [
    "the owner's link is used once and leaves the address",
    async ({ arrive, server }) => {
      const code = /#owner=([^\s"]+)/.exec(server.output)?.[1];
      assert.ok(code, "the first start prints the owner's link");
      const ana = await arrive("Owner");
      let sent;
      ana.page.on("request", (request) => {
        if (request.url().endsWith("/login")) sent = request.postDataJSON();
      });
      await ana.login(`#owner=${code}`);
      assert.deepEqual(sent, { name: "Owner", owner: code });
      assert.equal(ana.page.url().includes(code), false);
      const stored = await ana.page.evaluate(() => localStorage.getItem("polylog.session"));
      assert.equal(JSON.parse(stored).user.owner, true);
    },
  ],
  [
    "a direct message reaches the other, who finds it unread",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana direct")).login();
      const ben = await (await arrive("Ben direct")).login();
      await ana.page.getByRole("button", { name: "New direct message" }).click();
      await ana.page.getByRole("dialog").getByLabel("Name").fill("Ben d");
      await ana.page.getByRole("dialog").getByRole("button", { name: "Ben direct" }).click();
      await ana.heading("Ben direct");
      await ana.say("Just between us");
      const entry = ben.page.getByRole("button", { name: /Ana direct.* 1 unread message/ });
      await entry.click();
      await ben.sees("Just between us");
      await ana.page.getByText("Seen", { exact: true }).waitFor();
      await ben.page.reload();
      await ben.heading("Ana direct");
      await ben.sees("Just between us");
    },
  ],
  [
    "a private room is open to those who were added, and to no other",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana private")).login();
      const ben = await (await arrive("Ben private")).login();
      const eve = await (await arrive("Eve private")).login();
      await ana.page.getByRole("button", { name: "Join or create a room" }).first().click();
      await ana.page.getByRole("dialog").getByLabel("Room", { exact: true }).fill("Cellar");
      await ana.page
        .getByRole("dialog")
        .getByLabel(/private room/)
        .check();
      await ana.page.getByRole("dialog").getByRole("button", { name: "Go" }).click();
      await ana.heading("Cellar");
      await ana.say("who is there?");
      await eve.page.getByRole("button", { name: "Join or create a room" }).first().click();
      const id = new URL(ana.page.url()).hash.slice(2);
      await eve.page.getByRole("dialog").getByLabel("Room", { exact: true }).fill(id);
      await eve.page.getByRole("dialog").getByRole("button", { name: "Go" }).click();
      await eve.page
        .getByRole("dialog")
        .getByRole("alert")
        .filter({ hasText: /not a member/ })
        .waitFor();
      await ana.page.getByRole("button", { name: "Room menu" }).click();
      await ana.page.getByRole("menuitem", { name: "Add people" }).click();
      await ana.page.getByRole("dialog").getByLabel("Name").fill("Ben p");
      await ana.page.getByRole("dialog").getByRole("button", { name: "Ben private" }).click();
      await ben.page.locator(`[data-room="${id}"]`).click();
      await ben.sees("who is there?");
    },
  ],
  [
    "a room has the name that it was given, also where its address cannot have it",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana names")).login();
      const ben = await (await arrive("Ben names")).login();
      await ana.join("Book Club");
      assert.match(ana.page.url(), /#\/book-club$/);
      await ana.join("Café 1.4");
      await ben.join("book CLUB");
      await ben.heading("Book Club");
      await ana.page.getByRole("button", { name: "Room menu" }).click();
      await ana.page.getByRole("menuitem", { name: "Leave the room" }).click();
      await ana.page.locator(".room-entry", { hasText: "Café" }).waitFor({ state: "detached" });
    },
  ],
  [
    "older messages come as one scrolls up, and the place is kept",
    async ({ arrive, server }) => {
      const ana = await (await arrive("Ana history")).login();
      const robot = await server.robot("Robot history");
      await ana.join("history");
      await robot.command("join", { room: "history" });
      for (let i = 1; i <= 160; i++) {
        await robot.command("send", { room: "history", text: `line ${i} of many` });
      }
      await ana.sees("line 160 of many");
      await ana.page.reload();
      await ana.sees("line 160 of many");
      const scroller = ana.page.locator(".scroller");
      const first = 161 - (await ana.texts()).length;
      assert.equal(first, 111);
      const place = () =>
        ana.message(`line ${first + 14} of many`).evaluate((e) => e.getBoundingClientRect().y);
      await scroller.evaluate((element) => (element.scrollTop = 200));
      const before = await place();
      await ana.page.getByText(`line ${first - 1} of many`).waitFor({ state: "attached" });
      assert.ok(Math.abs((await place()) - before) < 2, "the place is kept");
      for (let i = 0; i < 50 && (await ana.message("line 1 of many").count()) === 0; i++) {
        await scroller.evaluate((element) => (element.scrollTop = 0));
        await ana.page.waitForTimeout(100);
      }
      await ana.page.getByText("This is where it begins.").waitFor({ state: "attached" });
      const texts = await ana.texts();
      assert.deepEqual(
        texts,
        Array.from({ length: 160 }, (_, i) => `line ${i + 1} of many`),
      );
      await robot.command("send", { room: "history", text: "one more" });
      const latest = ana.page.getByRole("button", { name: "1 new message" });
      await latest.click();
      await ana.message("one more").waitFor();
      await latest.waitFor({ state: "hidden" });
    },
  ],
];
