// What people do in a room.
import assert from "node:assert/strict";

async function pair(arrive, room) {
  const ana = await (await arrive(`Ana ${room}`)).login();
  const ben = await (await arrive(`Ben ${room}`)).login();
  await ana.join(room);
  await ben.join(room);
  return [ana, ben];
}

export default [
  [
    "two people talk: both see every message once and in the same order",
    async ({ arrive }) => {
      const [ana, ben] = await pair(arrive, "talk");
      await ana.page.getByText("2 people here").waitFor();
      for (let i = 1; i <= 5; i++) {
        await ana.say(`ana says ${i}`);
        await ben.say(`ben says ${i}`);
      }
      for (const person of [ana, ben]) {
        await person.sees("ana says 5");
        await person.sees("ben says 5");
      }
      const texts = await ana.texts();
      assert.equal(texts.length, 10);
      assert.deepEqual(await ben.texts(), texts);
      const of = (name) => texts.filter((text) => text.startsWith(name));
      assert.deepEqual(
        of("ana"),
        [1, 2, 3, 4, 5].map((i) => `ana says ${i}`),
      );
      assert.deepEqual(
        of("ben"),
        [1, 2, 3, 4, 5].map((i) => `ben says ${i}`),
      );
    },
  ],
  [
    "typing is shown to the other and goes when the message comes",
    async ({ arrive }) => {
      const [ana, ben] = await pair(arrive, "typing");
      const shown = ben.page.getByText(`${ana.name} is typing`).waitFor(); // it does not last
      await Promise.all([shown, ana.input.pressSequentially("hel")]);
      await ana.input.press("Enter");
      await ben.sees("hel");
      await ben.page.getByText(`${ana.name} is typing`).waitFor({ state: "detached" });
    },
  ],
  [
    "what is written in another room is counted as unread until it is opened",
    async ({ arrive }) => {
      const [ana, ben] = await pair(arrive, "unread");
      await ben.open("general");
      await ben.heading("general");
      await ana.say("first");
      await ana.say("second");
      const entry = ben.page.locator('[data-room="unread"]');
      await entry.locator(".badge", { hasText: "2" }).waitFor();
      await ben.page.waitForFunction(() => /^\(1\) /.test(document.title));
      await entry.click();
      await ben.sees("second");
      await ben.page.locator(".new-line").waitFor();
      await entry.locator(".badge").waitFor({ state: "detached" });
      await ben.page.reload();
      await ben.sees("second");
      assert.equal(await entry.locator(".badge").count(), 0);
    },
  ],
  [
    "one's own message can be edited, reacted to and deleted; both see it",
    async ({ arrive }) => {
      const [ana, ben] = await pair(arrive, "amend");
      await ana.say("frist");
      await ben.sees("frist");
      await ana.choose(ana.message("frist"), "Edit");
      assert.equal(await ana.input.inputValue(), "frist");
      await ana.say("first");
      await ben.sees("first (edited)");
      assert.equal(await ben.message("frist").count(), 0);
      await ben.react(ben.message("first"), "Party");
      const reaction = ana.page.getByRole("button", { name: `🎉, 1: ${ben.name}` });
      await reaction.click();
      await ben.page.getByRole("button", { name: /🎉, 2/ }).waitFor();
      await ben.page.getByRole("button", { name: /🎉, 2/ }).click();
      await ana.page.getByRole("button", { name: "🎉, 1: you" }).waitFor();
      await ana.choose(ana.message("first"), "Delete");
      await ana.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
      await ben.sees("This message was deleted.");
      assert.equal(await ben.page.locator(".reaction").count(), 0);
      await ben.page.reload();
      await ben.sees("This message was deleted.");
      assert.deepEqual(await ben.texts(), ["This message was deleted."]);
    },
  ],
  [
    "an answer shows what it answers",
    async ({ arrive }) => {
      const [ana, ben] = await pair(arrive, "reply");
      await ana.say("When shall we meet?");
      await ben.sees("When shall we meet?");
      await ben.choose(ben.message("When shall we meet?"), "Reply");
      await ben.page.getByText(`Replying to ${ana.name}`).waitFor();
      await ben.say("At three");
      const quote = ana.message("At three").locator(".quote");
      await quote.waitFor();
      assert.equal(await quote.innerText(), `${ana.name}\nWhen shall we meet?`);
      await quote.click();
      await ana.page.locator(".message.flash", { hasText: "When shall we meet?" }).waitFor();
    },
  ],
  [
    "what people write stays text",
    async ({ arrive }) => {
      const [ana, ben] = await pair(arrive, "text");
      const evil = '<img src="x" onerror="document.title=1"><b>bold</b>';
      await ana.say(evil);
      await ana.say("see https://example.org/a?b=1, and `x < y`");
      await ben.sees("see https://example.org");
      assert.equal((await ben.texts())[0], evil);
      assert.equal(await ben.page.locator(".text img, .text b").count(), 0);
      const link = ben.page.locator(".text a");
      assert.equal(await link.getAttribute("href"), "https://example.org/a?b=1");
      assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
      assert.equal(await ben.page.locator(".text code").innerText(), "x < y");
    },
  ],
];
