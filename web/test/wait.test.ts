// Requests before there is a connection, and what is said of one that cannot be had.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fetch, refusal } from "../src/lib/refusal.ts";
import { type Answers, arrive, EPOCH, online, room, settle, story } from "./fake.ts";

const outcome = (promise: Promise<unknown>) => {
  const it: { value?: unknown; code?: string; name?: string } = {};
  promise.then(
    (value) => (it.value = value),
    (error) => Object.assign(it, { code: error.code, name: error.name }),
  );
  return it;
};

test("a request right after start() waits until the client is online", async () => {
  const s = story();
  s.client.start();
  const joined = outcome(s.client.join("general"));
  await settle();
  await arrive(s, 10);
  s.socket().take("join");
  assert.deepEqual(joined, {});
});

test("what is asked while connecting does not end the connection later", async () => {
  const s = story();
  s.client.start();
  outcome(s.client.request("presence", { room: "general" }));
  s.client.typing("general", true);
  s.client.flush();
  await arrive(s, 10);
  await s.socket().answer("presence", { count: 1 });
  await s.clock.pass(25_000);
  assert.equal(s.client.state.name, "online");
  assert.equal(s.sockets.length, 1);
});

test("a request waits through lost connections, and for 10 s at most", async () => {
  const s = await online(10);
  await s.socket().drop();
  const soon = outcome(s.client.request("presence", { room: "general" }));
  const late = outcome(s.client.request("users", {}, { waitMs: 300 }));
  await s.clock.pass(400);
  assert.equal(late.code, "disconnected");
  await s.socket().drop();
  await s.clock.pass(9599);
  assert.deepEqual(soon, {});
  await s.clock.pass(1);
  assert.equal(soon.code, "disconnected");
  for (const socket of s.sockets.slice(1)) socket.none();
});

test("a request is given up by its signal, while it waits and once it is sent", async () => {
  const s = story();
  s.client.start();
  const [first, second] = [new AbortController(), new AbortController()];
  const waiting = outcome(s.client.request("users", {}, { signal: first.signal }));
  const sent = outcome(s.client.request("users", {}, { signal: second.signal }));
  first.abort();
  await settle();
  assert.equal(waiting.name, "AbortError");
  await arrive(s, 10);
  const frame = s.socket().take("users");
  s.socket().none();
  second.abort();
  await settle();
  assert.equal(sent.name, "AbortError");
  await s.socket().event({ id: frame.id, ok: { users: [] } });
  assert.equal(s.client.state.name, "online");
});

test("a client that is stopped, or whose session is over, answers so at once", async () => {
  const s = story();
  const early = outcome(s.client.request("users", {}));
  await settle();
  assert.equal(early.code, "disconnected");
  s.client.start();
  const stopped = outcome(s.client.request("users", {}));
  s.client.stop();
  await settle();
  assert.equal(stopped.code, "disconnected");
  s.client.start();
  const over = outcome(s.client.request("users", {}));
  await s.socket().open();
  await s.socket().refuse("auth", { code: "expired" });
  assert.equal(over.code, "expired");
});

test("a read position that the connection may not have brought is sent on the next", async () => {
  const s = await online(10);
  const general = s.client.rooms.get("general")!;
  general.moveHead({ seq: 11, count: 11 });
  general.cursor = 11;
  s.client.markRead("general");
  s.socket().take("read");
  await s.socket().drop();
  general.moveHead({ seq: 12, count: 12 });
  general.cursor = 12;
  s.client.markRead("general");
  await s.clock.pass(400);
  await s.socket().open();
  await s.socket().answer("auth", { user: { id: 7, name: "ana" }, expires: 9e12 });
  await s.socket().answer("resume", { rooms: {} });
  const read = s.socket().take("read");
  assert.deepEqual([read.seq, read.count], [12, 12]);
});

const json =
  (status: number, body: object): Answers =>
  () =>
    Promise.resolve(new Response(JSON.stringify(body), { status }));
const page: Answers = () => Promise.resolve(new Response("<h1>Bad Gateway</h1>", { status: 502 }));
const refused = { error: { code: "bad_origin", message: "Set --origins." } };

// What HTTP says when a WebSocket was refused, twice; and what the client makes of it.
const ANSWERS: [string, Answers, string | undefined][] = [
  ["a refusal is passed on", json(403, refused), "bad_origin"],
  ["a server that works over HTTP has a proxy before it", json(200, { now: 1 }), "no_websocket"],
  [
    "that it wants a login is no refusal",
    json(401, { error: { code: "unauthenticated" } }),
    "no_websocket",
  ],
  ["something else answers", page, "unreachable"],
  ["nothing answers", () => Promise.reject(new TypeError("fetch failed")), undefined],
];

for (const [name, answers, code] of ANSWERS) {
  test(`the reason of a refused connection: ${name}`, async () => {
    const s = story(undefined, undefined, answers);
    s.client.start();
    for (let i = 0; i < 2; i++) {
      await s.socket().drop();
      await settle();
      await settle();
      if (i === 0) await s.clock.pass(400);
    }
    const { state } = s.client;
    assert.equal(state.name, "waiting");
    assert.ok(state.name === "waiting");
    assert.equal(state.reason, code === undefined ? "lost" : "refused");
    assert.equal(state.reason === "refused" ? state.error.code : undefined, code);
    s.client.wake();
    await arrive(s, 10);
    await s.socket().drop();
    await settle();
    assert.ok(s.client.state.name === "waiting" && s.client.state.reason === "lost");
  });
}

test("a server that comes up between a failed handshake and the question is not blamed", async () => {
  const s = story(undefined, undefined, json(200, { now: 1 }));
  s.client.start();
  await s.socket().drop();
  await settle();
  assert.ok(s.client.state.name === "waiting" && s.client.state.reason === "lost");
});

test("a page that the server does not accept is told so, though it may not read the answer", async () => {
  const asked: string[] = [];
  const closed: Fetch = (url, { mode }) => {
    asked.push(`${mode ?? "cors"} ${url}`);
    const opaque = mode === "no-cors";
    return opaque
      ? Promise.resolve(Response.error())
      : Promise.reject(new TypeError("fetch failed"));
  };
  const page = { origin: "https://page.example" };
  Object.assign(globalThis, { location: page });
  try {
    const error = await refusal("https://chat.example/at", closed);
    assert.equal(error?.code, "bad_origin");
    assert.match(error.message, /https:\/\/page\.example.*--origins/);
    assert.deepEqual(asked, [
      "cors https://chat.example/at/api/v1/ping",
      "no-cors https://chat.example/at/health",
    ]);
    page.origin = "https://chat.example"; // its own page reads every answer
    assert.equal(await refusal("https://chat.example/", closed), undefined);
  } finally {
    delete (globalThis as { location?: unknown }).location;
  }
});

test("a browser that forbids the address is waited out like any lost connection", async () => {
  const s = story();
  const { client } = s;
  const options = client as unknown as { options: { socket: () => never } };
  options.options.socket = () => {
    throw new DOMException("insecure", "SecurityError");
  };
  client.start();
  await s.clock.pass(0);
  assert.equal(client.state.name, "waiting");
});

test("joining while a connection is made follows the room once", async () => {
  const s = story();
  s.client.start();
  const joining = s.client.join("plans");
  await arrive(s, 10);
  await s.socket().answer("join", { room: room(4, { id: "plans" }) });
  assert.deepEqual([(await joining).cursor, (await joining).epoch], [4, EPOCH]);
});
