// People in browsers of their own, at a topology.
import assert from "node:assert/strict";
import { looksRight } from "../browser/look.mjs";
import { DESKTOP, Person, PHONE } from "../browser/person.mjs";
import { enter } from "../browser/site.mjs";

// Counts what the page's connections bring: answers to sends, and which messages come again.
// heard is told of each frame with messages.
class Brought {
  answers = 0;
  repeats = 0;
  seqs = new Set();
  heard = () => undefined;

  constructor(page) {
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => this.took([JSON.parse(String(payload))].flat())));
  }

  took(frames) {
    for (const { event, room, seq, ok } of frames) {
      if (ok?.seq !== undefined) this.answers++;
      if (event !== "message") continue;
      if (this.seqs.has(`${room} ${seq}`)) this.repeats++;
      this.seqs.add(`${room} ${seq}`);
      this.heard();
    }
  }
}

// Somebody whose page came from elsewhere and names the address of the gateway.
export async function visit(browser, name, page, host) {
  const person = await Person.arrive(browser, { url: page }, name, { at: "http://" });
  person.brought = new Brought(person.page);
  await person.page.goto(page);
  await person.page.getByRole("dialog").getByRole("button", { name: `Use ${host}` }).click();
  await person.page.getByText(`Server: ${host}`).waitFor();
  await enter(person);
  await person.notices();
  return person;
}

// Each sees the same, once, in the same order, and nothing is on its way any more.
export async function agree(people, expected) {
  for (const person of people) {
    await person.seesSent(expected.at(-1));
    while ((await person.page.locator(".message.pending").count()) > 0) await person.page.waitForTimeout(50);
    assert.deepEqual(await person.texts(), expected);
  }
}

// What else there is: typing, reactions, edits, a direct room, and what was said before.
export async function more(ana, ben, room, said) {
  const typing = ana.page.getByText(`${ben.name} is typing`);
  while ((await typing.count()) === 0) await ben.input.press("h", { delay: 200 }); // one in 3 s is told
  await ben.input.fill("");
  await ana.react(ana.message(said[1]), "Heart");
  await ben.page.getByRole("button", { name: new RegExp(`^❤️, 1: ${ana.name}`) }).waitFor();
  await ana.choose(ana.message(said[1]), "Edit");
  await ana.say("once more.");
  await ben.sees("once more. (edited)");
  await ana.page.getByRole("button", { name: "New direct message" }).click();
  await ana.page.getByRole("dialog").getByLabel("Name").fill(ben.name);
  await ana.page.getByRole("dialog").getByRole("button", { name: ben.name }).click();
  await ana.heading(ben.name);
  await ana.say("for you alone.");
  await ben.page.getByRole("button", { name: new RegExp(`${ana.name}.* 1 unread message`) }).click();
  await ben.sees("for you alone.");
  await ana.page.reload();
  await ana.open(room);
  await agree([ana], said.with(1, "once more. (edited)"));
}

// As it looks on a desk and in a hand.
export async function looks(ana, ben, name) {
  await looksRight(ana, `${name}-desktop`);
  await ben.page.setViewportSize(PHONE.viewport);
  await looksRight(ben, `${name}-phone`);
  await ben.page.setViewportSize(DESKTOP.viewport);
}
