// Rooms, direct messages, history.
import assert from "node:assert/strict";
import { looksRight } from "./look.mjs";
import { revoked } from "../integration/lib/suite.mjs";

// Scrolls from the end just before the page has something else to show; how far from the
// end the page is then, in the nearest of many tries.
const scrollsInTheWay = (scroller) =>
  scroller.evaluate(async (element) => {
    const frames = () =>
      new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    let nearest = Infinity;
    for (let i = 0; i < 30; i++) {
      element.scrollTop = element.scrollHeight;
      await frames();
      dispatchEvent(new Event("focus")); // shown again 8 ms later
      await new Promise((resolve) => setTimeout(resolve, 6));
      element.scrollTop = 200;
      await frames();
      const { scrollHeight, scrollTop, clientHeight } = element;
      nearest = Math.min(nearest, scrollHeight - scrollTop - clientHeight);
    }
    return nearest;
  });

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
      await revoked(() => server.command("rooms", {}, token));
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
    "a direct message to several people is a group, which each of them has",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana grouped")).login();
      const ben = await (await arrive("Ben grouped")).login();
      const cem = await (await arrive("Cem grouped")).login();
      await ana.page.getByRole("button", { name: "New direct message" }).click();
      const dialog = ana.page.getByRole("dialog");
      for (const name of ["Ben grouped", "Cem grouped"]) {
        await dialog.getByLabel("Name").fill(name);
        await dialog.getByRole("checkbox", { name: `Together with ${name}` }).check();
      }
      await dialog.getByRole("button", { name: "Write to Ben grouped, Cem grouped" }).click();
      await ana.heading("Ben grouped, Cem grouped");
      await ana.say("The three of us");
      for (const [one, others] of [[ben, "Ana grouped, Cem grouped"], [cem, "Ana grouped, Ben grouped"]]) {
        await one.page.getByRole("button", { name: `${others} 1 unread message` }).click();
        await one.sees("The three of us");
      }
      await ben.page.reload();
      await ben.heading("Ana grouped, Cem grouped");
    },
  ],
  [
    "a favourite stands above, a muted room does not call, a hidden one comes back",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana choosy")).login();
      const ben = await (await arrive("Ben choosy")).login();
      const choose = async (name) => {
        await ana.page.getByRole("button", { name: "Room menu" }).click();
        await ana.page.getByRole("menuitem", { name }).click();
      };
      await ana.page.getByRole("button", { name: "New direct message" }).click();
      await ana.page.getByRole("dialog").getByLabel("Name").fill("Ben choosy");
      await ana.page.getByRole("dialog").getByRole("button", { name: "Ben choosy" }).click();
      await ana.heading("Ben choosy");
      await ana.say("one");
      await ana.seesSent("one");
      await choose("Take off the list");
      const entry = ana.page.getByRole("list", { name: "Direct messages" }).getByRole("button", { name: /Ben choosy/ });
      await entry.waitFor({ state: "detached" });
      await ana.page.reload();
      await ana.page.getByText("Connected", { exact: true }).waitFor({ state: "attached" });
      await entry.waitFor({ state: "detached" });
      await ben.page.getByRole("button", { name: /Ana choosy/ }).click();
      await ben.say("two");
      await entry.getByText("1 unread message").waitFor({ state: "attached" });
      await entry.click();
      await choose("Mute");
      await ana.createPrivate("Aardvark choosy");
      await ben.say("three");
      await ana.createPrivate("Zebra choosy");
      await choose("Make a favourite");
      const first = ana.page.getByRole("list", { name: "Rooms", exact: true }).getByRole("button").first();
      await first.filter({ hasText: "Zebra choosy" }).waitFor();
      await ana.page.reload();
      await first.filter({ hasText: "Zebra choosy" }).waitFor();
      await entry.waitFor();
      assert.equal(await entry.locator(".badge").count(), 0);
    },
  ],
  [
    "a private room is open to those who were added, and to no other",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana private")).login();
      const ben = await (await arrive("Ben private")).login();
      const eve = await (await arrive("Eve private")).login();
      await ana.createPrivate("Cellar");
      await ana.say("who is there?");
      await eve.page.getByRole("button", { name: "Join or create a room" }).first().click();
      const id = new URL(ana.page.url()).hash.slice(2);
      await eve.page.getByRole("dialog").getByLabel("Room", { exact: true }).fill(id);
      await eve.page
        .getByRole("dialog")
        .getByText(/that one must be added to/)
        .waitFor();
      assert.equal(await eve.page.getByRole("dialog").getByRole("button", { name: id }).count(), 0);
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
    "people who enter the same name meet, in whatever script it is",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana meets")).login();
      const ben = await (await arrive("Ben meets")).login();
      for (const [name, again] of [
        ["Знакомства", "знакомства"],
        ["Ana's room", "ANA'S Room"],
      ]) {
        await ana.join(name);
        // Both may have looked before either made it.
        await ben.page.getByRole("button", { name: "Join or create a room" }).first().click();
        const dialog = ben.page.getByRole("dialog");
        await dialog.getByRole("button", { name: "Create a room…" }).click();
        await dialog.getByLabel("Name", { exact: true }).fill(again);
        await dialog.getByRole("button", { name: "Create", exact: true }).click();
        await ben.page.locator("h1").getByText(name, { exact: true }).waitFor();
        assert.equal(new URL(ben.page.url()).hash, new URL(ana.page.url()).hash);
        await ana.say(`who is in ${name}?`);
        await ben.sees(`who is in ${name}?`);
        const eve = await (await arrive(`Eve ${name.length}`)).login();
        await eve.join(again);
        await eve.sees(`who is in ${name}?`);
      }
    },
  ],
  [
    "rooms are suggested while one types; joining and creating are apart",
    async ({ arrive, server }) => {
      const robot = await server.robot("Robot finder");
      await robot.command("room_create", { room: "finder-public", title: "Finder public" });
      const ana = await (await arrive("Ana finder")).login();
      await ana.join("Finder one");
      await ana.join("Finder two");
      const dialog = ana.page.getByRole("dialog");
      const room = dialog.getByLabel("Room", { exact: true });
      const offered = () =>
        dialog.locator(".results button").evaluateAll((all) => all.map((b) => b.ariaLabel));
      await ana.page.getByRole("button", { name: "Join or create a room" }).first().click();
      await room.pressSequentially("finder");
      await dialog.getByRole("button", { name: "Create finder" }).waitFor();
      assert.deepEqual(await offered(), ["Open Finder one", "Open Finder two", "Create finder"]);
      await looksRight(ana, "desktop-find-room");
      await room.fill("Finder public");
      await dialog.getByRole("button", { name: "Join Finder public" }).waitFor();
      assert.deepEqual(await offered(), ["Join Finder public"]);
      await room.press("Enter");
      await ana.heading("Finder public");
      await ana.page.getByRole("button", { name: "Join or create a room" }).first().click();
      await room.fill("finder three");
      await dialog.getByRole("button", { name: "Create finder three" }).waitFor();
      await ana.page.setViewportSize({ width: 390, height: 844 });
      await looksRight(ana, "phone-find-room");
      await ana.page.setViewportSize({ width: 1280, height: 800 });
      await room.press("Enter"); // makes nothing yet
      await dialog.getByRole("heading", { name: "Create a room" }).waitFor();
      await assert.rejects(robot.command("presence", { room: "finder-three" }), /no_such_room/);
      await dialog.getByLabel("Name", { exact: true }).press("Enter");
      await ana.heading("finder three");
      await robot.command("presence", { room: "finder-three" });
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
      while ((await ana.message("line 1 of many").count()) === 0) {
        await scroller.evaluate((element) => (element.scrollTop = 0));
        await ana.page.waitForTimeout(100);
      }
      await ana.page.getByText("This is where it begins.").waitFor({ state: "attached" });
      const texts = await ana.texts();
      assert.deepEqual(
        texts,
        Array.from({ length: 160 }, (_, i) => `line ${i + 1} of many`),
      );
      assert.ok((await scrollsInTheWay(scroller)) > 1000, "scrolling up was undone");
      await robot.command("send", { room: "history", text: "one more" });
      const latest = ana.page.getByRole("button", { name: "1 new message" });
      await latest.click();
      await ana.message("one more").waitFor();
      await latest.waitFor({ state: "hidden" });
    },
  ],
];
