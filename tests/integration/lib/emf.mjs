// The Embedded Metric Format, as AWS specifies it:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
import assert from "node:assert/strict";

const SCALES = ["", "Kilo", "Mega", "Giga", "Tera"];
const UNITS = new Set([
  ...["Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"],
  ...["Bytes", "Bits"].flatMap((unit) => SCALES.flatMap((scale) => [name(scale, unit), `${name(scale, unit)}/Second`])),
]);

function name(scale, unit) {
  return scale === "" ? unit : scale + unit.toLowerCase();
}

function text(value, max) {
  assert.equal(typeof value, "string");
  assert.ok(value.length >= 1 && value.length <= max, `${value.length} characters`);
}

function only(object, names) {
  for (const key of Object.keys(object)) assert.ok(names.includes(key), `the member ${key} is not known`);
}

// MetricDefinition, and the target member that it names.
function metric(root, one) {
  only(one, ["Name", "Unit", "StorageResolution"]);
  text(one.Name, 1024);
  if (one.Unit !== undefined) assert.ok(UNITS.has(one.Unit), `unit ${one.Unit}`);
  if (one.StorageResolution !== undefined) assert.ok([1, 60].includes(one.StorageResolution));
  const values = [root[one.Name]].flat();
  assert.ok(values.length >= 1 && values.length <= 100, one.Name);
  for (const value of values) {
    assert.ok(typeof value === "number" && Number.isFinite(value), `${one.Name}: ${value}`);
    assert.ok(value === 0 || (Math.abs(value) >= 2 ** -360 && Math.abs(value) <= 2 ** 360), one.Name);
  }
}

// MetricDirective.
function directive(root, one) {
  only(one, ["Namespace", "Dimensions", "Metrics"]);
  text(one.Namespace, 1024);
  assert.match(one.Namespace, /^[A-Za-z0-9._/#: -]+$/);
  assert.ok(!one.Namespace.startsWith("AWS/"));
  assert.ok(one.Dimensions.length >= 1);
  for (const set of one.Dimensions) {
    assert.ok(set.length <= 30 && new Set(set).size === set.length);
    for (const key of set) {
      text(key, 250);
      text(root[key], 1024);
      assert.match(root[key], /^[ -~]+$/);
    }
  }
  assert.ok(one.Metrics.length >= 1 && one.Metrics.length <= 100, `${one.Metrics.length} metrics`);
  const names = one.Metrics.map((m) => m.Name);
  assert.equal(new Set(names).size, names.length, "a metric stands there twice");
  for (const m of one.Metrics) metric(root, m);
}

// One line; returns the document.
export function validateEmf(line) {
  assert.ok(Buffer.byteLength(line) <= 256 * 1024);
  const root = JSON.parse(line);
  only(root._aws, ["Timestamp", "CloudWatchMetrics", "LogGroupName", "LogStreamName"]);
  assert.ok(Number.isSafeInteger(root._aws.Timestamp));
  const day = 24 * 3600 * 1000;
  assert.ok(Math.abs(root._aws.Timestamp - Date.now()) < day, "CloudWatch takes what is of today");
  assert.ok(Array.isArray(root._aws.CloudWatchMetrics) && root._aws.CloudWatchMetrics.length >= 1);
  for (const one of root._aws.CloudWatchMetrics) directive(root, one);
  return root;
}
