import { type Clock, Timer } from "./clock.ts";

export interface KeeperHost {
  // A successor is to be up before the connection is cut, `withinMs` from now.
  move(withinMs: number): void;
  // Hands over the cursors once more.
  resume(): void;
}

// Of two hours, from 90 to 115 minutes: not all clients at once, and none too late.
const MOVES_FROM = 90 / 120;
const MOVES_TO = 115 / 120;
const LIFETIME_MIN_MS = 1000;
const TIMER_MAX_MS = 2 ** 31 - 1;
// In a page in the background a timer may be a minute late: still within 5 minutes.
const RESUME_MS = 240_000;
const RESUME_SPREAD = 0.25;

// Looks after a connection that is cut after a time that was told, and that ends when nothing
// is said on it: it moves in time, and resumes every few minutes, which also brings what was
// lost on the way.
export class Keeper {
  private readonly life: Timer;
  private readonly beat: Timer;

  constructor(
    clock: Clock,
    private readonly random: () => number,
    private readonly host: KeeperHost,
  ) {
    this.life = new Timer(clock);
    this.beat = new Timer(clock);
  }

  // lifetimeMs: how long the connection lasts from now on.
  begin(lifetimeMs: number): void {
    const lasts = Math.max(LIFETIME_MIN_MS, lifetimeMs);
    const moves = lasts * (MOVES_FROM + (MOVES_TO - MOVES_FROM) * this.random());
    this.life.set(Math.min(moves, TIMER_MAX_MS), () => this.host.move(lasts - moves));
    this.next();
  }

  halt(): void {
    this.life.clear();
    this.beat.clear();
  }

  private next(): void {
    this.beat.set(RESUME_MS * (1 - RESUME_SPREAD * this.random()), () => {
      this.next();
      this.host.resume();
    });
  }
}
