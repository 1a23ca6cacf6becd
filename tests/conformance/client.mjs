// A WebSocket client on a bare socket: sends any bytes, writes down what comes back.
import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { Deflate, OP, Reader, closeCodeAllowed, closePayload, frame, readAnswer } from "./wire.mjs";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const utf8 = new TextDecoder("utf-8", { fatal: true });

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const breath = () => new Promise((resolve) => setImmediate(resolve));

// "message text …", "message binary …", "ping …", "pong …": how events are compared.
export function event(kind, payload) {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(payload);
  const hash = createHash("sha1").update(bytes).digest("hex");
  const shown = bytes.length <= 40 ? bytes.toString("latin1") : hash;
  return `${kind} ${bytes.length} ${shown}`;
}

export class Client {
  // behind: bytes sent with the handshake, before it is answered.
  constructor(port, { offer = "", path = "/", behind = Buffer.alloc(0) } = {}) {
    Object.assign(this, { offer, path, behind });
    this.events = [];
    this.closeCode = undefined; // of the server's close frame; null: it had none
    this.closedByServer = false; // it was the first to send one
    this.sentClose = this.ended = this.reset = false;
    this.broken = undefined; // what the server did that it must not
    this.waiting = new Set();
    this.parts = [];
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    this.socket.on("error", (e) => (this.reset ||= e.code === "ECONNRESET" || e.code === "EPIPE"));
    this.socket.on("end", () => this.note(() => (this.ended = true)));
    this.socket.on("close", () => this.note(() => (this.ended = true)));
  }

  note(change) {
    change();
    for (const look of [...this.waiting]) look();
  }
  // True once condition() is; false after `ms` without.
  until(condition, ms) {
    return new Promise((resolve) => {
      const finish = (result) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve(result);
      };
      const look = () => condition() && finish(true);
      const timer = setTimeout(() => finish(false), ms);
      this.waiting.add(look);
      look();
    });
  }

  async open() {
    const key = randomBytes(16).toString("base64");
    const extensions = this.offer ? `Sec-WebSocket-Extensions: ${this.offer}\r\n` : "";
    const request =
      `GET ${this.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n` +
        `Connection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n` +
        `${extensions}\r\n`;
    this.socket.write(Buffer.concat([Buffer.from(request), this.behind]));
    let head = Buffer.alloc(0);
    const done = await new Promise((resolve) => {
      const take = (chunk) => {
        head = Buffer.concat([head, chunk]);
        const at = head.indexOf("\r\n\r\n");
        if (at < 0) return;
        this.socket.off("data", take);
        this.begin(head.subarray(at + 4));
        head = head.subarray(0, at);
        resolve(true);
      };
      this.socket.on("data", take);
      this.socket.once("close", () => resolve(false));
    });
    if (!done) throw new Error("closed during the handshake");
    this.check(head.toString("latin1"), key);
    return this;
  }

  check(head, key) {
    const [status, ...lines] = head.split("\r\n");
    const field = new Map(
      lines.map((l) => [l.slice(0, l.indexOf(":")).toLowerCase(), l.slice(l.indexOf(":") + 1).trim()]),
    );
    const accept = createHash("sha1").update(key + GUID).digest("base64");
    if (!status.startsWith("HTTP/1.1 101 ")) throw new Error(status);
    if (field.get("upgrade")?.toLowerCase() !== "websocket") throw new Error("no Upgrade");
    if (field.get("connection")?.toLowerCase() !== "upgrade") throw new Error("no Connection");
    if (field.get("sec-websocket-accept") !== accept) throw new Error("wrong accept");
    this.answer = field.get("sec-websocket-extensions");
    if (this.answer !== undefined) this.deflate = new Deflate(readAnswer(this.answer, this.offer));
  }

  begin(rest) {
    const reader = new Reader((head, payload) => this.take(head, payload));
    const push = (chunk) =>
      this.note(() => {
        if (this.broken) return;
        try {
          reader.push(chunk);
        } catch (e) {
          this.broken = e.message;
        }
      });
    this.socket.on("data", push);
    if (rest.length > 0) push(rest);
  }

  take(h, payload) {
    if (this.closeCode !== undefined) throw new Error("a frame after the close frame");
    if (h.opcode === OP.CLOSE) this.takeClose(h, payload);
    else if (h.opcode >= 8) this.takeControl(h, payload);
    else this.takeData(h, payload);
  }
  takeControl(h, payload) {
    if (h.rsv !== 0) throw new Error("reserved bit on a control frame");
    this.events.push(event(h.opcode === OP.PING ? "ping" : "pong", payload));
  }
  takeClose(h, payload) {
    if (h.rsv !== 0) throw new Error("reserved bit on a close frame");
    if (payload.length === 1) throw new Error("close code cut short");
    this.closeCode = payload.length === 0 ? null : payload.readUInt16BE();
    if (payload.length > 0 && !closeCodeAllowed(this.closeCode))
      throw new Error(`close code ${this.closeCode} sent`);
    utf8.decode(payload.subarray(2));
    if (this.sentClose) return;
    this.closedByServer = true;
    this.sentClose = true;
    if (!this.socket.destroyed) this.socket.write(frame(OP.CLOSE, payload.subarray(0, 2)));
  }
  takeData(h, payload) {
    if ((h.opcode === OP.CONT) !== this.parts.length > 0) throw new Error("fragments out of order");
    if ((h.rsv & 3) !== 0 || (h.rsv === 4 && (!this.deflate || h.opcode === OP.CONT)))
      throw new Error(`reserved bits ${h.rsv}`);
    if (h.opcode !== OP.CONT) this.first = h;
    this.parts.push(payload);
    if (!h.fin) return;
    let all = this.parts.length === 1 ? payload : Buffer.concat(this.parts);
    this.parts = [];
    if (this.first.rsv === 4) {
      all = this.deflate.unpack(all);
      this.compressedIn = (this.compressedIn ?? 0) + 1;
    }
    if (this.first.opcode === OP.TEXT) utf8.decode(all);
    this.last = all;
    this.count = (this.count ?? 0) + 1;
    if (!this.uncounted)
      this.events.push(event(this.first.opcode === OP.TEXT ? "message text" : "message binary", all));
  }

  // Bytes as one write, or cut into pieces of `chop` that the kernel sends one by one.
  async write(bytes, { chop = 0 } = {}) {
    if (this.socket.destroyed) return;
    if (chop === 0) {
      this.socket.write(bytes);
      return;
    }
    for (let at = 0; at < bytes.length && !this.socket.destroyed; at += chop) {
      this.socket.write(bytes.subarray(at, at + chop));
      await breath();
    }
  }
  async send(opcode, payload, options = {}) {
    await this.write(frame(opcode, payload, options), options);
  }
  // A message, compressed if that was agreed on, in frames of at most `fragment` bytes.
  message(opcode, payload, fragment = 0) {
    const body = this.deflate ? this.deflate.pack(payload) : payload;
    const step = fragment || Math.max(body.length, 1);
    const frames = [];
    for (let at = 0; at === 0 || at < body.length; at += step)
      frames.push(
        frame(at === 0 ? opcode : OP.CONT, body.subarray(at, at + step), {
          fin: at + step >= body.length,
          rsv: this.deflate && at === 0 ? 4 : 0,
        }),
      );
    return frames.length === 1 ? frames[0] : Buffer.concat(frames);
  }
  async close(code = 1000, reason = "") {
    this.sentClose = true;
    await this.send(OP.CLOSE, closePayload(code, reason));
  }
  // Ends our half, once everything is over.
  finish() {
    this.socket.end();
    this.socket.destroy();
  }
}
