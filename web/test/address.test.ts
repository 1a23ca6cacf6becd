// Addresses of servers, and what is said of those where none answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { candidates, findServer, parseServer } from "../src/lib/index.ts";
import { socketUrl } from "../src/lib/address.ts";
import { type Answers, FakeClock, FakeSocket, settle } from "./fake.ts";

const STAGE = "x.execute-api.eu-central-1.amazonaws.com/prod";

// What somebody types, the form it is kept in, and where its WebSocket is then.
const FORMS: [string, string | undefined, string?][] = [
  ["https://chat.example.org", "https://chat.example.org/", "wss://chat.example.org/ws"],
  [" http://localhost:8080/ ", "http://localhost:8080/", "ws://localhost:8080/ws"],
  ["https://example.org/chat", "https://example.org/chat/", "wss://example.org/chat/ws"],
  ["chat.example.org", "https://chat.example.org/", "wss://chat.example.org/ws"],
  [`wss://${STAGE}`, `wss://${STAGE}`, `wss://${STAGE}`],
  [`wss://${STAGE}/`, `wss://${STAGE}`, `wss://${STAGE}`],
  [`https://${STAGE}/@connections`, `https://${STAGE}/`, `wss://${STAGE}/ws`],
  ["WSS://Chat.Example.org", "wss://chat.example.org", "wss://chat.example.org"],
  ["ws://localhost:3001/dev?v=2", "ws://localhost:3001/dev?v=2", "ws://localhost:3001/dev?v=2"],
  ["ftp://example.org", undefined],
  ["javascript://alert(1)", undefined],
  ["two words", undefined],
  ["https://", undefined],
  ["", undefined],
];

test("an address is kept in one form, which says where the WebSocket is", () => {
  for (const [typed, kept, socket] of FORMS) {
    assert.equal(parseServer(typed), kept, typed);
    if (kept !== undefined) assert.equal(socketUrl(kept), socket, typed);
    if (kept !== undefined) assert.equal(parseServer(kept), kept, "once more");
  }
});

test("what an address may mean is tried, the likeliest first", () => {
  const all: [string, string[]][] = [
    ["https://a.example", ["https://a.example/", "wss://a.example"]],
    ["wss://a.example/ws", ["https://a.example/"]],
    ["https://a.example/ws/", ["https://a.example/"]],
    ["wss://a.example/prod", ["wss://a.example/prod", "https://a.example/prod/"]],
    ["https://a.example/prod", ["https://a.example/prod/", "wss://a.example/prod"]],
    ["a.example:1", ["https://a.example:1/", "wss://a.example:1", "http://a.example:1/", "ws://a.example:1"]],
    ["no address", []],
  ];
  for (const [typed, meant] of all) assert.deepEqual(candidates(typed, true), meant);
  assert.deepEqual(candidates("a.example", false), ["https://a.example/", "wss://a.example"]);
});

const nothing: Answers = () => Promise.reject(new TypeError("fetch failed"));

// What is at which address, and what becomes of asking for it: [what is found, or is said].
async function find(
  typed: string,
  at: Record<string, (socket: FakeSocket, clock: FakeClock) => Promise<void>>,
  fetch: Answers = nothing,
): Promise<{ found?: string; said?: string; tried: string[] }> {
  const clock = new FakeClock();
  const tried: string[] = [];
  const socket = (url: string) => {
    const one = new FakeSocket(url);
    tried.push(url);
    if (at[url] === barred) throw new DOMException("insecure", "SecurityError");
    setImmediate(() => void (at[url] ?? dead)(one, clock));
    return one;
  };
  const result = await findServer(typed, { socket, clock, fetch, plain: true }).then(
    (found) => ({ found }),
    (error) => ({ said: error.message as string }),
  );
  return { ...result, tried };
}

const dead = (socket: FakeSocket) => socket.drop();
const barred = dead.bind(undefined);
const silent = async (_: FakeSocket, clock: FakeClock) => clock.pass(10_000);
const says = (frame: unknown) => async (socket: FakeSocket) => {
  await socket.open();
  assert.equal(socket.take("ping").id, 1);
  await socket.frame(frame);
};
const lives = says({ id: 1, ok: { now: 1 } });

test("a server is found by its site, by its socket, and by what is only like it", async () => {
  const all: [string, string, string, unknown?][] = [
    ["https://a.example", "wss://a.example/ws", "https://a.example/"],
    ["a.example", "wss://a.example", "wss://a.example"],
    ["a.example:80", "ws://a.example/ws", "http://a.example/"],
    [`wss://${STAGE}`, `wss://${STAGE}`, `wss://${STAGE}`],
    [`https://${STAGE}`, `wss://${STAGE}`, `wss://${STAGE}`],
    ["wss://a.example/chat", "wss://a.example/chat/ws", "https://a.example/chat/"],
    ["wss://a.example/", "wss://a.example", "wss://a.example", [{ id: 1, ok: { now: 1 } }]],
    ["wss://a.example/", "wss://a.example", "wss://a.example", { id: 1, error: { code: "internal" } }],
  ];
  for (const [typed, url, found, frame] of all) {
    const answer = frame === undefined ? lives : says(frame);
    assert.equal((await find(typed, { [url]: answer })).found, found, typed);
  }
});

test("an event is not yet an answer", async () => {
  const url = "wss://a.example/ws";
  const move = { event: "move", reason: "drain", delay_ms: 1, within_ms: 1 };
  const both = async (socket: FakeSocket) => {
    await says(move)(socket);
    await socket.frame({ id: 1, ok: { now: 1 } });
  };
  assert.equal((await find("https://a.example", { [url]: both })).found, "https://a.example/");
});

const gateway = { message: "Internal server error", connectionId: "x=", requestId: "y" };
const json = (status: number, body: object): Answers => () =>
  Promise.resolve(new Response(JSON.stringify(body), { status }));
const opaque: Answers = () => Promise.reject(new TypeError("fetch failed"));

const TROUBLE: [string, Parameters<typeof find>[1], Answers, RegExp][] = [
  ["nothing there", {}, nothing, /^Nothing answers at a\.example\..*name.*port/],
  ["something else", { "wss://a.example/prod": says({ hello: 1 }) }, nothing, /^What answers at a\.example does not speak/],
  ["an echo of it", { "wss://a.example/prod": says("ping") }, nothing, /does not speak/],
  ["a gateway without its server", { "wss://a.example/prod": says(gateway) }, nothing, /server behind it does not/],
  ["no word", { "wss://a.example/prod": silent }, nothing, /^Nothing answers/],
  [
    "opened, and no word",
    { "wss://a.example/prod": async (socket, clock) => (await socket.open(), clock.pass(10_000)) },
    nothing,
    /does not speak/,
  ],
  [
    "the browser forbids it",
    { "wss://a.example/prod": barred, "wss://a.example/prod/ws": barred },
    nothing,
    /without encryption.*https:\/\/ or wss:/,
  ],
  ["refused with a reason", {}, json(403, { error: { code: "bad_host", message: "Set --hosts." } }), /^Set --hosts/],
  ["no WebSockets", {}, json(200, { now: 1 }), /WebSockets do not get through/],
  ["a web site", {}, () => Promise.resolve(new Response("<p>", { status: 404 })), /answers with 404/],
];

for (const [name, at, fetch, text] of TROUBLE) {
  test(`an address that does not answer: ${name}`, async () => {
    const { found, said, tried } = await find("wss://a.example/prod", at, fetch);
    assert.equal(found, undefined);
    assert.match(said!, text);
    assert.equal(tried[0], "wss://a.example/prod");
    // Where not even the first is answered in time the second is not waited for.
    assert.equal(tried.length, name === "no word" ? 1 : 2);
  });
}

test("an address that lets this page in nowhere may be wrong, or its server may not accept it", async () => {
  Object.assign(globalThis, { location: { origin: "https://page.example" } });
  try {
    const reached: typeof fetch = (_, init) =>
      init?.mode === "no-cors" ? Promise.resolve(Response.error()) : opaque("");
    const { said } = await find("wss://a.example/prod", {}, reached as Answers);
    assert.match(said!, /Something answers at a\.example.*path.*--origins may lack https:\/\/page/);
  } finally {
    delete (globalThis as { location?: unknown }).location;
  }
});

test("what is no address is said so, and nothing is tried", async () => {
  const { said, tried } = await find("two words", {});
  assert.match(said!, /not an address.*wss:\/\//);
  assert.deepEqual(tried, []);
  await settle();
});
