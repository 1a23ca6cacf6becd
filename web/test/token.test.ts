// Tokens that are asked for: for each connection, and when a session is about to end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ANA, room, settle, story, type Story } from "./fake.ts";

// One who is asked for tokens: "1", "2", and so on, unless it fails.
function provider() {
  const it = {
    asked: 0,
    fails: false,
    token: async () => {
      if (it.fails) throw new Error("the provider is down");
      return String(++it.asked);
    },
  };
  return it;
}

async function connected(s: Story, token: string): Promise<void> {
  await s.socket().open();
  const auth = await s.socket().answer("auth", { user: ANA, expires: 9e12 });
  assert.equal(auth.token, token);
}

// Until another connection is tried.
async function redialled(s: Story): Promise<void> {
  const n = s.sockets.length;
  for (let i = 0; i < 600 && s.sockets.length === n; i++) await s.clock.pass(100);
  assert.equal(s.sockets.length, n + 1);
}

async function online(s: Story): Promise<void> {
  s.client.start();
  await connected(s, "1");
  await s.socket().answer("join", { room: { ...room(3), id: "@7", kind: "self" } });
  await s.socket().answer("rooms", { rooms: [room(10)] });
  await s.socket().answer("resume", { rooms: {} });
  assert.equal(s.client.state.name, "online");
}

test("who it is comes with the first answer", async () => {
  const s = story(undefined, provider().token);
  assert.equal(s.client.user.id, 0);
  await online(s);
  assert.deepEqual(s.client.user, ANA);
});

test("a session that is about to end is renewed on the same connection", async () => {
  const s = story(undefined, provider().token);
  const told: number[] = [];
  s.client.on("expiring", (expires) => told.push(expires));
  await online(s);
  await s.socket().event({ event: "expiring", expires: 5 });
  const auth = await s.socket().answer("auth", { user: ANA, expires: 9e12 });
  assert.equal(auth.token, "2");
  assert.deepEqual([s.sockets.length, told.length, s.client.state.name], [1, 0, "online"]);
});

test("without a new token the end is announced, and another connection asks again", async () => {
  const p = provider();
  const s = story(undefined, p.token);
  const told: number[] = [];
  s.client.on("expiring", (expires) => told.push(expires));
  await online(s);
  p.fails = true;
  await s.socket().event({ event: "expiring", expires: 5 });
  assert.deepEqual(told, [5]);
  await s.socket().drop(4401, "expired");
  assert.equal(s.client.state.name, "waiting");
  await redialled(s);
  await s.socket().open(); // the provider is still down: this connection is given up
  assert.equal(s.client.state.name, "waiting");
  p.fails = false;
  await redialled(s);
  await connected(s, "2");
  await s.socket().answer("resume", { rooms: {} });
  assert.equal(s.client.state.name, "online");
});

test("a token that is refused, and a session that was ended, end it", async () => {
  const s = story(undefined, provider().token);
  s.client.start();
  await s.socket().open();
  await s.socket().refuse("auth", { code: "bad_token" });
  assert.equal(s.client.state.name, "ended");
  const ended = story(undefined, provider().token);
  await online(ended);
  await ended.socket().drop(4401, "revoked");
  assert.equal(ended.client.state.name, "ended");
});

test("while the server lacks the issuer's keys it is tried again", async () => {
  const s = story(undefined, provider().token);
  s.client.start();
  await s.socket().open();
  await s.socket().refuse("auth", { code: "issuer_unavailable", retry_after_ms: 2000 });
  await settle();
  assert.equal(s.client.state.name, "waiting");
  await redialled(s);
  await connected(s, "2");
});
