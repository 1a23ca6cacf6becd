// The two hours after which API Gateway cuts each connection, on a clock that runs faster: a few
// people of the web app's library, which the function serves, talk on, and have moved before.
import { moveInTime } from "../gateway/lib/lifetime.mjs";
import { test } from "../integration/lib/suite.mjs";
import { startFunction } from "./lib/function.mjs";

const CLIENTS = Number(process.env.CLIENTS ?? 6);
const SPEED = Number(process.env.SPEED ?? 30); // two hours are four minutes
const HURRY = SPEED * 1.25; // of the clients' own clocks: a slow machine has a minute for the last moves
const HANG_MS = 10 * 60_000;

test(
  "a few people whom the function serves are on other connections before two hours are over",
  async (t) => {
    const flags = ["--speed", String(SPEED), "--idle-after", "0"];
    const gateway = await startFunction(t, { flags });
    const servers = { server: gateway.url, logins: gateway.url };
    await moveInTime(t, { ...servers, clients: CLIENTS, rooms: CLIENTS / 3, rate: 1, hurry: HURRY }, HANG_MS);
  },
  2 * HANG_MS,
);
