// Which rows a room's timeline has, in order. Pure: no element is made here.
import type { Item, Message, Notice, Pending, Room, RoomEvent } from "../lib/index.ts";
import { dayKey, dayLabel } from "./format.ts";

export type Row =
  | { kind: "day"; key: string; label: string }
  | { kind: "new"; key: string }
  | { kind: "seen"; key: string }
  | { kind: "notice"; key: string; notice: Notice; before: RoomEvent | undefined }
  // Messages, one behind the other, that are not shown unless they are asked for.
  | { kind: "hidden"; key: string; seqs: number[] }
  | { kind: "message"; key: string; message: Message; grouped: boolean; target: Item | undefined }
  | { kind: "pending"; key: string; pending: Pending; grouped: boolean; target: Item | undefined };

const GROUP_MS = 5 * 60_000;

interface Before {
  from: number;
  ts: number;
}

export interface View {
  me: number;
  // The last message that is not new.
  newAfter: number | undefined;
  now: number;
  hides(message: Message): boolean;
}

// Rows are keyed so that a message keeps its element when it is acknowledged.
export function rowsOf(room: Room, pending: readonly Pending[], { me, newAfter, now, hides }: View): Row[] {
  const rows: Row[] = [];
  let day: string | undefined;
  let before: Before | undefined;
  let divided = newAfter === undefined;
  let named: RoomEvent | undefined;

  const begin = (ts: number) => {
    if (dayKey(ts) === day) return;
    day = dayKey(ts);
    before = undefined;
    rows.push({ kind: "day", key: `day ${day}`, label: dayLabel(ts, now) });
  };
  const groups = (from: number, ts: number, reply: boolean) => {
    const grouped = !reply && before?.from === from && ts - before.ts < GROUP_MS;
    before = { from, ts };
    return grouped;
  };
  const find = (seq: number | undefined) => (seq === undefined ? undefined : room.log.get(seq));

  for (const [i, item] of room.log.all.entries()) {
    if (isLost(item) && isLost(room.log.all[i - 1])) continue; // one row for all of them
    if (!isLost(item)) begin(item.ts);
    if (item.type === "notice") {
      before = undefined;
      rows.push({ kind: "notice", key: `n ${item.seq}`, notice: item, before: named });
      if (item.event.event === "room") named = item.event;
      continue;
    }
    if (hides(item)) {
      before = undefined;
      const last = rows.at(-1);
      if (last?.kind === "hidden") last.seqs.push(item.seq);
      else rows.push({ kind: "hidden", key: `h ${item.seq}`, seqs: [item.seq] });
      continue;
    }
    if (!divided && item.seq > newAfter! && item.from.id !== me) {
      divided = true;
      before = undefined;
      rows.push({ kind: "new", key: "new" });
    }
    const own = item.from.id === me && item.cid !== undefined;
    rows.push({
      kind: "message",
      key: own ? `c ${item.cid}` : `m ${item.seq}`,
      message: item,
      grouped: groups(item.from.id, item.ts, item.replyTo !== undefined || item.bot !== undefined),
      target: find(item.replyTo),
    });
  }
  if (seen(room, me)) rows.push({ kind: "seen", key: "seen" });
  for (const p of pending) {
    begin(p.ts);
    const grouped = groups(me, p.ts, p.replyTo !== undefined);
    rows.push({ kind: "pending", key: `c ${p.cid}`, pending: p, grouped, target: find(p.replyTo) });
  }
  return rows;
}

function isLost(item: Item | undefined): boolean {
  return item?.type === "notice" && item.event.event === "lost";
}

// In a direct room: the newest message is one's own, and the other has read it.
function seen(room: Room, me: number): boolean {
  const last = room.log.all.at(-1);
  if (room.kind !== "direct" || last?.type !== "message" || last.from.id !== me) return false;
  return [...room.reads].some(([user, seq]) => user !== me && seq >= last.seq);
}

// Whether an element made for one row still shows the other.
export function sameRow(a: Row, b: Row): boolean {
  if (a.kind === "message" && b.kind === "message") {
    return a.message === b.message && a.grouped === b.grouped && a.target === b.target;
  }
  if (a.kind === "pending" && b.kind === "pending") {
    const quiet = a.pending.state !== "failed" && b.pending.state !== "failed";
    return (quiet || a.pending === b.pending) && a.grouped === b.grouped && a.target === b.target;
  }
  if (a.kind === "hidden" && b.kind === "hidden") return a.seqs.length === b.seqs.length;
  if (a.kind === "notice" && b.kind === "notice") return a.before === b.before;
  if (a.kind === "day" && b.kind === "day") return a.label === b.label;
  return a.kind === b.kind;
}
