// What tests need of an emulator: one that is shared, tables of their own in it, the
// program beside it.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { spawn } from "node:child_process";
import { PROGRAM } from "../../integration/lib/server.mjs";
import { hasJava, KEYS } from "./dynamo.mjs";

// An emulator in Java beside everything else may be very slow; to ask it again would not help.
const PATIENT = { POLYLOG_DYNAMODB_TRY: "20s", POLYLOG_DYNAMODB_DEADLINE: "1m" };

let serial = 0;

// { url, env, prefix, sdk }; engine: "local" or "dynalite".
export async function use(t, engine = "local") {
  if (engine === "local" && !hasJava()) t.skip("java is missing");
  const { url, env } = await t.shared.get(engine);
  const credentials = { accessKeyId: KEYS.AWS_ACCESS_KEY_ID, secretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY };
  const sdk = new DynamoDBClient({ endpoint: url, region: KEYS.AWS_REGION, credentials });
  t.after(() => sdk.destroy());
  return { url, sdk, prefix: `t${process.pid}-${++serial}`, env: { ...env, ...PATIENT } };
}

// The program with args to its end: resolves to { code, out, err }; its process is child.
export function run(args, env = {}, program = PROGRAM) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const run = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (run.out += chunk));
  child.stderr.on("data", (chunk) => (run.err += chunk));
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ ...run, code: signal ?? code }));
  });
  return Object.assign(ended, { child });
}

// `polylog store init|check` on the tables of d.
export function store(d, action, env = {}) {
  return run(["store", action, "--dynamodb-prefix", d.prefix, "--patience", "1m"], { ...d.env, ...env });
}

// A server on the tables of d, which are made if they are not there.
export async function serve(t, d, flags = {}, env = {}) {
  const { code, err } = await store(d, "init");
  if (code !== 0) throw new Error(err);
  return t.start({ store: "dynamodb", "dynamodb-prefix": d.prefix, ...flags }, { env: { ...d.env, ...env } });
}
