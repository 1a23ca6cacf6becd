// How long to wait before the next attempt: doubling, with full jitter, so that a
// thousand clients of a server that restarted do not come back at once.
export class Backoff {
  private attempts = 0;

  constructor(
    private readonly random: () => number,
    private readonly firstMs = 400,
    private readonly maxMs = 30_000,
  ) {}

  // atLeastMs: of the range that it is drawn from.
  next(atLeastMs = 0): number {
    const ceiling = Math.max(atLeastMs, Math.min(this.maxMs, this.firstMs * 2 ** this.attempts));
    this.attempts++;
    return Math.round(ceiling * this.random());
  }

  reset(): void {
    this.attempts = 0;
  }
}
