// 1 framing, 2 pings and pongs, 3 reserved bits, 4 opcodes, 5 fragmentation.
import { event } from "./client.mjs";
import { OP, frame } from "./wire.mjs";

const { CONT, TEXT, BINARY, CLOSE, PING, PONG } = OP;
const text = (payload) => event("message text", payload);
const pong = (payload) => event("pong", payload);
const WAIT_MS = process.env.FULL ? 1000 : 200;

// Frames given as [opcode, payload, options], sent in one of three manners.
const MANNERS = {
  together: async (c, frames) => c.write(Buffer.concat(frames.map((f) => frame(...f)))),
  "frame by frame": async (c, frames) => {
    for (const f of frames) await c.write(frame(...f), { chop: 1 << 30 });
  },
  "octet by octet": async (c, frames) => {
    for (const f of frames) await c.write(frame(...f), { chop: 1 });
  },
};

function* framing() {
  const sizes = [0, 125, 126, 127, 128, 65535, 65536, 65536];
  for (const [group, opcode, fill] of [[1, TEXT, "*"], [2, BINARY, "\xfe"]])
    for (const [i, n] of sizes.entries()) {
      const chop = i === 7 ? 997 : 0;
      yield [`1.${group}.${i + 1}`, async (t) => {
        const c = await t.open();
        const payload = Buffer.alloc(n, fill, "latin1");
        await c.send(opcode, payload, { chop });
        const kind = opcode === TEXT ? "message text" : "message binary";
        await t.echoes(c, [event(kind, payload)]);
      }];
    }
}

function* pings() {
  const payloads = ["", "Hello, world!", Buffer.from([0, 255, 254, 253, 252, 251, 0, 255])];
  for (const [i, payload] of [...payloads, Buffer.alloc(125, 0xfe)].entries())
    yield [`2.${i + 1}`, async (t) => {
      const c = await t.open();
      await c.send(PING, payload);
      await t.echoes(c, [pong(payload)]);
    }];
  yield ["2.5", async (t) => {
    const c = await t.open();
    await c.send(PING, Buffer.alloc(126, 0xfe));
    await t.refuses(c, [], 1002);
  }];
  yield ["2.6", async (t) => {
    const c = await t.open();
    await c.send(PING, Buffer.alloc(125, 0xfe), { chop: 1 });
    await t.echoes(c, [pong(Buffer.alloc(125, 0xfe))]);
  }];
  for (const [i, payload] of ["", "unsolicited pong payload"].entries())
    yield [`2.${i + 7}`, async (t) => {
      const c = await t.open();
      await c.send(PONG, payload);
      await t.echoes(c, []);
    }];
  yield ["2.9", async (t) => {
    const c = await t.open();
    await c.send(PONG, "unsolicited pong payload");
    await c.send(PING, "ping payload");
    await t.echoes(c, [pong("ping payload")]);
  }];
  for (const [i, chop] of [0, 1].entries())
    yield [`2.${i + 10}`, async (t) => {
      const c = await t.open();
      const all = Array.from({ length: 10 }, (_, k) => `payload-${k}`);
      for (const payload of all) await c.send(PING, payload, { chop });
      await t.echoes(c, all.map(pong));
    }];
}

function* reserved() {
  const hello = "Hello, world!";
  yield ["3.1", async (t) => {
    const c = await t.open();
    await c.send(TEXT, hello, { rsv: 1 });
    await t.refuses(c, [], 1002);
  }];
  for (const [i, manner] of Object.values(MANNERS).entries())
    yield [`3.${i + 2}`, async (t) => {
      const c = await t.open();
      await manner(c, [[TEXT, hello], [TEXT, hello, { rsv: i + 2 }], [PING]]);
      await t.refuses(c, [text(hello)], 1002);
    }];
  for (const [i, opcode] of [BINARY, PING, CLOSE].entries())
    yield [`3.${i + 5}`, async (t) => {
      const c = await t.open();
      await c.send(opcode, i === 2 ? "" : Buffer.from([0, 255, 254, 253]), { rsv: i + 5 });
      await t.refuses(c, [], 1002);
    }];
}

function* opcodes() {
  const hello = "Hello, world!";
  for (const [group, first] of [[1, 3], [2, 11]])
    for (let i = 0; i < 5; i++)
      yield [`4.${group}.${i + 1}`, async (t) => {
        const c = await t.open();
        const bad = [first + i, i === 0 ? "" : "reserved opcode payload"];
        if (i < 2) {
          await c.send(...bad);
          await t.refuses(c, [], 1002);
          return;
        }
        await Object.values(MANNERS)[i - 2](c, [[TEXT, hello], bad, [PING]]);
        await t.refuses(c, [text(hello)], 1002);
      }];
}

const ONE = "fragment1", TWO = "fragment2";

function* fragments() {
  for (const [i, opcode] of [PING, PONG].entries())
    yield [`5.${i + 1}`, async (t) => {
      const c = await t.open();
      await c.send(opcode, ONE, { fin: false });
      await c.send(CONT, TWO);
      await t.refuses(c, [], 1002);
    }];
  const ping = [PING, "ping payload"];
  for (const [i, between] of [[], [ping]].entries())
    for (const [k, manner] of Object.values(MANNERS).entries())
      yield [`5.${3 + 3 * i + k}`, async (t) => {
        const c = await t.open();
        await manner(c, [[TEXT, ONE, { fin: false }], ...between, [CONT, TWO]]);
        await t.echoes(c, [...between.map(([, payload]) => pong(payload)), text(ONE + TWO)]);
      }];
  for (const [i, fin] of [true, false].entries())
    for (const [k, manner] of Object.values(MANNERS).entries())
      yield [`5.${9 + 3 * i + k}`, async (t) => {
        const c = await t.open();
        await manner(c, [[CONT, "non-continuation payload", { fin }], [TEXT, "Hello, world!"]]);
        await t.refuses(c, [], 1002);
      }];
  yield ["5.15", async (t) => {
    const c = await t.open();
    const frames = [[TEXT, ONE, { fin: false }], [CONT, TWO], [CONT, "fragment3", { fin: false }],
      [TEXT, "fragment4"]];
    await MANNERS.together(c, frames);
    await t.refuses(c, [text(ONE + TWO)], 1002);
  }];
  for (const [i, fin] of [false, true].entries())
    yield [`5.${i + 16}`, async (t) => {
      const c = await t.open();
      const pair = [[CONT, ONE, { fin }], [TEXT, TWO, { fin: false }], [CONT, "fragment3"]];
      await MANNERS.together(c, [...pair, ...pair]);
      await t.refuses(c, [], 1002);
    }];
  yield ["5.18", async (t) => {
    const c = await t.open();
    await MANNERS.together(c, [[TEXT, ONE, { fin: false }], [TEXT, TWO]]);
    await t.refuses(c, [], 1002);
  }];
  for (const [i, manner] of [MANNERS.together, MANNERS["frame by frame"]].entries())
    yield [`5.${i + 19}`, async (t) => {
      const c = await t.open();
      const cut = { fin: false };
      await manner(c, [[TEXT, ONE, cut], [CONT, TWO, cut], [PING, "pongme 1!"]]);
      await t.silence(c, [pong("pongme 1!")], WAIT_MS);
      await manner(c, [[CONT, "fragment3", cut], [CONT, "fragment4", cut], [PING, "pongme 2!"],
        [CONT, "fragment5"]]);
      await t.echoes(c, [pong("pongme 1!"), pong("pongme 2!"),
        text("fragment1fragment2fragment3fragment4fragment5")]);
    }];
}

export const cases = [...framing(), ...pings(), ...reserved(), ...opcodes(), ...fragments()];
