// A topology as people start it: a process that says how far it is.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { hasJava } from "../emulators/lib/dynamo.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const PROGRAM = process.env.POLYLOG ?? `${ROOT}build/polylog`;
export const { CLIENTS = "150", DURATION = "12", STORE = hasJava() ? "dynamodb" : "sqlite" } = process.env;
// Why what needs several servers is skipped, or false.
export const ALONE = STORE === "sqlite" && "two servers need Java, for DynamoDB Local: run 'make install-deps'";
const START_MS = 180_000;
const WAIT_MS = 60_000; // ends what hangs

export async function until(what, look, ms = WAIT_MS) {
  for (const end = Date.now() + ms; !(await look()); await new Promise((resolve) => setTimeout(resolve, 50)))
    if (Date.now() > end) throw new Error(`it did not come to that: ${what}`);
}

export class Topology {
  // Starts it; its output comes as text, its exit code as ended.
  constructor(name, args = []) {
    this.child = spawn(`${ROOT}deploy/local/${name}`, args);
    this.out = this.err = "";
    this.child.stdout.on("data", (chunk) => (this.out += chunk));
    this.child.stderr.on("data", (chunk) => (this.err += chunk));
    this.ended = new Promise((resolve) =>
      this.child.once("close", (code, signal) => resolve((this.exit = signal ?? code))),
    );
  }

  // On any port, on the store that there is.
  static start(name, args = []) {
    return new Topology(name, ["--port=0", `--store=${STORE}`, ...args]);
  }

  async says(pattern, ms = START_MS) {
    for (const end = Date.now() + ms; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const found = this.out.match(pattern);
      if (found) return found;
      if (this.exit !== undefined || Date.now() > end) throw new Error(`${pattern} is not in:\n${this.out}${this.err}`);
    }
  }

  // Where its servers are themselves.
  servers() {
    return [...this.out.matchAll(/polylog \S+ \((http:\S+)\) is up/g)].map(([, url]) => url);
  }

  async stop() {
    this.child.kill("SIGINT");
    return this.ended;
  }
}
