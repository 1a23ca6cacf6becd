// The contract of stores (tests/contract), signed and over sockets. What an emulator does
// not have fails there as it should, and nothing else does.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "../integration/lib/suite.mjs";
import { run, use } from "./lib/use.mjs";

const CONTRACT = process.env.CONTRACT ?? new URL("../../build/cc-O2/tests/contract", import.meta.url).pathname;
const LONG_MS = 900_000; // ends what hangs

async function outcome(t, name, engine) {
  const { url } = await use(t, engine);
  const { out, err } = await run([], { DYNAMODB: url }, join(CONTRACT, name));
  const all = out + err;
  const names = (mark) => {
    const found = all.matchAll(new RegExp(`^\\[ *${mark} *\\] (\\w+)_on_dynamo_live$`, "gm"));
    return [...new Set([...found].map(([, one]) => one))].sort();
  };
  return { passed: names("OK"), failed: names("FAILED"), all };
}

test("the contract holds on DynamoDB Local", async (t) => {
  const { passed, failed, all } = await outcome(t, "test_store", "local");
  assert.deepEqual(failed, [], all);
  assert.ok(passed.length >= 18, all);
}, LONG_MS);

test("the contract holds on dynalite, but for transactions", async (t) => {
  const { passed, failed, all } = await outcome(t, "test_store", "dynalite");
  const transact = ["all_is_there_after_reopening", "amends_are_the_latest_state", "an_amend_may_only_redact"];
  assert.deepEqual(failed, [...transact, "redaction_replaces_the_entry"], all);
  assert.equal(all.match(/TransactWriteItems: UnknownOperationException/g)?.length, 4, all);
  assert.ok(passed.length >= 12, all);
}, LONG_MS);

test("requests at random are answered as by the model", async (t) => {
  const { passed, failed, all } = await outcome(t, "test_store_random", "local");
  assert.deepEqual([passed.length, failed], [1, []], all);
}, LONG_MS);
