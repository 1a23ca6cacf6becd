// A message's text as nodes: links, `code`, ``` blocks and line breaks. It
// never becomes HTML on the way.
import { h } from "./dom.ts";
import { inlineParts } from "./text.ts";

const BLOCK = /```(?:[a-z0-9+-]*\n)?([\s\S]*?)```/gi;

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
  for (const part of inlineParts(text)) {
    if ("text" in part) out.append(part.text);
    else if ("code" in part) out.append(h("code", { text: part.code }));
    else out.append(link(part.url, part.href));
  }
}

// A link to a room of this very page goes there; any other opens a tab.
function link(text: string, href: string): HTMLElement {
  const room = href.startsWith(`${location.origin}${location.pathname}#/`);
  const target = room ? {} : { target: "_blank", rel: "noopener noreferrer" };
  return h("a", { href, text, ...target });
}
