// The dashboard for Grafana: made from its source, valid by Grafana's types, and asking for
// nothing that a server does not have.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test, until } from "../integration/lib/suite.mjs";
import { promtool } from "./promtool.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const OBSERVE = fileURLToPath(new URL("../../deploy/observe/", import.meta.url));
const HANG_MS = 120_000;

const text = readFileSync(join(OBSERVE, "grafana.json"), "utf8");
const dashboard = JSON.parse(text);
const panels = dashboard.panels.filter(({ type }) => type !== "row");

// The types of @grafana/schema, with an enum's values in its place, as JSON has them.
const PLAIN =
  "type Plain<T> = unknown extends T ? T : T extends string ? `${T}` : T extends (infer U)[] ? Plain<U>[] : " +
  "T extends object ? { [K in keyof T]: Plain<T[K]> } : T;";
const PANELS = { stat: "StatPanelCfg", timeseries: "TimeSeriesPanelCfg" };
const RAW = "@grafana/schema/dist/esm/raw";

// What the compiler says of a dashboard as a program that is nothing but this value: also
// members that no type has are errors.
function complaints(value) {
  const lines = [
    PLAIN,
    `import type { Dashboard } from "${RAW}/dashboard/x/dashboard_types.gen.d.ts";`,
    ...Object.entries(PANELS).map(
      ([type, file]) => `import type * as ${type} from "${RAW}/composable/${type}/panelcfg/x/${file}_types.gen.d.ts";`,
    ),
    `export const dashboard: Plain<Dashboard> = ${JSON.stringify(value)};`,
  ];
  for (const { id, type, options, fieldConfig } of value.panels.filter((one) => one.type !== "row")) {
    lines.push(`export const options${id}: Plain<${type}.Options> = ${JSON.stringify(options)};`);
    if (fieldConfig.defaults.custom)
      lines.push(
        `export const custom${id}: Plain<${type}.FieldConfig> = ${JSON.stringify(fieldConfig.defaults.custom)};`,
      );
  }
  // Beside its packages, so that the compiler finds them.
  const file = join(HERE, "node_modules/.dashboard.ts");
  writeFileSync(file, lines.join("\n"));
  const how = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--module",
    "esnext",
    "--moduleResolution",
    "bundler",
    "--allowImportingTsExtensions",
  ];
  try {
    execFileSync(join(HERE, "node_modules/.bin/tsc"), [...how, file], { encoding: "utf8", stdio: "pipe" });
    return "";
  } catch ({ stdout }) {
    return stdout;
  }
}

test(
  "grafana: the dashboard is what its source makes",
  () => {
    assert.equal(
      text,
      execFileSync("node", [join(OBSERVE, "grafana.mjs")], { encoding: "utf8" }),
      "make it anew: deploy/observe/grafana.mjs says how",
    );
  },
  HANG_MS,
);

test(
  "grafana: the dashboard is valid by Grafana's schema, which sees mistakes",
  () => {
    assert.equal(complaints(dashboard), "");
    const wrong = structuredClone(dashboard);
    const [figure, graph] = ["stat", "timeseries"].map((type) => wrong.panels.find((one) => one.type === type));
    wrong.graphTooltip = 7;
    wrong.templating.list[0].type = "source";
    figure.options.colorMode = "loud";
    graph.fieldConfig.defaults.custom.drawStyel = "line";
    const said = complaints(wrong);
    for (const mistake of [/'7'/, /"source"/, /"loud"/, /drawStyel/]) assert.match(said, mistake);
  },
  HANG_MS,
);

test(
  "grafana: panels are named, lie beside each other, and have a source",
  () => {
    assert.ok(panels.length >= 20);
    const taken = new Set();
    for (const {
      title,
      gridPos: { x, y, w, h },
      targets = [],
      datasource,
    } of dashboard.panels) {
      assert.ok(title.length > 0 && x + w <= 24);
      for (let i = 0; i < w * h; i++) {
        const cell = `${x + (i % w)},${y + Math.floor(i / w)}`;
        assert.ok(!taken.has(cell), `${title} lies on another`);
        taken.add(cell);
      }
      for (const one of [datasource, ...targets.map((target) => target.datasource)])
        if (one !== undefined) assert.equal(one.uid, "${datasource}");
    }
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  },
  HANG_MS,
);

test(
  "grafana: each expression can be read, and each metric of it exists",
  async (t) => {
    const server = await t.start();
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    const asked = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr]));
    assert.ok(asked.length >= panels.length);
    for (const [title, expr] of asked) {
      promtool.exists(metrics, expr, title);
      for (const [, label] of expr.matchAll(/sum by \((\w+)\)/g)) promtool.hasLabel(metrics, expr, label, title);
    }
    for (const { query } of dashboard.templating.list.filter(({ type }) => type === "query"))
      promtool.exists(metrics, query.query, "a variable");
    promtool.parse(
      asked.map(([, expr]) => expr.replaceAll("$__rate_interval", "5m").replace(/\$(job|instance)/g, ".*")),
    );
    assert.throws(() => promtool.parse(["sum by (le polylog_degraded"]), /parse error/);
  },
  HANG_MS,
);

for (const name of ["colours", "function"])
  test(
    `cloudwatch: the dashboard of ${name} is what its source makes`,
    () => {
      const body = readFileSync(join(OBSERVE, `cloudwatch-${name}.json`), "utf8");
      assert.equal(body, execFileSync("node", [join(OBSERVE, "cloudwatch.mjs"), name], { encoding: "utf8" }));
    },
    HANG_MS,
  );

test(
  "cloudwatch: the dashboard is what its source makes, and asks for what a server writes",
  async (t) => {
    const body = readFileSync(join(OBSERVE, "cloudwatch.json"), "utf8");
    assert.equal(body, execFileSync("node", [join(OBSERVE, "cloudwatch.mjs")], { encoding: "utf8" }));
    const server = await t.start({ metrics: "emf", "metrics-every": "1s", "metrics-service": "chat" });
    const ana = await server.person("ana");
    await ana.call("join", { room: "r" });
    await ana.call("send", { room: "r", text: "what there is to count" });
    await until("an append is counted", () => /"append_p99":/.test(server.out));
    await server.stop();
    const documents = server.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const { widgets } = JSON.parse(body.replaceAll("${AWS::Region}", "us-east-1").replaceAll("${Service}", "chat"));
    const asked = widgets.flatMap(({ properties }) => properties.metrics);
    assert.ok(asked.length >= 20 && widgets.every(({ x, width }) => x + width <= 24));
    for (const [namespace, name, dimension, value] of asked) {
      const there = documents.find((one) =>
        one._aws.CloudWatchMetrics.some(({ Metrics }) => Metrics.some(({ Name }) => Name === name)),
      );
      assert.ok(there !== undefined, `a server does not write ${name}`);
      assert.equal(there._aws.CloudWatchMetrics[0].Namespace, namespace);
      assert.deepEqual(there._aws.CloudWatchMetrics[0].Dimensions, [[dimension]]);
      assert.equal(there[dimension], value);
    }
  },
  HANG_MS,
);
