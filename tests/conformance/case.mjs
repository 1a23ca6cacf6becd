// What a case may expect of the server, judged as the Autobahn testsuite judges it:
// the events in order, who closed, with which code, and who let go of TCP.
import { Client, pause } from "./client.mjs";

// A slow machine is no failure; not letting go is.
const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 60_000);
const SERVER_DROP_MS = Number(process.env.SERVER_DROP_MS ?? 60_000);

export class Failed extends Error {}
export const fail = (why) => {
  throw new Failed(why);
};

export class Trial {
  constructor(port) {
    this.port = port;
    this.clients = [];
    this.notes = [];
  }
  async open(options) {
    const client = new Client(this.port, options);
    this.clients.push(client);
    return client.open();
  }
  end() {
    for (const client of this.clients) client.finish();
  }

  // The events come exactly so; then we close, it answers with `code` and lets go.
  async echoes(c, events, { code = 1000, patience = PATIENCE_MS } = {}) {
    await c.until(() => c.events.length >= events.length || c.ended || c.broken, patience);
    if (!c.sentClose) await c.close(code);
    await this.closes(c, events, { code, byServer: false });
  }
  // The events come exactly so, then the server fails the connection with `code`.
  async refuses(c, events, code) {
    await this.closes(c, events, { code, byServer: true });
  }
  async closes(c, events, { code, byServer, anyEvents = false }) {
    await c.until(() => c.closeCode !== undefined || c.ended || c.broken, PATIENCE_MS);
    const dropped = await c.until(() => c.ended || c.broken, SERVER_DROP_MS);
    if (c.broken) fail(`the server broke the protocol: ${c.broken}`);
    if (!anyEvents && c.events.join("\n") !== events.join("\n"))
      fail(`got [${c.events.join(", ")}], expected [${events.join(", ")}]`);
    if (c.closeCode === undefined) fail(c.ended ? "dropped without a close frame" : "not closed");
    if (c.closedByServer !== byServer)
      fail(`closed by ${c.closedByServer ? "the server" : "us"}, expected the other`);
    const codes = [code].flat();
    if (!codes.includes(c.closeCode)) fail(`close code ${c.closeCode}, expected ${codes}`);
    if (!dropped) fail("the server did not let go of TCP");
    if (c.reset) fail("the server reset the connection");
  }
  // Nothing happens for a while: what was sent is acceptable so far.
  async silence(c, events, ms) {
    await pause(ms);
    if (c.broken) fail(`the server broke the protocol: ${c.broken}`);
    if (c.closeCode !== undefined || c.ended) fail("closed too early");
    if (c.events.join("\n") !== events.join("\n"))
      fail(`got [${c.events.join(", ")}] too early, expected [${events.join(", ")}]`);
  }
}
