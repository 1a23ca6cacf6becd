// A redis-server of the test's own, which can be killed, paused, and follow another.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { freePort, temporary } from "../integration/lib/server.mjs";
import { until } from "../integration/lib/suite.mjs";

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
    const flags = { port: this.port, bind: "127.0.0.1", save: "", appendonly: "no", ...this.flags };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, ...String(value).split(" ")]);
    this.child = spawn("redis-server", args, { stdio: "ignore" });
    const { child } = this;
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill); // whatever ends this one
    this.ended = new Promise((resolve) => child.once("close", resolve)).then(() => process.off("exit", kill));
    await until("redis answers", () => this.say("PING").then((line) => line === "+PONG", () => false));
  }

  // Its first line of an answer.
  say(...words) {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, "127.0.0.1");
      let text = "";
      socket.setTimeout(2000, () => socket.destroy(new Error("redis does not answer")));
      socket.on("error", reject);
      socket.on("data", (data) => {
        text += data;
        if (!text.includes("\r\n")) return;
        socket.destroy();
        resolve(text.slice(0, text.indexOf("\r\n")));
      });
      socket.write(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`);
    });
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
