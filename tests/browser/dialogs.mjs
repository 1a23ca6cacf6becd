// Every dialog about rooms and people, in both languages, on each device, in both colours: it keeps
// the rules, fits, and says nothing in the other language.
import assert from "node:assert/strict";
import { english } from "./language.mjs";
import { looksRight } from "./look.mjs";
import { gone } from "./manage.mjs";
import { DESKTOP, PHONE } from "./person.mjs";
import { textsIn } from "./texts.mjs";

function everyDialog(language, device, options) {
  const t = textsIn(language);
  const where = `${language}-${device}`;

  return async ({ arrive, server }) => {
    const robot = await server.robot(`Robot ${where}`);
    const ana = await arrive(`Ana ${where}`, { ...options, locale: language === "de" ? "de-DE" : "en-GB" });
    const { page } = ana;
    const button = (name) => page.getByRole("button", { name, exact: true });
    const looks = async (name) => {
      await looksRight(ana, `${where}-${name}`);
      const wide = await page.evaluate(() => {
        const parts = [document.documentElement, ...document.querySelectorAll("dialog")];
        return parts.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
      });
      assert.ok(wide.every((more) => more === 0), `${name} is wider than its place: ${wide}`);
      if (language === "de") assert.equal(await english(page), undefined, name);
    };
    const close = async () => {
      await page.keyboard.press("Escape");
      await gone(ana);
    };
    const rooms = async () => {
      const drawer = page.locator(".drawer-button");
      const open = (await page.locator(".drawer-open").count()) > 0;
      if (!open && (await drawer.isVisible())) await drawer.click();
    };
    const shown = (text) => page.getByRole("dialog").last().getByText(text, { exact: true }).first().waitFor();

    await page.goto(ana.url);
    await page.getByLabel(t("login.name")).fill(ana.name);
    await button(t("login.enter")).click();
    await page.getByText(t("state.online"), { exact: true }).waitFor({ state: "attached" });

    await rooms();
    await page.getByRole("button", { name: t("rooms.add") }).first().click();
    await button(t("finder.all_button")).click();
    await page.locator(".listed-room").or(page.getByText(t("directory.empty"))).first().waitFor();
    await looks("directory");
    await button(t("finder.create_button")).click();
    const title = `Werkstatt ${where}`;
    await page.getByLabel(t("create.name"), { exact: true }).fill(title);
    await page.getByLabel(t("create.private")).check();
    await looks("create");
    await button(t("create.submit")).click();
    await ana.heading(title);
    const id = decodeURIComponent(new URL(page.url()).hash.slice(2));
    const owner = await server.robot(ana.name);
    await owner.command("member_set", { room: id, user: robot.user.id, role: "member" });
    await owner.command("invite_create", { room: id });
    await robot.command("send", { room: id, text: "Hallo" });
    await ana.sees("Hallo");

    for (const [item, text, name] of [
      ["room.about", "about.link", "about"],
      ["room.members", "members.member", "members"],
      ["room.links", "invites.revoke", "invites"],
      ["room.settings", "room_set.end", "room-settings"],
    ]) {
      await button(t("room.menu_button")).click();
      await page.getByRole("menuitem", { name: t(item) }).click();
      await shown(t(text));
      await looks(name);
      if (name === "members") {
        const more = button(t("members.actions", { name: robot.user.name }));
        await more.click();
        await page.getByRole("menuitem", { name: t("members.make_moderator") }).waitFor();
        await looks("member-menu");
        await page.keyboard.press("Escape"); // the menu alone
        await page.getByRole("menu").waitFor({ state: "detached" });
        await shown(t("members.member"));
      }
      if (name === "invites") {
        await button(t("invites.make")).click();
        await looks("invite-new");
        await button(t("invites.make_submit")).click();
        await shown(t("invites.once"));
        await looks("invite-link");
        await page.keyboard.press("Escape");
      }
      if (name === "room-settings") {
        await button(t("room_set.delete")).click();
        await shown(t("room_set.delete_text", { name: title }));
        await looks("room-delete");
      }
      await close();
    }

    await ana.message("Hallo").locator(".author").click();
    await button(t("card.block")).click();
    await button(t("card.unblock")).waitFor();
    await looks("card");
    await close();
    await button(t("message.show_hidden")).waitFor();
    await looks("hidden");

    for (const [item, text, name] of [
      ["settings.profile", "profile.display", "profile"],
      ["settings.blocks", "blocks.unblock", "blocks"],
      ["settings.keys", "keys.none", "keys"],
      ["settings.deactivate", "deactivate.submit", "deactivate"],
    ]) {
      await rooms();
      await page.locator(".me").click();
      if (name === "profile") await looks("settings");
      await button(t(item)).click();
      await shown(t(text));
      await looks(name);
      if (name === "keys") {
        await button(t("keys.make")).click();
        await page.getByLabel(t("keys.name"), { exact: true }).fill("deploy");
        await looks("key-new");
        await button(t("keys.make_submit")).click();
        await shown(t("keys.once"));
        await looks("key-made");
        await page.keyboard.press("Escape");
      }
      await close();
    }
  };
}

export default [
  ["dialogs in German on a desktop: each fits and keeps the rules", everyDialog("de", "desktop", DESKTOP)],
  ["dialogs in German on a phone: each fits and keeps the rules", everyDialog("de", "phone", PHONE)],
  ["dialogs in English on a phone: each fits and keeps the rules", everyDialog("en", "phone", PHONE)],
];
