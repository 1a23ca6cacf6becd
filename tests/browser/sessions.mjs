// One's sessions in the page: where they are used, and their end.
import assert from "node:assert/strict";
import { looksRight } from "./look.mjs";
import { PHONE } from "./person.mjs";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const WINDOWS =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

async function openSessions(person) {
  await person.page.locator(".me").click();
  await person.page.getByRole("button", { name: "Sessions" }).click();
  return person.page.getByRole("dialog", { name: "Sessions" });
}

export default [
  [
    "sessions say where and by what they are used; one is ended, then all others",
    async ({ arrive }) => {
      const name = "Ana everywhere";
      const here = await (await arrive(name, { userAgent: WINDOWS })).login();
      const fox = await (await arrive(name, { userAgent: FIREFOX })).login();
      const phone = await (await arrive(name, { ...PHONE, userAgent: "x" })).login();
      const dialog = await openSessions(here);
      await dialog.getByText("Firefox on Linux").waitFor();
      await dialog.getByText("this session").waitFor();
      const texts = await dialog.locator(".session").allInnerTexts();
      assert.equal(texts.length, 3);
      assert.match(texts[0], /^Chrome on Windows\n127\.0\.0\.1 · last used now\s+this session$/);
      assert.equal(texts.filter((text) => text.startsWith("Unknown device")).length, 1);
      await looksRight(here, "sessions");
      await dialog.getByRole("button", { name: "End the session on Firefox on Linux" }).click();
      await dialog.getByText("1 session was ended.").waitFor();
      await fox.page.getByText("Your session was ended. Log in again.").waitFor();
      assert.equal(await dialog.locator(".session").count(), 2);
      await dialog.getByRole("button", { name: "End all others" }).click();
      await phone.page.getByText("Your session was ended. Log in again.").waitFor();
      await dialog.getByText("1 session was ended.").waitFor();
      assert.equal(await dialog.locator(".session").count(), 1);
      assert.equal(await dialog.getByRole("button", { name: "End all others" }).isVisible(), false);
      await here.page.keyboard.press("Escape");
      await here.say("still here");
      await here.seesSent("still here");
    },
  ],
  [
    "sessions on a phone, in German",
    async ({ arrive }) => {
      const ana = await arrive("Ana phones", { ...PHONE, locale: "de-DE" });
      const { page } = ana;
      await page.goto(ana.url);
      await page.getByLabel("Dein Name").fill(ana.name);
      await page.getByRole("button", { name: "Eintreten" }).click();
      await page.getByRole("button", { name: /^Räume/ }).click();
      await page.locator(".me").click();
      await page.getByRole("button", { name: "Sitzungen" }).click();
      await page.getByText(/127\.0\.0\.1 · zuletzt benutzt: jetzt/).waitFor();
      await looksRight(ana, "german-phone-sessions");
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    },
  ],
];
