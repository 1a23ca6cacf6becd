import type { LoggedEvent, ServerEvent } from "./types.ts";

const MOST = 1000;

// Events of rooms that are not known yet, as long as a room is being joined: its events may
// come before the answer that names it.
export class Early {
  private joins = 0;
  private kept: ServerEvent[] = [];

  // Runs a join; what arrives until it is over is kept.
  async during<T>(join: () => Promise<T>): Promise<T> {
    this.joins++;
    try {
      return await join();
    } finally {
      if (--this.joins === 0) this.kept = [];
    }
  }

  keep(event: ServerEvent): void {
    if (this.joins > 0 && this.kept.length < MOST) this.kept.push(event);
  }

  // The room's events, entries in order of seq and behind everything else.
  take(room: string): ServerEvent[] {
    const isOf = (event: ServerEvent) => "room" in event && event.room === room;
    const found = this.kept.filter(isOf);
    this.kept = this.kept.filter((event) => !isOf(event));
    return found.sort((a, b) => seqOf(a) - seqOf(b));
  }
}

function seqOf(event: ServerEvent): number {
  return isEntry(event) ? event.seq : 0;
}

// A read position has a seq, too.
export function isEntry(event: ServerEvent): event is LoggedEvent {
  return "seq" in event && event.event !== "read";
}
