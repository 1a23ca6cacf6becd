// The program under test, as a process of its own that can be killed.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../integration/lib/ports.mjs";

const PROGRAM =
  process.env.POLYLOG ?? fileURLToPath(new URL("../../build/polylog", import.meta.url));

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

export class Server {
  // more: as those of start.
  static async create(...more) {
    const server = new Server();
    server.port = await freePort();
    // Where the web app is on an origin of its own: files only (site.mjs).
    server.site = `http://localhost:${await freePort()}`;
    server.data = mkdtempSync(join(tmpdir(), "polylog-browser-"));
    server.url = `http://127.0.0.1:${server.port}/`;
    server.output = "";
    // Nothing is left behind, however this process ends.
    process.on("exit", () => {
      server.child?.kill("SIGKILL");
      rmSync(server.data, { recursive: true, force: true });
    });
    await server.start(...more);
    return server;
  }

  // more: further flags; the last of one kind counts.
  async start(...more) {
    const args = ["serve", "--listen", `127.0.0.1:${this.port}`, "--data", this.data];
    args.push("--messages-burst", "200", "--presence-leave", "500ms", "--drain-ms", "1s");
    args.push("--origins", this.site, ...more);
    this.child = spawn(PROGRAM, args, { env: { ...process.env, POLYLOG_LOGIN: "name" }, stdio: ["ignore", "pipe", "pipe"] });
    this.ended = new Promise((resolve) => this.child.once("exit", resolve));
    const keep = (chunk) => (this.output = (this.output + chunk).slice(-100_000));
    this.child.stdout.on("data", keep);
    this.child.stderr.on("data", keep);
    for (let i = 0; i < 1200; i++) {
      if (this.child.exitCode !== null) break;
      const answer = await fetch(`${this.url}ready`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the server does not come up:\n${this.output}`);
  }

  async kill(signal = "SIGKILL") {
    this.child.kill(signal);
    await this.ended;
  }

  async close() {
    await this.kill();
    rmSync(this.data, { recursive: true, force: true });
  }

  // A command over HTTP, as another program would give it.
  async command(name, parameters, token) {
    const response = await fetch(`${this.url}api/v1/${name}`, {
      method: "POST",
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      body: JSON.stringify(parameters),
    });
    const body = await response.json();
    if (body.error !== undefined) {
      const { code, message } = body.error;
      throw Object.assign(new Error(`${name}: ${code} ${message}`), { code });
    }
    return body;
  }

  async robot(name) {
    const { token, user } = await this.command("login", { name });
    return { user, command: (command, parameters) => this.command(command, parameters, token) };
  }
}
