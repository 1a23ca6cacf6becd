// The project's own client library, as the page uses it, speaks to the function.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { test, until } from "../integration/lib/suite.mjs";
import { processes, startFunction } from "./lib/function.mjs";
import { Killer } from "./lib/killer.mjs";

// That of tests/gateway.
const { WebSocket } = createRequire(new URL("../gateway/package.json", import.meta.url))("ws");
const WEB = new URL("../../web", import.meta.url).pathname;
const MESSAGES = Number(process.env.MESSAGES ?? 30);
const REPEATS = 2; // that must have come before the story ends

let library;

// Bundled once, as the page's build does it.
async function load() {
  if (library !== undefined) return library;
  const dir = mkdtempSync(join(tmpdir(), "polylog-client-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  const { build } = createRequire(join(WEB, "package.json"))("esbuild");
  const outfile = join(dir, "client.mjs");
  await build({ entryPoints: [join(WEB, "src/lib/index.ts")], bundle: true, platform: "node", format: "esm", target: "node18", outfile });
  return (library = await import(outfile));
}

function socket(url) {
  const made = new WebSocket(url, [], { perMessageDeflate: false });
  made.on("error", () => undefined); // what closes it is told by onclose
  return made;
}

// Counts what a client's connections bring: which messages, and how many of them again. heard is
// told of each frame with messages.
class Brought {
  seqs = new Set();
  repeats = 0;
  heard = () => undefined;

  socket = (url) => {
    const made = socket(url);
    made.on("message", (data) => this.took([JSON.parse(String(data))].flat().filter(({ event }) => event === "message")));
    return made;
  };

  took(messages) {
    for (const { room, seq } of messages) {
      const key = `${room} ${seq}`;
      if (this.seqs.has(key)) this.repeats++;
      this.seqs.add(key);
    }
    if (messages.length > 0) this.heard();
  }
}

async function enter(t, gateway, name, brought = new Brought()) {
  const { Client, login } = await load();
  const session = await login(gateway.url, name, undefined, { socket });
  const client = new Client({ server: gateway.url, token: session.token, user: session.user, socket: brought.socket });
  t.after(() => client.stop());
  client.start();
  await until(`${name} is online`, () => client.state.name === "online");
  return client;
}

// As the page does when somebody looks at a room.
async function open(client, id) {
  await client.join(id);
  await client.load(id);
}

const texts = (client, id) =>
  client.rooms
    .get(id)
    .log.all.filter((item) => item.type === "message")
    .map((item) => item.text);

test("the client library: rooms, direct rooms, edits, reactions, typing", async (t) => {
  const gateway = await startFunction(t);
  const ana = await enter(t, gateway, "ana");
  const ben = await enter(t, gateway, "ben");
  for (const person of [ana, ben]) await open(person, "general");
  ana.send("general", "hello");
  await until("ben is shown it", () => texts(ben, "general").includes("hello"));
  const { seq } = ana.rooms.get("general").log.all.find((item) => item.text === "hello");
  await ana.edit("general", seq, "hello, ben");
  await ben.react("general", seq, "👍", true);
  await until("both see how it reads now", () =>
    [ana, ben].every((one) => one.rooms.get("general").log.get(seq)?.text === "hello, ben"),
  );
  ben.typing("general", true);
  await until("ana sees ben type", () => ana.rooms.get("general").typing.size > 0);
  const direct = await ana.openDirect(ben.user);
  ana.send(direct.id, "between us");
  await until("ben has the direct room", () => ben.rooms.has(direct.id));
  await ben.load(direct.id);
  await until("ben is shown it", () => texts(ben, direct.id).includes("between us"));
});

test("the client library, with functions killed: nothing is missing, nothing is there twice", async (t) => {
  const gateway = await startFunction(t);
  const brought = new Brought();
  const people = [await enter(t, gateway, "ana", brought), await enter(t, gateway, "ben")];
  for (const person of people) await open(person, "general");
  const killer = new Killer(gateway);
  const sent = [];
  const say = async (begun) => {
    const by = people[sent.length % 2];
    const text = `message ${sent.length}`;
    sent.push(text);
    begun();
    by.send("general", text);
    await until(`${text} is shown to who sent it`, () => texts(by, "general").includes(text));
    killer.answered();
  };
  for (let i = 0; i < MESSAGES; i++) await say(() => killer.begun(0));
  // Killed when it has posted a message, before it writes that it has: that is posted again.
  const aimed = () => {
    const pids = processes(gateway);
    brought.heard = () => killer.kill(pids.splice(0));
  };
  for (let i = 0; i < MESSAGES && brought.repeats < REPEATS; i++) await say(aimed);
  for (const person of people) {
    await until("all is there", () => texts(person, "general").length >= sent.length);
    await until("nothing waits", () => person.outbox.all.length === 0);
    assert.deepEqual(texts(person, "general").sort(), [...sent].sort());
  }
  assert.deepEqual(texts(people[0], "general"), texts(people[1], "general"));
  assert.ok(killer.killed > 0, "none was killed");
  assert.ok(brought.repeats >= REPEATS, "nothing came twice that could be shown twice");
});
