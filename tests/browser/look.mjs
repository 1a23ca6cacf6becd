// How it looks, on what, and for whom.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { PHONE } from "./person.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const ground = (person) =>
  person.page.evaluate(() => getComputedStyle(document.body).backgroundColor);

// Contrast, names, roles: what can be checked by rule (WCAG 2.2 A and AA).
export async function accessible(person, where) {
  await person.page.evaluate(axe);
  const found = await person.page.evaluate(() =>
    window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  const text = found.violations.flatMap((violation) =>
    violation.nodes.map(
      (node) => `${where}: ${violation.id}: ${node.html}\n  ${node.failureSummary}`,
    ),
  );
  assert.deepEqual(text, []);
  assert.ok(found.passes.length > 10);
}

// A conversation to look at.
async function scene(server, room) {
  const [ana, ben, cleo] = await Promise.all(
    ["Ana", "Ben", "Cléo"].map((name) => server.robot(`${name} ${room}`)),
  );
  for (const who of [ana, ben, cleo]) await who.command("join", { room });
  const say = (who, text, more = {}) => who.command("send", { room, text, ...more });
  const up = await say(ana, "The staging box is back; all four services report healthy.");
  await say(ana, "I left the old volume attached until tomorrow, just in case.");
  const asked = await say(ben, "Nice. Did the index rebuild finish?");
  await say(cleo, "It did, in 38 minutes.", { reply_to: asked.seq });
  await ben.command("react", { room, target: up.seq, emoji: "🎉" });
  await cleo.command("react", { room, target: up.seq, emoji: "🎉" });
  await say(
    cleo,
    "For the record:\n```\npolylog serve --data /var/lib/polylog\n```\nand `make check` is clean.",
  );
  const wrong = await say(ben, "wrong window");
  await ben.command("delete", { room, target: wrong.seq });
  const edited = await say(ben, "I'll update the runbook");
  await ben.command("edit", { room, target: edited.seq, text: "I'll update the runbook today." });
}

async function lookAt(person, server, room, name) {
  await scene(server, room);
  await person.sees("I'll update the runbook today.");
  await accessible(person, name);
  await person.shot(name);
}

// The page shows that colour scheme, all of it: a change arrives a few frames later.
const shown = (page, scheme) =>
  page.evaluate(
    (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          const there = matchMedia(`(prefers-color-scheme: ${wanted})`).matches;
          requestAnimationFrame(there ? () => requestAnimationFrame(resolve) : look);
        };
        look();
      }),
    scheme,
  );

// Those who want less motion see no colour fade: each is there at once.
async function nothingFades(page, where) {
  const fading = await page.evaluate(() =>
    document
      .getAnimations()
      .filter((motion) => motion instanceof CSSTransition)
      .map(({ transitionProperty, effect }) => `${transitionProperty} of ${effect.target.localName}`),
  );
  assert.deepEqual(fading, [], where);
}

// The same in both colours, and how it looks.
export async function looksRight(person, name) {
  for (const colorScheme of ["light", "dark"]) {
    await person.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await shown(person.page, colorScheme);
    await nothingFades(person.page, `${name}, ${colorScheme}`);
    await accessible(person, `${name}, ${colorScheme}`);
    await person.shot(`${name}-${colorScheme}`);
  }
}

export default [
  [
    "light: every rule for accessibility holds",
    async ({ arrive, server }) => {
      const ana = await arrive("Mira light");
      await ana.page.goto(server.url);
      await ana.page.getByLabel("Your name").waitFor();
      await looksRight(ana, "login");
      await ana.page.emulateMedia({ colorScheme: "light" });
      await ana.login();
      await ana.join("light");
      await ana.say("Good morning");
      await lookAt(ana, server, "light", "desktop-light");
      await ana.page.getByRole("button", { name: "People here" }).click();
      await accessible(ana, "people");
      await ana.message("Good morning").hover();
      await ana
        .message("Good morning")
        .getByRole("button", { name: /^Actions/ })
        .click();
      await accessible(ana, "menu");
      await ana.shot("desktop-light-menu");
      await ana.page.keyboard.press("Escape");
      await ana.page.locator(".me").click();
      await accessible(ana, "settings");
    },
  ],
  [
    "dark: by the system's preference, with the same rules",
    async ({ arrive, server }) => {
      const ana = await (await arrive("Mira dark", { colorScheme: "dark" })).login();
      assert.equal(await ground(ana), "rgb(23, 25, 29)");
      await ana.join("dark");
      await ana.say("Good evening");
      await lookAt(ana, server, "dark", "desktop-dark");
    },
  ],
  [
    "dark or light by choice, which is remembered and there before the first paint",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana theme")).login();
      const light = await ground(ana);
      await ana.page.locator(".me").click();
      await ana.page.getByLabel("Dark").check();
      assert.notEqual(await ground(ana), light);
      await ana.page.reload({ waitUntil: "commit" });
      await ana.page.waitForSelector("body");
      assert.equal(await ground(ana), "rgb(23, 25, 29)");
      await ana.page.locator(".me").click();
      await ana.page.getByLabel("As the system").check();
      assert.equal(await ground(ana), light);
    },
  ],
  [
    "on a phone the rooms are a drawer and nothing is wider than the screen",
    async ({ arrive, server }) => {
      const ana = await (await arrive("Mira phone", PHONE)).login();
      const drawer = ana.page.getByRole("button", { name: "Rooms", exact: true });
      assert.equal(await ana.page.locator(".sidebar").isVisible(), false);
      await drawer.click();
      await ana.page.locator(".sidebar").waitFor();
      await ana.shot("phone-light-drawer");
      await ana.join("phone");
      await ana.page.locator(".sidebar").waitFor({ state: "hidden" });
      await ana.input.fill("Out and about");
      await ana.page.getByRole("button", { name: "Send" }).click();
      await ana.sees("Out and about");
      await lookAt(ana, server, "phone", "phone-light");
      const wide = await ana.page.evaluate(() => document.documentElement.scrollWidth);
      assert.equal(wide, 390);
      await ana
        .message("Out and about")
        .getByRole("button", { name: /^Actions/ })
        .click();
      await ana.shot("phone-light-menu");
      await ana.page.getByRole("menuitem", { name: "Edit" }).click();
      assert.equal(await ana.input.inputValue(), "Out and about");
      await ana.page.emulateMedia({ colorScheme: "dark" });
      await shown(ana.page, "dark");
      await accessible(ana, "phone, dark");
      await ana.shot("phone-dark");
    },
  ],
  [
    "everything can be done with the keyboard",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana keys")).login();
      const { page } = ana;
      const focused = () =>
        page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
      await ana.join("keys");
      await ana.say("one");
      await ana.say("two");
      await ana.seesSent("two");
      await ana.input.press("ArrowUp");
      assert.equal(await ana.input.inputValue(), "two");
      await page.keyboard.press("Escape");
      assert.equal(await ana.input.inputValue(), "");
      await page.keyboard.press("Shift+Tab");
      assert.match(await focused(), /^Ana keys, .*: two$/);
      await page.keyboard.press("ArrowUp");
      assert.match(await focused(), /: one$/);
      await page.keyboard.press("Enter");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "👍, 1: you" }).waitFor();
      assert.match(await focused(), /: one$/);
      await page.keyboard.press("Enter");
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("Enter");
      await page.getByRole("dialog", { name: "Delete this message?" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await page.keyboard.press("Tab");
      const outline = await page.evaluate(
        () => getComputedStyle(document.activeElement).outlineStyle,
      );
      assert.notEqual(outline, "none");
    },
  ],
  [
    "a new message is announced to those who hear the page",
    async ({ arrive, server }) => {
      const ana = await (await arrive("Ana hears")).login();
      const robot = await server.robot("Robot speaks");
      await ana.join("hears");
      // What comes before the room's first page is there is of that page, and not new.
      await ana.page.getByText("Nothing was said here yet.").waitFor();
      await robot.command("join", { room: "hears" });
      await robot.command("send", { room: "hears", text: "ding" });
      await ana.page.locator('[aria-live="polite"]', { hasText: "Robot speaks: ding" }).waitFor();
      assert.equal(await ana.page.getByRole("log").count(), 1);
    },
  ],
];
