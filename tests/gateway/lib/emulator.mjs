// An emulator of DynamoDB without a table, for the time of the test. It is a process of its own:
// where it is closed while it does something, it throws.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const DYNALITE = fileURLToPath(new URL("dynalite.mjs", import.meta.url));

// Resolves to its endpoint.
export async function startEmulator(t) {
  const child = spawn(process.execPath, [DYNALITE], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close");
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const [endpoint] = await Promise.race([
    once(createInterface(child.stdout), "line"),
    ended.then(() => Promise.reject(new Error("dynalite did not start"))),
  ]);
  return endpoint;
}
