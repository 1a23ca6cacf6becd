// r: peers that break off anywhere, or send nonsense, to echo and to serve. Nothing is
// expected of the server but that it lives, answers the next one, and keeps nothing.
import { connect } from "node:net";
import { randomBytes } from "node:crypto";
import { pause } from "./client.mjs";
import { fail } from "./case.mjs";
import { OP, closePayload, frame } from "./wire.mjs";

const { CONT, TEXT, BINARY, CLOSE, PING, PONG } = OP;
const ROUNDS = Number(process.env.ROUNDS ?? (process.env.FULL ? 3000 : 150));
const STEP = process.env.FULL ? 1 : 7;
const LINE = 16; // connections at once

// A valid visit: handshake, commands or text, fragments, control frames, the close.
function visit(path) {
  const upgrade = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n` +
    `Connection: Upgrade\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n` +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
  const login = JSON.stringify({ action: "login", id: 1, name: "rough" });
  const send = JSON.stringify({ action: "join", id: 2, room: "general" });
  return Buffer.concat([Buffer.from(upgrade), frame(TEXT, login),
    frame(TEXT, send.slice(0, 9), { fin: false }), frame(PING, "between"), frame(CONT, send.slice(9)),
    frame(TEXT, Buffer.from("f248cdc9c90700", "hex"), { rsv: 4 }), frame(PONG, ""),
    frame(BINARY, Buffer.alloc(300, 1)), frame(CLOSE, closePayload(1000, "bye"))]);
}

// Sends the pieces and leaves in the given way; resolves when the socket is gone.
function call(port, pieces, leave) {
  return new Promise((resolve) => {
    const s = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    const timer = setTimeout(() => s.destroy(), 20_000);
    let got = 0;
    s.on("data", (chunk) => (got += chunk.length));
    s.on("end", () => s.destroy());
    s.on("error", () => {});
    s.on("close", () => {
      clearTimeout(timer);
      resolve(got);
    });
    s.on("connect", async () => {
      for (const piece of pieces) {
        s.write(piece);
        if (pieces.length > 1) await new Promise(setImmediate);
      }
      if (leave === "half") s.end();
      if (leave === "reset") setImmediate(() => s.resetAndDestroy());
      if (leave === "drop") setTimeout(() => s.destroy(), 5);
    });
  });
}

async function inLine(list) {
  const rest = list.values();
  const one = async () => {
    for (const run of rest) await run();
  };
  await Promise.all(Array.from({ length: LINE }, one));
}

async function stillThere(t, path) {
  const got = await call(t.port, [visit(path)], "stay");
  if (got < 100) fail("the next visit was not answered");
}

function broken(bytes, i) {
  const copy = Buffer.from(bytes);
  for (let k = 0; k <= i % 3; k++) {
    const at = Math.floor(Math.random() * copy.length);
    copy[at] = i % 2 ? copy[at] ^ (1 << (k * 3)) : randomBytes(1)[0];
  }
  return copy;
}

function nonsense(i) {
  const bytes = randomBytes(1 + Math.floor(Math.random() * 3000));
  if (i % 3 === 0) return bytes;
  const line = i % 3 === 1 ? "GET /ws HTTP/1.1\r\n" : "POST /api/v1/login HTTP/1.1\r\nHost: a\r\n";
  return Buffer.concat([Buffer.from(line), bytes]);
}

export function roughCases(prefix, path) {
  const cut = (leave) => async (t) => {
    const bytes = visit(path), list = [];
    for (let n = 0; n < bytes.length; n += STEP) {
      const begun = bytes.subarray(0, n);
      list.push(() => call(t.port, [begun], leave));
    }
    await inLine(list);
    await stillThere(t, path);
  };
  const many = (make) => async (t) => {
    const leave = ["half", "reset", "drop"];
    await inLine(Array.from({ length: ROUNDS }, (_, i) => () =>
      call(t.port, [make(i)], leave[i % leave.length])));
    await stillThere(t, path);
  };
  return [
    [`${prefix}.1`, cut("half")],
    [`${prefix}.2`, cut("reset")],
    [`${prefix}.3`, cut("drop")],
    [`${prefix}.4`, many((i) => broken(visit(path), i))],
    [`${prefix}.5`, many(nonsense)],
    [`${prefix}.6`, async (t) => {
      const bytes = visit(path);
      const octets = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
      if ((await call(t.port, octets, "stay")) < 100) fail("octet by octet: not answered");
    }],
    [`${prefix}.7`, async (t) => { // asks for a lot, reads nothing, goes
      const ping = frame(PING, Buffer.alloc(125)), head = visit(path).subarray(0, 300);
      const begin = Buffer.from(head.toString("latin1").split("\r\n\r\n")[0] + "\r\n\r\n", "latin1");
      await inLine(Array.from({ length: LINE }, () => async () => {
        const s = connect({ port: t.port, host: "127.0.0.1" });
        s.on("error", () => {});
        s.pause();
        s.write(begin);
        s.write(Buffer.concat(Array(40_000).fill(ping)));
        await pause(200);
        s.destroy();
      }));
      await stillThere(t, path);
    }],
  ];
}
