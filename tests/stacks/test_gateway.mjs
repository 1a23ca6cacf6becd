// `polylog gateway` reads the committed templates that have an API, refuses what cannot work on API Gateway, and runs
// them; `polylog store` accepts their tables.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, test } from "node:test";
import { CreateTableCommand, DynamoDBClient, UpdateTimeToLiveCommand } from "./lib/dynamodb.mjs";
import { freePort } from "../integration/lib/ports.mjs";
import { until } from "../integration/lib/suite.mjs";
import { startDynamo } from "../emulators/lib/dynamo.mjs";
import { Gateway } from "../gateway/lib/gateway.mjs";
import { Guest, PROGRAM } from "../serverless/lib/function.mjs";
import { TEMPLATES, Template, names } from "./lib/template.mjs";

const HANG_MS = 600_000;
const dir = mkdtempSync(join(tmpdir(), "polylog-stacks-"));
const call = (args, env = {}) => promisify(execFile)(PROGRAM, args, { cwd: dir, timeout: HANG_MS, env: { PATH: process.env.PATH, ...env } });
let dynamo;

before(async () => {
  writeFileSync(join(dir, "bootstrap"), `#!/bin/sh\nexec ${PROGRAM} lambda\n`);
  chmodSync(join(dir, "bootstrap"), 0o755);
  dynamo = await startDynamo();
});
after(async () => {
  await dynamo?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const GIVEN = ["--parameter", "CodeBucket=code", "--parameter", `Chat.CodeUri=${dir}`];
const PREFIX = "stacks";
const { of } = Template;

test("serverless: the gateway reads the template, and has nothing to say against it", async () => {
  const { stdout, stderr } = await call(["gateway", "--check", `${TEMPLATES}serverless.json`, ...GIVEN]);
  assert.equal(stderr, "");
  assert.match(stdout, /sendmessage +AWS_PROXY +Chat, answers/);
});

// The mistakes that make such an API useless, each planted; the code by which the gateway refuses it.
const integration = (t) => t.first("AWS::ApiGatewayV2::Integration");
const MISTAKES = {
  "an IntegrationType that does not exist": ["bad_value", (t) => (integration(t).IntegrationType = "AWSPROXY")],
  "HTTP_PROXY that does not name the connection": [
    "no_connection_id",
    (t) => Object.assign(integration(t), { IntegrationType: "HTTP_PROXY", IntegrationMethod: "POST", IntegrationUri: "http://chat.example.org/gw" }),
  ],
  "VPC_LINK without ConnectionId": ["vpc_link", (t) => proxy(t, undefined)],
  "a time-out above 29 s": ["bad_timeout", (t) => (integration(t).TimeoutInMillis = 30_000)],
  "a route whose target does not exist": ["no_target", (t) => (t.get("SendmessageRoute").Properties.Target = "integrations/gone")],
  "a VPC link to an Application Load Balancer": ["vpc_link", (t) => proxy(t, "application")],
  "no RouteSelectionExpression": ["no_selection", (t) => delete t.first("AWS::ApiGatewayV2::Api").RouteSelectionExpression],
  "no stage": ["no_stage", (t) => (delete t.json.Resources.Stage, delete t.json.Resources.DomainMapping)],
};

function proxy(t, type) {
  Object.assign(integration(t), {
    IntegrationType: "HTTP_PROXY",
    IntegrationMethod: "POST",
    IntegrationUri: "http://chat.example.org/gw",
    ConnectionType: "VPC_LINK",
    RequestParameters: { "integration.request.header.connectionId": "context.connectionId" },
    ...(type && { ConnectionId: { Ref: "Link" } }),
  });
  if (!type) return;
  const balancer = { Type: "AWS::ElasticLoadBalancingV2::LoadBalancer", Properties: { Type: type } };
  const link = { Type: "AWS::ApiGateway::VpcLink", Properties: { Name: "link", TargetArns: [{ Ref: "Balancer" }] } };
  Object.assign(t.json.Resources, { Balancer: balancer, Link: link });
}

for (const [what, [code, plant]] of Object.entries(MISTAKES))
  test(`serverless: the gateway refuses ${what}`, async () => {
    const template = of("serverless").copy();
    plant(template);
    const file = join(dir, "planted.json");
    writeFileSync(file, JSON.stringify(template.json, undefined, 1));
    const refused = await call(["gateway", "--check", file, ...GIVEN]).then(
      () => assert.fail("it was accepted"),
      (error) => error,
    );
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`\\[${code}\\]`));
  });

// A table as the template says it, as far as CreateTable has the same words.
async function makeTable(client, properties, prefix) {
  const { AttributeDefinitions, KeySchema, BillingMode, TableName, TimeToLiveSpecification } = properties;
  const name = TableName.Ref === "ConnectionsName" ? `${prefix}-connections` : `${prefix}-${TableName["Fn::Join"][1].at(-1).split("-").at(-1)}`;
  await client.send(new CreateTableCommand({ TableName: name, AttributeDefinitions, KeySchema, BillingMode }));
  if (TimeToLiveSpecification) await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification }));
}

async function makeTables(template, prefix) {
  const { AWS_REGION: region, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = dynamo.env;
  const client = new DynamoDBClient({ region, endpoint: dynamo.url, credentials: { accessKeyId, secretAccessKey } });
  for (const [, properties] of template.resources("AWS::DynamoDB::Table")) await makeTable(client, properties, prefix);
  client.destroy();
}

// Of a template with a table of connections that, too.
const check = (prefix, name) => {
  const connections = of(name).get("ConnectionsTable") ? ["--connections-table", `${prefix}-connections`] : [];
  return call(["store", "check", "--store", "dynamodb", "--dynamodb-prefix", prefix, ...connections, "--no-recovery"], dynamo.env);
};

for (const name of names().filter((one) => of(one).resources("AWS::DynamoDB::Table").length > 0))
  test(`${name}: polylog store accepts the tables that the template makes`, async () => {
    await makeTables(of(name), `${PREFIX}-${name}`);
    await check(`${PREFIX}-${name}`, name);
  });

for (const table of ["RecordTable", "ConnectionsTable"])
  test(`serverless: polylog store refuses the ${table} without its expiry`, async () => {
    const template = of("serverless").copy();
    delete template.get(table).Properties.TimeToLiveSpecification;
    await makeTables(template, `planted-${table}`);
    const name = table === "RecordTable" ? "record" : "connections";
    await assert.rejects(check(`planted-${table}`, "serverless"), ({ stdout }) =>
      stdout.includes(`planted-${table}-${name}: items do not expire\n`),
    );
  });

// The gateway with the committed template, and two people in a room.
async function startServerless(t, ...parameters) {
  const settings = [`TablePrefix=${PREFIX}-serverless`, `ConnectionsName=${PREFIX}-serverless-connections`, "Open=true", ...parameters].flatMap((parameter) => ["--parameter", parameter]);
  const slow = ["--init-timeout", "2m", "--integration-timeout", "2m"];
  const gateway = await Gateway.start(t, [`${TEMPLATES}serverless.json`, ...GIVEN, ...settings, ...slow], dynamo.env);
  return { gateway, ...(await twoPeople(t, gateway)) };
}

async function twoPeople(t, gateway) {
  const ana = await (await Guest.connect(t, gateway.url)).login("ana");
  const ben = await (await Guest.connect(t, gateway.url)).login("ben");
  for (const person of [ana, ben]) await person.call("join", { room: "general" });
  return { ana, ben };
}

test("serverless: two people talk on the committed template", async (t) => {
  const { ana, ben } = await startServerless(t);
  await ana.call("send", { room: "general", text: "hello", cid: "c1" });
  assert.equal((await ben.event("message")).text, "hello");
  await ben.call("sendmessage", { room: "general", message: "hi", cid: "c2" });
  assert.equal((await ana.event("message", ({ text }) => text === "hi")).from.name, "ben");
});

test("serverless, Fanout=stream: who stores a message leaves it to the stream, which the same function reads", async (t) => {
  const { stderr } = await call(["gateway", "--check", `${TEMPLATES}serverless.json`, ...GIVEN, "--parameter", "Fanout=stream"]);
  assert.equal(stderr, "");
  const { gateway, ana, ben } = await startServerless(t, "Fanout=stream");
  await ana.call("send", { room: "general", text: "by the stream", cid: "s1" });
  await ben.call("ping"); // whatever was posted to ben before comes before its answer
  const fits = ({ text }) => text === "by the stream";
  assert.equal(ben.events("message").filter(fits).length, 0);
  // What Lambda makes of the stream: a record of one item's keys, and one that names no room.
  const keys = { room: { S: "general" }, seq: { N: "1" } };
  const Records = [{ eventName: "INSERT", dynamodb: { SequenceNumber: "100" } }, { eventName: "INSERT", dynamodb: { Keys: keys, SequenceNumber: "101" } }];
  const answer = await fetch(`${gateway.http}/2015-03-31/functions/Chat/invocations`, { method: "POST", body: JSON.stringify({ Records }) });
  assert.deepEqual(await answer.json(), { batchItemFailures: [] });
  await ben.event("message", fits);
});

const SECRET = "arn:aws:secretsmanager:a-secret";

// A server as the template's tasks are told to be, as far as this machine has what they name.
async function startServer(t, callback, port, secret) {
  const settings = {
    POLYLOG_LISTEN: `127.0.0.1:${port}`,
    POLYLOG_STORE: "dynamodb",
    POLYLOG_DYNAMODB_PREFIX: `${PREFIX}-blue-green`,
    POLYLOG_GATEWAY_PATH: "/gw",
    POLYLOG_GATEWAY_SECRET: secret,
    POLYLOG_GATEWAY_CALLBACK: callback,
    POLYLOG_OPEN: "true", POLYLOG_LOGIN: "name",
    POLYLOG_DATA: dir,
  };
  const child = spawn(PROGRAM, ["serve"], { cwd: dir, stdio: ["ignore", "ignore", "pipe"], env: { PATH: process.env.PATH, ...dynamo.env, ...settings } });
  let log = "";
  child.stderr.on("data", (data) => (log += data));
  const ended = once(child, "close");
  const over = ended.then(([code]) => Promise.reject(new Error(`the server ended: ${code}\n${log}`)));
  over.catch(() => undefined);
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const isReady = () => fetch(`http://127.0.0.1:${port}/ready`).then(({ ok }) => ok, () => false);
  await Promise.race([until("the server is ready", isReady), over]);
}

test("blue-green: the gateway reads the template, and two people talk on it", async (t) => {
  const port = await freePort();
  const known = ["--parameter", `LinkBalancer.DNSName=127.0.0.1:${port}`, "--parameter", `GatewaySecret=${SECRET}`];
  const { stdout, stderr } = await call(["gateway", "--check", `${TEMPLATES}blue-green.json`, ...known]);
  assert.equal(stderr, "");
  assert.match(stdout, /\$default +HTTP_PROXY \S+\/gw\/message, answers/);
  const gateway = await Gateway.start(t, [`${TEMPLATES}blue-green.json`, ...known], dynamo.env);
  await startServer(t, `http://${gateway.at}`, port, `{{resolve:secretsmanager:${SECRET}}}`); // which AWS puts the secret in place of
  const { ana, ben } = await twoPeople(t, gateway);
  await ana.call("send", { room: "general", text: "hello", cid: "c1" });
  assert.equal((await ben.event("message")).text, "hello");
});

test("blue-green: the gateway refuses its VPC link to an Application Load Balancer", async () => {
  const template = of("blue-green").copy();
  template.get("Link").Properties.TargetArns = [{ Ref: "Balancer" }];
  const file = join(dir, "planted-link.json");
  writeFileSync(file, JSON.stringify(template.json));
  await assert.rejects(call(["gateway", "--check", file]), ({ stderr }) => /\[vpc_link\]/.test(stderr));
});
