import { type Clock, Timer } from "./clock.ts";
import type { Position } from "./types.ts";

const EVERY_MS = 2000;

// Sends read positions: the first at once, then the latest every 2 s per room.
export class ReadMarks {
  private readonly timers = new Map<string, Timer>();
  private readonly latest = new Map<string, Position>();

  constructor(
    private readonly clock: Clock,
    private readonly send: (params: { room: string } & Position) => void,
  ) {}

  mark(room: string, at: Position): void {
    this.latest.set(room, { ...at });
    const timer = this.timers.get(room) ?? new Timer(this.clock);
    this.timers.set(room, timer);
    if (!timer.armed) this.pass(room, timer);
  }

  // The page is about to go: what is known is sent now.
  flush(): void {
    for (const [room, at] of this.latest) this.send({ room, ...at });
    this.latest.clear();
  }

  halt(): void {
    for (const timer of this.timers.values()) timer.clear();
    this.timers.clear();
    this.latest.clear();
  }

  private pass(room: string, timer: Timer): void {
    const at = this.latest.get(room);
    if (at === undefined) return;
    this.latest.delete(room);
    this.send({ room, ...at });
    timer.set(EVERY_MS, () => this.pass(room, timer));
  }
}
