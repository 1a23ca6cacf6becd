// Writes cloudwatch.json, the body of a dashboard for CloudWatch, to standard output: what
// servers with --metrics emf tell. ${AWS::Region} and ${Service} are to be replaced.
//   node deploy/observe/cloudwatch.mjs >deploy/observe/cloudwatch.json

// Charts: a title, a statistic, and metrics of docs/observe.md. Each node writes one document a
// minute, so that the sum of a minute is that of all nodes.
const CHARTS = [
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

const [WIDTH, HEIGHT, ACROSS] = [8, 6, 3];
const widgets = CHARTS.map(([title, stat, metrics], i) => ({
  type: "metric",
  x: (i % ACROSS) * WIDTH,
  y: Math.floor(i / ACROSS) * HEIGHT,
  width: WIDTH,
  height: HEIGHT,
  properties: {
    title,
    region: "${AWS::Region}",
    view: "timeSeries",
    stat,
    period: 60,
    metrics: metrics.map((name) => ["Polylog", name, "Service", "${Service}"]),
  },
}));
console.log(JSON.stringify({ widgets }, null, 1));
