// A collector of traces: takes OTLP over HTTP as JSON, and holds each request against the
// definitions of OpenTelemetry's own packages.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import root from "@opentelemetry/otlp-transformer/build/src/generated/root.js";

const Request = root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

// The JSON encoding has ids in hexadecimal digits, where Protobuf has bytes.
function bytes(digits, n) {
  assert.match(digits, new RegExp(`^[0-9a-f]{${2 * n}}$`));
  assert.notEqual(digits, "0".repeat(2 * n));
  return Buffer.from(digits, "hex");
}

function withBytes(span) {
  const parent = span.parentSpanId === undefined ? {} : { parentSpanId: bytes(span.parentSpanId, 8) };
  return { ...span, traceId: bytes(span.traceId, 16), spanId: bytes(span.spanId, 8), ...parent };
}

// The spans of one request, or an error that says what is wrong with it.
export function validate(text) {
  const json = JSON.parse(text);
  const object = structuredClone(json);
  for (const resource of object.resourceSpans)
    for (const scope of resource.scopeSpans) scope.spans = scope.spans.map(withBytes);
  const message = Request.fromObject(object);
  assert.equal(Request.verify(message), null);
  const again = Request.toObject(Request.decode(Request.encode(message).finish()), { longs: String, bytes: Array });
  const plain = (value) => JSON.parse(JSON.stringify(value, (_, v) => (v?.type === "Buffer" ? v.data : v)));
  const empty = (value) =>
    Array.isArray(value)
      ? value.map(empty)
      : value !== null && typeof value === "object"
        ? Object.fromEntries(
            Object.entries(value)
              .map(([key, v]) => [key, empty(v)])
              .filter(([, v]) => !(Array.isArray(v) && v.length === 0)),
          )
        : value;
  assert.deepEqual(empty(plain(again)), empty(plain(object)), "members that OTLP does not have");
  return json.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => flat(span, resource))),
  );
}

function attributes(list) {
  return Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));
}

function flat(span, resource) {
  const [began, ended] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];
  assert.ok(ended >= began, `${span.name} ends before it begins`);
  const off = Number(began / 1000000n) - Date.now();
  assert.ok(Math.abs(off) < 3600e3, `${span.name} began ${off} ms from now`);
  return { ...span, began, ended, of: attributes(resource.attributes), has: attributes(span.attributes) };
}

export class Collector {
  // status: what it answers; "never": it does not.
  static async start(status = 200) {
    const collector = Object.assign(new Collector(), { status, spans: [], posts: 0, faults: [], headers: [] });
    collector.http = createServer((request, response) => collector.take(request, response));
    await new Promise((resolve) => collector.http.listen(0, "127.0.0.1", resolve));
    return collector;
  }

  get url() {
    return `http://127.0.0.1:${this.http.address().port}/v1/traces`;
  }

  take(request, response) {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => {
      this.posts++;
      this.headers.push(request.headers);
      try {
        assert.deepEqual([request.method, request.url], ["POST", "/v1/traces"]);
        assert.equal(request.headers["content-type"], "application/json");
        this.spans.push(...validate(text));
      } catch (error) {
        this.faults.push(error);
      }
      if (this.status === "never") return;
      response.writeHead(this.status, { "Content-Type": "application/json" });
      response.end("{}");
    });
  }

  // Spans with this name, of one trace if it is given; throws what was wrong with any request.
  named(name, trace) {
    if (this.faults.length > 0) throw this.faults[0];
    return this.spans.filter((span) => span.name === name && (trace === undefined || span.traceId === trace));
  }

  close() {
    this.http.closeAllConnections();
    return new Promise((resolve) => this.http.close(resolve));
  }
}
