// What browsers do to a page: tabs, input methods, dropped files, the way back, blocked data.
import assert from "node:assert/strict";
import { Cable } from "./cable.mjs";
import { looksRight } from "./look.mjs";
import { PHONE, toastsStay, wake } from "./person.mjs";

// As a browser's duplicate of the tab: with a copy of its sessionStorage.
async function duplicate(person) {
  const [page] = await Promise.all([
    person.context.waitForEvent("page"),
    person.page.evaluate(() => void window.open(location.href)),
  ]);
  return page;
}

function once(withLocks) {
  return async ({ arrive, server }) => {
    const room = withLocks ? "twice" : "twice-asked";
    const cable = await Cable.to(server);
    const ana = await arrive(`Ana ${room}`, { at: cable.url });
    if (!withLocks) {
      await ana.context.addInitScript(() => delete Navigator.prototype.locks);
    }
    await ana.login();
    await ana.join(room);
    const robot = await server.robot(`Robot ${room}`);
    await robot.command("join", { room });
    await cable.block("/ws");
    await ana.page.getByText(/Trying again/).waitFor();
    await ana.say("only once");
    await ana.page.locator(".message.pending", { hasText: "only once" }).waitFor();
    const copy = await duplicate(ana);
    await copy.locator(".me").waitFor();
    const stored = () =>
      Object.keys(sessionStorage).filter((key) => key.startsWith("polylog.outbox"));
    while ((await copy.evaluate(stored)).length > 0) await copy.waitForTimeout(100);
    assert.equal((await ana.page.evaluate(stored)).length, 1);
    for (let i = 0; i < 3; i++) await robot.command("send", { room, text: `between ${i}` });
    cable.mend();
    for (const page of [ana.page, copy]) {
      await wake(page);
      await page.locator(".message:not(.pending)", { hasText: "only once" }).waitFor();
    }
    // Each of the two says something behind it, so that whatever it had is there by now.
    for (const [page, text] of [
      [copy, "from the copy"],
      [ana.page, "from the first"],
    ]) {
      await page.locator(".composer-input").fill(text);
      await page.locator(".composer-input").press("Enter");
      await page.locator(".message:not(.pending)", { hasText: text }).waitFor();
    }
    const { entries } = await robot.command("history", { room });
    const texts = entries.flatMap(({ text }) => text ?? []);
    assert.equal(texts.filter((text) => text === "only once").length, 1, texts.join());
    cable.close();
  };
}

const SEND_ENTER = { key: "Enter", code: "Enter", bubbles: true, cancelable: true };

export default [
  ["a duplicated tab does not send what waits in the first", once(true)],
  ["a duplicated tab asks the others where there are no locks", once(false)],
  [
    "a tab that is reloaded keeps what waits, also where there are no locks",
    async ({ arrive, server }) => {
      const cable = await Cable.to(server);
      const ana = await arrive("Ana unlocked", { at: cable.url });
      await ana.context.addInitScript(() => delete Navigator.prototype.locks);
      await ana.login();
      await ana.join("unlocked");
      cable.cut();
      await ana.page.getByText(/Trying again/).waitFor();
      await ana.say("keep me");
      cable.mend();
      await ana.page.reload();
      await ana.seesSent("keep me");
      cable.close();
    },
  ],
  [
    "the Enter that ends a composition does not send, in whichever order a browser tells",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana composes")).login();
      await ana.join("compose");
      await ana.input.fill("かんじ");
      for (const more of [{ isComposing: true }, { keyCode: 229 }]) {
        await ana.input.evaluate(
          (input, init) => input.dispatchEvent(new KeyboardEvent("keydown", init)),
          { ...SEND_ENTER, ...more },
        );
        assert.equal(await ana.input.inputValue(), "かんじ");
      }
      await ana.input.press("Enter");
      await ana.seesSent("かんじ");
      assert.equal(await ana.input.inputValue(), "");
    },
  ],
  [
    "the page works where site data is blocked, as long as it is open",
    async ({ arrive }) => {
      const ana = await arrive("Ana blocked");
      await ana.context.addInitScript(() => {
        const get = () => {
          throw new DOMException("Access is denied for this document.", "SecurityError");
        };
        for (const name of ["localStorage", "sessionStorage"]) {
          Object.defineProperty(window, name, { get });
        }
      });
      await ana.login();
      await ana.join("blocked");
      await ana.say("still here");
      await ana.seesSent("still here");
      await ana.page.locator(".me").click();
      await ana.page.getByRole("radio", { name: "Dark" }).check();
      await ana.page.getByRole("button", { name: "Log out" }).click();
      await ana.page.getByLabel("Your name").waitFor();
    },
  ],
  [
    "an address with broken escapes opens a page, not an empty one",
    async ({ arrive }) => {
      const ana = await arrive("Ana percent");
      await toastsStay(ana);
      await ana.login("#/100%");
      await ana.heading("general");
      await ana.page.getByRole("alert").getByText("100%").waitFor();
      const ben = await arrive("Ben percent");
      await ben.page.goto(`${ben.url}#owner=%E0%A4%A`);
      await ben.page.getByLabel("Your name").waitFor();
    },
  ],
  [
    "a link to a room goes there, in the address and in a message; what is refused says so",
    async ({ arrive, server }) => {
      const robot = await server.robot("Robot links");
      for (const room of ["link-one", "link-two"]) {
        await robot.command("join", { room, create: true });
        await robot.command("send", { room, text: `welcome to ${room}` });
      }
      await robot.command("room_create", { room: "link-secret", kind: "private" });
      const ana = await arrive("Ana links");
      await toastsStay(ana);
      await ana.login();
      await ana.heading("general");
      await ana.page.evaluate(() => void (location.hash = "#/Link-One"));
      await ana.sees("welcome to link-one");
      await ana.heading("link-one");
      assert.equal(new URL(ana.page.url()).hash, "#/link-one");
      await ana.say(`see ${ana.url}#/link-two`);
      await ana.page.locator(".text a").click();
      await ana.sees("welcome to link-two");
      assert.equal(ana.context.pages().length, 1);
      await ana.page.evaluate(() => void (location.hash = "#/link-secret"));
      await ana.page
        .getByRole("alert")
        .getByText(/link-secret: .*not a member/)
        .waitFor();
      await ana.heading("link-two");
      assert.equal(new URL(ana.page.url()).hash, "#/link-two");
    },
  ],
  [
    "a file that is dropped does not replace the page, a pasted picture is answered",
    async ({ arrive }) => {
      const ana = await arrive("Ana files");
      await toastsStay(ana);
      await ana.login();
      await ana.join("files");
      const give = (selector, type, picture) =>
        ana.page.evaluate(
          ([at, event, withFile]) => {
            const data = new DataTransfer();
            if (withFile) data.items.add(new File(["x"], "cat.png", { type: "image/png" }));
            else data.setData("text/plain", "words");
            const init = { bubbles: true, cancelable: true };
            const made =
              event === "paste"
                ? new ClipboardEvent(event, { ...init, clipboardData: data })
                : new DragEvent(event, { ...init, dataTransfer: data });
            return document.querySelector(at).dispatchEvent(made);
          },
          [selector, type, picture],
        );
      const answers = ana.page
        .getByRole("alert")
        .getByText("Files and pictures cannot be sent here.");
      for (const at of [".scroller", ".composer-input"]) {
        assert.equal(await give(at, "dragover", true), false, "the browser would open the file");
        assert.equal(await give(at, "drop", true), false, "the browser would open the file");
      }
      await answers.nth(1).waitFor();
      assert.equal(await give(".composer-input", "paste", true), false);
      await answers.nth(2).waitFor();
      assert.equal(await give(".composer-input", "drop", false), true, "words can be dropped");
      assert.equal(await give(".composer-input", "paste", false), true, "words can be pasted");
      assert.equal(await answers.count(), 3);
    },
  ],
  [
    "on a phone the menu says that something is unread, and the way back closes it",
    async ({ arrive, server }) => {
      const robot = await server.robot("Robot pocket");
      await robot.command("join", { room: "pocket", create: true });
      const ana = await (await arrive("Ana pocket", PHONE)).login();
      await ana.heading("general");
      await ana.page.evaluate(() => void (location.hash = "#/pocket"));
      await ana.heading("pocket");
      await ana.page.getByRole("button", { name: "Rooms", exact: true }).click();
      await ana.open("general");
      await ana.heading("general");
      await robot.command("send", { room: "pocket", text: "psst" });
      await ana.page.getByRole("button", { name: "Rooms: 1 unread" }).waitFor();
      await looksRight(ana, "phone-unread");
      const drawer = ana.page.locator(".drawer-open");
      await ana.page.getByRole("button", { name: "Rooms: 1 unread" }).click();
      await drawer.waitFor();
      await ana.page.goBack();
      await drawer.waitFor({ state: "detached" });
      await ana.heading("general");
      await ana.page.getByRole("button", { name: "Rooms: 1 unread" }).click();
      await ana.open("pocket");
      await ana.sees("psst");
      await ana.page.getByRole("button", { name: "Rooms", exact: true }).waitFor();
      await ana.page.goBack(); // to the room before, not to a drawer
      await ana.heading("general");
      assert.equal(await drawer.count(), 0);
      await ana.page.getByRole("button", { name: "Rooms", exact: true }).click();
      await drawer.waitFor();
      await ana.page.keyboard.press("Escape");
      await drawer.waitFor({ state: "detached" });
      await ana.heading("general");
    },
  ],
  [
    "a text that is too long says by how much",
    async ({ arrive }) => {
      const ana = await (await arrive("Ana long")).login();
      await ana.join("long");
      await ana.input.fill("x".repeat(5040));
      await ana.page.getByRole("status").getByText("1,040 characters too many").waitFor();
      assert.equal(await ana.page.getByRole("button", { name: "Send" }).isDisabled(), true);
      await looksRight(ana, "desktop-too-long");
      await ana.input.fill("😀".repeat(3999));
      await ana.page.getByText("1 character left").waitFor();
      assert.equal(await ana.page.getByRole("button", { name: "Send" }).isDisabled(), false);
    },
  ],
  [
    "what was written today is of yesterday after midnight",
    async ({ arrive }) => {
      const ana = await arrive("Ana midnight");
      await ana.login();
      await ana.join("midnight");
      await ana.say("good night");
      await ana.seesSent("good night");
      const day = ana.page.locator(".day").last();
      assert.equal(await day.innerText(), "Today");
      await ana.page.evaluate(() => {
        const { now } = Date;
        Date.now = () => now() + 24 * 3600_000;
      });
      await ana.page.locator(".day", { hasText: "Yesterday" }).waitFor();
    },
  ],
  [
    "a quote of a message that is far back shows it",
    async ({ arrive, server }) => {
      const robots = await Promise.all(
        Array.from({ length: 6 }, (_, i) => server.robot(`Robot far ${i}`)),
      );
      for (const robot of robots) await robot.command("join", { room: "far", create: true });
      const first = await robots[0].command("send", { room: "far", text: "where it began" });
      for (let i = 0; i < 1100; i++) {
        await robots[i % 6].command("send", { room: "far", text: `since then ${i}` });
      }
      await robots[1].command("send", { room: "far", text: "remember?", reply_to: first.seq });
      const ana = await (await arrive("Ana far")).login("#/far");
      await ana.sees("remember?");
      await ana.message("remember?").locator(".quote").click();
      const dialog = ana.page.getByRole("dialog");
      await dialog.locator(".message.wanted", { hasText: "where it began" }).waitFor();
      await dialog.getByText("since then 1", { exact: true }).waitFor();
      await looksRight(ana, "desktop-far-message");
      await ana.page.keyboard.press("Escape");
      const near = await robots[2].command("history", { room: "far", limit: 200 });
      const { seq, text } = near.entries[5];
      await robots[1].command("send", { room: "far", text: "and this?", reply_to: seq });
      await ana.message("and this?").locator(".quote").click();
      await ana.page.locator(".message.flash", { hasText: text }).waitFor();
      assert.equal(await dialog.count(), 0);
    },
  ],
];
