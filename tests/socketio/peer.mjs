// Somebody who chats with socket.io-client, as it comes from npm.
import { Manager as Current } from "socket.io-client";
import { Pipe } from "../cluster/pipe.mjs";
import { until } from "../integration/lib/suite.mjs";

const PATIENCE_MS = 60_000; // ends what hangs
export const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], both: ["polling", "websocket"] };
const LOGGED = new Set(["message", "edit", "delete", "react", "room", "member", "invite"]);

// The same test, of people who come to that server.
export function at(t, server) {
  return { server, name: (x) => t.name(x), room: (x) => t.room(x), after: (f) => t.after(f) };
}

export class Peer {
  // auth: a token is got for `name` unless one is given. way: to that port, so that its
  // sockets are cut as a network cuts them; else the client closes.
  static async connect(t, name, { transports = "both", nsp = "/", auth, url, way, options = {}, manager, Manager = Current } = {}) {
    const server = await t.server;
    const peer = new Peer();
    peer.name = t.name(name);
    if (auth === undefined) {
      const login = await server.login(peer.name);
      peer.token = login.token;
      peer.user = login.user;
      auth = { token: login.token };
    }
    if (way) {
      peer.way = await Pipe.open(way);
      t.after(() => peer.way.close());
      url = `http://127.0.0.1:${peer.way.port}`;
    }
    peer.manager = manager ?? new Manager(url ?? server.url, {
      transports: TRANSPORTS[transports], timeout: PATIENCE_MS, reconnectionDelay: 10, reconnectionDelayMax: 50, ...options });
    peer.events = [];
    peer.connects = [];
    peer.socket = peer.manager.socket(nsp, { auth });
    peer.socket.onAny((event, body, offset) => peer.events.push({ event, body, offset }));
    peer.socket.on("connect", () => peer.connects.push({ recovered: peer.socket.recovered, id: peer.socket.id }));
    peer.socket.on("connect_error", (error) => (peer.error = error));
    t.after(() => peer.manager._close());
    await until("connected", () => peer.socket.connected || (peer.error && (peer.error.data || !peer.socket.active)), PATIENCE_MS);
    return peer;
  }

  // Resolves to what is under ok; throws what is under error.
  async call(event, ...args) {
    const answer = await this.socket.timeout(PATIENCE_MS).emitWithAck(event, ...args);
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
    return answer.ok;
  }

  // What was shown of a room's log, in order.
  log(room) {
    return this.events.filter(({ event, body }) => LOGGED.has(event) && body.room === room).map(({ body }) => body);
  }
  texts(room) {
    return this.log(room).filter(({ event }) => event === "message").map(({ text }) => text);
  }
  shown(room, n) {
    return until(`${n} messages`, () => this.texts(room).length >= n, PATIENCE_MS).then(() => this.texts(room));
  }
  event(name, fits = () => true) {
    return until(name, () => this.events.find(({ event, body }) => event === name && fits(body)), PATIENCE_MS);
  }

  // Loses the connection, as a network does; the library comes back by itself.
  cut() {
    if (this.way) {
      this.way.set("cut");
      this.socket.once("disconnect", () => this.way.set("open"));
      return;
    }
    const transport = this.manager.engine.transport;
    if (transport.ws) transport.ws.terminate();
    else this.manager.engine.close();
  }
  async back(n) {
    await until("connected again", () => this.connects.length >= n && this.socket.connected, PATIENCE_MS);
    return this.connects.at(-1);
  }
}
