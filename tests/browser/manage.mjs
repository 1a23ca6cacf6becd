// Rooms that are found, described, governed and left to others, in the page.
import assert from "node:assert/strict";
import { looksRight } from "./look.mjs";
import { toastsStay } from "./person.mjs";
import { until } from "../integration/lib/suite.mjs";

const button = (within, name, exact = true) => within.getByRole("button", { name, exact });

export const dialogOf = (person, name) => person.page.getByRole("dialog", { name });

export async function roomMenu(person, item) {
  await button(person.page, "Room menu").click();
  await person.page.getByRole("menuitem", { name: item }).click();
}

// What is offered about the room itself.
async function menuItems(person) {
  await button(person.page, "Room menu").click();
  const items = await person.page.getByRole("menu").getByRole("group").first().getByRole("menuitem").allInnerTexts();
  await person.page.keyboard.press("Escape");
  return items;
}

export async function gone(person) {
  await person.page.getByRole("dialog").waitFor({ state: "detached" });
}

const BASIC = ["About the room", "Members"];

export default [
  [
    "public rooms are searched page by page, and joined from the list",
    async ({ arrive, server }) => {
      const robot = await server.robot("Robot shelves");
      const number = (i) => String(i).padStart(2, "0");
      for (let i = 1; i <= 23; i++) {
        const room = `shelf-${number(i)}`;
        await robot.command("room_create", { room, title: `Shelf ${number(i)}` });
      }
      await robot.command("room_set", { room: "shelf-03", topic: "Books about rivers", icon: "📚" });
      await robot.command("send", { room: "shelf-03", text: "The Danube is in." });
      await until("all are in the directory, as they are now", async () => {
        const { rooms } = await robot.command("directory", { query: "shelf", limit: 50 });
        return rooms.length === 23 && rooms.some(({ topic }) => topic === "Books about rivers");
      });
      const ana = await (await arrive("Ana shelves")).login();
      const { page } = ana;
      const open = async () => {
        await button(page, "Join or create a room").first().click();
        await button(page, "All public rooms…").click();
        await dialogOf(ana, "Public rooms").getByLabel("Search").fill("SHELF");
      };
      await open();
      const dialog = dialogOf(ana, "Public rooms");
      await button(dialog, "Join Shelf 20").waitFor();
      assert.equal(await dialog.locator(".listed-room").count(), 20);
      await dialog.getByText("Books about rivers").waitFor();
      await looksRight(ana, "desktop-directory");
      await button(dialog, "Show more").press("Enter");
      await button(dialog, "Join Shelf 23").waitFor();
      assert.equal(await dialog.locator(".listed-room").count(), 23);
      assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Join Shelf 21");
      await button(dialog, "Show more").waitFor({ state: "hidden" });
      await button(dialog, "Join Shelf 03").click();
      await ana.heading("Shelf 03");
      await ana.sees("The Danube is in.");
      await page.locator(".room-sub", { hasText: "Books about rivers" }).waitFor();
      await open();
      await button(dialog, "Open Shelf 03").waitFor();
      await dialog.getByLabel("Search").fill("shelf of nobody");
      await dialog.getByText("No public room has this in its name.").waitFor();
      await button(dialog, "Create a room…").click();
      assert.equal(await dialogOf(ana, "Create a room").getByLabel("Name", { exact: true }).inputValue(), "shelf of nobody");
    },
  ],
  [
    "a room is made with a title, a topic and a kind",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana makes")).login();
      const { page } = ana;
      await button(page, "Join or create a room").first().click();
      await button(page, "Create a room…").click();
      const dialog = dialogOf(ana, "Create a room");
      await dialog.getByLabel("Name", { exact: true }).fill("Workshop of Ana");
      await dialog.getByLabel("Topic").fill("What we build this week");
      await dialog.getByLabel(/private room/).check();
      await looksRight(ana, "desktop-create");
      await button(dialog, "Create").click();
      await ana.heading("Workshop of Ana");
      await page.locator(".room-sub", { hasText: "What we build this week" }).waitFor();
      assert.equal(await page.locator(".head-face .icon-lock").count(), 1);
    },
  ],
  [
    "a room's settings: what one may not change is not offered, and others see what changed",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana governs")).login();
      const ben = await (await arrive("Ben governed")).login();
      await ana.join("Parlour");
      await ana.say("welcome");
      await ben.join("Parlour");
      await ben.sees("welcome");
      assert.deepEqual(await menuItems(ben), BASIC);
      await roomMenu(ana, "Room settings");
      const dialog = dialogOf(ana, "Room settings");
      await dialog.getByLabel("Title").fill("The Parlour");
      await dialog.getByLabel("Icon").fill("🛋️");
      await dialog.getByLabel("Topic").fill("Tea at five");
      await dialog.getByLabel("Description").fill("Everybody is welcome.\nBring cake.");
      await dialog.getByLabel(/^Announcements/).check();
      await dialog.getByLabel("Slow mode").selectOption({ label: "30 seconds" });
      await dialog.getByLabel("Invite people").selectOption({ label: "Everybody" });
      await looksRight(ana, "desktop-room-settings");
      await button(dialog, "Save").click();
      await gone(ana);
      await ben.heading("The Parlour");
      await ben.page.locator(".room-sub", { hasText: "Tea at five" }).waitFor();
      await ben.page.locator(".head-face .sign", { hasText: "🛋️" }).waitFor();
      await ben.page.getByText("Only moderators and owners write here.").waitFor();
      assert.equal(await ben.input.isVisible(), false);
      assert.equal(await ana.input.isVisible(), true);
      await roomMenu(ben, "About the room");
      const about = dialogOf(ben, "About the room");
      await about.getByText("Bring cake.").waitFor();
      await about.getByText("Slow mode: 30 seconds between two messages of one person.").waitFor();
      await looksRight(ben, "desktop-about-room");
      await ben.page.keyboard.press("Escape");
      assert.deepEqual(await menuItems(ben), ["About the room", "Members", "Add people", "Invite links"]);
      // What the server says is shown where it was asked.
      await roomMenu(ana, "Room settings");
      await dialog.getByLabel("Icon").fill("sofa");
      await button(dialog, "Save").click();
      await dialog.getByRole("alert").filter({ hasText: /emoji/ }).waitFor();
      await dialog.getByLabel("Icon").fill("");
      await button(dialog, "Save").click();
      await gone(ana);
      await ben.page.locator(".head-face .icon-hash").waitFor();
    },
  ],
  [
    "a room is archived, taken back, and deleted by its owner alone, who is asked by its name",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana ends")).login();
      const ben = await arrive("Ben endures");
      await toastsStay(ben);
      await ben.login();
      await ana.join("Attic");
      await ana.say("dust");
      await ben.join("Attic");
      await ben.sees("dust");
      await roomMenu(ana, "Room settings");
      await button(ana.page, "Archive").click();
      await looksRight(ana, "desktop-archive");
      await button(dialogOf(ana, "Archive Attic?"), "Archive").click();
      await ben.page.getByText("This room is archived: nobody writes here any more.").waitFor();
      await ana.page.getByText("Ana ends archived the room").waitFor();
      assert.equal(await ana.input.isVisible(), false);
      await roomMenu(ana, "Room settings");
      await looksRight(ana, "desktop-archived-settings");
      await button(ana.page, "Take back from the archive").click();
      await button(dialogOf(ana, /^Take Attic back/), "Take back from the archive").click();
      await gone(ana);
      await ben.input.waitFor();
      await ben.say("fresh air");
      await ana.sees("fresh air");
      await roomMenu(ana, "Room settings");
      await button(ana.page, "Delete…").click();
      const sure = dialogOf(ana, "Delete Attic?");
      await sure.getByText(/All that was said in Attic is gone then/).waitFor();
      await looksRight(ana, "desktop-delete-room");
      await button(sure, "Delete the room").click();
      for (const person of [ana, ben]) {
        await person.page.locator('[data-room="attic"]').waitFor({ state: "detached" });
        await person.heading("general");
      }
      await ben.page.getByRole("alert").getByText("Attic was deleted.").waitFor();
    },
  ],
  [
    "members are added, appointed and removed; what each may do follows at once",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana leads")).login();
      const ben = await (await arrive("Ben follows")).login();
      await ana.createPrivate("Council");
      const id = new URL(ana.page.url()).hash.slice(2);
      await roomMenu(ana, "Members");
      const dialog = dialogOf(ana, "Members of Council");
      await dialog.getByText("Owner · you").waitFor();
      await button(dialog, "Add people").click();
      const add = dialogOf(ana, "Add to Council");
      await add.getByLabel("Name").fill("Ben f");
      await button(add, "Ben follows").click();
      await ben.page.locator(`[data-room="${id}"]`).click();
      await ben.heading("Council");
      assert.deepEqual(await menuItems(ben), BASIC);
      const set = async (item) => {
        await button(dialog, "Actions for Ben follows").click();
        await ana.page.getByRole("menuitem", { name: item }).click();
      };
      await button(dialog, "Actions for Ben follows").waitFor();
      await looksRight(ana, "desktop-members");
      await set("Make a moderator");
      await dialog.getByText("Ben follows: Moderator").waitFor();
      await ben.page.getByText("Ben follows is a moderator now").waitFor();
      const more = ["About the room", "Members", "Add people", "Invite links", "Room settings"];
      assert.deepEqual(await menuItems(ben), [...more, "Reports", "Moderation log"]);
      // A moderator neither archives nor deletes, and holds nobody of their own rank.
      await roomMenu(ben, "Room settings");
      await dialogOf(ben, "Room settings").getByLabel("Title").waitFor();
      assert.equal(await button(ben.page, "Archive").count(), 0);
      assert.equal(await button(ben.page, "Delete…").count(), 0);
      await ben.page.keyboard.press("Escape");
      await roomMenu(ben, "Members");
      await dialogOf(ben, "Members of Council").getByText("Moderator · you").waitFor();
      assert.equal(await button(ben.page, "Actions for Ana leads").count(), 0);
      await ben.page.keyboard.press("Escape");
      await set("Remove from the room");
      await dialog.getByText("Ben follows was removed.").waitFor();
      await ben.page.locator(`[data-room="${id}"]`).waitFor({ state: "detached" });
      await ana.page.keyboard.press("Escape");
      assert.equal(await ana.page.evaluate(() => document.activeElement.ariaLabel), "Room menu");
    },
  ],
  [
    "an invite link lets in who is logged in and who is not yet, as many as it is for; then it says that it is over",
    async ({ arrive }) => {
      const ana = await arrive("Ana invites");
      await ana.context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await ana.login();
      await ana.createPrivate("Terrace");
      await ana.say("you found it");
      await roomMenu(ana, "Invite links");
      const dialog = dialogOf(ana, "Invite links for Terrace");
      await dialog.getByText("There are no links.").waitFor();
      const make = async (people) => {
        await button(dialog, "New link…").click();
        const form = dialogOf(ana, "New invite link");
        await form.getByLabel("For how many people").selectOption({ label: people });
        await form.getByLabel("How long it works").selectOption({ label: "1 hour" });
        await button(form, "Make link").click();
        const made = dialogOf(ana, "Your invite link");
        await button(made, "Copy").click();
        await button(made, "Copied").waitFor();
        await looksRight(ana, "desktop-invite-link");
        const link = await made.getByLabel("Link").inputValue();
        assert.equal(await ana.page.evaluate(() => navigator.clipboard.readText()), link);
        assert.ok(link.startsWith(`${ana.url}#/invite/`), link);
        await ana.page.keyboard.press("Escape");
        return link;
      };
      const one = await make("1 person");
      await dialog.getByText(/^by you · used 0 of 1 times · ends /).waitFor();
      await looksRight(ana, "desktop-invites");
      // The page is open already, as when one clicks on a link in a message.
      const ben = await (await arrive("Ben invited")).login();
      await ben.page.evaluate((link) => void (location.href = link), one);
      await ben.heading("Terrace");
      await ben.sees("you found it");
      assert.ok(!ben.page.url().includes("invite"));
      const cleo = await arrive("Cleo late");
      await cleo.page.goto(one);
      await cleo.page.getByText("You have been invited.").waitFor();
      await looksRight(cleo, "login-invited");
      assert.ok(!cleo.page.url().includes("invite"));
      await cleo.page.getByLabel("Your name").fill(cleo.name);
      await button(cleo.page, "Enter").click();
      await dialogOf(cleo, "This invite link is over").waitFor();
      await looksRight(cleo, "desktop-invite-over");
      await cleo.page.keyboard.press("Escape");
      await cleo.heading("general");
      const many = await make("Any number");
      const dora = await arrive("Dora new");
      await dora.page.goto(many);
      await dora.page.getByLabel("Your name").fill(dora.name);
      await button(dora.page, "Enter").click();
      await dora.heading("Terrace");
      await dora.sees("you found it");
      await dora.page.reload();
      await dora.heading("Terrace");
      await button(dialog, "Revoke").or(dialog.getByText("Revoke")).first().click();
      await dialog.getByText("The link lets nobody in any more.").waitFor();
      await cleo.page.goto("about:blank");
      await cleo.page.goto(many);
      await dialogOf(cleo, "This invite link is over").waitFor();
    },
  ],
  [
    "an invite link that the server cannot look up for now is kept, and lets in later",
    async ({ arrive, server }) => {
      const robot = await server.robot("Robot doorman");
      const { room } = await robot.command("room_create", { room: "doors", title: "Doors", kind: "private" });
      const { code } = await robot.command("invite_create", { room: room.id });
      const ana = await arrive("Ana at the door");
      let fails = true;
      await ana.page.routeWebSocket(/./, (near) => {
        const far = near.connectToServer();
        near.onMessage((text) => {
          const { action, id } = JSON.parse(text);
          if (action !== "invite_use" || !fails) return far.send(text);
          fails = false;
          near.send(JSON.stringify({ id, error: { code: "store_failed", message: "The store fails." } }));
        });
      });
      await ana.login(`#/invite/${code}`);
      await dialogOf(ana, "The invite link could not be used").waitFor();
      await ana.page.reload();
      await ana.heading("Doors");
    },
  ],
];
