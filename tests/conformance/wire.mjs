// WebSocket's bytes, RFC 6455 and 7692, written from the RFCs for these tests: frames
// as a client may and may not send them, and a reader that refuses everything that a
// server must not send.
import { randomBytes } from "node:crypto";
import zlib from "node:zlib";

export const OP = { CONT: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 };
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const HISTORY = 32768;

function mask(payload, key) {
  const out = Buffer.allocUnsafeSlow((payload.length + 3) & ~3);
  payload.copy(out);
  const words = new Uint32Array(out.buffer, 0, out.length / 4);
  const word = new Uint32Array(Uint8Array.from(key).buffer)[0];
  for (let i = 0; i < words.length; i++) words[i] ^= word;
  return out.subarray(0, payload.length);
}

// One frame. `masked: false`, `rsv`, `length` (in the header instead of the true one)
// and `wide` (length in 2 or 8 bytes though it needs fewer) are for the bad ones.
export function frame(opcode, payload = "", options = {}) {
  const { fin = true, rsv = 0, masked = true, wide = 0 } = options;
  const body = Buffer.isBuffer(payload) ? payload : Buffer.from(payload);
  const n = options.length ?? body.length;
  const size = wide || (n > 65535 ? 8 : n > 125 ? 2 : 0);
  const head = Buffer.alloc(2 + size);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (size === 8 ? 127 : size === 2 ? 126 : n);
  if (size === 2) head.writeUInt16BE(n, 2);
  if (size === 8) head.writeBigUInt64BE(BigInt(n), 2);
  if (!masked) return Buffer.concat([head, body]);
  const key = randomBytes(4);
  return Buffer.concat([head, key, mask(body, key)]);
}

export function closePayload(code, reason = "") {
  const text = Buffer.isBuffer(reason) ? reason : Buffer.from(reason);
  const out = Buffer.alloc(2 + text.length);
  out.writeUInt16BE(code);
  text.copy(out, 2);
  return out;
}

export function closeCodeAllowed(code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
}

// permessage-deflate of one connection, as the answer says. Context is taken over by
// giving zlib the last plain bytes as its dictionary, so that each message is one call.
export class Deflate {
  constructor(answer) {
    this.params = answer;
    this.sent = this.received = Buffer.alloc(0);
  }
  pack(payload) {
    const bits = Math.max(9, this.params.clientBits); // zlib has no raw window of 8
    const keep = !this.params.clientAlone && this.sent.length > 0;
    const out = zlib.deflateRawSync(payload, {
      windowBits: bits,
      level: 6,
      finishFlush: zlib.constants.Z_SYNC_FLUSH,
      ...(keep ? { dictionary: this.sent } : {}),
    });
    if (!this.params.clientAlone) this.sent = tailOf(this.sent, payload, 2 ** bits);
    return out.subarray(0, out.length - 4);
  }
  // Refuses distances beyond the agreed window, as a peer with no more memory would.
  unpack(payload) {
    const keep = !this.params.serverAlone && this.received.length > 0;
    const plain = zlib.inflateRawSync(Buffer.concat([payload, TAIL]), {
      windowBits: this.params.serverBits,
      finishFlush: zlib.constants.Z_SYNC_FLUSH,
      ...(keep ? { dictionary: this.received } : {}),
    });
    if (!this.params.serverAlone) this.received = tailOf(this.received, plain, HISTORY);
    return plain;
  }
}

function tailOf(before, more, n) {
  return Buffer.concat([before, more]).subarray(-n);
}

// The value of Sec-WebSocket-Extensions that a server answered; throws if RFC 7692
// does not allow it for what was offered.
export function readAnswer(value, offer) {
  const params = { serverAlone: false, clientAlone: false, serverBits: 15, clientBits: 15 };
  const [name, ...rest] = value.split(";").map((part) => part.trim());
  if (name !== "permessage-deflate") throw new Error(`extension not offered: ${value}`);
  const seen = new Set();
  for (const part of rest) {
    const [key, text] = part.split("=");
    const bits = Number(text);
    if (seen.has(key)) throw new Error(`twice in the answer: ${key}`);
    seen.add(key);
    if (key === "server_no_context_takeover" && text === undefined) params.serverAlone = true;
    else if (key === "client_no_context_takeover" && text === undefined) params.clientAlone = true;
    else if (key === "server_max_window_bits" && bits >= 8 && bits <= 15) params.serverBits = bits;
    else if (key === "client_max_window_bits" && bits >= 8 && bits <= 15) params.clientBits = bits;
    else throw new Error(`not allowed in an answer: ${part}`);
  }
  if (seen.has("client_max_window_bits") && !offer.includes("client_max_window_bits"))
    throw new Error("client_max_window_bits answered but not offered");
  const offers = offer.split(",").filter((one) => satisfied(one, params, seen));
  if (offers.length === 0) throw new Error(`"${value}" answers none of "${offer}"`);
  return params;
}

function satisfied(one, params, seen) {
  const bits = /server_max_window_bits=(\d+)/.exec(one);
  if (one.includes("server_no_context_takeover") && !params.serverAlone) return false;
  return bits === null
    ? true
    : seen.has("server_max_window_bits") && params.serverBits <= Number(bits[1]);
}

// Bytes in, whole frames out; throws at what a server must not send.
export class Reader {
  constructor(onFrame) {
    this.onFrame = onFrame;
    this.chunks = [];
    this.have = 0;
    this.need = 2;
    this.head = null;
  }
  push(chunk) {
    this.chunks.push(chunk);
    this.have += chunk.length;
    while (this.have >= this.need) this.step(this.take(this.need));
  }
  take(n) {
    this.have -= n;
    if (n === 0) return Buffer.alloc(0);
    const parts = [];
    while (n > 0) {
      const first = this.chunks[0];
      if (first.length <= n) {
        parts.push(this.chunks.shift());
        n -= first.length;
      } else {
        parts.push(first.subarray(0, n));
        this.chunks[0] = first.subarray(n);
        n = 0;
      }
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }
  step(bytes) {
    const h = this.head;
    if (h === null) {
      this.begin(bytes);
    } else if (h.length === undefined) {
      h.length = bytes.length === 2 ? bytes.readUInt16BE() : Number(bytes.readBigUInt64BE());
      if (h.length < (bytes.length === 2 ? 126 : 65536)) throw new Error("length too wide");
      this.need = h.length;
    } else {
      this.head = null;
      this.need = 2;
      this.onFrame(h, bytes);
    }
  }
  begin(bytes) {
    const h = { fin: bytes[0] >= 0x80, rsv: (bytes[0] >> 4) & 7, opcode: bytes[0] & 15 };
    const n = bytes[1] & 0x7f;
    if (bytes[1] >= 0x80) throw new Error("the server masked a frame");
    if (!Object.values(OP).includes(h.opcode)) throw new Error(`opcode ${h.opcode}`);
    if (h.opcode >= 8 && (!h.fin || n > 125)) throw new Error("control frame too long or cut");
    if (n < 126) h.length = n;
    this.need = n < 126 ? n : n === 126 ? 2 : 8;
    this.head = h;
  }
}
