// p: what the Autobahn testsuite does not ask, and peers do.
import zlib from "node:zlib";
import { event, pause } from "./client.mjs";
import { fail } from "./case.mjs";
import { OP, closePayload, frame } from "./wire.mjs";

const { CONT, TEXT, BINARY, CLOSE, PING } = OP;
const MIB = 1024 * 1024;
const OFFER = "permessage-deflate";
const deflated = (payload) =>
  zlib.deflateRawSync(payload, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
const text = (payload) => event("message text", payload);

// One connection, some frames, the code with which it is refused.
function refused(id, frames, code, options) {
  return [id, async (t) => {
    const c = await t.open(options);
    await c.write(Buffer.concat(frames.map((f) => frame(...f))));
    await t.refuses(c, [], code);
  }];
}

function* framing() {
  yield refused("p.1.1", [[TEXT, "not masked", { masked: false }]], 1002);
  yield refused("p.1.2", [[TEXT, "short", { wide: 2 }]], 1002);
  yield refused("p.1.3", [[TEXT, Buffer.alloc(300), { wide: 8 }]], 1002);
  yield ["p.1.4", async (t) => {
    const c = await t.open();
    await c.write(Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]));
    await t.refuses(c, [], 1002); // a length with its highest bit set
  }];
  yield ["p.1.5", async (t) => {
    const c = await t.open();
    await c.write(frame(BINARY, "", { length: 16 * MIB + 1 }));
    await t.refuses(c, [], 1009); // without a byte of its payload
  }];
  yield ["p.1.6", async (t) => {
    const c = await t.open();
    await c.write(Buffer.concat([frame(BINARY, Buffer.alloc(MIB), { fin: false }),
      frame(CONT, "", { length: 15 * MIB + 1 })]));
    await t.refuses(c, [], 1009);
  }];
  yield ["p.1.7", async (t) => { // nobody waited for the handshake's answer
    const ping = frame(PING, "b");
    const c = await t.open({ behind: Buffer.concat([frame(TEXT, "at once"), ping.subarray(0, 3)]) });
    await c.write(ping.subarray(3));
    await t.echoes(c, [text("at once"), event("pong", "b")]);
  }];
}

// Everything was written before the peer saw what was wrong: the echoes, and the
// close frame behind them, arrive all the same.
function* behindTheMistake() {
  yield ["p.2.1", async (t) => {
    const c = await t.open();
    const payload = Buffer.alloc(MIB, "x"), n = 8;
    c.socket.pause();
    const good = Array.from({ length: n }, () => frame(BINARY, payload));
    await c.write(Buffer.concat([...good, frame(TEXT, Buffer.from([0xff])),
      frame(BINARY, Buffer.alloc(4 * MIB))]));
    await pause(300);
    c.socket.resume();
    await t.refuses(c, Array(n).fill(event("message binary", payload)), 1007);
  }];
  yield ["p.2.2", async (t) => {
    const c = await t.open();
    await c.write(frame(TEXT, Buffer.from([0xff])));
    for (let i = 0; i < 50 && c.closeCode === undefined; i++) await c.send(PING, "more", { chop: 3 });
    await c.until(() => c.closeCode !== undefined, 5000);
    for (let i = 0; i < 20; i++) await c.send(PING, "after the close frame", { chop: 3 });
    await t.closes(c, [], { code: 1007, byServer: true });
  }];
  yield ["p.2.3", async (t) => { // 40 MiB on the way before anything is read
    const c = await t.open();
    const payload = Buffer.alloc(MIB, "y"), n = 40;
    c.socket.pause();
    const one = frame(BINARY, payload);
    for (let i = 0; i < n; i++) await c.write(one);
    await pause(500);
    c.socket.resume();
    await t.echoes(c, Array(n).fill(event("message binary", payload)), { patience: 30_000 });
  }];
}

function* compression() {
  const options = { offer: OFFER };
  const hello = deflated(Buffer.from("Hello"));
  yield refused("p.3.1", [[CONT, hello, { rsv: 4 }]], 1002, options);
  yield refused("p.3.2", [[PING, "x", { rsv: 4 }]], 1002, options);
  yield refused("p.3.3", [[CLOSE, closePayload(1000), { rsv: 4 }]], 1002, options);
  yield refused("p.3.4", [[TEXT, hello, { rsv: 4, fin: false }], [CONT, "", { rsv: 4 }]], 1002, options);
  yield refused("p.3.5", [[TEXT, hello, { rsv: 6 }]], 1002, options);
  yield refused("p.3.6", [[TEXT, Buffer.from([0x07, 0xff, 0xff]), { rsv: 4 }]], [1002, 1007], options);
  yield refused("p.3.7", [[TEXT, deflated(Buffer.from([0xce, 0xba, 0xff])), { rsv: 4 }]], 1007, options);
  yield refused("p.3.8", [[BINARY, deflated(Buffer.alloc(16 * MIB + 1)), { rsv: 4 }]], 1009, options);
  const good = {
    "p.3.9": [[[TEXT, hello, { rsv: 4 }], "Hello"]],
    "p.3.10": [[[TEXT, "Hello"], "Hello"]], // not compressed, though it might be
    "p.3.11": [[[TEXT, hello, { rsv: 4 }], "Hello"], [[TEXT, "plain"], "plain"]],
    "p.3.12": [[[TEXT, Buffer.from([0x00]), { rsv: 4 }], ""]], // an empty message
    "p.3.13": [[[TEXT, "f248cdc9c90700", { rsv: 4 }], "Hello"], // RFC 7692 7.2.3.1 to 7.2.3.5
      [[TEXT, "000500faff48656c6c6f00", { rsv: 4 }], "Hello"],
      [[TEXT, "f348cdc9c9070000", { rsv: 4 }], "Hello"],
      [[TEXT, "f248050000 00ffffcac9c90700".replace(" ", ""), { rsv: 4 }], "Hello"]],
  };
  for (const [id, list] of Object.entries(good))
    yield [id, async (t) => {
      const c = await t.open(options);
      for (const [[opcode, payload, o]] of list)
        await c.send(opcode, id === "p.3.13" ? Buffer.from(payload, "hex") : payload, o);
      await t.echoes(c, list.map(([, plain]) => text(plain)));
    }];
  yield ["p.3.14", async (t) => { // 16 MiB out of 16 KiB, and back
    const c = await t.open(options);
    const payload = Buffer.alloc(16 * MIB);
    await c.write(c.message(BINARY, payload));
    await t.echoes(c, [event("message binary", payload)]);
    if (c.compressedIn !== 1) fail("the echo was not compressed");
  }];
}

// An offer, and whether compression comes of it.
const NEGOTIATED = [
  ["permessage-deflate", true],
  ["permessage-deflate; server_max_window_bits=8", true],
  ["permessage-deflate; client_max_window_bits=8", true],
  ["permessage-deflate; client_max_window_bits", true],
  ['permessage-deflate; server_max_window_bits="10"', true],
  ["permessage-deflate; server_max_window_bits=7", false],
  ["permessage-deflate; server_max_window_bits=16", false],
  ["permessage-deflate; server_max_window_bits", false],
  ["permessage-deflate; server_max_window_bits=010", false],
  ["permessage-deflate; server_no_context_takeover=1", false],
  ["permessage-deflate; server_no_context_takeover; server_no_context_takeover", false],
  ["permessage-deflate; unknown", false],
  ["permessage-deflate; unknown, permessage-deflate", true],
  ["x-webkit-deflate-frame", false],
  ["permessage-bzip2, permessage-deflate; server_max_window_bits=11", true],
];

function* offers() {
  for (const [i, [offer, agreed]] of NEGOTIATED.entries())
    yield [`p.4.${i + 1}`, async (t) => {
      const c = await t.open({ offer });
      if (agreed !== (c.deflate !== undefined)) fail(`"${offer}" was answered "${c.answer}"`);
      await c.write(c.message(TEXT, Buffer.from("x".repeat(3000))));
      await t.echoes(c, [text("x".repeat(3000))]);
    }];
}

export const cases = [...framing(), ...behindTheMistake(), ...compression(), ...offers()];
