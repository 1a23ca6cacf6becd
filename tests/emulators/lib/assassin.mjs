// In front of an emulator: kills the program at a certain call of the service, or does
// something else then: `instead`.
import { createServer, request } from "node:http";
import { run } from "./use.mjs";

export const WRITES = /\.(PutItem|UpdateItem|TransactWriteItems|BatchWriteItem)$/;
export const SCANS = /\.Scan$/;

export class Assassin {
  static async start(t, url) {
    const it = new Assassin();
    it.server = createServer((asked, answer) => it.pass(url, asked, answer));
    await new Promise((resolve) => it.server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      it.server.close();
      it.server.closeAllConnections();
    });
    it.url = `http://127.0.0.1:${it.server.address().port}`;
    return it;
  }

  async pass(url, asked, answer) {
    if (this.calls.test(asked.headers["x-amz-target"] ?? "") && --this.left === 0) {
      if (this.instead !== undefined) {
        await this.instead();
      } else {
        this.child.kill("SIGKILL");
        if (this.at % 2 === 0) return asked.resume();
      }
    }
    const on = request(url, { method: asked.method, headers: asked.headers });
    on.on("response", (got) => (answer.writeHead(got.statusCode, got.rawHeaders), got.pipe(answer)));
    on.on("error", () => answer.destroy());
    answer.on("error", () => undefined);
    return asked.pipe(on);
  }

  // It is killed when it makes so many calls. Of an odd one nobody knows: it is done, but
  // the answer comes too late; an even one is not done.
  async run(at, env, args, calls = WRITES) {
    this.at = this.left = at;
    this.calls = calls;
    const ended = run(args, { ...env, AWS_ENDPOINT_URL_DYNAMODB: this.url });
    this.child = ended.child;
    return ended;
  }
}
