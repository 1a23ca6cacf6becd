// A message's text as nodes: links, `code`, ``` blocks and line breaks. It
// never becomes HTML on the way.
import { h } from "./dom.ts";

const BLOCK = /```(?:[a-z0-9+-]*\n)?([\s\S]*?)```/gi;
const INLINE = /`([^`\n]+)`|\bhttps?:\/\/[^\s<>"'`]+/g;
const TRAILING = /[.,;:!?)\]}…]+$/;

export function richText(text: string): DocumentFragment {
  const out = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(BLOCK)) {
    inline(out, text.slice(at, match.index).replace(/\n$/, ""));
    out.append(h("pre", { tabindex: "0" }, h("code", { text: match[1]!.replace(/\n$/, "") })));
    at = match.index + match[0].length;
    if (text[at] === "\n") at++;
  }
  inline(out, text.slice(at));
  return out;
}

function inline(out: DocumentFragment, text: string): void {
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    out.append(text.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[1] !== undefined) out.append(h("code", { text: match[1] }));
    else at -= link(out, match[0]);
  }
  out.append(text.slice(at));
}

// Appends the link; returns how many characters at its end do not belong to it.
function link(out: DocumentFragment, found: string): number {
  let url = found;
  const tail = TRAILING.exec(url)?.[0] ?? "";
  const balanced = tail.startsWith(")") && url.includes("(");
  if (!balanced) url = url.slice(0, url.length - tail.length);
  out.append(h("a", { href: url, target: "_blank", rel: "noopener noreferrer", text: url }));
  return found.length - url.length;
}

// One line, for quotes and announcements.
export function plainText(text: string, max = 140): string {
  const line = text.replaceAll("```", "").replace(/\s+/g, " ").trim();
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`;
}
