// The two hours after which API Gateway cuts each connection, on a clock that runs faster: a
// crowd of clients of the web app's library talks on, and has moved before.
import assert from "node:assert/strict";
import { sleep, test } from "../integration/lib/suite.mjs";
import { come, scene } from "./lib/homes.mjs";
import { moveInTime } from "./lib/lifetime.mjs";

const CLIENTS = Number(process.env.CLIENTS ?? 200);
const SPEED = Number(process.env.SPEED ?? 40); // two hours are three minutes
// Of the clients' own clocks: a slow machine has 40 s for the last moves.
const HURRY = Number(process.env.HURRY ?? SPEED * 1.25);
const HANG_MS = 30 * 60_000;

test(
  "two hundred people are on other connections before two hours are over, and nobody notices",
  async (t) => {
    const many = { open: true, "messages-per-user": 0, "connects-per-address": 0 };
    const at = await scene(t, { node: many, gateway: ["--speed", String(SPEED)] });
    const servers = { server: at.gateway.url, logins: `${at.server.url}/` };
    await moveInTime(t, { ...servers, clients: CLIENTS, rooms: CLIENTS / 10, rate: 10, hurry: HURRY }, HANG_MS);
  },
  2 * HANG_MS,
);

// The crowd is hurried, and would be in time for a longer life, too. That clients move in time of what
// they are told is seen in web/test/gateway.test.ts, and when the gateway cuts in test_connections.mjs.
test("a connection is said to last for two hours since it came, and no longer", async (t) => {
  const at = await scene(t);
  const ana = await come(t, at);
  const { token } = await at.server.login(t.name("ana"));
  await sleep(200);
  const { lifetime } = await ana.call("auth", { token });
  assert.ok(lifetime > 3600_000 && lifetime <= 7200_000 - 100, `${lifetime} ms`);
});
