// `polylog lambda` as the function of a `polylog gateway`, with tables of its own; and people who
// speak to it over a plain WebSocket.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "../../integration/lib/suite.mjs";
import { Gateway, Person } from "../../gateway/lib/gateway.mjs";

export const PROGRAM = process.env.POLYLOG ?? new URL("../../../build/polylog", import.meta.url).pathname;

let dynamo;
let serial = 0;

export function useDynamo(it) {
  dynamo = it;
}

function file(settings) {
  const environment = Object.entries(settings)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(", ");
  return `functions:
  chat:
    command: exec ${PROGRAM} lambda
    environment: {${environment}}
    timeout_s: 60
    memory_mb: 256
routes:
  $connect: {lambda: chat}
  $disconnect: {lambda: chat}
  $default: {lambda: chat, answers: true}
`;
}

// The function's processes; working: those that are neither stopped nor ended.
export const processes = (gateway) => children(gateway, "ZX");
export const working = (gateway) => children(gateway, "TZX");

function children(gateway, not) {
  const found = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(parent) === gateway.child.pid && !not.includes(state)) found.push(Number(pid));
    } catch {
      // it has ended meanwhile
    }
  }
  return found;
}

// What the table has, as the service says it.
export async function scan(table) {
  const { AWS_REGION: region, AWS_ACCESS_KEY_ID: key, AWS_ENDPOINT_URL_DYNAMODB: url } = dynamo.env;
  const headers = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.Scan",
    Authorization: `AWS4-HMAC-SHA256 Credential=${key}/20260101/${region}/dynamodb/aws4_request, SignedHeaders=host, Signature=any`,
  };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ TableName: table }) });
  const { Items, message } = await answer.json();
  if (!answer.ok) throw new Error(message);
  return Items;
}

// Tables of one's own, with one of connections if that is asked for: the environment that makes
// the program find them.
export async function makeTables({ connections = false } = {}) {
  const prefix = `lambda${process.pid}x${++serial}`;
  const env = { ...dynamo.env, PATH: process.env.PATH };
  const own = connections ? { POLYLOG_CONNECTIONS_TABLE: `${prefix}-ActiveConnections` } : {};
  const init = ["store", "init", "--store", "dynamodb", "--dynamodb-prefix", prefix, "--no-recovery", "--no-deletion-protection"];
  await promisify(execFile)(PROGRAM, init, { env: { ...env, ...own }, cwd: tmpdir() });
  return { ...dynamo.env, POLYLOG_DYNAMODB_PREFIX: prefix, ...own };
}

// A gateway with its function; ends with the test.
export async function startFunction(t, { settings = {}, concurrency = 4, flags = [], connections = false } = {}) {
  const tables = await makeTables({ connections });
  const dir = mkdtempSync(join(tmpdir(), "polylog-lambda-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const { POLYLOG_DYNAMODB_PREFIX, POLYLOG_CONNECTIONS_TABLE } = tables;
  const all = { POLYLOG_OPEN: "true", POLYLOG_LOGIN: "name", POLYLOG_DYNAMODB_PREFIX, ...(connections && { POLYLOG_CONNECTIONS_TABLE }), ...settings };
  writeFileSync(join(dir, "chat.yaml"), file(all));
  // Invocations beyond these wait; with a limit of its own they would be throttled.
  const slow = ["--init-timeout", "2m", "--integration-timeout", "2m", "--concurrency", `${concurrency}`];
  const gateway = await Gateway.start(t, [join(dir, "chat.yaml"), ...slow, ...flags], dynamo.env);
  gateway.tables = tables;
  gateway.person = (options) => Guest.connect(t, gateway.url, options);
  return gateway;
}

// Somebody with a plain WebSocket: answers by their ids, events in order.
export class Guest extends Person {
  static async connect(t, url, options) {
    const guest = new Guest(url, options);
    t.after(() => guest.socket.terminate());
    await guest.open;
    return guest;
  }

  constructor(url, options) {
    super(url, options);
    this.ids = 0;
    this.said = []; // everything that came, arrays unpacked
    this.socket.on("message", (data) => {
      const json = JSON.parse(String(data));
      this.said.push(...(Array.isArray(json) ? json : [json]));
    });
  }

  // What the command is answered; an error is thrown, with its code: "gateway" if it is API
  // Gateway's, which says of the function that it has failed.
  async call(action, parameters = {}) {
    const id = ++this.ids;
    const before = this.said.length;
    this.say({ action, id, ...parameters });
    const answer = await until(`${action} was answered`, () =>
      this.said.find((one, i) => (one.id === id && (one.ok || one.error)) || (i >= before && one.connectionId)),
    );
    if (answer.connectionId) throw Object.assign(new Error(answer.message), { code: "gateway" });
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
    return answer.ok;
  }

  events(name, room) {
    return this.said.filter((one) => one.event === name && (room === undefined || one.room === room));
  }

  event(name, fits = () => true) {
    return until(`the event ${name} came`, () => this.said.find((one) => one.event === name && fits(one)));
  }

  async login(name) {
    const { user, token } = await this.call("login", { name });
    Object.assign(this, { user, token });
    return this;
  }

  // How many frames came with several in them.
  get arrays() {
    return this.frames.filter((frame) => frame.startsWith("[")).length;
  }
}
