import type { Code } from "./errors.ts";

// Messages that were sent and are not yet seen in the log.
export interface Pending {
  readonly cid: string;
  readonly room: string;
  readonly text: string;
  readonly ts: number;
  readonly replyTo?: number | undefined;
  // The room's log and head as they were known when the message was written, or, if the
  // room was not known then, at the first transmission.
  readonly epoch?: number | undefined;
  readonly seen?: number | undefined;
  // The server may have it.
  readonly transmitted?: boolean | undefined;
  // queued: not transmitted, or to be transmitted again; sent: acknowledged.
  readonly state: "queued" | "sending" | "sent" | "failed";
  readonly seq?: number | undefined;
  readonly error?: { code: Code; message: string; detail?: string | undefined } | undefined;
}

// Where pending messages survive a reload of the page.
export interface OutboxStorage {
  // A promise where it takes time to tell whose the messages are. What is saved before it
  // resolves comes besides them.
  load(): readonly Pending[] | Promise<readonly Pending[]>;
  save(pending: readonly Pending[]): void;
}

// In order of sending. As with messages, a change replaces the object.
export class Outbox {
  // Resolves when what was stored is here.
  readonly loaded: Promise<void>;
  private items: readonly Pending[] = [];

  constructor(private readonly storage?: OutboxStorage) {
    const stored = storage?.load() ?? [];
    if (stored instanceof Promise) this.loaded = stored.then((items) => this.take(items));
    else {
      this.items = stored.map(queued);
      this.loaded = Promise.resolve();
    }
  }

  get all(): readonly Pending[] {
    return this.items;
  }

  of(room: string): readonly Pending[] {
    return this.items.filter((p) => p.room === room);
  }

  get(cid: string): Pending | undefined {
    return this.items.find((p) => p.cid === cid);
  }

  add(pending: Pending): void {
    this.set([...this.items, pending]);
  }

  update(cid: string, change: Partial<Omit<Pending, "cid" | "room">>): void {
    this.set(this.items.map((p) => (p.cid === cid ? { ...p, ...change } : p)));
  }

  remove(cid: string): void {
    this.set(this.items.filter((p) => p.cid !== cid));
  }

  private take(stored: readonly Pending[]): void {
    if (stored.length > 0) this.set([...stored.map(queued), ...this.items]);
  }

  private set(items: readonly Pending[]): void {
    this.items = items;
    this.storage?.save(items);
  }
}

// As it is after a while without a connection. Older versions chose `seen` when they
// transmitted.
function queued(p: Pending): Pending {
  const transmitted = p.transmitted ?? p.seen !== undefined;
  return p.state === "failed" ? p : { ...p, state: "queued", transmitted };
}
