// Writes the body of a dashboard for CloudWatch to standard output; the names of its variables are in ${}.
//   node deploy/observe/cloudwatch.mjs >deploy/observe/cloudwatch.json
//   node deploy/observe/cloudwatch.mjs colours >deploy/observe/cloudwatch-colours.json
//   node deploy/observe/cloudwatch.mjs function >deploy/observe/cloudwatch-function.json
const ROW = { width: 8, height: 6, across: 3 };

// What servers with --metrics emf tell: a title, a statistic, and metrics of docs/observe.md. Each node writes one document a
// minute, so that the sum of a minute is that of all nodes.
const OF_NODES = [
  ["Connections", "Sum", ["connections_open"]],
  ["Messages and deliveries", "Sum", ["entries_appended", "deliveries"]],
  ["Nodes that are not well", "Sum", ["degraded", "store_failing", "draining"]],
  ["Commands and errors", "Sum", ["commands", "errors", "errors_internal"]],
  ["Refused", "Sum", ["refused_rate", "refused_full", "refused_descriptors", "tokens_refused"]],
  ["Until it is durable, ms", "Maximum", ["append_p50", "append_p99"]],
  ["How late workers are, ms", "Maximum", ["loop_lag_p99", "turn_p99"]],
  ["Store", "Sum", ["store_failures", "store_throttles", "store_retries"]],
  ["Bus", "Sum", ["bus_missing_nodes", "bus_shards_down", "bus_dropped", "bus_gaps"]],
  ["POSTs to @connections", "Sum", ["gateway_posts_ok", "gateway_posts_failed"]],
  ["Followers that are behind", "Sum", ["behinds", "moves"]],
  ["Traffic, bytes", "Sum", ["received_bytes", "sent_bytes"]],
];

// What `polylog lambda` with POLYLOG_METRICS=emf tells.
const OF_FUNCTION = [
  ["Invocations", "Sum", ["invocations", "invocations_failed", "starts"]],
  ["Invocations, ms, p99", "p99", ["invocation"]],
  ["Messages", "Sum", ["entries_appended", "append_conflicts"]],
  ["Commands and errors", "Sum", ["commands", "errors", "errors_internal"]],
  ["Store", "Sum", ["store_failures", "store_throttles", "store_retries"]],
  ["POSTs to @connections", "Sum", ["gateway_posts_ok", "gateway_posts_failed"]],
];

// What a balancer tells of two groups of targets, blue and green: who gets the requests, how they are answered, and how fast.
const OF_COLOURS = [
  ["Requests", "Sum", "RequestCount"],
  ["Errors of nodes", "Sum", "HTTPCode_Target_5XX_Count"],
  ["Answers, p99", "p99", "TargetResponseTime"],
];
const COLOURS = { Blue: "#1f77b4", Green: "#2ca02c" };

const ofNode = (name) => ["Polylog", name, "Service", "${Service}"];
const ofColour = (name, [colour, color]) => [
  "AWS/ApplicationELB",
  name,
  "LoadBalancer",
  "${Inner}",
  "TargetGroup",
  `\${${colour}}`,
  { label: colour.toLowerCase(), color },
];

const DASHBOARDS = {
  nodes: OF_NODES.map(([title, stat, names]) => ({ title, stat, metrics: names.map(ofNode) })),
  function: OF_FUNCTION.map(([title, stat, names]) => ({ title, stat, metrics: names.map(ofNode) })),
  colours: OF_COLOURS.map(([title, stat, name]) => ({ title, stat, metrics: Object.entries(COLOURS).map((one) => ofColour(name, one)) })),
};

const widgets = DASHBOARDS[process.argv[2] ?? "nodes"].map(({ title, stat, metrics }, i) => ({
  type: "metric",
  x: (i % ROW.across) * ROW.width,
  y: Math.floor(i / ROW.across) * ROW.height,
  width: ROW.width,
  height: ROW.height,
  properties: { title, region: "${AWS::Region}", view: "timeSeries", stat, period: 60, metrics },
}));
console.log(JSON.stringify({ widgets }, null, 1));
