// Moderation: reports, who is held and told why, what is deleted, and the log of it all.
import { looksRight } from "./look.mjs";
import { toastsStay } from "./person.mjs";

// A room of the first, where the second is a moderator and the third says something.
async function begin({ arrive, server }, room, [anaName, moName, benName]) {
  const ana = await (await arrive(anaName)).login();
  await ana.join(room);
  const [mo, ben] = [await arrive(moName), await arrive(benName)];
  for (const who of [mo, ben]) {
    await toastsStay(who);
    await who.login();
  }
  await ben.join(room);
  const { token } = JSON.parse(await ana.page.evaluate(() => localStorage.getItem("polylog.session")));
  const { users } = await server.command("users", { query: moName }, token);
  await server.command("member_set", { room, user: users[0].id, role: "moderator" }, token);
  await mo.join(room);
  return [ana, mo, ben];
}

async function openRoomMenu(who, item) {
  await who.page.getByRole("button", { name: "Room menu" }).click();
  await who.page.getByRole("menuitem", { name: item }).click();
  return who.page.getByRole("dialog");
}

export default [
  [
    "two people moderate at once",
    async (story) => {
      const [ana, mo, ben] = await begin(story, "market-moderated", ["Ana moderates", "Mo moderates", "Ben moderated"]);
      await ben.say("buy my stuff");
      await ben.say("buy more of it");
      for (const who of [ana, mo]) await who.sees("buy more of it");
      // somebody reports it, both see that, one of them resolves it
      await mo.choose(mo.message("buy my stuff"), "Report");
      const report = mo.page.getByRole("dialog");
      await report.getByLabel("What is wrong with it?").fill("spam");
      await looksRight(mo, "moderation-report");
      await report.getByRole("button", { name: "Report", exact: true }).click();
      await mo.page.getByText("The message was reported.").waitFor();
      const [reports, others] = [await openRoomMenu(ana, "Reports"), await openRoomMenu(mo, "Reports")];
      for (const dialog of [reports, others]) await dialog.getByText("Mo moderates: spam").waitFor();
      await looksRight(ana, "moderation-reports");
      await reports.getByRole("button", { name: /^Resolve/ }).click();
      await reports.getByText("The reports were resolved.").waitFor();
      await others.getByRole("button", { name: /^Resolve/ }).click();
      await others.getByRole("alert").filter({ hasText: "somebody has resolved it" }).waitFor();
      for (const who of [ana, mo]) await who.page.keyboard.press("Escape");
      // one deletes all that was said while the other reads the log
      await ana.choose(ana.message("buy my stuff"), "Delete all from Ben moderated");
      await ana.page.getByRole("dialog").getByRole("button", { name: "Delete all" }).click();
      await openRoomMenu(mo, "Moderation log");
      for (const who of [ana, mo, ben]) await who.message("buy more of it").waitFor({ state: "detached" });
      await mo.page.keyboard.press("Escape");
      const acts = await openRoomMenu(ana, "Moderation log");
      await acts.getByText("All messages of Ben moderated were deleted").waitFor();
      await looksRight(ana, "moderation-log");
    },
  ],
  [
    "who is kicked reads why, and may come back",
    async (story) => {
      const [ana, , ben] = await begin(story, "yard-kicked", ["Ana kicks", "Mo kicks", "Ben kicked"]);
      await ben.say("noise");
      await ana.sees("noise");
      await ana.choose(ana.message("noise"), "Mute, kick or ban Ben kicked");
      const hold = ana.page.getByRole("dialog");
      await hold.getByLabel("What to do").selectOption("kick");
      await hold.getByLabel("Reason").fill("take a walk");
      await looksRight(ana, "moderation-hold");
      await hold.getByRole("button", { name: "Do it" }).click();
      await ben.page.getByText(/was removed \(take a walk\)/).waitFor();
      await ben.join("yard-kicked");
      await ben.say("I am back");
      await ana.sees("I am back");
    },
  ],
];
