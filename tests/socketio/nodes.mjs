// Two nodes that are one chat, on DynamoDB Local and a real Redis, behind HAProxy, which
// gives each request to the next of them, whoever has its session.
import { execFile, execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Redis } from "../cluster/redis.mjs";
import { hasJava, startDynamo } from "../emulators/lib/dynamo.mjs";
import { PROGRAM, Server, freePort } from "../integration/lib/server.mjs";
import { until } from "../integration/lib/suite.mjs";

const SECRET = "one secret that all the nodes share";

function isInstalled(program) {
  try {
    execFileSync(program, ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

// What is not on this machine; undefined: nothing.
export function missing() {
  if (!hasJava()) return "java";
  return ["redis-server", "haproxy"].find((program) => !isInstalled(program));
}

export class Nodes {
  static async start() {
    const nodes = new Nodes();
    nodes.list = [];
    try {
      nodes.dynamo = await startDynamo();
      nodes.redis = await Redis.start();
      await nodes.begin();
    } catch (error) {
      await nodes.close();
      throw error;
    }
    return nodes;
  }

  async begin() {
    const env = { ...process.env, ...this.dynamo.env };
    await promisify(execFile)(PROGRAM, ["store", "init"], { env });
    for (let i = 0; i < 2; i++) {
      const flags = {
        store: "dynamodb",
        bus: `redis://127.0.0.1:${this.redis.port}`,
        "token-secret": SECRET,
        open: true,
        "trusted-proxies": "127.0.0.1",
        listen: `127.0.0.1:${await freePort()}`,
        "sio-ping-interval": "1s", // a GET that waits is answered
        "sio-ping-timeout": "1h", // nobody is too slow
      };
      const server = await Server.start(flags, { env });
      server.port = Number(flags.listen.split(":")[1]);
      this.list.push(server);
    }
    await this.whole();
    await this.balance();
  }

  // What waits for a node that was killed, or for a client that hears nothing, waits so long.
  async patience(time) {
    for (const node of this.list)
      if (node.flags["sio-ping-timeout"] !== time) await node.restart({ "sio-ping-timeout": time });
    await this.whole();
  }

  // Every node knows of the other.
  async whole() {
    for (const node of this.list)
      await until("the nodes know each other", async () => (await node.metrics())("polylog_bus_nodes") === 1);
  }

  async balance() {
    this.port = await freePort();
    const file = join(this.list[0].dir, "haproxy.cfg");
    const servers = this.list.map(({ port }, i) => `  server n${i} 127.0.0.1:${port} check`);
    const lines = [
      "defaults\n  mode http\n  retries 2\n  option redispatch",
      ...["connect", "client", "server", "tunnel"].map((what) => `  timeout ${what} 3m`),
      `frontend front\n  bind 127.0.0.1:${this.port}\n  default_backend nodes`,
      "backend nodes\n  balance roundrobin\n  option httpchk GET /ready",
      "  default-server inter 100ms fall 1 rise 1 on-marked-down shutdown-sessions",
      ...servers,
    ];
    writeFileSync(file, `${lines.join("\n")}\n`);
    this.proxy = spawn("haproxy", ["-f", file], { stdio: "ignore" });
    this.url = `http://127.0.0.1:${this.port}`;
    await until("the balancer answers", () => fetch(`${this.url}/ready`).then((r) => r.ok, () => false));
  }

  // The sum over the nodes.
  async metric(sample) {
    const all = await Promise.all(this.list.map((node) => node.metrics()));
    return all.reduce((sum, metric) => sum + (metric(sample) ?? 0), 0);
  }

  async close() {
    this.proxy?.kill("SIGKILL");
    for (const node of this.list) await node.close();
    await this.redis?.close();
    await this.dynamo?.stop();
  }
}

let started;

// The two that all tests have.
export function shared() {
  return (started ??= Nodes.start());
}

export async function close() {
  await (await started?.catch(() => undefined))?.close();
}
