import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsOf, sameRow } from "../src/app/rows.ts";
import { MessageLog } from "../src/lib/log.ts";
import type { LoggedEvent } from "../src/lib/types.ts";
import type { Room } from "../src/lib/index.ts";

const ana = { id: 1, name: "ana" };
const eve = { id: 2, name: "eve" };

function roomWith(...events: object[]): Room {
  const log = new MessageLog();
  const entries = events.map((event, i) => ({ room: "r", seq: i + 1, ts: 1000 * (i + 1), rev: i + 1, ...event }));
  log.takePage(entries as LoggedEvent[], false);
  return { log, kind: "public", reads: new Map() } as unknown as Room;
}

const said = (from: object, text: string) => ({ event: "message", count: 1, from, text });
const view = (hides: (seq: number) => boolean) => ({
  me: 1,
  newAfter: undefined,
  now: 1000,
  hides: ({ seq }: { seq: number }) => hides(seq),
});
const kinds = (room: Room, hides: (seq: number) => boolean) =>
  rowsOf(room, [], view(hides)).map((row) => (row.kind === "hidden" ? `hidden ${row.seqs.join("+")}` : row.kind));

test("rows: hidden messages, one behind the other, are one row; what is revealed comes back", () => {
  const room = roomWith(said(eve, "a"), said(eve, "b"), said(ana, "c"), said(eve, "d"));
  const byEve = (seq: number) => seq !== 3;
  assert.deepEqual(kinds(room, byEve), ["day", "hidden 1+2", "message", "hidden 4"]);
  assert.deepEqual(kinds(room, (seq) => seq === 4), ["day", "message", "message", "message", "hidden 4"]);
  assert.deepEqual(kinds(room, () => false), ["day", "message", "message", "message", "message"]);
});

test("rows: a hidden row that grows is another one", () => {
  const before = rowsOf(roomWith(said(eve, "a")), [], view(() => true))[1]!;
  const after = rowsOf(roomWith(said(eve, "a"), said(eve, "b")), [], view(() => true))[1]!;
  assert.equal(before.key, after.key);
  assert.equal(sameRow(before, before), true);
  assert.equal(sameRow(before, after), false);
});

test("rows: what happened to the room is told beside what was so before", () => {
  const named = (title: string) => ({ event: "room", title, from: ana });
  const rows = rowsOf(roomWith(named("A"), said(eve, "x"), named("B")), [], view(() => false));
  const notices = rows.filter((row) => row.kind === "notice");
  assert.deepEqual(notices.map(({ before }) => before?.title), [undefined, "A"]);
});
