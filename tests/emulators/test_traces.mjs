// A trace that goes through two nodes: sent at one, delivered at the other.
import assert from "node:assert/strict";
import { Redis } from "../cluster/redis.mjs";
import { Collector } from "../integration/lib/collector.mjs";
import { test, until } from "../integration/lib/suite.mjs";
import { serve, use } from "./lib/use.mjs";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

test("another node's delivery joins the trace of the command", async (t) => {
  const d = await use(t);
  const redis = await Redis.start();
  t.after(() => redis.close());
  const to = await Collector.start();
  t.after(() => to.close());
  const flags = { bus: `redis://127.0.0.1:${redis.port}`, traces: to.url, "trace-share": 0 };
  const here = await serve(t, d, { ...flags, "metrics-service": "here" });
  const there = await serve(t, d, { ...flags, "metrics-service": "there" });
  const ana = await here.person("ana");
  const bob = await there.person("bob");
  for (const person of [ana, bob]) await person.call("join", { room: "general" });
  const heard = bob.event({ event: "message", text: "far" });
  await ana.call("send", { room: "general", text: "far", traceparent: `00-${TRACE}-${PARENT}-01` });
  const event = await heard;
  await until("both nodes told", () => ["here", "there"].every((of) => deliveries(to, of).length === 1));
  const [[send], [append], [doorbell]] = ["send", "append", "doorbell"].map((name) => to.named(name, TRACE));
  assert.equal(send.parentSpanId, PARENT);
  assert.equal(event.traceparent, `00-${TRACE}-${send.spanId}-01`, "a follower goes on with the trace");
  for (const span of [append, doorbell, ...deliveries(to, "here"), ...deliveries(to, "there")])
    assert.equal(span.parentSpanId, send.spanId, span.name);
  assert.deepEqual([append.kind, doorbell.kind, doorbell.of["service.name"]], [3, 4, "here"]);
  assert.deepEqual(deliveries(to, "there").map((span) => [span.kind, span.has["polylog.followers"]]), [[5, 1]]);
  const other = bob.event({ event: "message", text: "alone" });
  await ana.call("send", { room: "general", text: "alone" });
  assert.equal((await other).traceparent, undefined);
});

function deliveries(to, of) {
  return to.named("deliver", TRACE).filter((span) => span.of["service.name"] === of);
}
