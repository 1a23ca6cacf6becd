import type { LoggedEvent } from "./types.ts";

const MOST = 1000;

// Entries of a log that arrived before one that precedes them. What does not fit is asked for
// again like any entry that is missing.
export class Ahead {
  private readonly kept = new Map<number, LoggedEvent>();

  get size(): number {
    return this.kept.size;
  }

  keep(event: LoggedEvent): void {
    if (this.kept.size < MOST) this.kept.set(event.seq, event);
  }

  // Takes the entry behind the cursor out, and forgets those that the cursor has passed.
  take(cursor: number): LoggedEvent | undefined {
    if (this.kept.size === 0) return undefined;
    for (const seq of this.kept.keys()) if (seq <= cursor) this.kept.delete(seq);
    const next = this.kept.get(cursor + 1);
    if (next !== undefined) this.kept.delete(next.seq);
    return next;
  }

  clear(): void {
    this.kept.clear();
  }
}
