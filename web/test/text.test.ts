// What the page makes of texts: links, and ends that fall between characters.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dayLabel, initials } from "../src/app/format.ts";
import { cut, inlineParts, plainText } from "../src/app/text.ts";

const links = (text: string) =>
  inlineParts(text).flatMap((part) => ("url" in part ? [part.url] : []));

// A text, and the links in it.
const LINKS: [string, string[]][] = [
  ["(see https://e.org/M_(x)).", ["https://e.org/M_(x)"]],
  ["https://e.org/a，谢谢", ["https://e.org/a"]],
  ["见https://e.org/a。谢谢", ["https://e.org/a"]],
  ["（https://e.org/a）", ["https://e.org/a"]],
  ["HTTPS://e.org", ["HTTPS://e.org"]],
  ["Http://E.org/A?b=1, and https://e.org/x!", ["Http://E.org/A?b=1", "https://e.org/x"]],
  ["https://de.wikipedia.org/wiki/Köln.", ["https://de.wikipedia.org/wiki/Köln"]],
  ["https://zh.wikipedia.org/wiki/谢谢", ["https://zh.wikipedia.org/wiki/谢谢"]],
  ["[https://e.org/a[1]]", ["https://e.org/a[1]"]],
  ["https://e.org/a).b(c", ["https://e.org/a).b(c"]],
  ["“https://e.org/a”, he said", ["https://e.org/a"]],
  ["https://e.org/?q=(a)(b))))…", ["https://e.org/?q=(a)(b)"]],
  ["https://. and http:// and xhttp://e.org", []],
  ["`https://e.org` is code", []],
];

for (const [text, wanted] of LINKS) {
  test(`the links in ${text}`, () => {
    assert.deepEqual(links(text), wanted);
    const all = inlineParts(text).map((p) =>
      "url" in p ? p.url : "code" in p ? `\`${p.code}\`` : p.text,
    );
    assert.equal(all.join(""), text, "nothing is lost");
  });
}

test("a link of brackets alone takes no time", () => {
  const text = `https://e.org/${"(".repeat(2000)}${")".repeat(2000)}.`;
  assert.equal(links(text)[0], text.slice(0, -1));
});

// Each is one character to a reader.
const CHARACTERS = ["😀", "👩‍👩‍👧‍👦", "👍🏽", "🇦🇹", "e\u0301", "❤️", "नि"];

test("a quote never ends within a character", () => {
  for (const character of CHARACTERS) {
    assert.equal(cut(character.repeat(5), 5), character.repeat(5));
    for (let max = 2; max < 5; max++) {
      assert.equal(cut(character.repeat(5), max), `${character.repeat(max - 1)}…`);
    }
  }
  assert.equal(plainText(`a\n\n ${"😀".repeat(200)}`), `a ${"😀".repeat(137)}…`);
  assert.equal(plainText("```\nshort\n```"), "short");
});

test("one character of any length is cut all the same", () => {
  const cutOff = cut(`a${"\u0301".repeat(4000)}b`, 140);
  assert.ok(cutOff.length < 4000 && cutOff.endsWith("…"));
});

test("initials are whole characters", () => {
  assert.equal(initials("👩‍👩‍👧‍👦 e\u0301va"), "👩‍👩‍👧‍👦E\u0301");
});

test("a day's label is by the clock that it is given", () => {
  const noon = new Date(2026, 4, 3, 12).getTime();
  const labels = [0, 1, 2].map((days) =>
    dayLabel(noon, new Date(2026, 4, 3 + days, 0, 0, 1).getTime()),
  );
  assert.deepEqual(labels.slice(0, 2), ["Today", "Yesterday"]);
  assert.notEqual(labels[2], "Yesterday");
});
