// Runs the stories, each with people of its own, against one server.
import { launch } from "./launch.mjs";
import { Person } from "./person.mjs";
import { Server } from "./server.mjs";
import { took } from "../integration/lib/times.mjs";
import accounts from "./accounts.mjs";
import dialogs from "./dialogs.mjs";
import gateway from "./gateway.mjs";
import issuer from "./issuer.mjs";
import language from "./language.mjs";
import look from "./look.mjs";
import manage from "./manage.mjs";
import moderation from "./moderation.mjs";
import move from "./move.mjs";
import persons from "./persons.mjs";
import page from "./page.mjs";
import passkeys from "./passkeys.mjs";
import rooms from "./rooms.mjs";
import sessions from "./sessions.mjs";
import site from "./site.mjs";
import socketio from "./socketio.mjs";
import talk from "./talk.mjs";
import trouble from "./trouble.mjs";

const STORY_MS = 300_000; // ends what hangs
const wanted = process.argv.slice(2).filter((part) => part !== "");
const all = [...talk, ...accounts, ...passkeys, ...rooms, ...manage, ...moderation, ...persons, ...dialogs, ...look, ...language, ...sessions, ...issuer, ...site, ...trouble, ...page, ...move, ...gateway, ...socketio];
const isOneOf = (parts) => ([name]) => parts.length === 0 || parts.some((part) => name.includes(part));
const stories = all.filter(isOneOf(wanted));
for (const part of wanted)
  if (!all.some(isOneOf([part]))) throw new Error(`no story has "${part}" in its name`);
const server = await Server.create();
const browser = await launch();
let passed = 0;
let failed = 0;

async function run(name, story) {
  const people = [];
  const arrive = async (who, options) => {
    const person = await Person.arrive(browser, server, who, options);
    people.push(person);
    return person;
  };
  let timer;
  const start = Date.now();
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("took too long")), STORY_MS);
  });
  try {
    await Promise.race([story({ server, arrive }), late]);
    const complaints = people.flatMap((person) => person.complaints);
    if (complaints.length > 0) throw new Error(`the browser complains: ${complaints.join("\n")}`);
    passed++;
    console.log(`ok - ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok - ${name}\n${error.stack}`);
    for (const person of people) {
      await person.shot(`failed-${failed}-${person.name}`).catch(() => undefined);
    }
  }
  clearTimeout(timer);
  took(name, Date.now() - start);
  for (const person of people) await person.leave().catch(() => undefined);
}

try {
  for (const [name, story] of stories) await run(name, story);
} finally {
  await browser.close();
  await server.close();
}
if (failed > 0) console.log(server.output.slice(-4000));
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
