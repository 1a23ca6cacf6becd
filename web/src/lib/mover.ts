import { type Clock, Timer } from "./clock.ts";
import type { Connection } from "./connection.ts";

export interface MoverHost {
  // Opens one more connection, authenticates there and follows every room.
  dial(): Connection;
  // There it is up: it takes the place of the one that was told to move.
  moved(successor: Connection): void;
}

const AGAIN_MS = 500;
const AGAIN_MAX_MS = 5000;
const AGAIN_MIN_MS = 250;

// Takes a client to another node: the second connection is up before the first
// is closed, so that nothing is missed.
//
//   told --delay--> dialling --up--> moved
//                    ^   | lost, or told to move there too: it is the same node
//                    +---+ after a while, until the time is over
export class Mover {
  private readonly timer: Timer;
  private until = 0;
  private attempts = 0;
  private successor: Connection | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly host: MoverHost,
  ) {
    this.timer = new Timer(clock);
  }

  begin(delayMs: number, withinMs: number): void {
    this.until = this.clock.now() + withinMs;
    if (this.successor !== undefined || this.timer.armed) return;
    this.attempts = 0;
    this.timer.set(delayMs, () => this.dial());
  }

  is(connection: Connection): boolean {
    return connection === this.successor;
  }

  // The successor is up.
  arrived(successor: Connection): void {
    this.successor = undefined;
    this.host.moved(successor);
  }

  // The successor is of no use.
  lost(successor: Connection): void {
    this.successor = undefined;
    successor.close();
    // The more often the less time is left.
    const left = this.until - this.clock.now();
    const most = Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** this.attempts++, left / 4);
    const ceiling = Math.max(AGAIN_MIN_MS, most);
    const wait = Math.round(ceiling * (0.1 + 0.9 * this.random()));
    if (wait < left) this.timer.set(wait, () => this.dial());
  }

  // The first connection is gone: the successor, if one is on its way, is what is left.
  take(): Connection | undefined {
    const successor = this.successor;
    this.timer.clear();
    this.successor = undefined;
    return successor;
  }

  halt(): void {
    this.take()?.close();
  }

  private dial(): void {
    this.successor = this.host.dial();
  }
}
