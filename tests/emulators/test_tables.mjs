// `polylog store`: what it makes, and what it says of what is there.
import { CreateTableCommand, DescribeTableCommand, DescribeTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import assert from "node:assert/strict";
import { test } from "../integration/lib/suite.mjs";
import { Signed } from "./lib/signed.mjs";
import { run, serve, store, use } from "./lib/use.mjs";

for (const engine of ["local", "dynalite"])
  test(`store init makes the tables that docs/dynamodb.md shows, on ${engine}`, async (t) => {
    const d = await use(t, engine);
    const before = await store(d, "check");
    assert.equal(before.code, 1);
    assert.match(before.out, /-log: is not there\n.*-record: is not there\n/);
    assert.match(before.err, /store init/);
    assert.equal((await store(d, "init")).code, 0);
    const keys = { log: ["room S HASH", "seq N RANGE"], record: ["pk S HASH", "sk B RANGE"] };
    for (const [name, expected] of Object.entries(keys)) {
      const { Table: table } = await d.sdk.send(new DescribeTableCommand({ TableName: `${d.prefix}-${name}` }));
      const type = (key) => table.AttributeDefinitions.find((one) => one.AttributeName === key).AttributeType;
      const got = table.KeySchema.map((one) => `${one.AttributeName} ${type(one.AttributeName)} ${one.KeyType}`);
      assert.deepEqual(got, expected);
      assert.equal(table.TableStatus, "ACTIVE");
      assert.equal(table.BillingModeSummary?.BillingMode, "PAY_PER_REQUEST");
      if (engine === "local") assert.equal(table.DeletionProtectionEnabled, true);
    }
    const again = await store(d, "init");
    assert.deepEqual([again.code, again.err], [0, ""]);
    assert.doesNotMatch(again.out, /being made/);
    const { code, out } = await store(d, "check");
    if (engine === "local") assert.deepEqual([code, /items expire by "ttl"/.test(out)], [0, true]);
    else assert.deepEqual([code, /items do not expire/.test(out)], [1, true]); // it cannot
  });

test("records expire by their attribute ttl", async (t) => {
  const d = await use(t);
  await store(d, "init");
  const ttl = (name) => d.sdk.send(new DescribeTimeToLiveCommand({ TableName: `${d.prefix}-${name}` }));
  const { TimeToLiveDescription: records } = await ttl("record");
  assert.deepEqual([records.AttributeName, records.TimeToLiveStatus], ["ttl", "ENABLED"]);
  assert.notEqual((await ttl("log")).TimeToLiveDescription?.TimeToLiveStatus, "ENABLED");
});

test("another's table is not taken, nor changed", async (t) => {
  const d = await use(t);
  const TableName = `${d.prefix}-log`;
  await d.sdk.send(
    new CreateTableCommand({
      TableName,
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
  for (const action of ["init", "check"]) {
    const { code, out, err } = await store(d, action);
    assert.equal(code, 1, out);
    assert.match(out + err, new RegExp(`${TableName}: .*key`));
  }
  const { Table: table } = await d.sdk.send(new DescribeTableCommand({ TableName }));
  assert.deepEqual(table.KeySchema, [{ AttributeName: "id", KeyType: "HASH" }]);
});

test("serve without tables, keys or a region says what to do", async (t) => {
  const d = await use(t);
  const tried = (env) =>
    run(["serve", "--store=dynamodb", `--dynamodb-prefix=${d.prefix}`, "--listen=127.0.0.1:0", "--patience=0"], { ...d.env, ...env });
  const none = await tried({});
  assert.equal(none.code, 1);
  assert.match(none.err, /store could not be read/);
  assert.match(none.err, /`polylog store init` makes the tables/);
  const elsewhere = { AWS_EC2_METADATA_DISABLED: "true", AWS_SHARED_CREDENTIALS_FILE: "/none", AWS_CONFIG_FILE: "/none" };
  const keys = await tried({ ...elsewhere, AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" });
  assert.match(keys.err, /no credentials in the environment .* the profile .* of a container .* the instance is not asked/);
  const region = await tried({ ...elsewhere, AWS_REGION: "", AWS_DEFAULT_REGION: "" });
  assert.match(region.err, /no region is known: set AWS_REGION/);
});

test("every request is signed as the AWS SDK signs it", async (t) => {
  const d = await use(t);
  const signed = await Signed.open(new URL(d.url).port);
  t.after(() => signed.close());
  const env = { AWS_ENDPOINT_URL_DYNAMODB: signed.url };
  const server = await serve(t, d, {}, { ...env, AWS_SESSION_TOKEN: "a/session+token==" });
  const ana = await server.person("ana");
  await ana.call("join", { room: "general" });
  for (let i = 0; i < 5; i++) await ana.call("send", { room: "general", text: `ü ${i}` });
  await ana.call("edit", { room: "general", target: 3, text: "edited: a transaction" });
  assert.ok(signed.passed > 15, `${signed.passed} requests`);
  assert.deepEqual(signed.reasons, []);

  const bad = await store(d, "check", { ...env, AWS_SECRET_ACCESS_KEY: "another" });
  assert.equal(bad.code, 1);
  assert.match(bad.err, /InvalidSignatureException: the signatures differ/);
  assert.deepEqual([...new Set(signed.reasons)], ["the signatures differ"]);
});
