// The program as a child, people who connect to it, and a back end that records what it gets.
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { WebSocket } from "ws";
import { PROGRAM, temporary } from "../../integration/lib/program.mjs";
import { until } from "../../integration/lib/suite.mjs";

export const KEYS = { accessKeyId: "AKIDTEST", secretAccessKey: "a secret of the tests" };

// A directory for the time of the test.
export function directory(t) {
  const dir = temporary("gateway-");
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

// A file in such a directory: its path.
export function file(t, name, text) {
  const path = join(directory(t), name);
  writeFileSync(path, text);
  return path;
}

export class Gateway {
  static async start(t, flags = [], env = {}) {
    const gateway = new Gateway(flags, env);
    t.after(() => gateway.stop());
    await gateway.ready;
    return gateway;
  }

  constructor(flags, env) {
    this.log = "";
    this.out = "";
    this.child = spawn(PROGRAM, ["gateway", "--listen", "127.0.0.1:0", ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
        ...env,
      },
    });
    this.child.stderr.on("data", (data) => (this.log += data));
    this.exited = once(this.child, "close").then(([code]) => (this.code = code));
    this.ready = new Promise((resolve, reject) => {
      this.child.stdout.on("data", (data) => {
        this.out += data;
        const found = /ws:\/\/(\S+)\n/.exec(this.out);
        if (found) resolve((this.at = found[1]));
      });
      this.exited.then(() => reject(new Error(`it ended: ${this.code}\n${this.log}`)));
    });
    this.ready.catch(() => undefined);
  }

  get url() {
    return `ws://${this.at}`;
  }

  get http() {
    return `http://${this.at.split("/")[0]}`;
  }

  api(options = {}) {
    return new ApiGatewayManagementApiClient({
      endpoint: `http://${this.at}`,
      region: "us-east-1",
      credentials: KEYS,
      maxAttempts: 1,
      ...options,
    });
  }

  async metrics() {
    const text = await (await fetch(`${this.http}/metrics`)).text();
    return Object.fromEntries(
      text
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
        .map((line) => [line.split(" ")[0], Number(line.split(" ")[1])]),
    );
  }

  person(t, options) {
    return Person.connect(t, this.url, options);
  }

  async stop(signal = "SIGTERM") {
    this.child.kill(signal);
    await this.exited;
  }
}

export class Person {
  static async connect(t, url, options) {
    const person = new Person(url, options);
    t.after(() => person.socket.terminate());
    await person.open;
    return person;
  }

  constructor(url, { protocols = [], query = "", ...options } = {}) {
    this.frames = [];
    this.socket = new WebSocket(url + query, protocols, { perMessageDeflate: false, ...options });
    this.open = new Promise((resolve, reject) => {
      this.socket.once("open", resolve);
      this.socket.once("error", reject);
      this.socket.once("unexpected-response", async (_, response) => {
        let body = "";
        for await (const chunk of response) body += chunk;
        reject(Object.assign(new Error(`refused: ${response.statusCode}`), { status: response.statusCode, body }));
      });
    });
    this.open.catch(() => undefined);
    this.socket.on("error", () => undefined);
    this.socket.on("message", (data, binary) => this.frames.push(binary ? data : String(data)));
    this.closed = new Promise((resolve) =>
      this.socket.once("close", (code, reason) => resolve({ code, reason: String(reason) })),
    );
  }

  say(what) {
    this.socket.send(typeof what === "string" ? what : JSON.stringify(what));
  }

  // The n-th frame, from 0, once it is there.
  frame(n = 0) {
    return until(`frame ${n} came`, () => this.frames[n]);
  }
}

// A back end: answers what `answer` says, remembers each request.
export class Backend {
  static async start(t, answer = () => ({})) {
    const backend = new Backend(answer);
    backend.server.listen(0, "127.0.0.1");
    await once(backend.server, "listening");
    t.after(() => {
      backend.server.close();
      backend.server.closeAllConnections();
    });
    return backend;
  }

  constructor(answer) {
    this.requests = [];
    this.server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const seen = { method: request.method, url: request.url, headers: request.headers, body };
      this.requests.push(seen);
      const { status = 200, headers = {}, text = "" } = (await answer(seen)) ?? {};
      response.writeHead(status, headers);
      response.end(text);
    });
  }

  get url() {
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  request(fits) {
    return until("a request came", () => this.requests.find(fits));
  }

  event(name) {
    return this.request(({ headers }) => headers["x-ws-event"] === name);
  }
}

// A gateway whose every route goes to one back end.
export async function withBackend(t, answer, flags = []) {
  const backend = await Backend.start(t, answer);
  const routes = ["$connect", "$disconnect", "$default"].flatMap((key) => ["--route", `${key}=${backend.url}/gw`]);
  return { backend, gateway: await Gateway.start(t, [...routes, ...flags]) };
}
