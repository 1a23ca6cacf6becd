// Makes docs/screenshot.png: a conversation on a server of its own. Needs fonts for letters
// (Inter) and emoji (Noto Color Emoji).
//   node tests/browser/screenshot.mjs [file]
import { chromium } from "playwright-core";
import { fileURLToPath } from "node:url";
import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

const file =
  process.argv[2] ?? fileURLToPath(new URL("../../docs/screenshot.png", import.meta.url));
const server = await Server.create();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"],
});
const mira = await (await Person.arrive(browser, server, "Mira", { deviceScaleFactor: 2 })).login();
const [ana, ben, cleo, dov] = await Promise.all(
  ["Ana", "Ben", "Cléo", "Dov Katz"].map((name) => server.robot(name)),
);

for (const name of ["Design", "Operations", "Book Club"]) await mira.join(name);
await mira.createPrivate("Leads");
const me = (await ana.command("users", { query: "Mira" })).users[0];
for (const [who, texts] of [
  [ben, ["Have you got ten minutes?"]],
  [cleo, []],
]) {
  const { room } = await who.command("dm", { user: me.id });
  for (const text of texts) await who.command("send", { room: room.id, text });
}
for (const who of [ana, ben, cleo, dov]) {
  for (const room of ["operations", "design", "book-club"]) await who.command("join", { room });
}
for (const text of [
  "New icons are in the folder",
  "Comments until Thursday, please",
  "And thanks!",
]) {
  await cleo.command("send", { room: "design", text });
}

await mira.open("operations");
const say = (who, text, more = {}) => who.command("send", { room: "operations", text, ...more });
const up = await say(
  ana,
  "Morning! The staging box is back after the update; all four services report healthy.",
);
await say(ana, "I left the old volume attached until tomorrow, just in case.");
const asked = await say(ben, "Nice. Did the index rebuild finish?");
await say(cleo, "It did, at 4:12. About 38 minutes for everything.", { reply_to: asked.seq });
for (const [who, emoji] of [
  [ben, "🎉"],
  [cleo, "🎉"],
  [dov, "👍"],
]) {
  await who.command("react", { room: "operations", target: up.seq, emoji });
}
await say(
  dov,
  "For the record, this is all it takes:\n```\npolylog serve --listen :8080 --data /var/lib/polylog\n```\nand `kill -9` in the middle of a burst lost nothing.",
);
const noted = await say(ben, "I'll put it into the runbook");
await ben.command("edit", {
  room: "operations",
  target: noted.seq,
  text: "I'll put it into the runbook today, with the timings.",
});
await mira.sees("with the timings");
await mira.say("Thank you all. Shall we talk about the release at three?");
await mira.seesSent("at three?");
const thanks = (await ana.command("history", { room: "operations", limit: 1 })).entries[0];
for (const who of [ana, ben, cleo]) {
  await who.command("react", { room: "operations", target: thanks.seq, emoji: "👍" });
}
const typist = await (await Person.arrive(browser, server, "Ana")).login();
await typist.open("operations");
await typist.input.pressSequentially("Three is");
await mira.page.getByText("2 people here").waitFor();
await mira.page.getByText("Ana is typing").waitFor();
await mira.page.mouse.move(700, 20);
await mira.page.waitForTimeout(300);
await mira.page.screenshot({ path: file });
await browser.close();
await server.close();
