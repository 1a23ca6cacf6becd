// Several nodes that are one chat, each with a way of its own to a DynamoDB emulator and
// to a real Redis, or to a cluster of them. To the crowd of people it looks like one server, of which each
// connection finds whichever node is there.
import { execFileSync } from "node:child_process";
import { PROGRAM, Server, freePort } from "../integration/lib/server.mjs";
import { until } from "../integration/lib/suite.mjs";
import { startDynamo } from "../emulators/lib/dynamo.mjs";
import { Flaky } from "./flaky.mjs";
import { Pipe } from "./pipe.mjs";
import { Redis, url } from "./redis.mjs";
import { RedisCluster } from "./redis_cluster.mjs";

const SECRET = "one secret that all the nodes share";

export class Cluster {
  static async start(n, sharded, pick) {
    const cluster = new Cluster();
    cluster.sharded = sharded;
    cluster.pick = pick;
    cluster.nodes = [];
    cluster.counts = {}; // of the store's faults
    try {
      await cluster.begin(n);
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  async begin(n) {
    this.dynamo = await startDynamo();
    this.redis = await (this.sharded ? RedisCluster : Redis).start();
    if (!this.sharded) this.replica = await Redis.start({ replicaof: `127.0.0.1 ${this.redis.port}` });
    const env = { ...process.env, ...this.dynamo.env };
    execFileSync(PROGRAM, ["store", "init"], { env, stdio: ["ignore", "ignore", "inherit"] });
    while (this.nodes.length < n) this.nodes.push(await this.node());
  }

  // What befalls the store, for all nodes.
  set faults(faults) {
    for (const { flaky } of this.nodes) flaky.faults = faults;
  }

  async node() {
    const way = this.sharded ? undefined : await Pipe.open(this.redis.port);
    const flaky = await Flaky.open(this.dynamo.port, this.counts);
    const env = { ...this.dynamo.env, AWS_ENDPOINT_URL_DYNAMODB: flaky.url };
    const flags = {
      store: "dynamodb",
      bus: this.sharded ? this.redis.url : url(way.port),
      "token-secret": SECRET,
      "drain-ms": "500ms",
      "commands-in-flight": 64,
      "unproven-after": "10s",
      listen: `127.0.0.1:${await freePort()}`,
    };
    const server = await Server.start(flags, { env });
    server.port = Number(flags.listen.split(":")[1]);
    return Object.assign(server, { way, flaky });
  }

  get log() {
    return this.nodes.map((node) => node.log.slice(-1500)).join("\n--\n");
  }

  any() {
    return this.pick(this.nodes);
  }

  login(name) {
    return this.any().login(name);
  }

  connect(token) {
    return this.any().connect(token);
  }

  // Of each node: is the bus as it should be?
  async whole(yes = true) {
    await until(`the nodes are ${yes ? "whole" : "degraded"}`, async () => {
      const all = await Promise.all(
        this.nodes.map(async (node) => {
          const response = await node.fetch("/health");
          if (response.status !== 200) throw new Error(`/health of a node says ${response.status}`);
          return (await response.json()).status;
        }),
      );
      return all.every((status) => (status === "ok") === yes);
    });
  }

  // Of each node.
  async metric(name) {
    const texts = await Promise.all(this.nodes.map(async (node) => (await node.fetch("/metrics")).text()));
    return texts.map((text) => Number(text.match(new RegExp(`^${name} (.*)$`, "m"))?.[1]));
  }

  async drop(node) {
    await node.close();
    await node.way?.close();
    await node.flaky.close();
  }

  async close() {
    for (const node of this.nodes) await this.drop(node);
    await this.replica?.close();
    await this.redis?.close();
    await this.dynamo?.stop();
  }
}
