// @connections, asked by AWS' SDK for JavaScript.
import {
  DeleteConnectionCommand,
  ForbiddenException,
  GetConnectionCommand,
  GoneException,
  LimitExceededException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import assert from "node:assert/strict";
import { test, until } from "../integration/lib/suite.mjs";
import { Gateway, withBackend } from "./lib/gateway.mjs";

const post = (ConnectionId, Data) => new PostToConnectionCommand({ ConnectionId, Data });

async function connected(t, flags) {
  const { backend, gateway } = await withBackend(t, undefined, flags);
  const person = await gateway.person(t, { headers: { "User-Agent": "a test" } });
  const id = (await backend.event("CONNECT")).headers["x-ws-connection-id"];
  return { backend, gateway, person, id };
}

test("post, get and delete", async (t) => {
  const { backend, gateway, person, id } = await connected(t);
  const api = gateway.api();
  assert.equal((await api.send(post(id, "hello"))).$metadata.httpStatusCode, 200);
  assert.equal(await person.frame(), "hello");
  const got = await api.send(new GetConnectionCommand({ ConnectionId: id }));
  assert.deepEqual(got.Identity, { SourceIp: "127.0.0.1", UserAgent: "a test" });
  assert.ok(got.ConnectedAt instanceof Date && got.LastActiveAt >= got.ConnectedAt);
  const deleted = await api.send(new DeleteConnectionCommand({ ConnectionId: id }));
  assert.equal(deleted.$metadata.httpStatusCode, 204);
  assert.deepEqual(await person.closed, { code: 1000, reason: "Connection Closed Normally" });
  await backend.event("DISCONNECT");
  for (const command of [
    post(id, "x"),
    new GetConnectionCommand({ ConnectionId: id }),
    new DeleteConnectionCommand({ ConnectionId: id }),
  ])
    await assert.rejects(api.send(command), GoneException);
});

test("every error by its class", async (t) => {
  const { gateway, person, id } = await connected(t, ["--access-keys", "known:secret,other:too:denied"]);
  const as = (accessKeyId, secretAccessKey, options) =>
    gateway.api({ credentials: { accessKeyId, secretAccessKey }, ...options });
  const known = as("known", "secret");
  await assert.rejects(known.send(post("L0SM9cOFvHcCIhw=", "x")), GoneException);
  await assert.rejects(known.send(post("nothing", "x")), { name: "BadRequestException" });
  await assert.rejects(known.send(post(id, "x".repeat(131_073))), PayloadTooLargeException);
  await assert.rejects(as("other", "too").send(post(id, "x")), ForbiddenException);
  await assert.rejects(as("known", "wrong").send(post(id, "x")), { name: "InvalidSignatureException" });
  await assert.rejects(as("nobody", "x").send(post(id, "x")), { name: "UnrecognizedClientException" });
  await assert.rejects(as("known", "secret", { region: "eu-west-1" }).send(post(id, "x")), {
    name: "InvalidSignatureException",
  });
  const plain = await fetch(`http://${gateway.at}/@connections/${encodeURIComponent(id)}`, { method: "POST", body: "x" });
  assert.deepEqual(
    [plain.status, plain.headers.get("x-amzn-errortype"), await plain.json()],
    [403, "MissingAuthenticationTokenException", { message: "Missing Authentication Token" }],
  );
  assert.deepEqual(person.frames, []);
  await known.send(post(id, "x".repeat(131_072)));
  assert.equal((await person.frame()).length, 131_072);
});

test("a post during $connect is gone", async (t) => {
  let letIn, gateway, during;
  const open = new Promise((resolve) => (letIn = resolve));
  const started = await withBackend(t, async ({ headers }) => {
    if (headers["x-ws-event"] !== "CONNECT") return {};
    during = await gateway
      .api()
      .send(post(headers["x-ws-connection-id"], "x"))
      .catch((error) => error);
    await open;
  });
  gateway = started.gateway;
  const person = gateway.person(t);
  await until("it was asked", () => during);
  assert.ok(during instanceof GoneException);
  letIn();
  await person;
});

test("throttled by the rate, by the fault, and by a client that does not read", async (t) => {
  const slow = await connected(t, ["--request-rate", "1", "--request-burst", "1"]);
  const api = slow.gateway.api();
  const all = await Promise.allSettled(Array.from({ length: 60 }, () => api.send(post(slow.id, "x"))));
  const refused = all.filter(({ status }) => status === "rejected");
  assert.ok(refused.length > 0 && refused.length < all.length, `${refused.length} were throttled`);
  for (const { reason } of refused) assert.ok(reason instanceof LimitExceededException, String(reason));
  const unlucky = await connected(t, ["--throttle", "1000"]);
  await assert.rejects(unlucky.gateway.api().send(post(unlucky.id, "x")), LimitExceededException);
  const { gateway, person, id } = await connected(t, ["--client-buffer", "128k"]);
  person.socket.pause();
  await assert.rejects(async () => {
    for (let i = 0; i < 1000; i++) await gateway.api().send(post(id, "x".repeat(100_000)));
  }, LimitExceededException);
});

test("without checking signatures anybody may", async (t) => {
  const { gateway, person, id } = await connected(t, ["--no-signatures"]);
  const plain = await fetch(`http://${gateway.at}/@connections/${encodeURIComponent(id)}`, { method: "POST", body: "x" });
  assert.equal(plain.status, 200);
  assert.equal(await person.frame(), "x");
});

test("faults: lost and repeated events, and 200 after the end", async (t) => {
  const lossy = await connected(t, ["--lose-disconnect", "1000", "--gone-late", "1h"]);
  lossy.person.socket.close();
  await lossy.person.closed;
  await until("it was lost", async () => (await lossy.gateway.metrics()).gateway_faults_lost_total === 1);
  await lossy.gateway.api().send(post(lossy.id, "x"));
  assert.ok(!lossy.backend.requests.some(({ headers }) => headers["x-ws-event"] === "DISCONNECT"));
  const twice = await connected(t, ["--duplicate", "1000"]);
  twice.person.say("one");
  await until("it came twice", () => twice.backend.requests.filter(({ body }) => body === "one").length === 2);
  const ids = twice.backend.requests.filter(({ body }) => body === "one").map((r) => r.headers["x-ws-message-id"]);
  assert.equal(ids[0], ids[1]);
});

test("a stage without a segment of its own", async (t) => {
  const gateway = await Gateway.start(t, ["--route", "$default=mock", "--stage", "$default"]);
  await gateway.person(t);
});
