// 6 UTF-8 handling; the sequences of 6.5 to 6.23 are those of Markus Kuhn's decoder
// stress test, in the order of the Autobahn testsuite.
import { event } from "./client.mjs";
import { OP, frame } from "./wire.mjs";

const { CONT, TEXT } = OP;
const WAIT_MS = process.env.FULL ? 1000 : 200;
const KOSME = Buffer.from("κ\u1f79σμε"); // 2, 3, 2, 2 and 2 bytes
const HELLO = Buffer.from("Hello-µ@ßöäüàá-UTF-8!!");
const SURROGATE = Buffer.concat([KOSME, Buffer.from([0xed, 0xa0, 0x80]), Buffer.from("edited")]);
const BEYOND = Buffer.concat([KOSME, Buffer.from([0xf4, 0x90, 0x80, 0x80]), Buffer.from("edited")]);

function* hex(...rows) {
  for (const row of rows) yield Buffer.from(row.replace(/ /g, ""), "hex");
}
function pieces(bytes, ...cuts) {
  const at = [0, ...cuts, bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}
const octets = (bytes) => pieces(bytes, ...Array.from({ length: bytes.length - 1 }, (_, i) => i + 1));

async function sendFragments(c, parts) {
  const frames = parts.map((part, i) =>
    frame(i === 0 ? TEXT : CONT, part, { fin: i === parts.length - 1 }));
  await c.write(Buffer.concat(frames));
}

function* fragmented() {
  const none = Buffer.alloc(0);
  const valid = {
    "6.1.1": [none],
    "6.1.2": [none, none, none],
    "6.1.3": [none, Buffer.from("middle frame payload"), none],
    "6.2.1": [HELLO],
    "6.2.2": pieces(HELLO, 13),
    "6.2.3": octets(HELLO),
    "6.2.4": octets(KOSME),
  };
  for (const [id, parts] of Object.entries(valid))
    yield [id, async (t) => {
      const c = await t.open();
      await sendFragments(c, parts);
      await t.echoes(c, [event("message text", Buffer.concat(parts))]);
    }];
  for (const [id, parts] of [["6.3.1", [SURROGATE]], ["6.3.2", octets(SURROGATE)]])
    yield [id, async (t) => {
      const c = await t.open();
      await sendFragments(c, parts);
      await t.refuses(c, [], 1007);
    }];
}

// The first part is still acceptable; the second must be refused without a third.
function* failFast() {
  const cuts = [[KOSME.length, KOSME.length + 4], [KOSME.length + 1, KOSME.length + 2]];
  for (const [i, cut] of cuts.entries()) {
    const [first, second] = pieces(BEYOND, ...cut);
    yield [`6.4.${i + 1}`, async (t) => {
      const c = await t.open();
      await c.send(TEXT, first, { fin: false });
      await t.silence(c, [], WAIT_MS);
      await c.send(CONT, second, { fin: false });
      await t.refuses(c, [], 1007);
    }];
    yield [`6.4.${i + 3}`, async (t) => {
      const c = await t.open();
      const bytes = frame(TEXT, BEYOND);
      const head = bytes.length - BEYOND.length;
      await c.write(bytes.subarray(0, head + first.length));
      await t.silence(c, [], WAIT_MS);
      await c.write(bytes.subarray(head + first.length, head + first.length + second.length));
      await t.refuses(c, [], 1007);
    }];
  }
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const CUT_SHORT = [...hex("c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf",
  "fbbfbfbf", "fdbfbfbfbf")];

function nonCharacters() {
  const all = [...hex("efbfbe", "efbfbf")];
  for (let plane = 1; plane <= 16; plane++)
    for (const low of [0xfffe, 0xffff])
      all.push(Buffer.from(String.fromCodePoint(plane * 0x10000 + low)));
  return all;
}

const VALID_PREFIXES = [2, 5, 7, 9, 11]; // of KOSME, in bytes
const GROUPS = [
  [true, ["hello$world", "hello¢world", "hello€world", "hello𤭢world"].map((s) => Buffer.from(s)).concat([KOSME])],
  [(i) => VALID_PREFIXES.includes(i + 1), range(1, 12).map((n) => KOSME.subarray(0, n))],
  [true, [...hex("00", "c280", "e0a080", "f0908080")]],
  [false, [...hex("f888808080", "fc8480808080")]],
  [true, [...hex("7f", "dfbf", "efbfbf", "f48fbfbf")]],
  [false, [...hex("f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf")]],
  [(i) => i < 4, [...hex("ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "f4908080")]],
  [false, [...hex("80", "bf", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf"),
    Buffer.from(range(0x80, 0xc0))]],
  [false, [[0xc0, 0xe0], [0xe0, 0xf0], [0xf0, 0xf8], [0xf8, 0xfc], [0xfc, 0xfe]].map(([from, to]) =>
    Buffer.from(range(from, to).flatMap((byte) => [byte, 0x20])))],
  [false, CUT_SHORT],
  [false, [Buffer.concat(CUT_SHORT)]],
  [false, [...hex("fe", "ff", "fefeffff")]],
  [false, [...hex("c0af", "e080af", "f08080af", "f8808080af", "fc80808080af")]],
  [false, [...hex("c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf")]],
  [false, [...hex("c080", "e08080", "f0808080", "f880808080", "fc8080808080")]],
  [false, [...hex("eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf")]],
  [false, [...hex("eda080edb080", "eda080edbfbf", "edadbfedb080", "edadbfedbfbf", "edae80edb080",
    "edae80edbfbf", "edafbfedb080", "edafbfedbfbf")]],
  [true, nonCharacters()],
  [true, [...hex("efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd", "efbfbe", "efbfbf")]],
];

function* sequences() {
  for (const [g, [valid, all]] of GROUPS.entries())
    for (const [i, payload] of all.entries())
      yield [`6.${g + 5}.${i + 1}`, async (t) => {
        const c = await t.open();
        await c.send(TEXT, payload);
        if (typeof valid === "function" ? valid(i) : valid)
          await t.echoes(c, [event("message text", payload)]);
        else await t.refuses(c, [], 1007);
      }];
}

export const cases = [...fragmented(), ...failFast(), ...sequences()];
