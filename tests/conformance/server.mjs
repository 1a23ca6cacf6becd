// The program under test, and what it costs.
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PROGRAM =
  process.env.POLYLOG ?? fileURLToPath(new URL("../../build/polylog", import.meta.url));

export async function start(command, flags = []) {
  const child = spawn(PROGRAM, [command, "--listen", "127.0.0.1:0", ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  let said = "";
  const port = await new Promise((resolve, reject) => {
    const look = (chunk) => {
      said += chunk;
      const found = /(?:echoes|serves the chat) at http:\/\/[^\s:]+:(\d+)/.exec(said);
      if (found) resolve(Number(found[1]));
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    ended.then((code) => reject(new Error(`the server ended with ${code}:\n${said}`)));
  });
  return {
    port,
    said: () => said,
    descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length,
    memory_kib: () => Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`))[1]),
    async stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}
