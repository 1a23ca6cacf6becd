// A Redis cluster of the test's own: three primaries, and a replica of the first.
import { freePort } from "../integration/lib/server.mjs";
import { until } from "../integration/lib/suite.mjs";
import { Redis, url } from "./redis.mjs";

const PRIMARIES = 3;
const SLOTS = 16384;
const first = (primary) => Math.floor((primary * SLOTS) / PRIMARIES);

export class RedisCluster {
  static async start() {
    const cluster = new RedisCluster();
    cluster.nodes = [];
    while (cluster.nodes.length < PRIMARIES + 1) {
      const bus = await freePort();
      const node = await Redis.start({
        "cluster-enabled": "yes",
        "cluster-node-timeout": 700,
        "cluster-port": bus,
        "repl-diskless-sync-delay": 0,
      });
      cluster.nodes.push(Object.assign(node, { bus, slots: new Set() }));
    }
    await cluster.meet();
    return cluster;
  }

  async meet() {
    const [one] = this.nodes;
    for (const [i, node] of this.nodes.entries()) {
      node.id = (await node.answer("CLUSTER", "MYID")).split("\r\n")[1];
      await node.say("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
      if (i < PRIMARIES)
        await node.say("CLUSTER", "ADDSLOTSRANGE", String(first(i)), String(first(i + 1) - 1));
      await one.say("CLUSTER", "MEET", "127.0.0.1", String(node.port), String(node.bus));
    }
    for (const node of this.nodes) await node.has(`cluster_known_nodes:${this.nodes.length}`, "CLUSTER", "INFO");
    await this.nodes[PRIMARIES].say("CLUSTER", "REPLICATE", one.id);
    for (const node of this.nodes) await node.has("cluster_state:ok", "CLUSTER", "INFO");
    await this.nodes[PRIMARIES].has("master_link_status:up", "INFO", "replication");
    this.pair = [one, this.nodes[PRIMARIES]]; // who serves, and its replica
  }

  // As --bus wants it; one of them may be down.
  get url() {
    return this.nodes.slice(1, 3).map(({ port }) => url(port)).join();
  }

  // The slot of every channel that somebody listens to goes to the next primary.
  async moveSlots() {
    const primaries = [this.pair[0], this.nodes[1], this.nodes[2]];
    const moved = new Set();
    for (const [i, from] of primaries.entries()) {
      const to = primaries[(i + 1) % PRIMARIES];
      const answer = await from.answer("PUBSUB", "SHARDCHANNELS");
      for (const channel of answer.split("\r\n").filter((line) => line.includes(":{"))) {
        const slot = (await from.say("CLUSTER", "KEYSLOT", channel)).slice(1);
        if (moved.has(slot)) continue;
        moved.add(slot);
        await to.say("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
        await from.say("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
        await to.say("CLUSTER", "SETSLOT", slot, "NODE", to.id);
        await from.say("CLUSTER", "SETSLOT", slot, "NODE", to.id);
      }
    }
    return moved.size;
  }

  // The replica has taken over.
  async tookOver() {
    const [, replica] = this.pair;
    await replica.has("role:master", "INFO", "replication");
    this.pair.reverse();
  }

  // Who was replaced has heard of it.
  async follows() {
    await this.pair[1].has("master_link_status:up", "INFO", "replication");
  }

  async close() {
    for (const node of this.nodes) await node.close();
  }
}
