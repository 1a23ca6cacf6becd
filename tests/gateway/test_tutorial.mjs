// The usual tutorial as it stands: a template, four functions in Node or in Python, a table.
import { DescribeTableCommand, DynamoDBClient, ListTablesCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { test, until } from "../integration/lib/suite.mjs";
import { startEmulator } from "./lib/emulator.mjs";
import { Gateway, file } from "./lib/gateway.mjs";

const HERE = new URL("tutorial/", import.meta.url).pathname;

// An emulator, and a client of it: the gateway makes the tables that its template has.
async function startTables(t) {
  const endpoint = await startEmulator(t);
  const credentials = { accessKeyId: "x", secretAccessKey: "x" };
  const client = new DynamoDBClient({ endpoint, region: "us-east-1", credentials });
  t.after(() => client.destroy());
  return { endpoint, client };
}

const PATIENT = ["--init-timeout", "2m", "--integration-timeout", "2m"];

async function chat(t, parameters = []) {
  const { endpoint, client } = await startTables(t);
  const count = async () => (await client.send(new ScanCommand({ TableName: "connections" }))).Count;
  const flags = [`${HERE}template.yaml`, ...PATIENT, "--parameter", ["ConnectionsTable=connections", "Timeout=100", ...parameters].join()];
  const gateway = await Gateway.start(t, flags, { AWS_ENDPOINT_URL_DYNAMODB: endpoint });
  assert.doesNotMatch(gateway.log, /(warning|error):(?!.*slow_function)/);
  const [ana, ben] = [await gateway.person(t), await gateway.person(t)];
  await until("both are in the table", async () => (await count()) === 2);
  ana.say({ action: "sendmessage", message: "hello to all" });
  assert.equal(await ana.frame(), "hello to all");
  assert.equal(await ben.frame(), "hello to all");
  ben.say("what is this");
  assert.match(await ben.frame(1), /^Use the sendmessage route/);
  ana.socket.close();
  await until("one is left", async () => (await count()) === 1);
  ben.say({ action: "sendmessage", message: "alone" });
  assert.equal(await ben.frame(2), "alone");
}

test("the gateway has nothing to say of the tutorial's template", async () => {
  const gateway = new Gateway(["--check", `${HERE}template.yaml`], {});
  await gateway.exited;
  assert.deepEqual([gateway.code, gateway.log], [0, ""]);
});

test("the tutorial in Node", (t) => chat(t));

test("the tutorial in Python", async (t) => {
  try {
    await promisify(execFile)("python3", ["-c", "import boto3"]);
  } catch {
    t.skip("python3 has no boto3");
  }
  const functions = ["Connect", "Disconnect", "Sendmessage", "Default"];
  const code = functions.map((name) => `${name}Function.CodeUri=${HERE}python/${name.toLowerCase()}`);
  await chat(t, ["Runtime=python3.11", ...code]);
});

const TABLES = `
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: a, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Ping:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: MOCK}
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $default, Target: !Sub "integrations/\${Ping}"}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: prod, AutoDeploy: true}
  Messages:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub \${AWS::StackName}-messages
      ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}
      AttributeDefinitions:
        - {AttributeName: room, AttributeType: S}
        - {AttributeName: at, AttributeType: N}
      KeySchema: [{AttributeName: room, KeyType: HASH}, {AttributeName: at, KeyType: RANGE}]
      GlobalSecondaryIndexes:
        - IndexName: by-time
          KeySchema: [{AttributeName: at, KeyType: HASH}]
          Projection: {ProjectionType: ALL}
          ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}
  Simple:
    Type: AWS::Serverless::SimpleTable
    Properties: {PrimaryKey: {Name: number, Type: Number}}
`;

test("the template's tables are made once, and only if they are wanted", async (t) => {
  const { endpoint, client } = await startTables(t);
  const path = file(t, "tables.yaml", TABLES);
  const env = { AWS_ENDPOINT_URL_DYNAMODB: endpoint };
  const tables = async () => (await client.send(new ListTablesCommand({}))).TableNames;
  const run = async (flags) => {
    const gateway = await Gateway.start(t, [path, ...flags], env);
    await until("it says its routes", () => gateway.log.includes("$default"));
    await gateway.person(t);
    return gateway.log;
  };
  await run(["--no-tables"]);
  assert.deepEqual(await tables(), []);
  assert.match(await run([]), /made the table local-messages at http/);
  assert.deepEqual(await tables(), ["Simple", "local-messages"]);
  const { Table } = await client.send(new DescribeTableCommand({ TableName: "local-messages" }));
  assert.deepEqual(Table.KeySchema.map((key) => key.AttributeName), ["room", "at"]);
  assert.equal(Table.GlobalSecondaryIndexes[0].IndexName, "by-time");
  const simple = await client.send(new DescribeTableCommand({ TableName: "Simple" }));
  assert.deepEqual(simple.Table.AttributeDefinitions, [{ AttributeName: "number", AttributeType: "N" }]);
  assert.doesNotMatch(await run([]), /table/);
});

test("an emulator that is not there is said, and the gateway goes on", async (t) => {
  const path = file(t, "tables.yaml", TABLES);
  const gateway = await Gateway.start(t, [path], { AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:1" });
  await until("it is said", () => gateway.log.match(/the table local-messages cannot be made at http:\/\/127\.0\.0\.1:1: \D/));
  await gateway.person(t);
});
