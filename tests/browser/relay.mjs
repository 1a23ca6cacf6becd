// Plays API Gateway between pages and the server: a WebSocket at /prod and nothing else, which
// a page cannot ask over HTTP. What comes for a page within a moment goes as one frame, an
// array; connections do not last; what a story wants to fail fails.
import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";

const STAGE = "/prod";
const FRAME_MAX = 32 * 1024;
const GATHER_MS = 15;
const HOURS_2 = 7_200_000;
const LATE_MS = 60_000; // who has not moved by then does not move

// Runs what with a relay to the server, and closes it however that ends.
export async function withRelay(server, what) {
  const relay = await Relay.to(server);
  try {
    await what(relay);
  } finally {
    relay.close();
  }
}

const isEntry = (frame) => typeof frame.event === "string" && "seq" in frame && frame.event !== "read";

class Relay {
  static async to(server) {
    const relay = new Relay();
    relay.server = server;
    relay.lifetime = HOURS_2;
    relay.links = []; // all that there were
    relay.twice = false; // every entry comes a second time
    relay.lose = () => false; // which entries do not come
    relay.down = false; // nobody is behind it
    relay.failures = []; // of commands: { action, text, done: it reaches the server nevertheless }
    relay.held = undefined; // answers of join that are kept back
    relay.seen = []; // commands that came from pages
    relay.http = createServer((_, response) => response.writeHead(403).end('{"message":"Forbidden"}'));
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    relay.http.on("upgrade", (request, socket, head) => {
      if (request.url !== STAGE) socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
      else sockets.handleUpgrade(request, socket, head, (near) => relay.links.push(new Link(relay, near)));
    });
    await new Promise((resolve) => relay.http.listen(0, "localhost", resolve));
    relay.url = `ws://localhost:${relay.http.address().port}${STAGE}`;
    return relay;
  }

  get open() {
    return this.links.filter(({ closed }) => closed === undefined);
  }

  // The next command of that kind fails, and the gateway says so in its own words.
  fail(action, text, done) {
    this.failures.push({ action, text, done });
  }

  hold() {
    this.held = [];
  }

  release() {
    for (const give of this.held.splice(0)) give();
    this.held = undefined;
  }

  // Ends every connection, as after two hours.
  cut() {
    for (const { near } of this.open) near.close(1001, "Going away");
  }

  close() {
    for (const { near } of this.open) near.terminate();
    this.http.close();
    this.http.closeAllConnections();
  }
}

// One page's connection, and the one to the server behind it.
class Link {
  constructor(relay, near) {
    Object.assign(this, { relay, near, array: false, gathered: [], sizes: [], entries: [] });
    this.id = `${Math.random().toString(36).slice(2, 13)}=`;
    this.asked = new Map(); // which commands are on their way, by id
    this.swallowed = new Set(); // whose answers do not come
    near.on("message", (data, binary) => this.fromPage(data, binary));
    near.on("close", (code) => {
      this.closed = code;
      clearTimeout(this.cut);
      this.far.close();
    });
    this.far = new WebSocket(`ws://127.0.0.1:${relay.server.port}/ws`);
    this.far.on("message", (data) => this.fromServer(JSON.parse(String(data))));
    this.far.on("error", () => undefined);
    // The gateway holds the socket; a server that is gone shows at the next command only.
    this.opened = new Promise((resolve) => {
      this.far.once("open", resolve);
      this.far.once("close", resolve);
    });
  }

  async fromPage(data, binary) {
    if (binary) return this.near.close(1003);
    if (data.length >= FRAME_MAX) return this.near.close(1009);
    await this.opened; // nothing overtakes: each waits for the same
    const command = JSON.parse(String(data));
    this.relay.seen.push(command);
    const at = this.relay.failures.findIndex(({ action }) => action === command.action);
    const failure = this.relay.failures[at];
    if (failure !== undefined) this.relay.failures.splice(at, 1);
    if (this.relay.down || this.far.readyState !== WebSocket.OPEN) return this.says("Internal server error");
    if (failure !== undefined) {
      if (failure.done) this.swallowed.add(command.id);
      else return this.says(failure.text);
    }
    if (command.action === "auth") this.array = command.array === true;
    if (["login", "ways"].includes(command.action)) await this.byHttp(command);
    else {
      this.asked.set(command.id, command.action);
      this.far.send(JSON.stringify(command));
    }
    if (failure !== undefined) this.says(failure.text);
  }

  // How many entries of the room went to the page.
  brought(room) {
    return this.entries.filter((entry) => entry.room === room).length;
  }

  says(message) {
    this.send({ message, connectionId: this.id, requestId: String(this.relay.seen.length) });
  }

  // Before there is a session: the server's own WebSocket takes no login, so that names are no way there.
  async byHttp({ id, action, ...params }) {
    const ok = await this.relay.server.command(action, params);
    this.send({ id, ok });
  }

  fromServer(frame) {
    const action = this.asked.get(frame.id);
    if (action === "auth" && frame.ok !== undefined) this.lasts(frame.ok);
    if (typeof frame.id === "number" && this.swallowed.delete(frame.id)) return;
    if (action === "join" && this.relay.held !== undefined) {
      this.relay.held.push(() => this.send(frame));
      return;
    }
    if (isEntry(frame) && this.relay.lose(frame, this)) return;
    if (isEntry(frame)) this.entries.push(frame);
    this.send(frame);
    if (isEntry(frame) && this.relay.twice) this.send(frame);
  }

  // The page is told; the cut comes later than that, as a machine may be slow.
  lasts(answer) {
    answer.lifetime = this.relay.lifetime;
    this.cut ??= setTimeout(() => this.near.close(1001, "Going away"), answer.lifetime + LATE_MS);
  }

  send(frame) {
    this.gathered.push(frame);
    if (this.gathered.length === 1) setTimeout(() => this.flush(), GATHER_MS);
  }

  flush() {
    const all = this.gathered.splice(0);
    if (this.near.readyState !== WebSocket.OPEN) return;
    this.sizes.push(all.length);
    if (this.array && all.length > 1) this.near.send(JSON.stringify(all));
    else for (const one of all) this.near.send(JSON.stringify(one));
  }
}
