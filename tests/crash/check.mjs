// What must be true of the logs after a crash, whatever happened before.
import assert from "node:assert/strict";

async function pages(ask, room, view) {
  const all = [];
  for (;;) {
    const after = all.at(-1)?.seq ?? 0;
    const page = await ask("history", { room, after, view, limit: 500 });
    all.push(...page.entries);
    if (!page.more) return { all, head: page.head };
  }
}

// Plays the log: what every message must have become.
function play(log) {
  const messages = new Map();
  for (const entry of log) {
    const target = messages.get(entry.target);
    if (entry.event === "message") {
      messages.set(entry.seq, { ...entry });
    } else if (target !== undefined) {
      target.rev = entry.seq;
      if (entry.event === "edit") Object.assign(target, { text: entry.text, edited: entry.ts });
      if (entry.event === "delete") Object.assign(target, { text: "", deleted: true });
      if (entry.event === "react") {
        target.reactions ??= {};
        const users = new Set(target.reactions[entry.emoji]);
        if (entry.on) users.add(entry.from.id);
        else users.delete(entry.from.id);
        target.reactions[entry.emoji] = [...users].sort((a, b) => a - b);
        if (users.size === 0) delete target.reactions[entry.emoji];
      }
    }
  }
  return [...messages.values()];
}

// The same form for both: reactions in order, none is no member, nothing but text lost.
function plain(message) {
  const { reactions = {}, edited, ...rest } = message;
  if (rest.deleted) return { ...rest, text: "" };
  const sorted = Object.entries(reactions).map(([emoji, users]) => [emoji, [...users].sort((a, b) => a - b)]);
  return { ...rest, edited: edited !== undefined, reactions: Object.fromEntries(sorted.sort()) };
}

// What was deleted is blank in the log, and so are its edits.
function deleted(log) {
  return new Set(log.filter(({ event }) => event === "delete").map(({ target }) => target));
}

async function checkRoom(world, room) {
  const ask = (action, params) => world.witness.ask(action, params);
  const { all: log, head } = await pages(ask, room, "log");
  const { all: messages } = await pages(ask, room, "messages");
  log.forEach((entry, i) => assert.equal(entry.seq, i + 1, `${room}: a gap at ${i + 1}`));
  assert.equal(head.seq, log.length);
  const texts = log.filter(({ event }) => event === "message");
  texts.forEach((entry, i) => assert.equal(entry.count, i + 1, `${room}: count at ${entry.seq}`));
  assert.equal(head.count, texts.length);
  log.forEach(({ ts }, i) =>
    assert.ok(i === 0 || ts >= log[i - 1].ts, `${room}: time goes back at ${i + 1}`),
  );
  const cids = new Set(texts.map(({ cid }) => cid));
  assert.equal(cids.size, texts.length, `${room}: a message is there twice`);

  const gone = deleted(log);
  for (const writer of world.writers) {
    for (const sent of writer.sent.filter((one) => one.room === room)) {
      const entry = log[sent.seq - 1];
      assert.deepEqual(
        [entry?.cid, entry?.from.id],
        [sent.cid, writer.user.id],
        `${room}: ${sent.seq} was acknowledged`,
      );
      assert.equal(entry.text, gone.has(sent.seq) ? "" : sent.text);
    }
    for (const { action, seq, target, text, emoji, on } of writer.changed.filter(
      (one) => one.room === room,
    )) {
      const entry = log[seq - 1];
      assert.deepEqual([entry?.event, entry?.target, entry?.from.id], [action, target, writer.user.id]);
      if (action === "edit") assert.equal(entry.text, gone.has(target) ? "" : text);
      if (action === "react") assert.deepEqual([entry.emoji, entry.on], [emoji, on]);
    }
  }
  assert.deepEqual(messages.map(plain), play(log).map(plain), `${room}: messages are not what the log says`);
  return log;
}

// Throws what is wrong.
export async function check(world) {
  let entries = 0;
  for (const room of world.rooms) {
    const log = await checkRoom(world, room);
    entries += log.length;
    for (const reader of world.readers) {
      await world.until(`${reader.name} has seen ${room}`, async () => {
        await reader.late;
        if (reader.failure) throw reader.failure;
        return reader.shown[room].length >= log.length;
      });
      const gone = deleted(log);
      const isGone = ({ seq, event, target }) => gone.has(seq) || (event === "edit" && gone.has(target));
      const blank = (entry) => (isGone(entry) ? { ...entry, text: "" } : entry);
      assert.deepEqual(reader.shown[room].map(blank), log.map(blank), `${reader.name} saw another ${room}`);
    }
  }
  return entries;
}
