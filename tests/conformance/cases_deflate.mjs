// 12 permessage-deflate with messages of many sizes, 13 its negotiation. FULL sends
// 1,000 messages in each case, else a few.
import { fail } from "./case.mjs";
import { SETS, messages } from "./data.mjs";
import { OP } from "./wire.mjs";

const SIZES = [[16, 0], [64, 0], [256, 0], [1024, 0], [4096, 0], [8192, 0], [16384, 0], [32768, 0],
  [65536, 0], [131072, 0], [8192, 256], [16384, 256], [32768, 256], [65536, 256], [131072, 256],
  [131072, 1024], [131072, 4096], [131072, 32768]];
const COUNT = Number(process.env.MESSAGES ?? (process.env.FULL ? 1000 : 6));

const offer = (alone, bits) =>
  "permessage-deflate; client_no_context_takeover; client_max_window_bits" +
  (alone ? "; server_no_context_takeover" : "") +
  (bits ? `; server_max_window_bits=${bits}` : "");

// Each message waits for its echo, as a ping-pong.
async function exchange(t, set, [size, fragment], offered) {
  const c = await t.open({ offer: offered });
  if (!c.deflate) fail("compression was not agreed on");
  c.uncounted = true;
  const source = messages(set, size);
  for (let i = 1; i <= COUNT; i++) {
    const payload = source.next().value;
    await c.write(c.message(set.text ? OP.TEXT : OP.BINARY, payload, fragment));
    const came = await c.until(() => c.count >= i || c.ended || c.broken, 30_000);
    if (c.broken) fail(`the server broke the protocol: ${c.broken}`);
    if (!came || c.count !== i) fail(`echo ${i} did not come`);
    if (!c.last.equals(payload) || (c.first.opcode === OP.TEXT) !== set.text)
      fail(`echo ${i} differs`);
  }
  if (c.compressedIn !== COUNT) fail(`${c.compressedIn ?? 0} of ${COUNT} echoes were compressed`);
  await t.echoes(c, []);
}

function* sizes() {
  for (const [s, set] of SETS.entries())
    for (const [i, size] of SIZES.entries())
      yield [`12.${s + 1}.${i + 1}`, (t) => exchange(t, set, size, offer(false, 0))];
}

// Autobahn's seven, then the smallest window in place of 9, which older ones asked for.
const OFFERS = [offer(false, 0), offer(true, 0), offer(false, 9), offer(false, 15), offer(true, 9),
  offer(true, 15), [offer(true, 9), offer(true, 0), offer(false, 0)].join(", ")];
const OLD_OFFERS = { 3: offer(false, 8), 5: offer(true, 8),
  7: [offer(true, 8), offer(true, 0), offer(false, 0)].join(", ") };

function* negotiation() {
  for (const [o, offered] of OFFERS.entries())
    for (const [i, size] of SIZES.entries())
      yield [`13.${o + 1}.${i + 1}`, (t) => exchange(t, SETS[0], size, offered)];
  for (const [o, offered] of Object.entries(OLD_OFFERS))
    for (const i of [0, 4, 9, 14])
      yield [`13.${o}.${i + 1}.8`, (t) => exchange(t, SETS[0], SIZES[i], offered)];
}

export const cases = [...sizes(), ...negotiation()];
