// A socket that is written byte by byte, and what comes back taken apart: HTTP answers
// and WebSocket frames as they are, with nothing made right on the way.
import { createHash, randomBytes } from "node:crypto";
import { connect as netConnect } from "node:net";
import { connect as tlsConnect } from "node:tls";

const PATIENCE_MS = 180_000; // ends what hangs

export class Raw {
  static connect(port, { tls, host = "127.0.0.1", path } = {}) {
    const raw = new Raw();
    raw.bytes = Buffer.alloc(0);
    raw.ended = false;
    raw.waiting = new Set();
    raw.socket = tls ? tlsConnect({ port, host, ...tls }) : netConnect(path ? { path } : { port, host });
    raw.socket.on("error", () => undefined);
    raw.socket.on("data", (chunk) => {
      raw.bytes = Buffer.concat([raw.bytes, chunk]);
      for (const look of raw.waiting) look();
    });
    raw.closed = new Promise((resolve) => {
      raw.socket.once("close", () => {
        raw.ended = true;
        for (const look of raw.waiting) look();
        resolve();
      });
    });
    return new Promise((resolve, reject) => {
      raw.socket.once(tls ? "secureConnect" : "connect", () => resolve(raw));
      raw.socket.once("error", reject);
    });
  }

  write(...parts) {
    for (const part of parts) this.socket.write(part);
    return this;
  }

  // What take makes of the bytes that came; again with more of them while it is undefined.
  read(take, patience = PATIENCE_MS) {
    return new Promise((resolve, reject) => {
      const done = () => (clearTimeout(late), this.waiting.delete(look));
      const late = setTimeout(() => {
        done();
        reject(new Error(`nothing more came behind ${JSON.stringify(String(this.bytes))}`));
      }, patience);
      const look = () => {
        const taken = take(this.bytes);
        if (taken === undefined && !this.ended) return;
        done();
        if (taken === undefined)
          return reject(new Error(`closed behind ${JSON.stringify(String(this.bytes))}`));
        this.bytes = this.bytes.subarray(taken.used);
        resolve(taken.value);
      };
      this.waiting.add(look);
      look();
    });
  }

  // The next HTTP answer; headOnly: it has no body whatever it says.
  answer({ headOnly = false, patience } = {}) {
    return this.read((bytes) => takeAnswer(bytes, headOnly), patience);
  }

  // Everything until the other side closes; throws if it does not.
  async rest(patience = PATIENCE_MS) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`not closed behind ${JSON.stringify(String(this.bytes))}`)),
        patience,
      );
    });
    await Promise.race([this.closed, late]);
    clearTimeout(timer);
    return String(this.bytes);
  }

  // The WebSocket handshake; afterwards frame() and send().
  async upgrade({ path = "/ws", headers = {} } = {}) {
    const key = randomBytes(16).toString("base64");
    const more = Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("");
    this.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${more}\r\n`,
    );
    const answer = await this.answer();
    if (answer.status !== 101)
      throw Object.assign(new Error(`the upgrade was refused: ${answer.status}`), answer);
    const expected = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    if (answer.headers["sec-websocket-accept"] !== expected) throw new Error("wrong Sec-WebSocket-Accept");
    return answer;
  }

  // {fin, rsv1, opcode, payload} of the next frame.
  frame(patience) {
    return this.read(takeFrame, patience);
  }

  send(opcode, payload, { fin = true, rsv = 0, mask = true } = {}) {
    return this.write(frameOf(opcode, payload, { fin, rsv, mask }));
  }

  // The next text frame's JSON, whatever else comes between.
  async json() {
    for (;;) {
      const { opcode, payload } = await this.frame();
      if (opcode === 1) return JSON.parse(payload);
      if (opcode === 8) throw new Error(`closed: ${closeOf(payload).code}`);
    }
  }

  // The close frame's {code, reason}; frames before it are passed over. The socket
  // must be closed behind it.
  async close() {
    for (;;) {
      const { opcode, payload } = await this.frame();
      if (opcode !== 8) continue;
      await this.rest();
      return closeOf(payload);
    }
  }

  kill() {
    this.socket.destroy();
  }
}

function closeOf(payload) {
  return payload.length < 2 ? {} : { code: payload.readUInt16BE(0), reason: String(payload.subarray(2)) };
}

export function frameOf(opcode, payload, { fin = true, rsv = 0, mask = true } = {}) {
  const data = Buffer.from(payload);
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const bit = mask ? 0x80 : 0;
  if (data.length < 126) head.push(bit | data.length);
  else if (data.length < 65536) head.push(bit | 126, data.length >> 8, data.length & 255);
  else head.push(bit | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (data.length >>> shift) & 255));
  if (!mask) return Buffer.concat([Buffer.from(head), data]);
  const key = randomBytes(4);
  return Buffer.concat([Buffer.from(head), key, data.map((byte, i) => byte ^ key[i % 4])]);
}

function takeFrame(bytes) {
  if (bytes.length < 2) return undefined;
  let length = bytes[1] & 127;
  let at = 2;
  if (bytes[1] & 128) throw new Error("a server's frame is masked");
  if (length === 126) [length, at] = [bytes.length < 4 ? Infinity : bytes.readUInt16BE(2), 4];
  else if (length === 127)
    [length, at] = [bytes.length < 10 ? Infinity : Number(bytes.readBigUInt64BE(2)), 10];
  if (bytes.length < at + length) return undefined;
  const [first] = bytes;
  return {
    used: at + length,
    value: {
      fin: first >= 128,
      rsv1: (first & 64) > 0,
      opcode: first & 15,
      payload: bytes.subarray(at, at + length),
    },
  };
}

function takeAnswer(bytes, headOnly) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [line, ...lines] = String(bytes.subarray(0, end)).split("\r\n");
  const match = line.match(/^HTTP\/1\.1 (\d{3}) ([\w -]*)$/);
  if (!match) throw new Error(`no HTTP: ${line}`);
  const status = Number(match[1]);
  const headers = {};
  for (const one of lines) {
    const [, name, value] = one.match(/^([\w-]+): ?(.*)$/);
    const key = name.toLowerCase();
    if (key in headers && key !== "vary" && key !== "set-cookie") throw new Error(`twice: ${name}`);
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
  }
  const none = headOnly || status < 200 || status === 204 || status === 304;
  const length = none ? 0 : Number(headers["content-length"]);
  if (Number.isNaN(length)) throw new Error("no Content-Length");
  const from = end + 4;
  if (bytes.length < from + length) return undefined;
  return { used: from + length, value: { status, headers, body: bytes.subarray(from, from + length) } };
}
