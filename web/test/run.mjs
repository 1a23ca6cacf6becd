// Bundles the tests of the library, runs them in node, and ends with one line
// "N passed, N failed". A run without a test is a failure.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), "polylog-web-test-"));
const names = readdirSync(here).filter((name) => name.endsWith(".test.ts"));
await build({
  entryPoints: names.map((name) => join(here, name)),
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node18",
  outdir: out,
  outExtension: { ".js": ".mjs" },
  sourcemap: "inline",
  logLevel: "warning",
});
const files = names.map((name) => join(out, name.replace(/\.ts$/, ".mjs")));
const args = ["--enable-source-maps", "--test", "--test-reporter=tap", ...files];
const run = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 600_000 });
rmSync(out, { recursive: true, force: true });
// What tools/run-stages names the slowest of.
const { TIMES, STAGE } = process.env;
for (const [, name, ms] of run.stdout.matchAll(/^(?:not )?ok \d+ - (.*)\n {2}---\n {2}duration_ms: ([\d.]+)$/gm))
  if (TIMES) appendFileSync(TIMES, `${Math.round(ms)}\t${STAGE}: ${name}\n`);
const count = (what) => Number(run.stdout.match(new RegExp(`^# ${what} (\\d+)$`, "m"))?.[1] ?? 0);
const passed = count("pass");
const failed = count("fail") + count("cancelled") + (run.status === 0 || count("fail") > 0 ? 0 : 1);
if (failed > 0) console.log(run.stdout + run.stderr);
console.log(`${passed} passed, ${failed} failed`);
process.exit(passed > 0 && failed === 0 ? 0 : 1);
