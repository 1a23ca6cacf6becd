// Traces, sent by OTLP to a collector that knows OpenTelemetry's definitions.
import assert from "node:assert/strict";
import { Collector, validate } from "./lib/collector.mjs";
import { Polled } from "./lib/polled.mjs";
import { test, testWorkers, until } from "./lib/suite.mjs";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const traceparent = (last = TRACE.slice(-1)) => `00-${TRACE.slice(0, -1)}${last}-${PARENT}-01`;

async function collector(t, status) {
  const it = await Collector.start(status);
  t.after(() => it.close());
  return it;
}

testWorkers("a command and its store call are spans of the client's trace", async (t) => {
  const to = await collector(t);
  const server = await t.start({ traces: to.url, "trace-share": 0, workers: t.workers, "metrics-service": "chat" });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  await ana.call("send", { room: "r", text: "by WebSocket", cid: "1", traceparent: traceparent("1") });
  await server.command("send", { room: "r", text: "by HTTP", cid: "2" }, ana.token, { traceparent: traceparent("2") });
  await until("both were told", () => to.named("append").length === 2 && to.named("send").length === 2);
  for (const last of ["1", "2"]) {
    const trace = TRACE.slice(0, -1) + last;
    const [[send], [append]] = [to.named("send", trace), to.named("append", trace)];
    assert.deepEqual([send.parentSpanId, send.kind], [PARENT, 2]);
    assert.deepEqual([append.parentSpanId, append.kind], [send.spanId, 3]);
    assert.notEqual(send.spanId, append.spanId);
    assert.deepEqual([send.has["polylog.room"], append.has["polylog.entries"]], ["r", 1]);
    assert.ok(send.began <= append.began && append.ended <= send.ended, "the store call is within the command");
    assert.equal(send.of["service.name"], "chat");
  }
  assert.equal(to.spans.length, 4 + to.named("doorbell").length + to.named("deliver").length, "nobody asked for others");
  const metric = await server.metrics();
  await until("they are counted", async () => (await server.metrics())('polylog_spans_total{result="sent"}') >= 4);
  assert.equal(metric('polylog_spans_total{result="dropped"}'), 0);
});

testWorkers("what a command asks of the store is a span below it, by the kind of what is asked", async (t) => {
  const to = await collector(t);
  const server = await t.start({ traces: to.url, "trace-share": 0, workers: t.workers });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  for (const text of ["a", "b"]) await ana.call("send", { room: "r", text });
  const calls = { history: { room: "r" }, rooms: {}, sessions: {} };
  for (const [i, action] of Object.keys(calls).entries())
    await ana.call(action, { ...calls[action], traceparent: traceparent(String(i)) });
  // A request may end between a command's span and those below it: another worker recorded them.
  await until("all were told", () => {
    if (to.faults.length > 0) throw to.faults[0];
    return to.spans.length >= 10;
  });
  const below = (action) => {
    const [command] = to.named(action);
    const spans = to.spans.filter(({ traceId, spanId }) => traceId === command.traceId && spanId !== command.spanId);
    for (const span of spans) {
      assert.deepEqual([span.parentSpanId, span.kind], [command.spanId, 3], `${action}: ${span.name}`);
      assert.ok(command.began <= span.began && span.ended <= command.ended, "the store call is within the command");
    }
    return spans.map(({ name, has }) => [name, has["polylog.room"]]);
  };
  assert.deepEqual(below("history"), [["read", "r"], ["amends", "r"]]);
  assert.deepEqual(below("rooms"), [["list", undefined], ["list", undefined], ["list", undefined]]);
  assert.deepEqual(below("sessions"), [["list", undefined], ["list", undefined]]);
});

test("what fails says with what", async (t) => {
  const to = await collector(t);
  const server = await t.start({ traces: to.url, "trace-share": 1000 });
  await assert.rejects(server.command("send", { room: "nowhere", text: "a" }, (await server.login("ana")).token));
  await until("both were told", () => to.named("send").length === 1 && to.named("login").length === 1);
  const [send] = to.named("send");
  assert.deepEqual([send.status.code, send.has["error.type"], send.parentSpanId], [2, "no_such_room", undefined]);
});

test("a traceparent that is none is as if there were none", async (t) => {
  const to = await collector(t);
  const server = await t.start({ traces: to.url, "trace-share": 1000 });
  const { token } = await server.login("ana");
  await server.command("users", {}, token, { traceparent: traceparent("x") });
  await server.command("rooms", { traceparent: 7 }, token);
  await until("they were told", () => to.named("users").length === 1 && to.named("rooms").length === 1);
  for (const [span] of [to.named("users"), to.named("rooms")]) assert.equal(span.parentSpanId, undefined);
});

test("answers and events say where the trace goes on, by every door", async (t) => {
  const to = await collector(t);
  const server = await t.start({ traces: to.url, "trace-share": 0 });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  const sio = await Polled.connect(server, ana.token);
  const seen = ana.events({ event: "message" }, 3);
  await ana.call("send", { room: "r", text: "a", traceparent: traceparent("1") });
  const socket = ana.frames.find((frame) => frame.id === ana.lastId);
  const http = await server.fetch("/api/v1/send", {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${ana.token}`, traceparent: traceparent("2") },
    body: JSON.stringify({ room: "r", text: "b" }),
  });
  const answered = sio.until((packet) => packet.startsWith("437["));
  await sio.post(`427${JSON.stringify(["send", { room: "r", text: "c", traceparent: traceparent("3") }])}`);
  const [ack] = JSON.parse((await answered).slice(3));
  const answers = [socket.traceparent, http.headers.get("traceparent"), ack.traceparent];
  await until("all were told", () => to.named("send").length === 3);
  answers.forEach((answer, i) => {
    const trace = TRACE.slice(0, -1) + (i + 1);
    assert.equal(answer, `00-${trace}-${to.named("send", trace)[0]?.spanId}-01`);
  });
  assert.deepEqual((await seen).map((event) => event.traceparent), answers);
});

for (const status of [503, "never"])
  test(`a collector that answers ${status} holds up nobody`, async (t) => {
    const to = await collector(t, status);
    const server = await t.start({ traces: to.url, "trace-share": 1000 });
    const ana = await t.person("ana", { server });
    await ana.call("join", { room: "r" });
    await until("the collector was asked", () => to.posts > 0);
    await ana.call("send", { room: "r", text: "a", cid: "1" });
    if (status === 503)
      await until("it is counted", async () => (await server.metrics())('polylog_spans_total{result="lost"}') > 0);
    assert.equal(await server.stop(), 0);
  });

test("the collector of these tests refuses what is no OTLP", () => {
  const span = { traceId: TRACE, spanId: PARENT, name: "a", kind: 2, startTimeUnixNano: `${Date.now()}000000`, attributes: [] };
  const text = (more) =>
    JSON.stringify({
      resourceSpans: [
        { resource: { attributes: [] }, scopeSpans: [{ spans: [{ ...span, endTimeUnixNano: `${Date.now()}000001`, ...more }] }] },
      ],
    });
  assert.equal(validate(text({})).length, 1);
  for (const more of [{ traceId: "ab" }, { spanId: "0".repeat(16) }, { colour: "red" }, { kind: "some" }, { endTimeUnixNano: "1" }])
    assert.throws(() => validate(text(more)), undefined, JSON.stringify(more));
});
