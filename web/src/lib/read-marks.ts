import { type Clock, Timer } from "./clock.ts";
import type { Position } from "./types.ts";

const EVERY_MS = 2000;
// So long after it was sent, a position may have been lost with the connection.
const DOUBT_MS = 30_000;

// Sends read positions: the first at once, then the latest every 2 s per room.
export class ReadMarks {
  private readonly timers = new Map<string, Timer>();
  private readonly latest = new Map<string, Position>();
  private readonly sent = new Map<string, { at: Position; when: number }>();

  constructor(
    private readonly clock: Clock,
    // False: there is no connection to send it on.
    private readonly send: (params: { room: string } & Position) => boolean,
  ) {}

  mark(room: string, at: Position): void {
    this.latest.set(room, { ...at });
    const timer = this.timers.get(room) ?? new Timer(this.clock);
    this.timers.set(room, timer);
    if (!timer.armed) this.pass(room, timer);
  }

  // The page is about to go: what is known is sent now.
  flush(): void {
    for (const [room, at] of [...this.latest]) this.tell(room, at);
  }

  // The connection is gone: what it may not have brought is sent on the next one.
  halt(): void {
    for (const timer of this.timers.values()) timer.clear();
    this.timers.clear();
    for (const [room, { at, when }] of this.sent) {
      const doubtful = this.clock.now() - when < DOUBT_MS;
      if (doubtful && !this.latest.has(room)) this.latest.set(room, at);
    }
    this.sent.clear();
  }

  private tell(room: string, at: Position): void {
    if (!this.send({ room, ...at })) return;
    this.latest.delete(room);
    this.sent.set(room, { at, when: this.clock.now() });
  }

  private pass(room: string, timer: Timer): void {
    const at = this.latest.get(room);
    if (at === undefined) return;
    this.tell(room, at);
    timer.set(EVERY_MS, () => this.pass(room, timer));
  }
}
