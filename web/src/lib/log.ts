import type {
  DeleteEvent,
  EditEvent,
  LoggedEvent,
  LostEvent,
  MemberEvent,
  MessageEvent,
  PurgeEvent,
  ReactEvent,
  RoomEvent,
  User,
} from "./types.ts";

// A message as it reads now. Never changed in place: a change replaces it, so
// that whoever shows it can tell by identity.
export interface Message {
  readonly type: "message";
  readonly seq: number;
  readonly count: number;
  readonly ts: number;
  readonly from: User;
  readonly text: string;
  readonly rev: number;
  readonly cid?: string | undefined;
  readonly replyTo?: number | undefined;
  readonly edited?: number | undefined;
  readonly deleted: boolean;
  readonly reactions: ReadonlyMap<string, readonly number[]>;
  // By a bot; how that shows itself this once.
  readonly bot?: { readonly as?: string | undefined; readonly picture?: string | undefined } | undefined;
}

// What happened to the room itself: created, renamed, somebody's role; or entries that the
// server has lost, of which ts is 0 if nobody has repaired that.
export interface Notice {
  readonly type: "notice";
  readonly seq: number;
  readonly ts: number;
  readonly event: RoomEvent | MemberEvent | LostEvent;
}

export type Item = Message | Notice;
type Amendment = EditEvent | DeleteEvent | ReactEvent;

const ORPHANS_MAX = 1000;
const PURGES_MAX = 20;

function toMessage(event: MessageEvent): Message {
  return {
    type: "message",
    seq: event.seq,
    count: event.count,
    ts: event.ts,
    from: event.from,
    text: event.deleted ? "" : event.text,
    rev: event.rev ?? event.seq,
    cid: event.cid,
    replyTo: event.reply_to,
    edited: event.edited,
    deleted: event.deleted ?? false,
    reactions: new Map(Object.entries(event.reactions ?? {})),
    bot: event.bot === true ? { as: event.as, picture: event.picture } : undefined,
  };
}

function toItem(event: LoggedEvent): Item | undefined {
  if (event.event === "message") return toMessage(event);
  if (event.event === "room" && event.from.id === 0 && event.seq > 1) return undefined; // see drop()
  if (event.event === "room" || event.event === "member" || event.event === "lost") {
    return { type: "notice", seq: event.seq, ts: event.ts, event };
  }
  return undefined;
}

function isAmendment(event: LoggedEvent): event is Amendment {
  return event.event === "edit" || event.event === "delete" || event.event === "react";
}

function reacted(message: Message, event: ReactEvent): Message["reactions"] {
  const reactions = new Map(message.reactions);
  const others = (reactions.get(event.emoji) ?? []).filter((id) => id !== event.from.id);
  const people = event.on ? [...others, event.from.id] : others;
  if (people.length === 0) reactions.delete(event.emoji);
  else reactions.set(event.emoji, people);
  return reactions;
}

// Every amendment sets something, so that only the order matters: one that is
// not newer than what the message shows already is left alone.
function amended(message: Message, event: Amendment): Message {
  if (event.seq <= message.rev) return message;
  const next = { ...message, rev: event.seq };
  switch (event.event) {
    case "edit":
      return message.deleted ? next : { ...next, text: event.text, edited: event.ts };
    case "delete":
      return { ...next, text: "", deleted: true, reactions: new Map() };
    case "react":
      return { ...next, reactions: reacted(message, event) };
  }
}

// What a client has of a room's log: a run of items without a gap, growing at
// its end by live entries and at its beginning by pages of history.
export class MessageLog {
  private items: Item[] = [];
  private readonly bySeq = new Map<number, Item>();
  private orphans: Amendment[] = [];
  // The newest: a page that is on its way may carry messages as they were before.
  private purges: PurgeEvent[] = [];
  private from: number | undefined;
  // Live entries are kept, because a page up to them was asked for.
  private following = false;
  // A page was taken: the run reaches from it up to the live end.
  loaded = false;
  // Which run this is: a page that was asked for before clear() is not for this one.
  generation = 0;
  // There is nothing older than the first item.
  complete = false;

  // In order of seq. The array is a new one after each change.
  get all(): readonly Item[] {
    return this.items;
  }

  get(seq: number): Item | undefined {
    return this.bySeq.get(seq);
  }

  // What to ask older history before; undefined: the newest page.
  get oldest(): number | undefined {
    return this.from;
  }

  clear(): void {
    this.items = [];
    this.bySeq.clear();
    this.orphans = [];
    this.purges = [];
    this.from = undefined;
    this.following = false;
    this.loaded = false;
    this.complete = false;
    this.generation++;
  }

  // The room does not keep what is before `first` any more.
  drop(first: number): void {
    if (!this.items.some((item) => item.seq < first)) return;
    for (const { seq } of this.items) if (seq < first) this.bySeq.delete(seq);
    this.items = this.items.filter((item) => item.seq >= first);
    this.from = first;
    this.complete = true;
  }

  // The newest page, up to the last live entry taken, is being fetched.
  follow(): void {
    this.following = true;
  }

  // Takes one entry of the live log, in order. True if anything shown changed.
  apply(event: LoggedEvent): boolean {
    if (!this.following) return false;
    if (isAmendment(event)) return this.amend(event);
    if (event.event === "purge") {
      this.purges = [...this.purges, event].slice(-PURGES_MAX);
      return this.purge(event);
    }
    const item = toItem(event);
    return item !== undefined && this.insert(item);
  }

  // Takes a page of history in the view "messages". It may overlap what is there.
  takePage(entries: readonly LoggedEvent[], more: boolean): void {
    for (const event of entries) {
      const item = toItem(event);
      if (item !== undefined) this.insert(item);
    }
    const first = entries[0]?.seq;
    if (first !== undefined && (this.from === undefined || first < this.from)) this.from = first;
    this.loaded = true;
    if (!more) this.complete = true;
    const orphans = this.orphans;
    this.orphans = [];
    for (const event of orphans) this.amend(event);
    for (const event of this.purges) this.purge(event);
  }

  // Forgets the oldest items but `keep`; they can be paged in again.
  trim(keep: number): boolean {
    if (this.items.length <= keep) return false;
    for (const item of this.items.slice(0, this.items.length - keep)) this.bySeq.delete(item.seq);
    this.items = this.items.slice(-keep);
    this.from = this.items[0]?.seq;
    this.complete = false;
    return true;
  }

  private amend(event: Amendment): boolean {
    const old = this.bySeq.get(event.target);
    if (old === undefined) {
      // A page that is on its way may carry the message as it was before.
      this.orphans.push(event);
      if (this.orphans.length > ORPHANS_MAX) this.orphans.shift();
      return false;
    }
    if (old.type !== "message") return false;
    const next = amended(old, event);
    if (next === old) return false;
    this.replace(old, next);
    return true;
  }

  // All that the person has said up to the target is deleted.
  private purge({ user, target, seq }: PurgeEvent): boolean {
    let changed = false;
    this.items = this.items.map((item) => {
      if (item.type !== "message" || item.from.id !== user.id || item.seq > target || item.deleted) return item;
      changed = true;
      const next: Message = { ...item, rev: Math.max(item.rev, seq), text: "", deleted: true, reactions: new Map() };
      this.bySeq.set(next.seq, next);
      return next;
    });
    return changed;
  }

  private insert(item: Item): boolean {
    const old = this.bySeq.get(item.seq);
    if (old !== undefined) {
      if (old.type !== "message" || item.type !== "message" || item.rev <= old.rev) return false;
      this.replace(old, item);
      return true;
    }
    this.bySeq.set(item.seq, item);
    let at = this.items.length;
    while (at > 0 && this.items[at - 1]!.seq > item.seq) at--;
    this.items = [...this.items.slice(0, at), item, ...this.items.slice(at)];
    return true;
  }

  private replace(old: Item, next: Item): void {
    this.bySeq.set(next.seq, next);
    this.items = this.items.map((item) => (item === old ? next : item));
  }
}
