// How long each test took: a line for tools/run-stages, which names the slowest.
import { appendFileSync } from "node:fs";

const { TIMES, STAGE } = process.env;

export function took(name, ms) {
  if (!TIMES) return;
  const line = `${STAGE ? `${STAGE}: ` : ""}${name}`.replace(/\s+/g, " ");
  appendFileSync(TIMES, `${Math.round(ms)}\t${line}\n`);
}
