// What is looked up while somebody types: only once they pause, and the newest question alone.
const PAUSE_MS = 200;

export class LookUp {
  private asked = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  // Aborted as soon as another question, or none, takes the place of this one.
  get signal(): AbortSignal {
    return this.asked.signal;
  }

  // The question before is none any more.
  forget(): void {
    this.asked.abort();
    this.asked = new AbortController();
    clearTimeout(this.timer);
  }

  // Calls `look` after the pause, unless the question is forgotten.
  soon(look: () => void): void {
    this.timer = setTimeout(look, PAUSE_MS);
  }
}
