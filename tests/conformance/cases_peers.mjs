// q: clients that others wrote, each with what it can be asked for.
import { createRequire } from "node:module";
import { randomBytes } from "node:crypto";
import { WebSocket as Undici } from "undici";
import { WebSocket as Ws } from "ws";
import { browse } from "./chromium.mjs";
import { fail } from "./case.mjs";
import { SETS } from "./data.mjs";

const { client: Theturtle32 } = createRequire(import.meta.url)("websocket");
const MIB = 1024 * 1024;
const url = (t) => `ws://127.0.0.1:${t.port}/`;

// What every client sends and gets back, in order.
function payloads() {
  const some = SETS.map(({ text, bytes }) => (text ? bytes.toString() : bytes));
  return ["", "a", "κόσμε 🎉", Buffer.alloc(0), "x".repeat(125), "y".repeat(126),
    "z".repeat(65535), Buffer.alloc(65536, 7), ...some, randomBytes(MIB), Buffer.alloc(16 * MIB, 5)];
}
const same = (a, b) =>
  typeof a === "string" ? a === b : typeof b !== "string" && a.equals(Buffer.from(b));

// Resolves when `listen(take, ended)` took everything back; all is sent at once.
function echoed(list, connect) {
  return new Promise((resolve, reject) => {
    let at = 0;
    const take = (data) => {
      if (!same(list[at], data)) reject(new Error(`echo ${at} differs`));
      at++;
      return at === list.length;
    };
    const ended = (code, reason) => {
      if (at < list.length) reject(new Error(`closed with ${code} ${reason} after ${at} echoes`));
      else resolve({ code, reason: String(reason) });
    };
    connect(take, ended, reject);
  });
}

function withWs(t, options, list) {
  return echoed(list, (take, ended, failed) => {
    const c = new Ws(url(t), options);
    c.on("error", failed);
    c.on("close", ended);
    c.on("message", (data, binary) => {
      if (take(binary ? data : data.toString())) c.close(4321, "done");
    });
    c.on("open", () => {
      c.ping("and back");
      for (const payload of list) c.send(payload);
    });
    t.extensions = () => c.extensions;
  });
}

function withUndici(t, Socket, list) {
  return echoed(list, (take, ended, failed) => {
    const c = new Socket(url(t));
    c.binaryType = "arraybuffer";
    c.onerror = () => failed(new Error("error"));
    c.onclose = (e) => ended(e.code, e.reason);
    c.onmessage = (e) => {
      if (take(e.data)) c.close(4321, "done");
    };
    c.onopen = () => {
      for (const payload of list) c.send(payload);
    };
  });
}

function withWebsocket(t, list) {
  return echoed(list, (take, ended, failed) => {
    const maker = new Theturtle32({ maxReceivedFrameSize: 32 * MIB, maxReceivedMessageSize: 32 * MIB });
    maker.on("connectFailed", failed);
    maker.on("connect", (c) => {
      c.on("error", failed);
      c.on("close", ended);
      c.on("message", (m) => {
        if (take(m.type === "utf8" ? m.utf8Data : m.binaryData)) c.close(4321, "done");
      });
      for (const payload of list) c.send(payload);
    });
    maker.connect(url(t));
  });
}

// Closing with a code of ours is answered with the same.
function ends({ code, reason }) {
  if (code !== 4321) fail(`closed with ${code} ${reason}`);
}

const DEFLATE = [
  { threshold: 0 },
  { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
  ...[9, 10, 12, 15].map((serverMaxWindowBits) => ({ threshold: 0, serverMaxWindowBits })),
  ...[9, 12, 15, true].map((clientMaxWindowBits) => ({ threshold: 0, clientMaxWindowBits })),
  { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
];

function* clients() {
  yield ["q.1.1", async (t) => ends(await withWs(t, { perMessageDeflate: false }, payloads()))];
  for (const [i, perMessageDeflate] of DEFLATE.entries())
    yield [`q.1.${i + 2}`, async (t) => {
      ends(await withWs(t, { perMessageDeflate }, payloads()));
      if (!t.extensions().startsWith("permessage-deflate")) fail("not compressed");
    }];
  yield ["q.2.1", async (t) => ends(await withWebsocket(t, payloads()))];
  yield ["q.3.1", async (t) => ends(await withUndici(t, Undici, payloads()))];
  if (globalThis.WebSocket)
    yield ["q.3.2", async (t) => ends(await withUndici(t, globalThis.WebSocket, payloads()))];
  yield ["q.4.1", async (t) => {
    const said = await browse(t.port);
    if (said !== "OK") fail(`the browser says: ${said}`);
  }];
}

export const cases = [...clients()];
