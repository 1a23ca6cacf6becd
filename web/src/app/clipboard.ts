// A text to take along: shown in a field, with a button that copies it where the browser lets
// pages do that.
import { h } from "./dom.ts";
import { t } from "./texts.ts";
import { field } from "./widgets.ts";

const SHOWN_MS = 2500;

export function copyField(label: string, text: string, hint?: string): HTMLElement {
  const input = h("input", { class: "input", readonly: true, value: text });
  const labelled = field(label, input, hint);
  const line = h("div", { class: "copy-line" });
  input.replaceWith(line);
  line.append(input);
  input.addEventListener("focus", () => input.select());
  // Browsers keep the clipboard from pages that came over plain HTTP.
  if (!isSecureContext) return labelled;
  const copy = h("button", { type: "button", class: "button", text: t("copy.copy") });
  const said = h("span", { class: "unseen", role: "status" });
  copy.addEventListener("click", async () => {
    const done = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    if (!done) {
      input.focus();
      return;
    }
    copy.textContent = said.textContent = t("copy.copied");
    setTimeout(() => {
      copy.textContent = t("copy.copy");
      said.textContent = "";
    }, SHOWN_MS);
  });
  line.append(copy, said);
  return labelled;
}
