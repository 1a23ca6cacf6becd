// What a text consists of, as a reader sees it. Pure: no element is made here.

export type Part = { text: string } | { code: string } | { url: string; href: string };

const INLINE =
  /`([^`\n]+)`|\bhttps?:\/\/[^\s<>"'`\u3000-\u303f\uff01-\uff20\uff3b-\uff40\uff5b-\uff65“”‘’«»…]+/gi;
const TRAILING = ".,;:!?";
const OPENED_BY: Record<string, string> = { ")": "(", "]": "[", "}": "{" };
// A character as a reader sees it may have many code units, but no more are looked at.
const UNITS_MAX = 16;

const segmenter =
  typeof Intl.Segmenter === "function"
    ? new Intl.Segmenter(undefined, { granularity: "grapheme" })
    : undefined;

// The first characters of the text, at most `max`, none of them in parts. An emoji or a
// letter with its accents is one; browsers that cannot tell keep to code points.
export function characters(text: string, max: number): string[] {
  const found: string[] = [];
  const head = text.slice(0, (max + 1) * UNITS_MAX);
  const all = segmenter === undefined ? head : segmentsOf(head, segmenter);
  for (const character of all) {
    if (found.length === max) break;
    found.push(character);
  }
  return found;
}

function* segmentsOf(text: string, by: Intl.Segmenter): Generator<string> {
  for (const { segment } of by.segment(text)) yield segment;
}

// The text, or its beginning and "…": `max` characters at most.
export function cut(text: string, max: number): string {
  const first = characters(text, max + 1);
  const whole = first.length <= max && first.join("").length === text.length;
  return whole ? text : `${first.slice(0, max - 1).join("")}…`;
}

// One line, for quotes and announcements.
export function plainText(text: string, max = 140): string {
  return cut(text.replaceAll("```", "").replace(/\s+/g, " ").trim(), max);
}

// Where a link ends in what looks like one: the punctuation behind it does not belong to
// it, nor does a bracket that was opened before it.
function linkEnd(found: string): number {
  const surplus: Record<string, number> = {};
  for (const [close, open] of Object.entries(OPENED_BY)) {
    surplus[close] = found.split(close).length - found.split(open).length;
  }
  let end = found.length;
  for (; end > 0; end--) {
    const last = found[end - 1]!;
    if (TRAILING.includes(last)) continue;
    if ((surplus[last] ?? 0) <= 0) break;
    surplus[last]!--;
  }
  return end;
}

function parse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

// Text, code and links of a text without blocks.
export function inlineParts(text: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  const plain = (to: number) => {
    if (to > at) parts.push({ text: text.slice(at, to) });
    at = to;
  };
  for (const match of text.matchAll(INLINE)) {
    if (match[1] !== undefined) {
      plain(match.index);
      parts.push({ code: match[1] });
      at += match[0].length;
      continue;
    }
    const url = match[0].slice(0, linkEnd(match[0]));
    const parsed = parse(url);
    if (parsed === undefined || parsed.hostname === "") continue;
    plain(match.index);
    parts.push({ url, href: parsed.href });
    at += url.length;
  }
  plain(text.length);
  return parts;
}
