// Which program is tested, and directories for what a test needs.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const PROGRAM =
  process.env.POLYLOG ?? fileURLToPath(new URL("../../../build/polylog", import.meta.url));

export function temporary(what = "") {
  return mkdtempSync(join(tmpdir(), `polylog-test-${what}`));
}
