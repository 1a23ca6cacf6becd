// 9 limits and performance, 10 auto-fragmentation. No case fails by the
// time that it takes.
import { event } from "./client.mjs";
import { fail } from "./case.mjs";
import { OP, frame } from "./wire.mjs";

const { CONT, TEXT, BINARY } = OP;
const KIB = 1024, MIB = 1024 * KIB;
const ROUND_TRIPS = process.env.FULL ? 1000 : 100;
const kind = (opcode) => (opcode === TEXT ? "message text" : "message binary");

// How long it took is noted, and nothing fails by it.
async function timed(t, run) {
  const start = performance.now();
  await run();
  t.notes.push(`${Math.round(performance.now() - start)} ms`);
}

const TYPES = [[TEXT, "BAsd7&jh23", 0], [BINARY, "\x00\xfe\x23\xfa\xf0", 1]];

function* whole() {
  const sizes = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
  for (const [opcode, fill, k] of TYPES)
    for (const [i, n] of sizes.entries())
      yield [`9.${1 + k}.${i + 1}`, async (t) => {
        const c = await t.open();
        const payload = Buffer.alloc(n, fill, "latin1");
        const bytes = frame(opcode, payload);
        await timed(t, async () => {
          await c.write(bytes);
          await t.echoes(c, [event(kind(opcode), payload)]);
        });
      }];
}

function* fragmented() {
  for (const [opcode, fill, k] of TYPES)
    for (let i = 0; i < 9; i++)
      yield [`9.${3 + k}.${i + 1}`, async (t) => {
        const c = await t.open();
        const payload = Buffer.alloc(4 * MIB, fill, "latin1"), step = 64 * 4 ** i;
        const frames = [];
        for (let at = 0; at < payload.length; at += step)
          frames.push(frame(at === 0 ? opcode : CONT, payload.subarray(at, at + step), {
            fin: at + step >= payload.length,
          }));
        const bytes = Buffer.concat(frames);
        await timed(t, async () => {
          await c.write(bytes);
          await t.echoes(c, [event(kind(opcode), payload)]);
        });
      }];
}

function* chopped() {
  for (const [opcode, fill, k] of TYPES)
    for (let i = 0; i < 6; i++)
      yield [`9.${5 + k}.${i + 1}`, async (t) => {
        const c = await t.open();
        const payload = Buffer.alloc(MIB, fill, "latin1");
        await timed(t, async () => {
          await c.send(opcode, payload, { chop: 64 * 2 ** i });
          await t.echoes(c, [event(kind(opcode), payload)]);
        });
      }];
}

function* roundTrips() {
  for (const [opcode, , k] of TYPES)
    for (const [i, n] of [0, 16, 64, 256, 1024, 4096].entries())
      yield [`9.${7 + k}.${i + 1}`, async (t) => {
        const c = await t.open();
        const payload = Buffer.alloc(n, opcode === TEXT ? "*" : 0xfe);
        const one = event(kind(opcode), payload), events = [];
        await timed(t, async () => {
          for (let sent = 1; sent <= ROUND_TRIPS; sent++) {
            await c.send(opcode, payload);
            events.push(one);
            if (!(await c.until(() => c.events.length >= sent || c.ended, 60_000))) fail("no echo");
          }
          await t.echoes(c, events);
        });
      }];
}

function* autoFragments() {
  yield ["10.1.1", async (t) => {
    const c = await t.open();
    const payload = Buffer.alloc(65536, "*");
    await c.write(c.message(TEXT, payload, 1300));
    await t.echoes(c, [event("message text", payload)]);
  }];
}

// One after the other: their time is looked at.
export const alone = [...whole(), ...fragmented(), ...chopped(), ...roundTrips()];
export const cases = [...autoFragments()];
