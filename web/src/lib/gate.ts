import { type Clock, Timer } from "./clock.ts";
import { PolylogError } from "./errors.ts";

interface Waiter {
  pass(): void;
  fail(error: PolylogError): void;
}

// Where requests wait until the client is online, each for a bounded time.
export class Gate {
  private readonly waiters = new Set<Waiter>();

  constructor(private readonly clock: Clock) {}

  // Resolves when the gate opens; rejects with `disconnected` after `ms`, and with what
  // fail() is given.
  wait(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = new Timer(this.clock);
      const leave = () => {
        timer.clear();
        this.waiters.delete(waiter);
      };
      const waiter: Waiter = {
        pass: () => (leave(), resolve()),
        fail: (error) => (leave(), reject(error)),
      };
      this.waiters.add(waiter);
      timer.set(ms, () => waiter.fail(new PolylogError("disconnected", "There is no connection.")));
    });
  }

  open(): void {
    for (const waiter of [...this.waiters]) waiter.pass();
  }

  fail(error: PolylogError): void {
    for (const waiter of [...this.waiters]) waiter.fail(error);
  }
}

// The promise's outcome, or the signal's reason if that is earlier.
export function unlessAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
