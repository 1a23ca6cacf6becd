// Writes grafana.json, the dashboard for Grafana 10.4 and later, to standard output.
//   node deploy/observe/grafana.mjs >deploy/observe/grafana.json
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };
const ON = '{job=~"$job",instance=~"$instance"}';

// A metric of the nodes that were chosen; more: further matchers.
const of = (metric, more) => metric + (more ? ON.replace("}", `,${more}}`) : ON);
const rate = (metric, more) => `rate(${of(metric, more)}[$__rate_interval])`;
const by = (label, expr) => `sum by (${label}) (${expr})`;
const percentile = (q, metric) => `histogram_quantile(${q}, sum by (le, instance) (${rate(`${metric}_bucket`)}))`;

// Rows of panels: a title, a unit, what it says, and what it asks for, each with its legend.
const ROWS = [
  [
    "Is it well?",
    [
      ["Nodes that answer", "short", "Nodes that Prometheus reaches.", [['sum(up{job=~"$job"})', ""]], { stat: true }],
      [
        "Degraded",
        "short",
        "Nodes on which an alarm is raised; docs/observe.md says what each means.",
        [[`sum(${of("polylog_degraded")})`, ""]],
        { stat: true, bad: 1 },
      ],
      ["Connections", "short", "Open now.", [[`sum(${of("polylog_connections_open")})`, ""]], { stat: true }],
      [
        "Messages",
        "cps",
        "Entries made durable, a second.",
        [[`sum(${rate("polylog_entries_appended_total")})`, ""]],
        { stat: true },
      ],
      [
        "Alarms",
        "short",
        "1 while it is raised.",
        [[`max by (instance, reason) (${of("polylog_alarm")}) > 0`, "{{instance}} {{reason}}"]],
      ],
      [
        "Errors answered",
        "cps",
        "By code. rate_limited, unauthenticated and no_such_room are people's; internal and store_failed are not.",
        [[by("code", rate("polylog_errors_total")), "{{code}}"]],
      ],
    ],
  ],
  [
    "People",
    [
      ["Connections", "short", "By what they speak.", [[by("door", of("polylog_connections_open")), "{{door}}"]]],
      [
        "Connections begun",
        "cps",
        "Connections that have ended, a second, by what they spoke; many of them: clients that try again and again.",
        [[by("door", rate("polylog_connections_total")), "{{door}}"]],
      ],
      [
        "Refused",
        "cps",
        "Connections closed before anything was read, and tokens that were not accepted.",
        [
          [by("reason", rate("polylog_refused_total")), "{{reason}}"],
          [by("reason", rate("polylog_tokens_refused_total")), "token: {{reason}}"],
        ],
      ],
      [
        "WebSockets closed",
        "cps",
        "By reason. dead: no answer to a ping.",
        [[by("reason", rate("polylog_closes_total")), "{{reason}}"]],
      ],
      [
        "Draining",
        "short",
        "Nodes that ask their clients to move, and the clients told, a second.",
        [
          [`sum(${of("polylog_draining")})`, "nodes"],
          [`sum(${rate("polylog_moves_total")})`, "moves"],
        ],
      ],
    ],
  ],
  [
    "Messages",
    [
      ["Commands", "cps", "By name.", [[by("command", rate("polylog_commands_total")), "{{command}}"]]],
      [
        "Appended and delivered",
        "cps",
        "Entries made durable, and entries sent to followers.",
        [
          [`sum(${rate("polylog_entries_appended_total")})`, "appended"],
          [`sum(${rate("polylog_deliveries_total")})`, "delivered"],
        ],
      ],
      [
        "Followers that are behind",
        "cps",
        "Clients told to fetch what they missed, and small events that a connection could not take.",
        [
          [`sum(${rate("polylog_behinds_total")})`, "behind"],
          [`sum(${rate("polylog_casts_dropped_total")})`, "casts dropped"],
        ],
      ],
    ],
  ],
  [
    "How fast",
    [
      [
        "Until it is durable",
        "s",
        "From handing an append to the store until it was durable.",
        [
          [percentile(0.5, "polylog_append_seconds"), "{{instance}} p50"],
          [percentile(0.99, "polylog_append_seconds"), "{{instance}} p99"],
        ],
      ],
      [
        "Through store and bus",
        "s",
        "The round trip of the server's own probe.",
        [[percentile(0.99, "polylog_probe_seconds"), "{{instance}} p99"]],
      ],
      [
        "How late workers are",
        "s",
        "Grows first when CPU is short.",
        [[percentile(0.99, "polylog_loop_lag_seconds"), "{{instance}} p99"]],
      ],
      ["A turn of a worker", "s", "", [[percentile(0.99, "polylog_turn_seconds"), "{{instance}} p99"]]],
    ],
  ],
  [
    "Store",
    [
      [
        "Requests",
        "cps",
        "",
        [
          [`sum(${rate("polylog_store_appends_total")})`, "appends"],
          [`sum(${rate("polylog_store_puts_total")})`, "records written"],
          [`sum(${rate("polylog_store_reads_total")})`, "reads"],
          [`sum(${rate("polylog_store_records_read_total")})`, "records read"],
        ],
      ],
      [
        "Failures",
        "cps",
        "Requests that failed, and those that DynamoDB had to be asked again.",
        [
          [by("instance", rate("polylog_store_failures_total")), "{{instance}} failures"],
          [by("instance", rate("polylog_store_throttles_total")), "{{instance}} throttled"],
          [by("instance", rate("polylog_store_retries_total")), "{{instance}} again"],
        ],
      ],
      [
        "Growth",
        "Bps",
        "Bytes of entries appended.",
        [[by("instance", rate("polylog_store_entry_bytes_total")), "{{instance}}"]],
      ],
      [
        "Not yet folded",
        "short",
        "Entries in SQLite's journal.",
        [[by("instance", of("polylog_store_unfolded_entries")), "{{instance}}"]],
      ],
    ],
  ],
  [
    "Bus",
    [
      [
        "Doorbells",
        "cps",
        "Rung, and heard of other nodes.",
        [
          [`sum(${rate("polylog_bus_rings_total")})`, "rung"],
          [`sum(${rate("polylog_bus_heard_total")})`, "heard"],
        ],
      ],
      [
        "Lost",
        "cps",
        "What could not be sent, was missed, or came from nobody who may. None of it loses a message.",
        [
          [by("instance", rate("polylog_bus_dropped_total")), "{{instance}} dropped"],
          [by("instance", rate("polylog_bus_gaps_total")), "{{instance}} gaps"],
          [by("instance", rate("polylog_bus_forged_total")), "{{instance}} forged"],
        ],
      ],
      [
        "Nodes",
        "short",
        "As each node sees the others, and the Redis servers that are down.",
        [
          [by("instance", of("polylog_bus_nodes")), "{{instance}} others"],
          [by("instance", of("polylog_bus_missing_nodes")), "{{instance}} missing"],
          [by("instance", of("polylog_bus_shards_down")), "{{instance}} servers down"],
        ],
      ],
    ],
  ],
  [
    "API Gateway",
    [
      [
        "Messages and POSTs",
        "cps",
        "What came through API Gateway, and POSTs to @connections by how they were answered.",
        [
          [`sum(${rate("polylog_gateway_messages_total")})`, "messages"],
          [by("result", rate("polylog_gateway_posts_total")), "POST: {{result}}"],
        ],
      ],
      [
        "Homes taken over",
        "cps",
        "Connections that another node was home of before.",
        [[`sum(${rate("polylog_gateway_homes_taken_total")})`, ""]],
      ],
    ],
  ],
  [
    "What it uses",
    [
      [
        "Traffic",
        "Bps",
        "",
        [
          [`sum(${rate("polylog_received_bytes_total")})`, "received"],
          [`sum(${rate("polylog_sent_bytes_total")})`, "sent"],
        ],
      ],
      [
        "Memory that clients cause",
        "bytes",
        "What connections keep, and the newest entries.",
        [
          [by("instance", of("polylog_buffers_bytes")), "{{instance}} buffers"],
          [by("instance", of("polylog_tail_bytes")), "{{instance}} newest entries"],
        ],
      ],
      [
        "Rooms",
        "short",
        "In memory, and followed.",
        [
          [`sum(${of("polylog_rooms_loaded")})`, "in memory"],
          [`sum(${of("polylog_cursors")})`, "followed"],
        ],
      ],
    ],
  ],
];

const target = ([expr, legendFormat], i) => ({
  datasource: DATASOURCE,
  refId: String.fromCharCode(65 + i),
  expr,
  legendFormat: legendFormat || "__auto",
});

function steps(bad) {
  const good = { color: "green", value: null };
  return bad === undefined ? [good] : [good, { color: "red", value: bad }];
}

const STAT = {
  type: "stat",
  options: {
    colorMode: "value",
    graphMode: "area",
    justifyMode: "auto",
    orientation: "auto",
    textMode: "auto",
    wideLayout: true,
    percentChangeColorMode: "standard",
    showPercentChange: false,
    reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
  },
};
const LINES = {
  type: "timeseries",
  options: {
    legend: { calcs: ["max"], displayMode: "list", placement: "bottom", showLegend: true },
    tooltip: { mode: "multi", sort: "desc" },
  },
};

function panel([title, unit, description, asked, { stat = false, bad } = {}]) {
  const { type, options } = stat ? STAT : LINES;
  const custom = stat ? {} : { custom: { drawStyle: "line", fillOpacity: 10, lineWidth: 1, showPoints: "never" } };
  const defaults = {
    unit,
    min: 0,
    color: { mode: stat ? "thresholds" : "palette-classic" },
    thresholds: { mode: "absolute", steps: steps(bad) },
    ...custom,
  };
  return {
    title,
    description,
    type,
    datasource: DATASOURCE,
    targets: asked.map(target),
    fieldConfig: { defaults, overrides: [] },
    options,
    stat,
  };
}

// Three graphs or six figures in a line of 24, below a title.
function placed() {
  const all = [];
  let y = 0;
  for (const [title, panels] of ROWS) {
    let [x, h] = [0, 0];
    all.push({ type: "row", title, collapsed: false, panels: [], gridPos: { x: 0, y: y++, w: 24, h: 1 } });
    for (const { stat, ...one } of panels.map(panel)) {
      const size = stat ? { w: 6, h: 4 } : { w: 8, h: 7 };
      if (x + size.w > 24) [x, y] = [0, y + h];
      all.push({ ...one, gridPos: { x, y, ...size } });
      [x, h] = [x + size.w, size.h];
    }
    y += h;
  }
  return all.map((one, i) => ({ id: i + 1, ...one }));
}

const choice = (name, label, of) => ({
  type: "query",
  name,
  label,
  datasource: DATASOURCE,
  query: { query: of, refId: name },
  refresh: 2,
  sort: 1,
  multi: true,
  includeAll: true,
  allValue: ".*",
  current: { text: "All", value: "$__all" },
});

console.log(
  JSON.stringify(
    {
      uid: "polylog",
      title: "Polylog",
      description: "docs/observe.md says what to look at, and what to do.",
      tags: ["polylog"],
      schemaVersion: 39,
      editable: true,
      graphTooltip: 1,
      refresh: "30s",
      time: { from: "now-3h", to: "now" },
      timezone: "browser",
      templating: {
        list: [
          { type: "datasource", name: "datasource", label: "Prometheus", query: "prometheus", refresh: 1 },
          choice("job", "Job", "label_values(polylog_degraded, job)"),
          choice("instance", "Node", 'label_values(polylog_degraded{job=~"$job"}, instance)'),
        ],
      },
      panels: placed(),
    },
    null,
    1,
  ),
);
