// Who people are to each other in the page, and what is theirs: profiles, blocks, keys, the account.
import assert from "node:assert/strict";
import { looksRight } from "./look.mjs";
import { dialogOf, gone } from "./manage.mjs";
import { revoked } from "../integration/lib/suite.mjs";

const button = (within, name, exact = true) => within.getByRole("button", { name, exact });

async function settings(person, name) {
  await person.page.locator(".me").click();
  await button(dialogOf(person, "Settings"), name).click();
}

// A room with somebody else in it, who has said something.
async function company(arrive, server, who, other, room) {
  const robot = await server.robot(other);
  await robot.command("join", { room, create: true });
  await robot.command("send", { room, text: `${other} says hello` });
  const person = await (await arrive(who)).login(`#/${room}`);
  await person.sees(`${other} says hello`);
  return [person, robot];
}

export default [
  [
    "a profile says who one is, for how long; others find it by a click or a key on the name",
    async ({ arrive, server }) => {
      const ana = await (await arrive("Ana portrait")).login();
      const { page } = ana;
      await ana.join("Portraits");
      await ana.say("a likeness");
      await settings(ana, "Profile");
      const mine = dialogOf(ana, "Your profile");
      await mine.getByLabel("Name to show").fill("Ana Müller");
      await mine.getByLabel("Status", { exact: true }).fill("Painting");
      await mine.getByLabel("Show the status for").selectOption({ label: "1 hour" });
      await mine.getByLabel("Do not disturb").check();
      await mine.getByLabel("For how long").selectOption({ label: "30 minutes" });
      await mine.getByLabel("Time zone").selectOption({ label: "Pacific/Auckland" });
      await looksRight(ana, "desktop-profile");
      await button(mine, "Save").click();
      await gone(ana);
      const name = ana.message("a likeness").locator(".author");
      await ana.page.locator(".message .author", { hasText: "Ana Müller" }).waitFor();
      assert.equal(await name.getAttribute("title"), "@Ana portrait");
      const ben = await (await arrive("Ben looker")).login("#/portraits");
      await ben.page.locator(".message .author", { hasText: "Ana Müller" }).click();
      const card = dialogOf(ben, "Profile");
      await card.getByText(/^Painting until /).waitFor();
      await card.getByText("@Ana portrait").waitFor();
      await card.getByText(/^Do not disturb until /).waitFor();
      await card.getByText(/o'clock there \(Pacific\/Auckland\)$/).waitFor();
      await looksRight(ben, "desktop-card");
      await ben.page.keyboard.press("Escape");
      // The same with the keyboard, from the message.
      await ben.input.focus();
      await ben.page.keyboard.press("Shift+Tab");
      await ben.page.keyboard.press("Enter");
      await ben.page.getByRole("menuitem", { name: "About Ana portrait" }).press("Enter");
      await button(card, "Write a message").press("Enter");
      await ben.heading("Ana portrait");
      // What has an end keeps it, unless another is chosen.
      await settings(ana, "Profile");
      await mine.getByLabel("Here").check();
      assert.match(await mine.getByLabel("Show the status for").inputValue(), /kept/);
      await button(mine, "Save").click();
      await gone(ana);
      const robot = await server.robot("Robot looker");
      const { user } = await server.robot("Ana portrait");
      const [profile] = (await robot.command("profiles", { users: String(user.id) })).profiles;
      assert.equal(profile.state, undefined);
      assert.ok(profile.status_until > Date.now());
      assert.equal(profile.zone, "Pacific/Auckland");
      await button(page, "People here").click();
      await page.locator(".people .room-entry", { hasText: "Ana Müller" }).click();
      await button(dialogOf(ana, "Profile"), "Edit profile").click();
      await mine.waitFor();
    },
  ],
  [
    "who is blocked is hidden in rooms until one looks, and can be found and unblocked",
    async ({ arrive, server }) => {
      const [ana, eve] = await company(arrive, server, "Ana quiet", "Eve loud", "Quarrel");
      const { page } = ana;
      const { room } = await eve.command("dm", { user: (await server.robot("Ana quiet")).user.id });
      await ana.message("Eve loud says hello").locator(".author").click();
      const card = dialogOf(ana, "Profile");
      await button(card, "Block").click();
      await card.getByText("You have blocked this person", { exact: false }).waitFor();
      await looksRight(ana, "desktop-card-blocked");
      await page.keyboard.press("Escape");
      await page.getByText("1 message of somebody whom you have blocked").waitFor();
      assert.equal(await ana.message("Eve loud says hello").count(), 0);
      await eve.command("send", { room: "quarrel", text: "and again" });
      await page.getByText("2 messages of people whom you have blocked").waitFor();
      assert.equal(await page.locator('[aria-live="polite"]', { hasText: "and again" }).count(), 0);
      await looksRight(ana, "desktop-hidden");
      await page.reload();
      await page.getByText("2 messages of people whom you have blocked").waitFor();
      await button(page, "Show").press("Enter");
      await ana.sees("and again");
      assert.match(await page.evaluate(() => document.activeElement.ariaLabel), /^Eve loud, .*says hello$/);
      // In the direct room nobody writes, and it says why.
      await page.evaluate((id) => void (location.hash = `#/${id}`), room.id);
      await page.getByText("You have blocked Eve loud.").waitFor();
      assert.equal(await ana.input.isVisible(), false);
      await settings(ana, "Blocked people");
      const list = dialogOf(ana, "Blocked people");
      await button(list, "Unblock Eve loud").waitFor();
      await looksRight(ana, "desktop-blocks");
      await button(list, "Unblock Eve loud").click();
      await list.getByText("Eve loud is not blocked any more.").waitFor();
      assert.equal(await list.locator(".session").count(), 0);
      await page.keyboard.press("Escape");
      await ana.open("quarrel");
      await ana.sees("and again");
      assert.equal(await page.locator(".hidden-row").count(), 0);
    },
  ],
  [
    "what one says of oneself and whom one blocks is so on one's other devices at once",
    async ({ arrive, server }) => {
      const [desk] = await company(arrive, server, "Ana devices", "Eve devices", "Devices");
      const phone = await (await arrive("Ana devices")).login("#/devices");
      await desk.say("from the desk");
      await phone.sees("from the desk");
      await desk.message("Eve devices says hello").locator(".author").click();
      await button(dialogOf(desk, "Profile"), "Block").click();
      await phone.page.getByText("1 message of somebody whom you have blocked").waitFor();
      await button(dialogOf(desk, "Profile"), "Unblock").click();
      await phone.sees("Eve devices says hello");
      const ana = await server.robot("Ana devices");
      await ana.command("profile_set", { display: "Ana everywhere at once" });
      for (const person of [desk, phone]) {
        await person.page.locator(".message .author", { hasText: "Ana everywhere at once" }).waitFor();
      }
    },
  ],
  [
    "an API key is made, shown once, works as far as its scope, is listed and revoked",
    async ({ arrive, server }) => {
      const ana = await arrive("Ana machines");
      await ana.context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await ana.login();
      await settings(ana, "API keys");
      const list = dialogOf(ana, "API keys");
      await list.getByText("There are no keys.").waitFor();
      await button(list, "New key…").click();
      const form = dialogOf(ana, "New API key");
      await form.getByLabel("What it is for").fill("deploy");
      await form.getByLabel(/^Read/).uncheck();
      await button(form, "Make key").click();
      await form.getByText("Choose at least one thing that the key may do.").waitFor();
      await form.getByLabel(/^Read/).check();
      assert.equal(await form.getByLabel(/^Server/).count(), 0, "admin is for the server's owner");
      await form.getByLabel("How long it lasts").selectOption({ label: "30 days" });
      await looksRight(ana, "desktop-key-new");
      await button(form, "Make key").click();
      const made = dialogOf(ana, "The key “deploy”");
      const key = await made.getByLabel("Key").inputValue();
      await button(made, "Copy").click();
      await button(made, "Copied").waitFor();
      assert.equal(await ana.page.evaluate(() => navigator.clipboard.readText()), key);
      await looksRight(ana, "desktop-key-made");
      await ana.page.keyboard.press("Escape");
      await list.getByText(/^Read · not used yet · ends /).waitFor();
      await server.command("rooms", {}, key);
      await assert.rejects(server.command("send", { room: "general", text: "x" }, key), /beyond_scope/);
      assert.equal((await list.innerText()).includes(key), false);
      await looksRight(ana, "desktop-keys");
      await button(list, "Revoke the key “deploy”").click();
      await list.getByText("The key “deploy” opens nothing any more.").waitFor();
      await revoked(() => server.command("rooms", {}, key));
    },
  ],
  [
    "an account is deactivated by who has it, once asked twice, and opens nothing then",
    async ({ arrive, server }) => {
      const ana = await (await arrive("Ana leaves us")).login();
      const elsewhere = await (await arrive("Ana leaves us")).login();
      await settings(ana, "Deactivate account");
      const sure = dialogOf(ana, "Deactivate your account?");
      await button(sure, "Deactivate my account").click();
      await sure.getByText("This is not your name", { exact: false }).waitFor();
      await sure.getByLabel(/^Type your name/).fill("ana leaves US");
      await looksRight(ana, "desktop-deactivate");
      await button(sure, "Deactivate my account").click();
      await ana.page.getByText("Your account is deactivated.", { exact: false }).waitFor();
      await elsewhere.page.getByLabel("Your name").waitFor();
      await assert.rejects(server.command("login", { name: "Ana leaves us" }), /deactivated/);
    },
  ],
];
