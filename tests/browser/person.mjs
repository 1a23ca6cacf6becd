// A person in front of a browser of their own.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const SHOTS =
  process.env.SHOTS ?? fileURLToPath(new URL("../../build/screenshots", import.meta.url));
export const PATIENCE_MS = 60_000; // ends what hangs
mkdirSync(SHOTS, { recursive: true });

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
};

// The network is back: the page connects at once.
export const wake = (page) => page.evaluate(() => void dispatchEvent(new Event("online")));

// What the page shows for a while it then shows for ever: nobody has to look in time.
const WIDGETS = new URL("../../web/src/app/widgets.ts", import.meta.url);
const TOAST_MS = Number(/const TOAST_MS = (\d+);/.exec(readFileSync(WIDGETS, "utf8"))[1]);
export const toastsStay = (person) =>
  person.context.addInitScript((shortly) => {
    const after = window.setTimeout.bind(window);
    window.setTimeout = (what, ms, ...more) => (ms === shortly ? 0 : after(what, ms, ...more));
  }, TOAST_MS);

export class Person {
  // `at`: another address of the server than its own.
  static async arrive(browser, server, name, { at = server.url, ...options } = {}) {
    const person = new Person();
    person.name = name;
    person.url = at;
    // What must not happen: errors in the console, requests to anywhere else.
    person.complaints = [];
    person.also = []; // where it may ask, besides its server
    person.context = await browser.newContext({
      ...DESKTOP,
      locale: "en-GB",
      timezoneId: "Europe/Vienna",
      colorScheme: "light",
      ...options,
    });
    person.context.setDefaultTimeout(PATIENCE_MS);
    person.page = await person.context.newPage();
    person.watch();
    return person;
  }

  watch() {
    const { page, complaints } = this;
    page.on("pageerror", (error) => complaints.push(error.stack ?? String(error)));
    page.on("console", (message) => {
      const text = message.text();
      // The browser itself reports what cannot be reached while the server is down.
      const expected =
        /net::ERR_(CONNECTION|SOCKET|EMPTY|NETWORK)|WebSocket connection|status of 4/.test(text);
      if (["error", "warning"].includes(message.type()) && !expected) complaints.push(text);
    });
    page.on("request", (request) => {
      const url = request.url();
      const own = [this.url, "data:", ...this.also].some((start) => url.startsWith(start));
      if (!own) complaints.push(`a request to ${url}`);
    });
  }

  // From now on it is kept whether the page ever says that it is not connected, or speaks of
  // what it is connected through.
  async notices() {
    await this.page.evaluate(() => {
      const look = () => {
        if (/was lost|Connecting|restarts|Gateway/.test(document.body.innerText)) window.saidSo = true;
      };
      const all = { subtree: true, childList: true, characterData: true, attributes: true };
      new MutationObserver(look).observe(document.body, all);
      window.saidSo = false;
    });
  }

  // Whether it did; undefined: nobody looked.
  noticed() {
    return this.page.evaluate(() => window.saidSo);
  }

  async login(path = "") {
    await this.page.goto(this.url + path);
    await this.page.getByLabel("Your name").fill(this.name);
    await this.page.getByRole("button", { name: "Enter" }).click();
    await this.page.getByText("Connected", { exact: true }).waitFor({ state: "attached" });
    return this;
  }

  // Opens a room, which is made if there is none.
  async join(room) {
    await this.page.getByRole("button", { name: "Join or create a room" }).first().click();
    const dialog = this.page.getByRole("dialog");
    await dialog.getByLabel("Room", { exact: true }).fill(room);
    const found = dialog.getByRole("button", {
      name: new RegExp(`^(Open|Join|Create) ${room}$`, "i"),
    });
    const verb = (await found.getAttribute("aria-label")).split(" ")[0];
    await found.click();
    if (verb === "Create")
      await dialog.getByRole("button", { name: "Create", exact: true }).click();
    await this.page.locator("h1").getByText(room).waitFor();
  }

  // Makes a room that only people who are added can join.
  async createPrivate(room) {
    const dialog = this.page.getByRole("dialog");
    await this.page.getByRole("button", { name: "Join or create a room" }).first().click();
    await dialog.getByRole("button", { name: "Create a room…" }).click();
    await dialog.getByLabel("Name", { exact: true }).fill(room);
    await dialog.getByLabel(/private room/).check();
    await dialog.getByRole("button", { name: "Create", exact: true }).click();
    await this.heading(room);
  }

  async heading(text) {
    await this.page.locator("h1", { hasText: text }).waitFor();
  }

  async open(room) {
    await this.page.locator(`[data-room="${room}"]`).click();
  }

  get input() {
    return this.page.locator(".composer-input");
  }

  async say(text) {
    await this.input.fill(text);
    await this.input.press("Enter");
  }

  message(text) {
    return this.page.locator(".message", { hasText: text });
  }

  async sees(text) {
    await this.message(text).first().waitFor();
  }

  // Sees it as a message that is in the log, not as one on its way.
  async seesSent(text) {
    await this.page.locator(".message:not(.pending)", { hasText: text }).first().waitFor();
  }

  // The texts of all messages, in the order shown.
  texts() {
    return this.page.locator(".message .text").allInnerTexts();
  }

  async choose(message, item) {
    await message.hover();
    await message.getByRole("button", { name: /^Actions for/ }).click();
    await this.page.getByRole("menu").getByRole("menuitem", { name: item, exact: true }).click();
  }

  async react(message, label) {
    await message.hover();
    await message.getByRole("button", { name: /^Actions for/ }).click();
    await this.page.getByRole("menuitemcheckbox", { name: label }).click();
  }

  async shot(name) {
    await this.page.waitForTimeout(250);
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }

  async leave() {
    await this.context.close();
  }
}
