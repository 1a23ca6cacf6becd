// What the function tells of itself before its answer: spans, to a collector that knows OpenTelemetry's definitions, and
// metrics, on standard output.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { Collector } from "../integration/lib/collector.mjs";
import { test, until } from "../integration/lib/suite.mjs";
import { makeTables, PROGRAM } from "./lib/function.mjs";
import { event, RuntimeApi } from "./lib/runtime.mjs";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const traceparent = `00-${TRACE}-${PARENT}-01`;
const ID = "AbCdEfGhIjKlMno=";

async function collector(t, status) {
  const it = await Collector.start(status);
  t.after(() => it.close());
  return it;
}

// A function with somebody logged in and in a room. call(action, parameters, head): the whole answer's frame, of an
// invocation with those headers besides.
async function start(t, settings) {
  const api = await RuntimeApi.start(t);
  const env = { ...(await makeTables()), AWS_LAMBDA_RUNTIME_API: api.address, AWS_LAMBDA_LOG_STREAM_NAME: "2026/11/30/[1]ab", POLYLOG_OPEN: "true", POLYLOG_LOGIN: "name", ...settings };
  const child = spawn(PROGRAM, ["lambda"], { cwd: tmpdir(), env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const it = { out: "", log: "" };
  child.stdout.on("data", (data) => (it.out += data));
  child.stderr.on("data", (data) => (it.log += data));
  const exited = once(child, "close").then(() => Promise.reject(new Error(`it ended: ${it.log}`)));
  exited.catch(() => undefined);
  t.after(() => child.kill("SIGKILL"));
  const invoke = (type, more, head) => Promise.race([api.invoke(event(type, ID, more), head), exited]);
  it.call = async (action, parameters = {}, head = {}) => {
    const { failed, body } = await invoke("MESSAGE", { body: JSON.stringify({ id: 1, action, ...parameters }) }, head);
    assert.equal(failed, false);
    return [JSON.parse(body.body)].flat().find(({ id }) => id === 1);
  };
  await Promise.race([api.asked, exited]);
  await invoke("CONNECT", { headers: {} });
  await it.call("login", { name: "ana" });
  await it.call("join", { room: "general" });
  return it;
}

test("spans of a command are with the collector before its answer is", async (t) => {
  const to = await collector(t);
  const chat = await start(t, { POLYLOG_TRACES: to.url, POLYLOG_TRACE_SHARE: "0", POLYLOG_METRICS_SERVICE: "chat" });
  assert.equal(to.posts, 0, "nobody asked for any");
  const { ok, traceparent: on } = await chat.call("send", { room: "general", text: "a", cid: "1", traceparent });
  assert.ok(ok.seq > 0);
  const [[send], [append], [deliver]] = ["send", "append", "deliver"].map((name) => to.named(name, TRACE));
  assert.deepEqual([send.parentSpanId, send.kind, send.has["polylog.room"]], [PARENT, 2, "general"]);
  assert.deepEqual([append.parentSpanId, append.kind, append.has["polylog.entries"]], [send.spanId, 3, 1]);
  assert.deepEqual([deliver.parentSpanId, deliver.kind, deliver.has["polylog.room"]], [send.spanId, 5, "general"]);
  assert.ok(send.began <= append.began && append.ended <= deliver.began && deliver.ended <= send.ended);
  assert.deepEqual([send.of["service.name"], send.of["host.name"]], ["chat", "2026/11/30/[1]ab"]);
  assert.equal(on, `00-${TRACE}-${send.spanId}-01`);
  await chat.call("history", { room: "general", traceparent: traceparent.replace(TRACE, TRACE.replace("4b", "5b")) });
  const [history] = to.named("history");
  assert.deepEqual(to.named("read", history.traceId).map(({ parentSpanId }) => parentSpanId), [history.spanId]);
  await chat.call("rooms");
  assert.equal(to.posts, 2);
});

test("a function joins the trace of its invocation, if X-Ray looks at it", async (t) => {
  const to = await collector(t);
  const chat = await start(t, { POLYLOG_TRACES: to.url, POLYLOG_TRACE_SHARE: "0" });
  const root = `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)};Parent=${PARENT}`;
  await chat.call("rooms", {}, { "Lambda-Runtime-Trace-Id": `${root};Sampled=0;Lineage=1:ab:0` });
  assert.equal(to.posts, 0);
  await chat.call("rooms", {}, { "Lambda-Runtime-Trace-Id": `${root};Sampled=1;Lineage=1:ab:0` });
  assert.deepEqual(to.named("rooms", TRACE).map(({ parentSpanId }) => parentSpanId), [PARENT]);
});

for (const status of [503, "never"])
  test(`a collector that answers ${status} holds up no function`, async (t) => {
    const to = await collector(t, status);
    const chat = await start(t, { POLYLOG_TRACES: to.url, POLYLOG_TRACE_SHARE: "1000", POLYLOG_METRICS: "emf", POLYLOG_METRICS_EVERY: "1s" });
    const { ok } = await chat.call("send", { room: "general", text: "a", cid: "1" });
    assert.ok(ok.seq > 0 && to.posts > 0);
    await until("it is counted", async () => {
      await chat.call("ping");
      return documents(chat).some(({ spans_dropped }) => spans_dropped > 0);
    });
  });

const documents = ({ out }) => out.split("\n").slice(0, -1).map((line) => JSON.parse(line));

test("a function writes metrics with its first event, then once the time has passed, and what they grew by", async (t) => {
  const chat = await start(t, { POLYLOG_METRICS: "emf", POLYLOG_METRICS_EVERY: "1s", POLYLOG_METRICS_SERVICE: "chat" });
  await until("a second document is there", async () => {
    await chat.call("send", { room: "general", text: "a" });
    return documents(chat).some(({ starts, entries_appended }) => starts === 0 && entries_appended > 0);
  });
  const [first, ...others] = documents(chat);
  const [{ Namespace, Dimensions, Metrics }] = first._aws.CloudWatchMetrics;
  assert.deepEqual([Namespace, Dimensions, first.Service, first.node], ["Polylog", [["Service"]], "chat", "2026/11/30/[1]ab"]);
  for (const { Name } of Metrics) assert.notEqual(first[Name], undefined, Name);
  assert.ok(Math.abs(first._aws.Timestamp - Date.now()) < 3600e3);
  assert.deepEqual([first.starts, first.invocations, first.commands, first.invocation.length], [1, 1, 0, 1]);
  const body = readFileSync(new URL("../../deploy/observe/cloudwatch-function.json", import.meta.url), "utf8");
  const shown = JSON.parse(body).widgets.flatMap(({ properties }) => properties.metrics);
  assert.ok(shown.length >= 14);
  for (const [namespace, name, dimension] of shown) {
    assert.deepEqual([namespace, dimension], [Namespace, Dimensions[0][0]]);
    assert.ok(documents(chat).some((one) => name in one), `the dashboard shows ${name}, which the function does not write`);
  }
  for (const one of others) assert.equal(one.invocation.length, Math.min(one.invocations, 100));
});

test("a function that is not asked to writes nothing but its log", async (t) => {
  const chat = await start(t, {});
  await chat.call("send", { room: "general", text: "a" });
  assert.equal(chat.out, "");
});
