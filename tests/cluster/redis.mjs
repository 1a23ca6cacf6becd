// A redis-server of the test's own, which can be killed, paused, and follow another.
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { freePort, temporary } from "../integration/lib/server.mjs";
import { until } from "../integration/lib/suite.mjs";

// Who may do what docs/redis.md says is needed, and no more, to any store.
const PASSWORD = "a-secret";
const DOCS = new URL("../../docs/redis.md", import.meta.url);
const USER = readFileSync(DOCS, "utf8")
  .match(/^user (polylog .*)$/m)[1]
  .replace("PASSWORD", PASSWORD)
  .replace("&ID:*", "&*");

// For --bus.
export const url = (port) => `redis://polylog:${PASSWORD}@127.0.0.1:${port}`;

function isWhole(text) {
  const [head, ...more] = text.split("\r\n");
  const n = Number(head.slice(1));
  if (head[0] === "*") return more.length > 2 * n;
  return more.length > 0 && (head[0] !== "$" || n < 0 || text.length >= head.length + n + 4);
}

export class Redis {
  static async start(flags = {}) {
    const redis = new Redis();
    redis.port = await freePort();
    redis.dir = temporary("redis");
    redis.flags = { dir: redis.dir, ...flags };
    await redis.spawn();
    return redis;
  }

  async spawn() {
    const flags = { port: this.port, bind: "127.0.0.1", save: "", appendonly: "no", user: USER, ...this.flags };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, ...String(value).split(" ")]);
    this.child = spawn("redis-server", args, { stdio: "ignore" });
    const { child } = this;
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill); // whatever ends this one
    this.ended = new Promise((resolve) => child.once("close", resolve)).then(() => process.off("exit", kill));
    await until("redis answers", () => this.say("PING").then((line) => line === "+PONG", () => false));
  }

  // What it answers, a list of strings at most.
  answer(...words) {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, "127.0.0.1");
      let text = "";
      socket.setTimeout(2000, () => socket.destroy(new Error("redis does not answer")));
      socket.on("error", reject);
      socket.on("data", (data) => {
        text += data;
        if (!isWhole(text)) return;
        socket.destroy();
        resolve(text);
      });
      socket.write(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`);
    });
  }

  // The first line of it.
  async say(...words) {
    return (await this.answer(...words)).split("\r\n")[0];
  }

  // Waits until an answer has that in it.
  has(what, ...words) {
    const look = () => this.answer(...words).then((text) => text.includes(what), () => false);
    return until(`redis says ${what}`, look);
  }

  async stop(signal = "SIGKILL") {
    this.child.kill(signal);
    await this.ended;
  }

  pause() {
    this.child.kill("SIGSTOP");
  }

  resume() {
    this.child.kill("SIGCONT");
  }

  async close() {
    this.child.kill("SIGCONT");
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
