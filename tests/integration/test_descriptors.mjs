// A process that has no descriptor left.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test, until } from "./lib/suite.mjs";

const DESCRIPTORS = 64;

test("with no descriptor left the node still says how it is", async (t) => {
  const server = await t.start(
    { "head-timeout": 0, "keepalive-timeout": 0, workers: 1 },
    { before: ["sh", "-c", `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`] },
  );
  // No more than that: whoever waits to be accepted keeps the last descriptor for a second.
  const sockets = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const refused = () => server.log.includes("no descriptors or memory left");
  await until("its descriptors are out", async () => {
    for (let i = 0; i < 10 && !refused() && sockets.length < DESCRIPTORS; i++) {
      const socket = connect(server.port, "127.0.0.1").on("error", () => undefined);
      sockets.push(socket);
      await new Promise((resolve) => socket.once("connect", resolve).once("error", resolve));
    }
    return refused();
  });
  // Who has the last descriptor loses it after a second without a request: a client on a busy
  // machine asks again, as a balancer does.
  const status = async (path, options = {}) => {
    let got;
    await until(`${path} is answered`, async () => {
      got = await server.fetch(path, { headers: { Connection: "close" }, ...options }).catch(() => undefined);
      return got !== undefined && got.status !== 408;
    });
    return got.status;
  };
  for (let i = 0; i < 3; i++) assert.equal(await status("/health"), 200);
  assert.equal(await status("/ready"), 200);
  assert.equal(await status("/api/v1/login", { method: "POST", body: "{}" }), 503);
  sockets.forEach((socket) => socket.destroy());
  await until("others are served again", async () => {
    const page = await server.fetch("/", { headers: { Connection: "close" } }).catch(() => undefined);
    return page?.status === 200;
  });
});
