// The page in German: by the browser's preference, by choice, and how it looks.
import assert from "node:assert/strict";
import { accessible, looksRight } from "./look.mjs";
import { PHONE } from "./person.mjs";

const GERMAN = { locale: "de-AT" };

async function enter(person, path = "") {
  const { page } = person;
  await page.goto(person.url + path);
  await page.getByLabel("Dein Name").fill(person.name);
  await page.getByRole("button", { name: "Eintreten" }).click();
  await page.getByText("Verbunden", { exact: true }).waitFor({ state: "attached" });
}

// What is on the page that only English has, but for what people have written and named.
export const english = (page) =>
  page.evaluate(() => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walk.nextNode())
      if (!walk.currentNode.parentElement.closest(".message, .room-label, .me-name, .listed-room strong, .listed-topic, script, style"))
        texts.push(walk.currentNode.data);
    return /\b(the|is|are|you|your|message|settings|close)\b/i.exec(texts.join("\n"))?.[0];
  });

const lang = (page) => page.evaluate(() => document.documentElement.lang);

const germanLooks = (name, device) => [
  `German: ${name}, every page and dialog reads and looks as it should`,
  async ({ arrive, server }) => {
    const ana = await arrive(`Ana ${name}`, { ...GERMAN, ...device });
    const { page } = ana;
    await page.goto(server.url);
    await page.getByLabel("Dein Name").waitFor();
    assert.equal(await lang(page), "de");
    await looksRight(ana, `german-${name}-login`);
    await enter(ana);
    await page.getByText("Hier steht noch nichts").or(page.getByText("Hier fängt alles an")).waitFor();
    await ana.input.fill("Guten Morgen");
    await page.getByRole("button", { name: "Senden" }).click();
    await ana.seesSent("Guten Morgen");
    await looksRight(ana, `german-${name}-room`);
    const drawer = async () => {
      if (device === PHONE) await page.getByRole("button", { name: /^Räume/ }).click();
    };
    await drawer();
    await page.getByRole("button", { name: "Raum öffnen oder anlegen" }).first().click();
    await looksRight(ana, `german-${name}-finder`);
    assert.equal(await english(page), undefined);
    await page.getByRole("button", { name: "Raum anlegen …" }).click();
    await looksRight(ana, `german-${name}-create`);
    assert.equal(await english(page), undefined);
    await page.keyboard.press("Escape"); // closes the drawer, too
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await drawer();
    await page.locator(".me").click();
    await looksRight(ana, `german-${name}-settings`);
    assert.equal(await english(page), undefined);
  },
];

export default [
  germanLooks("desktop", {}),
  germanLooks("phone", PHONE),
  [
    "German: errors of the server and of the library are German, too",
    async ({ arrive, server }) => {
      const ben = await arrive("--", GERMAN);
      await ben.page.goto(server.url);
      await ben.page.getByLabel("Dein Name").fill("--");
      await ben.page.getByRole("button", { name: "Eintreten" }).click();
      await ben.page.getByRole("alert").getByText(/^Ein Name hat 1 bis 32 Buchstaben/).waitFor();
      await ben.page.getByRole("button", { name: "Ändern" }).click();
      const dialog = ben.page.getByRole("dialog");
      await dialog.getByLabel("Adresse").fill("//");
      await dialog.getByRole("button", { name: "Verwenden" }).click();
      await dialog.getByText(/^Das ist keine Adresse/).waitFor();
    },
  ],
  [
    "the language is chosen in the settings, is kept, and leaves the browser's again",
    async ({ arrive }) => {
      const ana = await arrive("Ana chooses");
      await ana.login();
      const { page } = ana;
      assert.equal(await lang(page), "en");
      await page.locator(".me").click();
      await page.getByLabel("Language").selectOption({ label: "Deutsch" });
      await page.getByText("Verbunden", { exact: true }).waitFor({ state: "attached" });
      assert.equal(await lang(page), "de");
      await page.reload();
      await page.getByText("Verbunden", { exact: true }).waitFor({ state: "attached" });
      await page.locator(".me").click();
      await accessible(ana, "settings in German by choice");
      await page.getByLabel("Sprache").selectOption({ label: "Wie der Browser" });
      await page.getByText("Connected", { exact: true }).waitFor({ state: "attached" });
      assert.equal(await lang(page), "en");
    },
  ],
];
