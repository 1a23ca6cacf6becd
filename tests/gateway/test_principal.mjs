// The API's authorizer says who somebody is: `polylog serve --gateway-path --gateway-principal`
// behind a gateway whose $connect maps what it says.
import assert from "node:assert/strict";
import { refused, test } from "../integration/lib/suite.mjs";
import { freePort } from "../integration/lib/ports.mjs";
import { come, routes, SECRET, startGateway, startNode } from "./lib/homes.mjs";

const FUNCTIONS = new URL("functions", import.meta.url).pathname;
// Functions begin as slowly as the machine is.
const SLOW = ["--init-timeout", "2m", "--integration-timeout", "2m"];
const MAPPED = { "X-Ws-Principal": "context.authorizer.principalId", "X-Ws-Principal-Name": "context.authorizer.name" };
const TOKEN = { "X-Ws-Token": "route.request.querystring.shown" };

// The API with the authorizer that lets in by any token, whose principal it then is, as "Ana".
function guarded(url) {
  const { routes: all } = routes(url, SECRET, { connect: { ...MAPPED, ...TOKEN } });
  return {
    functions: { guard: { runtime: "python3.11", handler: "guard.handler", code: FUNCTIONS, timeout_s: 100 } },
    authorizer: { lambda: "guard", sources: ["route.request.querystring.token"] },
    routes: { ...all, $connect: { ...all.$connect, access: "authorizer" } },
  };
}

async function scene(t, { node = { "gateway-principal": true }, api = guarded } = {}) {
  const port = await freePort();
  const server = await startNode(t, port, node);
  return { server, gateway: await startGateway(t, port, api(server.url), SLOW) };
}

const as = (principal, more = {}) => ({ query: `?token=${principal}`, ...more });

// Whoever the client's own headers would have it be.
const FORGED = { "X-Ws-Principal": "eve", "X-Ws-Principal-Name": "Eve", "X-Ws-Secret": SECRET, "X-Ws-Token": "x" };

// Who speaks, as those who read it see.
async function author(client, room) {
  await client.call("join", { room, create: true });
  const { seq } = await client.call("send", { room, text: "who am I" });
  return (await client.event({ event: "message", room, seq })).from;
}

test("the principal of the authorizer is the person, and its name what they are called", async (t) => {
  const at = await scene(t);
  const room = t.room();
  const ana = await author(await come(t, at, undefined, as("user-7")), room);
  assert.equal(ana.name, "Ana");
  // The same on another connection; another principal is another, though it is called the same.
  const ben = await come(t, at, undefined, as("user-8"));
  assert.deepEqual(await author(await come(t, at, undefined, as("user-7")), room), ana);
  const other = await author(ben, room);
  assert.notEqual(other.id, ana.id);
  assert.notEqual(other.name, ana.name);
  assert.ok((await ben.call("rooms")).rooms.some(({ id }) => id === room));
  await assert.rejects(come(t, at, undefined, as("deny")), { status: 403 });
  await assert.rejects(come(t, at), { status: 401 });
});

test("a client's own headers, or a token of another, do not make it another principal", async (t) => {
  const at = await scene(t);
  const room = t.room();
  const ana = await author(await come(t, at, undefined, as("user-7")), room);
  const eve = await author(await come(t, at, undefined, as("eve")), room);
  const forger = await come(t, at, undefined, as("user-7", { headers: FORGED }));
  assert.deepEqual(await author(forger, room), ana);
  assert.notEqual(ana.id, eve.id);
  // A token that $connect is shown beside the principal.
  const { token, user } = await at.server.login(t.name("eve"));
  const both = await come(t, at, undefined, { query: `?token=user-7&shown=${token}` });
  assert.deepEqual(await author(both, room), ana);
  assert.notEqual(user.id, ana.id);
});

test("where no authorizer is asked, a client's header names nobody", async (t) => {
  const at = await scene(t, { api: (url) => routes(url) });
  const forger = await come(t, at, undefined, { headers: FORGED });
  await refused("unauthenticated", forger.call("rooms"));
  // Nor is anybody but the gateway believed.
  const fields = { ...FORGED, "X-Ws-Connection-Id": "L0SM9cOFvHcCIhw=", "X-Ws-Secret": "a guess of the same length, or about that" };
  const { status } = await at.server.fetch("/gw/connect", { method: "POST", headers: fields });
  assert.equal(status, 403);
});

test("without --gateway-principal what the authorizer says is ignored", async (t) => {
  const at = await scene(t, { node: {} });
  const ana = await come(t, at, undefined, as("user-7"));
  await refused("unauthenticated", ana.call("rooms"));
  const { token, user } = await at.server.login(t.name("ana"));
  assert.equal((await ana.call("auth", { token })).user.id, user.id);
});
