// DynamoDB as it is on a bad day: in front of an emulator, throttles, fails before or
// after the work was done, or does not answer in time.
import { Agent, createServer, request } from "node:http";
import { crc32 } from "node:zlib";

const TYPE = "application/x-amz-json-1.0";
const LATE_MS = 4000;

export class Flaky {
  static async open(port, counts) {
    const flaky = new Flaky();
    flaky.port = port;
    flaky.agent = new Agent({ keepAlive: true });
    flaky.faults = {}; // chances from 0 to 1: throttle, fail, lose, late, reset
    flaky.late_ms = 0; // so far behind its dates are
    flaky.counts = counts;
    flaky.server = createServer((asked, answer) => flaky.take(asked, answer));
    await new Promise((resolve) => flaky.server.listen(0, "127.0.0.1", resolve));
    flaky.url = `http://127.0.0.1:${flaky.server.address().port}`;
    return flaky;
  }

  chance(what) {
    const hit = Math.random() < (this.faults[what] ?? 0);
    if (hit) this.counts[what] = (this.counts[what] ?? 0) + 1;
    return hit;
  }

  async take(asked, answer) {
    const chunks = [];
    for await (const chunk of asked) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (this.chance("reset")) return asked.socket.destroy();
    if (this.chance("throttle"))
      return say(answer, 400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException");
    if (this.chance("fail")) return say(answer, 500, "com.amazonaws.dynamodb.v20120810#InternalServerError");
    const result = await this.forward(asked, body).catch(() => undefined);
    if (result === undefined) return asked.socket.destroy();
    if (this.chance("lose"))
      return say(answer, 500, "com.amazonaws.dynamodb.v20120810#InternalServerError");
    if (this.chance("late")) await new Promise((resolve) => setTimeout(resolve, LATE_MS));
    answer.writeHead(result.status, result.headers);
    answer.end(result.body);
  }

  forward(asked, body) {
    return new Promise((resolve, reject) => {
      const { method, url, headers } = asked;
      const onward = request(
        { port: this.port, host: "127.0.0.1", method, path: url, headers, agent: this.agent },
        async (response) => {
          const chunks = [];
          for await (const chunk of response) chunks.push(chunk);
          const { "transfer-encoding": _, ...rest } = response.headers;
          if (this.late_ms > 0) rest.date = new Date(Date.now() - this.late_ms).toUTCString();
          const all = Buffer.concat(chunks);
          resolve({
            status: response.statusCode,
            headers: { ...rest, "content-length": all.length },
            body: all,
          });
        },
      );
      onward.on("error", reject);
      onward.end(body);
    });
  }

  close() {
    this.agent.destroy();
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

function say(answer, status, type) {
  const body = JSON.stringify({ __type: type, message: "a bad day" });
  const headers = { "Content-Type": TYPE, "Content-Length": body.length };
  if (crc32 !== undefined) headers["x-amz-crc32"] = crc32(body);
  answer.writeHead(status, headers);
  answer.end(body);
}
