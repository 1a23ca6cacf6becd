// What the program asks of AWS, as the function of `serverless`, as a task of `blue-green` and of `ecs-ec2`, and as the node of
// `ec2` and of `ec2-s3`, is allowed by the policy of that template's role; and what the policy allows is asked for, or has a
// reason here. An instance's role is also that of the script by which it starts.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, test } from "node:test";
import { authority } from "../integration/lib/certificate.mjs";
import { freePort } from "../integration/lib/ports.mjs";
import { until } from "../integration/lib/suite.mjs";
import { startDynamo } from "../emulators/lib/dynamo.mjs";
import { Gateway } from "../gateway/lib/gateway.mjs";
import { Guest, PROGRAM } from "../serverless/lib/function.mjs";
import { RuntimeApi, event } from "../serverless/lib/runtime.mjs";
import { Recorder } from "./lib/recorder.mjs";
import { rightsOf, scriptOf } from "./lib/rules.mjs";
import { TEMPLATES, Template } from "./lib/template.mjs";

const HANG_MS = 600_000;
const dir = mkdtempSync(join(tmpdir(), "polylog-rights-"));
let dynamo;

before(async () => (dynamo = await startDynamo()));
after(async () => {
  await dynamo?.stop();
  rmSync(dir, { recursive: true, force: true });
});

// What roles may do and the program does not ask for by itself here: why it is there.
const STREAM = "Lambda itself reads the stream, by the function's role";
const BUS = "ElastiCache looks it up when the bus logs in: unit/test_elasticache sees the password that is signed for it";
const OF_TASK = {
  "elasticache:Connect": BUS,
  "ecs:GetTaskProtection": "ECS asks for it beside UpdateTaskProtection: the agent answers a change with the state",
};
const XRAY = "spans go to X-Ray's own address, for which AWS asks these rights: serverless/test_telling sees the spans";
const IMAGE = "Docker fetches the image by the login that the script asks for";
const LOG = (who) => ({ "logs:CreateLogStream": `${who} writes the log`, "logs:PutLogEvents": `${who} writes the log` });
const ELSEWHERE = {
  "serverless ChatRole": {
    "logs:CreateLogStream": "Lambda itself writes the log, by the function's role",
    "logs:PutLogEvents": "Lambda itself writes the log, by the function's role",
    "lambda:InvokeFunction": "asked for of rooms of more than 1,000 connections: unit/test_invoker sees it",
    "dynamodb:DescribeStream": STREAM,
    "dynamodb:GetRecords": STREAM,
    "dynamodb:GetShardIterator": STREAM,
    "dynamodb:ListStreams": STREAM,
    "sqs:SendMessage": "Lambda itself writes what it gives up to the queue, by the function's role",
    "xray:PutTraceSegments": XRAY,
    "xray:PutTelemetryRecords": XRAY,
  },
  "blue-green TaskRole": OF_TASK,
  "ecs-ec2 EcsDynamoDBTaskRole": OF_TASK,
  "ec2 NodeRole": {
    "elasticache:Connect": BUS,
    "ecr:BatchGetImage": IMAGE,
    "ecr:GetDownloadUrlForLayer": IMAGE,
    ...LOG("Docker"),
  },
  "ec2-s3 NodeRole": { "elasticache:Connect": BUS, ...LOG("CloudWatch's agent") },
};

// In the words of the recorder: a right of a template.
function said([, action, resource]) {
  const [, method] = /\/(POST|DELETE|GET)\/@connections\/\*$/.exec(resource) ?? [];
  if (method) return `${action} ${method}/@connections/*`;
  const [, table] = /^\$\{(Log|Record|Connections)Table\.Arn\}$/.exec(resource) ?? [];
  return `${action} ${table ? table.toLowerCase() : "itself"}`;
}

const tableOf = (right, prefix) => right.replace(` ${prefix}-`, " ");

// What is wrong between what was asked and the role's policy: asked and not allowed, allowed and neither asked nor explained,
// explained and asked (or not there).
function compare(asked, template, role) {
  const given = rightsOf(template).filter(([who]) => who === role);
  const reasons = ELSEWHERE[`${template.name} ${role}`];
  const allowed = new Set(given.map(said));
  const unused = given.filter(([, action]) => !reasons[action]).map(said).filter((right) => !asked.has(right));
  const explained = Object.keys(reasons).filter((action) => !given.some(([, one]) => one === action) || [...asked].some((right) => right.startsWith(`${action} `)));
  return { refused: [...asked].filter((right) => !allowed.has(right)).sort(), unused: unused.sort(), explained };
}

const NOTHING = { refused: [], unused: [], explained: [] };
const asked = (prefix, ...recorders) => new Set(recorders.flatMap(({ rights }) => [...rights.keys()]).map((right) => tableOf(right, prefix)));

// The comparison finds nothing; and finds each fault that is planted: a right taken away, one too many, and a reason that
// does not hold.
function agrees(what, name, role, action) {
  const template = Template.of(name);
  assert.deepEqual(compare(what, template, role), NOTHING);
  const narrow = template.copy();
  const wide = template.copy();
  for (const [t, change] of [
    [narrow, (actions) => actions.filter((one) => one !== action)],
    [wide, (actions) => [...actions, "dynamodb:Scan"]],
  ]) {
    const [statement] = t.resources("AWS::IAM::Policy").find(([, { Roles }]) => Roles[0].Ref === role)[1].PolicyDocument.Statement;
    statement.Action = change(statement.Action);
  }
  assert.ok(compare(what, narrow, role).refused.some((right) => right.startsWith(`${action} `)));
  assert.deepEqual(compare(what, wide, role).unused, ["dynamodb:Scan log", "dynamodb:Scan record"]);
  const [explained] = Object.keys(ELSEWHERE[`${name} ${role}`]);
  assert.deepEqual(compare(new Set([...what, `${explained} itself`]), template, role).explained, [explained]);
}

// What the CLI asks for by a command whose name is another's.
const OF_CLI = { "ecr get-login-password": "ecr:GetAuthorizationToken", "s3 cp": "s3:GetObject" };
const ofCli = (service, command) => OF_CLI[`${service} ${command}`] ?? `${service}:${command.replace(/(?:^|-)(\w)/g, (all, letter) => letter.toUpperCase())}`;

// The rights that the script of the template's instances needs, by its commands of the CLI.
function askedByScript(template) {
  const { all } = scriptOf(template.first("AWS::EC2::LaunchTemplate"));
  return [...all.matchAll(/(?:^|[ (])\$?aws ([a-z0-9]+) ([a-z-]+) /gm)].map(([, service, command]) => `${ofCli(service, command)} itself`);
}

async function makeTables(prefix, more = []) {
  const args = ["store", "init", "--store", "dynamodb", "--dynamodb-prefix", prefix, "--no-recovery", "--no-deletion-protection", ...more];
  await promisify(execFile)(PROGRAM, args, { cwd: dir, timeout: HANG_MS, env: { PATH: process.env.PATH, ...dynamo.env } });
}

function start(t, command, env) {
  const child = spawn(PROGRAM, [command], { cwd: dir, stdio: ["ignore", "ignore", "pipe"], env: { PATH: process.env.PATH, ...env } });
  let log = "";
  child.stderr.on("data", (data) => (log += data));
  const ended = once(child, "close");
  const over = ended.then(([code]) => Promise.reject(new Error(`it ended: ${code}\n${log}`)));
  over.catch(() => undefined);
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  t.after(stop);
  return { over, stop };
}

// Everything that touches a table in a way of its own: rooms, messages that are changed and blanked, what was read, who is
// there, sessions. call(who, action, parameters); users: ana, who makes the room, and ben. Resolves to the room.
async function talk(call, users) {
  const { room } = await call("ana", "room_create", { title: "Cellar", kind: "private" });
  await call("ana", "member_set", { room: room.id, user: users.ben.id, role: "member" });
  for (const who of ["ana", "ben"]) await call(who, "join", { room: room.id });
  const { seq } = await call("ana", "send", { room: room.id, text: "hello", cid: "c1" });
  await call("ana", "edit", { room: room.id, target: seq, text: "hullo" });
  await call("ben", "react", { room: room.id, target: seq, emoji: "👍" });
  await call("ana", "delete", { room: room.id, target: seq });
  await call("ben", "read", { room: room.id, seq });
  await call("ben", "history", { room: room.id });
  await call("ana", "presence", { room: room.id });
  await call("ana", "rooms");
  await call("ana", "sessions");
  await call("ana", "dm", { user: users.ben.id });
  await call("ben", "users", { query: "an" });
  await call("ben", "leave", { room: room.id });
  return room.id;
}

test("serverless: what the function asks of AWS its role may, and nothing that its role may is never asked", async (t) => {
  const prefix = `rights${process.pid}a`;
  await makeTables(prefix, ["--connections-table", `${prefix}-connections`]);
  const { file, certify } = authority(dir, "gateway");
  const store = await Recorder.open(t, { port: dynamo.port });
  const connections = await Recorder.open(t, { tls: certify("127.0.0.1"), answer: () => [200, ""] });
  const runtime = await RuntimeApi.start(t);
  const env = {
    ...dynamo.env,
    AWS_ENDPOINT_URL_DYNAMODB: `http://${store.at}`,
    AWS_LAMBDA_FUNCTION_NAME: "chat",
    AWS_LAMBDA_RUNTIME_API: runtime.address,
    AWS_CA_BUNDLE: file,
    POLYLOG_DYNAMODB_PREFIX: prefix,
    POLYLOG_CONNECTIONS_TABLE: `${prefix}-connections`,
    POLYLOG_OPEN: "true", POLYLOG_LOGIN: "name",
  };
  const { over } = start(t, "lambda", env);
  await Promise.race([runtime.asked, over]);
  const id = (who) => `${who.padEnd(15, "x")}=`;
  const invoke = async (type, who, more) => {
    const one = event(type, id(who), more);
    one.requestContext.domainName = connections.at;
    const { failed, body } = await Promise.race([runtime.invoke(one), over]);
    assert.equal(failed, false);
    return body;
  };
  const call = async (who, action, parameters = {}) => {
    const { body } = await invoke("MESSAGE", who, { body: JSON.stringify({ id: 1, action, ...parameters }) });
    const { ok, error } = [JSON.parse(body)].flat().find((one) => one.id === 1);
    assert.equal(error, undefined, `${action}: ${JSON.stringify(error)}`);
    return ok;
  };
  const people = {};
  for (const who of ["ana", "ben", "again"]) await invoke("CONNECT", who, { headers: {} });
  for (const who of ["ana", "ben"]) people[who] = await call(who, "login", { name: who });
  await talk(call, { ana: people.ana.user, ben: people.ben.user });
  await call("again", "auth", { token: people.ana.token });
  await invoke("MESSAGE", "ana", { body: JSON.stringify({ id: 1, action: "logout" }) }); // which closes both
  await invoke("DISCONNECT", "ben", {});
  agrees(asked(prefix, store, connections), "serverless", "ChatRole", "dynamodb:UpdateItem");
});

// A server that serves from the recorder's tables, with these settings besides; resolves when it is ready.
async function serve(t, store, prefix, port, more) {
  const settings = {
    ...dynamo.env,
    AWS_ENDPOINT_URL_DYNAMODB: `http://${store.at}`,
    POLYLOG_LISTEN: `127.0.0.1:${port}`,
    POLYLOG_STORE: "dynamodb",
    POLYLOG_DYNAMODB_PREFIX: prefix,
    POLYLOG_OPEN: "true", POLYLOG_LOGIN: "name",
    POLYLOG_DATA: dir,
    POLYLOG_DRAIN_MS: "90s",
    ...more,
  };
  const { over, stop } = start(t, "serve", settings);
  const isReady = () => fetch(`http://127.0.0.1:${port}/ready`).then(({ ok }) => ok, () => false);
  await Promise.race([until("the server is ready", isReady), over]);
  return { over, stop };
}

// What stands for the agent of ECS and for the task's metadata: the task is wanted RUNNING, until wanted(status) says otherwise.
async function agentOfEcs(t) {
  let status = "RUNNING";
  const task = () => ({ Cluster: "c", TaskARN: "arn", DesiredStatus: status, KnownStatus: "RUNNING", Containers: [] });
  const state = { protection: { ProtectionEnabled: true, TaskArn: "arn" } };
  const agent = await Recorder.open(t, { answer: ({ url }) => [200, JSON.stringify(url === "/metadata/task" ? task() : state)] });
  const settings = { ECS_AGENT_URI: `http://${agent.at}/agent`, ECS_CONTAINER_METADATA_URI_V4: `http://${agent.at}/metadata` };
  return { agent, settings, wanted: (one) => (status = one) };
}

// People of a server without API Gateway, who talk; it ends, and another finds the room as it is; somebody logs out. Resolves
// to the second server, with somebody on it.
async function talkToServer(t, startServer, port) {
  const post = async (name, parameters) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(parameters),
    });
    const body = await answer.json();
    assert.equal(body.error, undefined, `${name}: ${JSON.stringify(body.error)}`);
    return body;
  };
  const come = async ({ token }) => {
    const guest = await Guest.connect(t, `ws://127.0.0.1:${port}/ws`);
    await guest.call("auth", { token });
    return guest;
  };
  const first = await startServer();
  const people = {};
  const guests = {};
  for (const who of ["ana", "ben"]) guests[who] = await come((people[who] = await post("login", { name: who })));
  const room = await talk((who, action, parameters) => guests[who].call(action, parameters), { ana: people.ana.user, ben: people.ben.user });
  await first.stop();
  const second = await startServer();
  const [again, other] = [await come(people.ana), await come(people.ana)];
  await again.call("join", { room });
  await again.call("logout");
  await other.closed;
  await come(await post("login", { name: "cleo" }));
  return second;
}

for (const name of ["ec2", "ec2-s3"])
  test(`${name}: what a node and the script of its instance ask of AWS their role may, and nothing that it may is never asked`, async (t) => {
    const prefix = `rights${process.pid}${name}`;
    await makeTables(prefix);
    const port = await freePort();
    const store = await Recorder.open(t, { port: dynamo.port });
    await talkToServer(t, () => serve(t, store, prefix, port), port);
    const script = askedByScript(Template.of(name));
    assert.ok(script.length >= 2, script.join());
    agrees(new Set([...asked(prefix, store), ...script]), name, "NodeRole", "dynamodb:Query");
  });

test("ecs-ec2: what a task asks of AWS its role may, and nothing that its role may is never asked", async (t) => {
  const prefix = `rights${process.pid}c`;
  await makeTables(prefix);
  const port = await freePort();
  const store = await Recorder.open(t, { port: dynamo.port });
  const { agent, settings, wanted } = await agentOfEcs(t);
  const { over } = await talkToServer(t, () => serve(t, store, prefix, port, settings), port);
  wanted("STOPPED"); // which is seen within 5 s
  await Promise.race([until("it is protected", () => agent.rights.has("ecs:UpdateTaskProtection itself")), over]);
  agrees(asked(prefix, store, agent), "ecs-ec2", "EcsDynamoDBTaskRole", "dynamodb:PutItem");
});

test("blue-green: what a task asks of AWS its role may, and nothing that its role may is never asked", async (t) => {
  const prefix = `rights${process.pid}b`;
  await makeTables(prefix);
  const port = await freePort();
  const secret = "{{resolve:secretsmanager:arn:aws:secretsmanager:a-secret}}";
  const known = ["--parameter", `LinkBalancer.DNSName=127.0.0.1:${port}`, "--parameter", "GatewaySecret=arn:aws:secretsmanager:a-secret"];
  const gateway = await Gateway.start(t, [`${TEMPLATES}blue-green.json`, ...known, "--integration-timeout", "2m"], dynamo.env);
  const store = await Recorder.open(t, { port: dynamo.port });
  const connections = await Recorder.open(t, { port: Number(gateway.at.split(":")[1].split("/")[0]) });
  const { agent, settings, wanted } = await agentOfEcs(t);
  const startTask = () =>
    serve(t, store, prefix, port, {
      ...settings,
      POLYLOG_GATEWAY_PATH: "/gw",
      POLYLOG_GATEWAY_SECRET: secret,
      POLYLOG_GATEWAY_CALLBACK: `http://${connections.at}/${gateway.at.split("/")[1]}`,
    });
  const { stop } = await startTask();
  const people = {};
  for (const who of ["ana", "ben"]) people[who] = await (await Guest.connect(t, gateway.url)).login(who);
  const room = await talk((who, action, parameters) => people[who].call(action, parameters), { ana: people.ana.user, ben: people.ben.user });
  await stop();
  const { over } = await startTask(); // which finds the room as it is
  const [again, other] = [await Guest.connect(t, gateway.url), await Guest.connect(t, gateway.url)];
  for (const guest of [again, other]) await guest.call("auth", { token: people.ana.token });
  await again.call("join", { room });
  await again.call("logout");
  await other.closed;
  await (await Guest.connect(t, gateway.url)).login("cleo"); // for whom it waits
  wanted("STOPPED"); // which is seen within 5 s
  await Promise.race([until("it is protected", () => agent.rights.has("ecs:UpdateTaskProtection itself")), over]);
  agrees(asked(prefix, store, connections, agent), "blue-green", "TaskRole", "dynamodb:Query");
});
