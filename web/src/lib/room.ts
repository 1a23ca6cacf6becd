import { Ahead } from "./ahead.ts";
import { type Clock, Timer } from "./clock.ts";
import type { PolylogError } from "./errors.ts";
import { MessageLog } from "./log.ts";
import type {
  LoggedEvent,
  Position,
  Pref,
  Role,
  RoomInfo,
  RoomKind,
  RoomSettings,
  User,
} from "./types.ts";

export const TYPING_EXPIRES_MS = 6000;

export type Taken = "applied" | "repeated" | "gap";

// What is chosen, of what says more.
export function prefOf({ favourite, muted, notify, hidden }: Pref): Pref {
  return {
    ...(favourite && { favourite }),
    ...(muted && { muted }),
    ...(notify !== undefined && { notify }),
    ...(hidden && { hidden }),
  };
}

// One followed room: where its log was left, what was read, who is there.
export class Room {
  readonly id: string;
  readonly log = new MessageLog();
  kind: RoomKind;
  title: string;
  // As the log has them; the description is known once details() was asked for.
  settings: RoomSettings;
  epoch: number;
  peer: User | undefined;
  people: readonly User[] | undefined;
  pref: Pref;
  role: Role | undefined;
  // The last entry taken, without a gap before it.
  cursor: number;
  head: Position;
  read: Position;
  // How far others have read, by user id.
  readonly reads = new Map<number, number>();
  readonly typing = new Map<number, User>();
  presence: { count: number; users: readonly User[] | undefined } = { count: 0, users: undefined };
  // A page of history is on its way.
  loading = false;
  // Why the last page did not come.
  failed: PolylogError | undefined;
  // Entries behind a gap.
  private readonly ahead = new Ahead();
  // Deleted messages that are not read: those that were seen to go, with the seq of their
  // deletion, and how many went before.
  private readonly deleted = new Map<number, number>();
  private hidden = 0;
  private readonly typingTimers = new Map<number, Timer>();

  constructor(
    info: RoomInfo,
    private readonly clock: Clock,
    private readonly changed: (room: Room) => void,
  ) {
    this.id = info.id;
    this.kind = info.kind;
    this.title = info.title;
    this.settings = info.settings ?? {};
    this.epoch = info.epoch;
    this.head = { ...info.head };
    this.cursor = info.head.seq;
    this.read = { ...(info.read ?? { seq: 0, count: 0 }) };
    this.role = info.role;
    this.peer = info.peer;
    this.people = info.people;
    this.pref = prefOf(info);
    this.countDeleted(info);
  }

  // Its people are certain ones, for good: of two, or of a group.
  get direct(): boolean {
    return this.kind === "direct" || this.kind === "group";
  }

  get unread(): number {
    const deleted = this.hidden + this.deleted.size;
    return Math.max(0, this.head.count - this.read.count - deleted);
  }

  // Whether what is unread counts: where it can be seen, and is not muted.
  get calls(): boolean {
    return this.unread > 0 && this.pref.muted !== true && this.pref.hidden !== true;
  }

  // There are entries that have not come.
  get lags(): boolean {
    return this.cursor < this.head.seq || this.ahead.size > 0;
  }

  // Takes what a list of rooms or a join said anew; the cursor stays.
  update(info: RoomInfo): void {
    const { description } = this.settings;
    this.kind = info.kind;
    this.title = info.title;
    // A list of rooms leaves descriptions out.
    this.settings = { ...(description !== undefined && { description }), ...info.settings };
    if (info.role !== undefined) this.role = info.role;
    if (info.peer !== undefined) this.peer = info.peer;
    if (info.people !== undefined) this.people = info.people;
    this.moveHead(info.head);
    if (info.read !== undefined) this.moveRead(info.read);
    this.countDeleted(info);
  }

  // What the server counts as unread says how many of them went.
  private countDeleted({ head, read, unread }: RoomInfo): void {
    if (unread === undefined || read === undefined || read.seq < this.read.seq) return;
    this.hidden = Math.max(0, head.count - read.count - unread);
    for (const [target, seq] of this.deleted) if (seq <= head.seq) this.deleted.delete(target);
  }

  // Takes an entry of the live log; one behind a gap is kept.
  take(event: LoggedEvent): Taken {
    if (event.seq <= this.cursor) return "repeated";
    if (event.seq !== this.cursor + 1) {
      this.ahead.keep(event);
      return "gap";
    }
    this.cursor = event.seq;
    this.moveHead({ seq: event.seq, count: event.event === "message" ? event.count : 0 });
    if (event.event === "delete" && event.target > this.read.seq) this.deleted.set(event.target, event.seq);
    if (event.event === "message") this.setTyping(event.from, false);
    if (event.event === "message" && this.direct) delete this.pref.hidden;
    if (event.event === "room") {
      this.title = event.title;
      this.kind = event.kind ?? this.kind;
      this.people = event.people ?? this.people;
      this.settings = event.settings ?? this.settings;
    }
    this.log.apply(event);
    if (event.event === "room" && event.settings?.first !== undefined) this.log.drop(event.settings.first);
    return "applied";
  }

  // The entry that was kept and is next now; take() is to take it.
  next(): LoggedEvent | undefined {
    return this.ahead.take(this.cursor);
  }

  // Entries up to `to` were left out.
  skipTo(to: number): void {
    this.cursor = Math.max(this.cursor, to);
    this.moveHead({ seq: to, count: 0 });
    this.log.clear();
  }

  // The log is another one, or was cut.
  reset(epoch: number, head: Position): void {
    this.epoch = epoch;
    this.cursor = head.seq;
    this.head = { ...head };
    if (this.read.seq > head.seq) this.read = { ...head };
    this.deleted.clear();
    this.hidden = 0;
    this.ahead.clear();
    this.log.clear();
    this.reads.clear();
  }

  moveHead(head: Position): void {
    this.head = {
      seq: Math.max(this.head.seq, head.seq),
      count: Math.max(this.head.count, head.count),
    };
  }

  moveRead(read: Position): boolean {
    if (read.seq <= this.read.seq && read.count <= this.read.count) return false;
    if (read.seq > this.read.seq) this.hidden = 0; // at most too many are shown
    for (const target of this.deleted.keys()) if (target <= read.seq) this.deleted.delete(target);
    this.read = {
      seq: Math.max(this.read.seq, read.seq),
      count: Math.max(this.read.count, read.count),
    };
    return true;
  }

  setTyping(user: User, on: boolean): void {
    const timer = this.typingTimers.get(user.id) ?? new Timer(this.clock);
    this.typingTimers.set(user.id, timer);
    if (on) {
      this.typing.set(user.id, user);
      timer.set(TYPING_EXPIRES_MS, () => {
        this.typing.delete(user.id);
        this.changed(this);
      });
      return;
    }
    timer.clear();
    this.typing.delete(user.id);
  }

  // Casts are worth nothing once the connection is gone.
  forgetCasts(): void {
    for (const timer of this.typingTimers.values()) timer.clear();
    this.typingTimers.clear();
    this.typing.clear();
    this.presence = { count: 0, users: undefined };
  }
}
