// Expressions of Prometheus: what they ask for, and whether a server's /metrics has it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporary } from "../integration/lib/server.mjs";

// Made by Prometheus itself, not by the server.
const ITS_OWN = new Set(["up"]);
const ITS_LABELS = new Set(["job", "instance", "le"]);

// The values that a label has in the samples of one metric.
function values(metrics, metric, label) {
  const samples = metrics.split("\n").filter((line) => line.startsWith(`${metric}{`));
  return new Set(samples.map((line) => line.match(new RegExp(`[{,]${label}="([^"]*)"`))?.[1]));
}

// promtool reads all of them; what it says of the first that is none is thrown.
function parse(exprs) {
  assert.ok(exprs.length > 0, "there is no expression");
  const dir = temporary("exprs-");
  const rules = exprs.map((expr, i) => ({ record: `expr:${i}`, expr }));
  try {
    writeFileSync(join(dir, "rules.yml"), JSON.stringify({ groups: [{ name: "exprs", rules }] }));
    execFileSync("promtool", ["check", "rules", join(dir, "rules.yml")], { encoding: "utf8", stdio: "pipe" });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

// Each metric of an expression is in the text of /metrics, and so is each label's value
// that it asks for, one by one where it names several.
function exists(metrics, expr, where) {
  const asked = [...expr.matchAll(/\b(polylog_\w+|up)\b(?:\{([^}]*)\})?/g)];
  assert.ok(asked.length > 0, `${where}: ${expr} asks for nothing`);
  for (const [, metric, matchers = ""] of asked) {
    if (ITS_OWN.has(metric)) continue;
    assert.match(metrics, new RegExp(`^${metric}[ {]`, "m"), `${where}: ${metric} is not in /metrics`);
    for (const [, label, , wanted] of matchers.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)) {
      if (ITS_LABELS.has(label)) continue;
      const there = values(metrics, metric, label);
      for (const value of wanted.split("|"))
        assert.ok(there.has(value), `${where}: ${metric} has no ${label}="${value}"`);
    }
  }
}

// The metrics of the expression have this label.
function hasLabel(metrics, expr, label, where) {
  for (const [, metric] of expr.matchAll(/\b(polylog_\w+)/g))
    if (!ITS_LABELS.has(label)) {
      const there = values(metrics, metric, label);
      assert.ok(there.size > 0 && !there.has(undefined), `${where}: ${metric} has no label ${label}`);
    }
}

export const promtool = { parse, exists, hasLabel };
