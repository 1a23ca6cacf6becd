// 7 close handling.
import { event } from "./client.mjs";
import { OP, closePayload, frame } from "./wire.mjs";

const { CONT, TEXT, CLOSE, PING } = OP;
const hello = "Hello, world!";

// Frames of which one is a close frame: nothing after it may be answered.
function closing(id, frames, events, code = 1000) {
  return [id, async (t) => {
    const c = await t.open();
    c.sentClose = true;
    await c.write(Buffer.concat(frames.map((f) => frame(...f))));
    await t.closes(c, events, { code, byServer: false });
  }];
}

function* basic() {
  const close = [CLOSE, closePayload(1000)];
  yield ["7.1.1", async (t) => {
    const c = await t.open();
    await c.send(TEXT, hello);
    await t.echoes(c, [event("message text", hello)]);
  }];
  yield closing("7.1.2", [close, close], []);
  yield closing("7.1.3", [close, [PING]], []);
  yield closing("7.1.4", [close, [TEXT, hello]], []);
  yield closing("7.1.5", [[TEXT, "fragment1", { fin: false }], close, [CONT, "fragment2"]], []);
  const big = Buffer.alloc(256 * 1024, "BAsd7&jh23");
  yield closing("7.1.6", [[TEXT, big], [TEXT, hello], close, [PING]],
    [event("message text", big), event("message text", hello)]);
}

// A close frame that is answered with the same code, or refused with 1002 or 1007.
function* payloads() {
  const reason = (n) => Buffer.alloc(n, "*");
  yield closing("7.3.1", [[CLOSE, ""]], [], null);
  yield closing("7.3.2", [[CLOSE, "a"]], [], 1002);
  yield closing("7.3.3", [[CLOSE, closePayload(1000)]], []);
  yield closing("7.3.4", [[CLOSE, closePayload(1000, "Hello World!")]], []);
  yield closing("7.3.5", [[CLOSE, closePayload(1000, reason(123))]], []);
  yield closing("7.3.6", [[CLOSE, closePayload(1000, reason(124))]], [], 1002);
  const bad = Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex");
  yield closing("7.5.1", [[CLOSE, closePayload(1000, bad)]], [], 1007);
  const valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
  for (const [i, code] of valid.entries())
    yield closing(`7.7.${i + 1}`, [[CLOSE, closePayload(code)]], [], code);
  const invalid = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
  for (const [i, code] of invalid.entries())
    yield closing(`7.9.${i + 1}`, [[CLOSE, closePayload(code)]], [], 1002);
  for (const [i, code] of [5000, 65535].entries())
    yield closing(`7.13.${i + 1}`, [[CLOSE, closePayload(code)]], [], 1002);
}

export const cases = [...basic(), ...payloads()];
