// Runs what deploy/observe has.
//   node main.mjs [-v] [substring of the tests to run]
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporary } from "../integration/lib/server.mjs";
import { options, runAll, sum, test } from "../integration/lib/suite.mjs";
import "./dashboards.mjs";
import { promtool } from "./promtool.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const RULES = join(ROOT, "deploy/observe/polylog.rules.yml");
const CASES = fileURLToPath(new URL("alerts.test.yml", import.meta.url));
const HANG_MS = 120_000;
const [rules, cases] = [RULES, CASES].map((file) => readFileSync(file, "utf8"));
const document = readFileSync(join(ROOT, "docs/observe.md"), "utf8");

// Each alert: its name and its expression, as the file has it.
const alerts = [...rules.matchAll(/- alert: (\w+)\n +expr: ([^]*?)\n +(?:for|labels):/g)].map(([, name, expr]) => ({
  name,
  expr,
}));

// The alerts of which promtool says that it expected and got such, when each expression is
// replaced by another.
function failing(dir, other, expected, got) {
  const [planted, test] = ["rules.yml", "test.yml"].map((name) => join(dir, name));
  writeFileSync(
    planted,
    alerts.reduce((text, { expr }) => text.replace(`expr: ${expr}\n`, () => `expr: ${other}\n`), rules),
  );
  writeFileSync(test, cases.replace(/^rule_files: .*/m, `rule_files: [${planted}]`));
  const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", test], { encoding: "utf8" });
  assert.equal(status, 1, `nobody notices ${other}`);
  const found = (stdout + stderr).matchAll(/alertname: ?(\w+), time: \w+,\s+exp:\[([^\]]*)\],\s+got:\[([^\]]*)\]/g);
  return new Set(
    [...found]
      .filter(([, , e, g]) => (e.trim() !== "") === expected && (g.trim() !== "") === got)
      .map(([, name]) => name),
  );
}

test(
  "alerts: each fires when it should, and a quiet server is quiet",
  () => {
    execFileSync("promtool", ["check", "rules", RULES], { stdio: "pipe" });
    execFileSync("promtool", ["test", "rules", CASES], { stdio: "pipe" });
  },
  HANG_MS,
);

test(
  "alerts: the cases see one that never fires, and one that always does",
  (t) => {
    const dir = temporary("alerts-");
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    assert.ok(alerts.length >= 19 && alerts.length === rules.split("alert:").length - 1);
    const [silent, loud] = [failing(dir, "absent(vector(0))", true, false), failing(dir, "vector(1)", false, true)];
    for (const { name } of alerts) {
      assert.ok(silent.has(name), `${name} is never expected`);
      assert.ok(loud.has(name), `${name} is never expected to be quiet`);
    }
  },
  HANG_MS,
);

test(
  "alerts: their metrics and labels exist, and the document has each",
  async (t) => {
    const server = await t.start();
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    execFileSync("promtool", ["check", "metrics"], { input: metrics, stdio: ["pipe", "pipe", "pipe"] });
    for (const { name, expr } of alerts) {
      promtool.exists(metrics, expr, name);
      assert.ok(document.includes(`| ${name} |`), `${name} is not explained`);
    }
    for (const [, name] of document.matchAll(/^\| (Polylog\w+) \|/gm))
      assert.ok(
        alerts.some((alert) => alert.name === name),
        `there is no alert ${name}`,
      );
  },
  HANG_MS,
);

const counts = await runAll({ get: () => undefined }, { ...options(), atOnce: 2 });
console.log(sum(counts));
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
