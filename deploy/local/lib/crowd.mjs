// A crowd of clients of the web app's library (crowd_clients.mjs) as a part of a topology.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Problem, ROOT } from "./stage.mjs";

const FROM = join(ROOT, "tests/integration"); // its client library of WebSockets

function install() {
  const [made, lock] = [join(FROM, "node_modules/.package-lock.json"), join(FROM, "package-lock.json")];
  if (existsSync(made) && statSync(made).mtimeMs >= statSync(lock).mtimeMs) return;
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  execFileSync("npm", args, { cwd: FROM, stdio: ["ignore", "ignore", "inherit"] });
}

// The web app's library as one file beside the program that uses it.
async function bundle(stage) {
  const { build } = createRequire(join(ROOT, "web/package.json"))("esbuild");
  await build({
    entryPoints: [join(ROOT, "web/src/lib/index.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node18",
    outfile: stage.file("crowd_library.mjs"),
    logLevel: "warning",
  });
  copyFileSync(new URL("crowd_clients.mjs", import.meta.url), stage.file("crowd_clients.mjs"));
}

// settings: server (the WebSocket), logins (where people log in: HTTP, or a WebSocket), clients,
// people, rooms, rate; hurry: how much faster clocks run. Resolves to the crowd; `now` is what it has
// counted.
export async function crowd(stage, settings) {
  install();
  await bundle(stage);
  const all = { run: Date.now().toString(36), ...settings };
  const child = spawn(process.execPath, [stage.file("crowd_clients.mjs"), JSON.stringify(all)], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, CROWD_REQUIRE: join(FROM, "package.json") },
  });
  const part = { name: "the crowd", child, ended: undefined, now: undefined, arrived: false, err: "" };
  child.stderr.on("data", (chunk) => (part.err = (part.err + chunk).slice(-4000)));
  child.stdin.on("error", () => undefined);
  createInterface(child.stdout).on("line", (line) => {
    part.now = JSON.parse(line);
    part.arrived ||= part.now.arrived === true;
  });
  part.end = new Promise((resolve) =>
    child.once("close", (code, signal) => resolve((part.ended = signal ?? code))),
  );
  part.stop = async () => {
    child.stdin.write("stop\n");
    await part.end;
    if (!part.now?.done) throw new Problem(`the crowd has ended (${part.ended})\n${part.err}`);
    return part.now;
  };
  stage.children.push(part);
  return part;
}
