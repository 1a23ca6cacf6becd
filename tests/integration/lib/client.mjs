// A connection that speaks polylog.v1 over the client library `ws`. Frames are kept
// in the order in which they came; waiting for one never loses another.
import { WebSocket } from "ws";
import { Refused } from "./server.mjs";

const PATIENCE_MS = 180_000; // ends what hangs

export class Client {
  static async connect(url, { protocols = [], ...options } = {}) {
    const client = new Client(new WebSocket(url, protocols, { perMessageDeflate: false, ...options }));
    await client.open;
    return client;
  }

  constructor(socket) {
    this.socket = socket;
    this.frames = []; // everything, in order
    this.taken = new Set(); // those that event() has returned
    this.calls = new Map();
    this.waiting = new Set();
    this.lastId = 0;
    this.open = new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("unexpected-response", (_, response) => {
        const error = new Error(`the upgrade was refused: ${response.statusCode}`);
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => {
          reject(
            Object.assign(error, {
              response,
              status: response.statusCode,
              body: String(Buffer.concat(chunks)),
            }),
          );
        });
      });
      socket.once("error", reject);
    });
    this.open.catch(() => undefined);
    socket.on("error", () => undefined);
    socket.on("message", (data, binary) => this.took(data, binary));
    this.closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        this.closing = { code, reason: String(reason) };
        resolve(this.closing);
        for (const { reject, action } of this.calls.values()) reject(new Error(`${action}: closed: ${code}`));
        this.calls.clear();
        this.look();
      });
    });
  }

  took(data, binary) {
    if (binary) throw new Error("a binary frame came");
    for (const frame of [JSON.parse(data)].flat()) this.tookOne(frame);
  }

  tookOne(frame) {
    this.frames.push(frame);
    const call = this.calls.get(frame.id);
    if (call !== undefined) {
      this.calls.delete(frame.id);
      if (frame.error) call.reject(new Refused(call.action, frame.error));
      else call.resolve(frame.ok);
    }
    this.look();
  }

  look() {
    for (const waiter of this.waiting) waiter();
  }

  write(frame) {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  call(action, params = {}) {
    const id = ++this.lastId;
    const answer = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${action}: no answer`)), PATIENCE_MS);
      const settle = (f) => (value) => (clearTimeout(late), f(value));
      this.calls.set(id, { action, resolve: settle(resolve), reject: settle(reject) });
    });
    answer.catch(() => undefined); // whoever awaits it hears of it
    this.write({ action, id, ...params });
    return answer;
  }

  // The first frame that fits and was not returned before; fits is a function, or
  // what its members must be.
  async event(fits, patience = PATIENCE_MS) {
    const matches = matcher(fits);
    const find = () => this.frames.find((frame) => !this.taken.has(frame) && matches(frame));
    const frame = await this.wait(find, patience, () => describe(fits));
    this.taken.add(frame);
    return frame;
  }

  // All frames that fit, once there are n of them.
  async events(fits, n, patience = PATIENCE_MS) {
    const matches = matcher(fits);
    const find = () => {
      const found = this.frames.filter(matches);
      return found.length >= n ? found : undefined;
    };
    const found = await this.wait(
      find,
      patience,
      () => `${n} of ${describe(fits)}, there are ${this.frames.filter(matches).length}`,
    );
    for (const frame of found) this.taken.add(frame);
    return found;
  }

  wait(find, patience, what) {
    return new Promise((resolve, reject) => {
      const done = () => (clearTimeout(late), this.waiting.delete(look));
      const late = setTimeout(() => {
        done();
        reject(new Error(`nothing came: ${what()}; last: ${JSON.stringify(this.frames.slice(-4))}`));
      }, patience);
      const look = () => {
        const found = find();
        if (found === undefined && this.closing === undefined) return;
        done();
        if (found !== undefined) resolve(found);
        else reject(new Error(`closed (${this.closing.code}) before it came: ${what()}`));
      };
      this.waiting.add(look);
      look();
    });
  }

  // What came of a room's log so far.
  log(room) {
    return this.frames.filter(
      (frame) => frame.room === room && frame.seq !== undefined && LOGGED.has(frame.event),
    );
  }

  // After a round trip everything that was sent before has arrived.
  settle() {
    return this.call("ping");
  }

  close(code = 1000, reason) {
    this.socket.close(code, reason);
    return this.closed;
  }

  kill() {
    this.socket.terminate();
  }
}

const LOGGED = new Set(["message", "edit", "delete", "react", "room", "member", "invite"]);

function matcher(fits) {
  if (typeof fits === "function") return fits;
  return (frame) => Object.entries(fits).every(([name, value]) => frame[name] === value);
}

function describe(fits) {
  return typeof fits === "function" ? String(fits) : JSON.stringify(fits);
}
