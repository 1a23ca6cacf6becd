// The program under test: a process with a directory of its own, which can be told
// to stop, killed, and started again on the same port and data.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Client } from "./client.mjs";
import { freePort } from "./ports.mjs";
import { PROGRAM, temporary } from "./program.mjs";
import { until } from "./suite.mjs";

export { PROGRAM, freePort, temporary };

// What would slow tests down or depend on how fast they are, such as a client that a busy
// machine makes late; a test of one of these sets it itself.
const FLAGS = {
  "messages-per-user": 0,
  "connects-per-address": 0,
  "rooms-per-user": 0,
  "commands-in-flight": 0,
  login: "name",
  "presence-leave": "200ms",
  "read-every": "100ms",
  "read-told-every": "100ms",
  "drain-ms": "300ms",
  "log-format": "json",
  "head-timeout": "3m",
  "auth-timeout": "3m",
};

// An error that the server answered.
export class Refused extends Error {
  constructor(action, error, status) {
    super(`${action}: ${error.code}: ${error.message}`);
    Object.assign(this, error, { status });
  }
}

function flatten(flags) {
  return Object.entries(flags)
    .filter(([, value]) => value !== null)
    .flatMap(([name, value]) => [value].flat().map((one) => `--${name}=${one}`));
}

export class Server {
  // The program's flags, null for none. Of the process: `env`, `before` (what runs the
  // program), `inherit` (descriptors from 3 on), `ready` (false: do not wait for it).
  static async start(flags = {}, options = {}) {
    const server = new Server();
    server.port = await freePort();
    server.dir = temporary();
    server.flags = { workers: 2, listen: `127.0.0.1:${server.port}`, ...FLAGS, ...flags };
    server.flags.data ??= join(server.dir, "data");
    server.options = options;
    server.log = "";
    server.clients = new Set();
    try {
      await server.spawn();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get args() {
    return ["serve", ...flatten(this.flags)];
  }

  get pid() {
    return this.child.pid;
  }

  async spawn() {
    const { before = [], env = {}, inherit = [], ready = true } = this.options;
    const [program, ...args] = [...before, PROGRAM, ...this.args];
    this.child = spawn(program, args, {
      cwd: this.dir,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe", ...inherit],
    });
    this.exit = undefined;
    this.out = "";
    this.ended = new Promise((resolve) =>
      this.child.once("close", (code, signal) => resolve((this.exit = signal ?? code))),
    );
    this.child.stdout.on("data", (chunk) => (this.out += chunk));
    this.child.stderr.on("data", (chunk) => (this.log += chunk));
    if (ready) await this.ready();
  }

  async ready() {
    await until("the server is ready", async () => {
      if (this.exit !== undefined) throw new Error(`the server ended: ${this.exit}\n${this.log}`);
      return /serves the chat at|echoes at/.test(this.out + this.log);
    });
  }

  // Resolves to the exit code, or the signal's name.
  async stop(signal = "SIGTERM") {
    if (this.exit === undefined) this.child.kill(signal);
    return this.ended;
  }

  async restart(flags = {}, signal = "SIGTERM") {
    await this.stop(signal);
    Object.assign(this.flags, flags);
    await this.spawn();
  }

  async close() {
    for (const client of this.clients) client.kill();
    if (this.child !== undefined) await this.stop("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  }

  fetch(path, options = {}) {
    return fetch(this.url + path, options);
  }

  // A command over HTTP; throws Refused.
  async command(action, params = {}, token, headers = {}) {
    const response = await this.fetch(`/api/v1/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers, ...(token && { Authorization: `Bearer ${token}` }) },
      body: typeof params === "string" || params instanceof Uint8Array ? params : JSON.stringify(params),
    });
    const body = await response.json();
    if (!response.ok) throw new Refused(action, body.error, response.status);
    return body;
  }

  login(name, more = {}, headers = {}) {
    return this.command("login", { name, ...more }, undefined, headers);
  }

  // A WebSocket: not authenticated unless a token is given.
  async connect(token, options = {}) {
    const client = await Client.connect(`${this.url.replace("http", "ws")}/ws`, options);
    this.clients.add(client);
    if (token !== undefined) client.me = await client.call("auth", { token });
    return client;
  }

  async person(name, options = {}) {
    const { token, user } = await this.login(name);
    const client = await this.connect(token, options);
    return Object.assign(client, { token, user, http: (a, p) => this.command(a, p, token) });
  }

  async metrics() {
    const text = await (await this.fetch("/metrics")).text();
    return (sample) => {
      const line = text.split("\n").find((one) => one.startsWith(`${sample} `));
      return line === undefined ? undefined : Number(line.slice(sample.length + 1));
    };
  }
}
