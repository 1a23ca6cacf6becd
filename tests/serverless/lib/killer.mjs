// Kills what a gateway's functions are at, at some moment of a try: not of every one, and no
// later than such a try usually takes, however slow the machine is.
import { working } from "./function.mjs";

export class Killer {
  killed = 0;
  usual = 100;

  constructor(gateway) {
    this.gateway = gateway;
  }

  // A try begins, the i-th of the same.
  begun = (i) => {
    clearTimeout(this.timer);
    this.tries = i;
    if (i === 0) this.at = performance.now();
    if (i < 2 && Math.random() < 0.6) this.timer = setTimeout(() => this.kill(), Math.random() * this.usual);
  };

  answered() {
    clearTimeout(this.timer);
    if (this.tries === 0) this.usual = Math.min(500, 0.8 * this.usual + 0.2 * (performance.now() - this.at));
  }

  kill(pids = working(this.gateway)) {
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
        this.killed++;
      } catch {
        // it has ended by itself
      }
    }
  }
}
