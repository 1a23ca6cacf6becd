// Small pieces that several views use.
import { PolylogError } from "../lib/index.ts";
import { h, uniqueId } from "./dom.ts";
import { hue, initials } from "./format.ts";
import { icon, type IconName } from "./icons.ts";
import { t } from "./texts.ts";

const TOAST_MS = 6000;

export function avatar(id: number, name: string, size: "small" | "normal" | "large" = "normal"): HTMLElement {
  const element = h("span", {
    class: `avatar ${size}`,
    "aria-hidden": "true",
    text: initials(name),
  });
  return coloured(element, id);
}

// Gives the element the colour of a person.
export function coloured<E extends HTMLElement>(element: E, id: number): E {
  element.style.setProperty("--hue", String(hue(id)));
  return element;
}

export function iconButton(
  name: IconName,
  label: string,
  action: (event: MouseEvent) => void,
  more: { class?: string; [name: string]: unknown } = {},
): HTMLButtonElement {
  const { class: extra = "", ...attributes } = more;
  const button = h(
    "button",
    { type: "button", title: label, "aria-label": label, ...attributes },
    icon(name),
  );
  button.className = `icon-button ${extra}`;
  button.addEventListener("click", action);
  return button;
}

// A labelled input with a hint below.
export function field(label: string, input: HTMLElement, hint?: string): HTMLElement {
  input.id = uniqueId("field");
  const name = h("label", { class: "field-label", for: input.id, text: label });
  const wrapper = h("div", { class: "field" }, name, input);
  if (hint === undefined) return wrapper;
  const note = h("span", { class: "hint", id: `${input.id}-hint`, text: hint });
  input.setAttribute("aria-describedby", note.id);
  wrapper.append(note);
  return wrapper;
}

export function nameInput(value = ""): HTMLInputElement {
  return h("input", { class: "input", maxlength: 64, autocomplete: "off", value });
}

export function passwordInput(autocomplete: string): HTMLInputElement {
  return h("input", { class: "input", type: "password", maxlength: 512, autocomplete });
}

// What was entered; throws where that is nothing.
export function filled(input: HTMLInputElement, what: string): string {
  const text = input.value.trim();
  if (text === "") throw new PolylogError("empty", t("dialog.missing", { what })).because("told");
  return text;
}

const toasts = h("div", { class: "toasts", role: "alert", "aria-live": "assertive" });

// A short message at the edge of the page, gone after a while.
export function toast(text: string): void {
  if (!toasts.isConnected) document.body.append(toasts);
  const note = h("div", { class: "toast", text });
  toasts.append(note);
  while (toasts.children.length > 3) toasts.firstElementChild?.remove();
  setTimeout(() => note.remove(), TOAST_MS);
}
