// What compressed messages are cut from: five kinds of data as the Autobahn testsuite
// has them, made here from a fixed seed.
const WORDS = ("Habe nun ach Philosophie Juristerei und Medizin durchaus studiert mit heissem " +
  "Bemuehn da steh ich nun ich armer Tor und bin so klug als wie zuvor").split(" ");

function random(seed) {
  let state = seed >>> 0;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % n;
  };
}

function grow(size, line) {
  const parts = [];
  for (let n = 0, i = 0; n < size; i++) {
    const part = line(i);
    parts.push(part);
    n += part.length;
  }
  return Buffer.from(parts.join("")).subarray(0, size);
}

function json(size) {
  const r = random(1);
  return grow(size, (i) => JSON.stringify({ id: i, guid: r(2 ** 31).toString(16), age: r(90),
    name: WORDS[r(WORDS.length)], tags: [WORDS[r(WORDS.length)], WORDS[r(WORDS.length)]],
    latitude: r(180_000_000) / 1e6, about: sentence(r, 20) }) + ",\n");
}

function sentence(r, n) {
  return Array.from({ length: n }, () => WORDS[r(WORDS.length)]).join(" ") + ".";
}

function html(size) {
  const r = random(2);
  return grow(size, (i) => `<tr class="row${i % 2}"><td><a href="/item/${r(100_000)}">` +
    `${sentence(r, 4)}</a></td><td style="text-align: right">${r(10_000)}</td></tr>\n`);
}

function prose(size) {
  const r = random(3);
  return grow(size, () => sentence(r, 5 + r(10)) + "\r\n");
}

// Neighbouring pixels differ a little.
function picture(size) {
  const r = random(4), out = Buffer.alloc(size);
  for (let i = 0, v = 128; i < size; i++) out[i] = v = (v + r(9) - 4) & 255;
  return out;
}

// Mostly compressed already.
function document(size) {
  const r = random(5), out = Buffer.alloc(size);
  for (let i = 0; i < size; i++) out[i] = i % 8192 < 700 ? 32 + r(16) : r(256);
  return out;
}

export const SETS = [
  { name: "JSON", text: true, bytes: json(194056) },
  { name: "picture", text: false, bytes: picture(263222) },
  { name: "prose", text: false, bytes: prose(222218) },
  { name: "HTML", text: true, bytes: html(263527) },
  { name: "document", text: false, bytes: document(1042328) },
];

// Messages of n bytes, one after the other, around the end.
export function* messages({ bytes }, n) {
  for (let at = 0; ; at = (at + n) % bytes.length) {
    const first = bytes.subarray(at, at + n);
    const rest = n - first.length;
    yield rest === 0 ? first : Buffer.concat([first, bytes.subarray(0, rest)]);
  }
}
