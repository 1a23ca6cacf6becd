// A person in front of a browser of their own.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const SHOTS =
  process.env.SHOTS ?? fileURLToPath(new URL("../../build/screenshots", import.meta.url));
export const PATIENCE_MS = 8000;
mkdirSync(SHOTS, { recursive: true });

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
};

export class Person {
  // `at`: another address of the server than its own.
  static async arrive(browser, server, name, { at = server.url, ...options } = {}) {
    const person = new Person();
    person.name = name;
    person.url = at;
    // What must not happen: errors in the console, requests to anywhere else.
    person.complaints = [];
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
      const expected = /ERR_CONNECTION|WebSocket connection|status of 4/.test(text);
      if (["error", "warning"].includes(message.type()) && !expected) complaints.push(text);
    });
    page.on("request", (request) => {
      const url = request.url();
      const own = url.startsWith(this.url) || url.startsWith("data:");
      if (!own) complaints.push(`a request to ${url}`);
    });
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
    await this.page.getByRole("dialog").getByLabel("Room", { exact: true }).fill(room);
    await this.page.getByRole("dialog").getByRole("button", { name: "Go" }).click();
    await this.page.locator("h1").getByText(room).waitFor();
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
    await this.page.getByRole("menu").getByRole("menuitem", { name: item }).click();
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
