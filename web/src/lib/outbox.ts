import type { Code } from "./errors.ts";

// Messages that were sent and are not yet seen in the log.
export interface Pending {
  readonly cid: string;
  readonly room: string;
  readonly text: string;
  readonly ts: number;
  readonly replyTo?: number | undefined;
  // The room's log and head as they were known at the first transmission.
  readonly epoch?: number | undefined;
  readonly seen?: number | undefined;
  // queued: not transmitted, or to be transmitted again; sent: acknowledged.
  readonly state: "queued" | "sending" | "sent" | "failed";
  readonly seq?: number | undefined;
  readonly error?: { code: Code; message: string } | undefined;
}

// Where pending messages survive a reload of the page.
export interface OutboxStorage {
  load(): readonly Pending[];
  save(pending: readonly Pending[]): void;
}

// In order of sending. As with messages, a change replaces the object.
export class Outbox {
  private items: readonly Pending[];

  constructor(private readonly storage?: OutboxStorage) {
    const loaded = storage?.load() ?? [];
    this.items = loaded.map((p) => (p.state === "failed" ? p : { ...p, state: "queued" }));
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

  private set(items: readonly Pending[]): void {
    this.items = items;
    this.storage?.save(items);
  }
}
