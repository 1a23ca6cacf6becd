// Functions: the runtime API, environments, the authorizer, the invoke API.
import assert from "node:assert/strict";
import { test, until } from "../integration/lib/suite.mjs";
import { Backend, Gateway } from "./lib/gateway.mjs";

const FILE = new URL("functions/chat.yaml", import.meta.url).pathname;
const as = (token) => ({ query: `?token=${token}`, protocols: ["chat"] });

function start(t, flags = []) {
  return Gateway.start(t, [FILE, "--init-timeout", "2m", "--integration-timeout", "2m", ...flags]);
}

const json = async (person, n = 0) => JSON.parse(await person.frame(n));

test("a function posts to connections over https", async (t) => {
  const gateway = await start(t);
  const person = await gateway.person(t, as("ana"));
  assert.equal(person.socket.protocol, "chat");
  person.say({ action: "sendmessage", message: "hello" });
  assert.equal(await person.frame(), "hello");
});

test("an environment is used again, and stands still between invocations", async (t) => {
  const gateway = await start(t);
  const person = await gateway.person(t, as("ana"));
  person.say({ action: "about" });
  const first = await json(person);
  assert.ok(first.left > 0 && first.left <= 100_000);
  const stopped = () => fetchState(first.pid).then((state) => state === "T");
  await until("it was stopped", stopped);
  person.say({ action: "about" });
  const second = await json(person, 1);
  assert.equal(second.pid, first.pid);
  await until("it was stopped again", stopped);
  await gateway.stop();
  assert.equal(gateway.code, 0, "nothing hung");
  await until("its process has ended", async () => (await fetchState(first.pid)) === undefined);
});

async function fetchState(pid) {
  const { readFile } = await import("node:fs/promises");
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(")") + 2)[0];
}

test("the authorizer lets in, and its context comes with every event", async (t) => {
  const gateway = await start(t);
  const person = await gateway.person(t, as("ana"));
  person.say({ action: "about" });
  const { authorizer } = await json(person);
  assert.equal(typeof authorizer.integrationLatency, "number");
  delete authorizer.integrationLatency;
  assert.deepEqual(authorizer, { principalId: "ana", level: 3, admin: true, name: "Ana" });
});

test("the authorizer refuses, and so does $connect", async (t) => {
  const gateway = await start(t);
  const refused = async (token, status) =>
    assert.rejects(gateway.person(t, token === undefined ? {} : as(token)), { status }, token);
  await refused(undefined, 401);
  await refused("unauthorized", 401);
  await refused("deny", 403);
  await refused("break", 500);
  await refused("refuse", 403);
  await refused("throw", 502);
});

test("functions that fail, take too long, end or cannot be loaded", async (t) => {
  const gateway = await start(t);
  const person = await gateway.person(t, as("ana"));
  for (const [n, action] of ["fail", "hang", "broken", "exit"].entries()) {
    person.say({ action });
    assert.equal((await json(person, n)).message, "Internal server error", action);
  }
  assert.match(gateway.log, /Task timed out after 1\.00 seconds/);
  assert.match(gateway.log, /Cannot find module 'none'/);
  assert.match(gateway.log, /Runtime\.ExitError/);
  person.say({ action: "about" });
  assert.ok((await json(person, 4)).pid > 0);
});

test("a function with a command speaks the runtime API itself", async (t) => {
  const gateway = await start(t);
  const person = await gateway.person(t, as("ana"));
  person.say({ action: "own" });
  const said = await json(person);
  assert.deepEqual([said.wrong, said.none, said.body], [400, 404, '{"action":"own"}']);
  assert.match(said.arn, /^arn:aws:lambda:us-east-1:\d{12}:function:own$/);
  assert.match(said.trace, /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Sampled=0$/);
  assert.ok(said.left > 0 && said.left <= 100_000);
});

test("the invoke API", async (t) => {
  const gateway = await start(t);
  const invoke = async (name, body, type) => {
    const response = await fetch(`${gateway.http}/2015-03-31/functions/${name}/invocations`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: type ? { "X-Amz-Invocation-Type": type } : {},
    });
    const text = await response.text();
    return { status: response.status, failed: response.headers.get("x-amz-function-error"), body: text && JSON.parse(text) };
  };
  const event = (message) => ({ requestContext: { eventType: "MESSAGE" }, body: JSON.stringify(message) });
  const about = await invoke("many", event({ action: "about" }));
  assert.deepEqual([about.status, about.failed, about.body.statusCode], [200, null, 200]);
  const arn = encodeURIComponent("arn:aws:lambda:us-east-1:123456789012:function:many:$LATEST");
  assert.equal((await invoke(arn, event({ action: "about" }))).status, 200);
  const failed = await invoke("many", event({ action: "fail" }));
  assert.deepEqual([failed.status, failed.failed], [200, "Unhandled"]);
  assert.equal(failed.body.errorMessage, "as it was asked to");
  assert.equal((await invoke("nobody", {})).status, 404);
  assert.equal((await invoke("many", event({ action: "about" }), "Event")).status, 202);
  assert.equal((await invoke("many", {}, "DryRun")).status, 204);
});

test("concurrency: one at a time is throttled, more are started", async (t) => {
  const gateway = await start(t);
  let met;
  const all = new Promise((resolve) => (met = resolve));
  const place = await Backend.start(t, () => (place.requests.length === 4 ? met() : undefined, all));
  const event = { requestContext: { eventType: "MESSAGE" }, body: JSON.stringify({ action: "meet", to: place.url }) };
  const body = JSON.stringify(event);
  const invoke = (name) => fetch(`${gateway.http}/2015-03-31/functions/${name}/invocations`, { method: "POST", body });
  const one = invoke("chat");
  await until("it has begun", () => place.requests.length === 1);
  assert.equal((await invoke("chat")).status, 429);
  const many = await Promise.all([invoke("many"), invoke("many"), invoke("many")]);
  assert.deepEqual([...many, await one].map(({ status }) => status), [200, 200, 200, 200]);
});

test("an integration's time-out is shorter than its function's", async (t) => {
  const gateway = await start(t);
  const person = await gateway.person(t, as("ana"));
  person.say({ action: "late" });
  assert.equal((await json(person)).message, "Endpoint request timed out");
});

for (const name of ["crowd", "crowd-node", "crowd-python"])
  test(`three invocations at once in one environment: ${name}`, async (t) => {
    const gateway = await start(t);
    let met;
    const all = new Promise((resolve) => (met = resolve));
    const place = await Backend.start(t, () => (place.requests.length === 3 ? met() : undefined, all));
    const event = { requestContext: { eventType: "MESSAGE" }, body: JSON.stringify({ action: "meet", to: place.url }) };
    const body = JSON.stringify(event);
    const invoke = () => fetch(`${gateway.http}/2015-03-31/functions/${name}/invocations`, { method: "POST", body });
    const three = [invoke(), invoke()];
    await until("two have begun", () => place.requests.length === 2);
    three.push(invoke());
    const answers = await Promise.all(three.map(async (one) => (await one).json()));
    assert.deepEqual(answers.map(({ statusCode }) => statusCode), [200, 200, 200]);
    if (name !== "crowd-python") assert.equal(new Set(answers.map(({ body: pid }) => pid)).size, 1, "one process");
    if (name === "crowd") assert.equal(answers[2].more, 403, "a fourth request for work");
    assert.equal((await gateway.metrics()).gateway_function_cold_starts_total, 1);
  });
