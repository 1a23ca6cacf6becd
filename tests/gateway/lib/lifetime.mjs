// The two hours after which API Gateway cuts each connection: a crowd of clients of the web app's
// library talks on, and each has moved to another connection before.
import assert from "node:assert/strict";
import { join } from "node:path";
import { crowd } from "../../../deploy/local/lib/crowd.mjs";
import { until } from "../../integration/lib/suite.mjs";
import { directory } from "./gateway.mjs";

// options: the crowd's (deploy/local/lib/crowd.mjs); each client is somebody else. What hangs ends after hangMs.
export async function moveInTime(t, options, hangMs) {
  const dir = directory(t);
  const stage = { children: [], file: (name) => join(dir, name) };
  const { clients } = options;
  const talk = await crowd(stage, { people: clients, ...options });
  t.after(() => talk.child.kill());
  const going = () => assert.equal(talk.ended, undefined, talk.err);
  await until("all have come", () => (going(), talk.arrived), hangMs);
  await until("all have moved", () => (going(), talk.now.opened >= 2 * clients), hangMs);
  const { missing, twice, reconnects, cut, failed, shown } = await talk.stop();
  assert.deepEqual(
    { missing, twice, reconnects, cut, failed },
    { missing: 0, twice: 0, reconnects: 0, cut: 0, failed: 0 },
  );
  assert.ok(shown > clients, `${shown} messages were shown`);
}
