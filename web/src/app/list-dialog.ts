// A dialog with a list of what the server has: loaded as it opens, and anew after each action.
import { asPolylogError } from "../lib/index.ts";
import { type Dialog, openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { errorText, t } from "./texts.ts";

export interface ListOptions {
  title: string;
  lead?: string;
  // What is said instead of an empty list.
  empty: string;
  // Buttons below the list.
  foot?: HTMLElement[];
  rows(): Promise<HTMLElement[]>;
}

export class ListDialog {
  private readonly dialog: Dialog;
  private readonly list: HTMLElement;
  private readonly note = h("p", { class: "hint", role: "status", text: t("timeline.loading") });
  private readonly problem: Element;

  constructor(private readonly options: ListOptions) {
    const { title, lead, foot } = options;
    this.list = h("ul", { class: "session-list", "aria-label": title });
    this.dialog = openDialog({
      title,
      body: [
        ...(lead === undefined ? [] : [h("p", { class: "hint", text: lead })]),
        this.list,
        this.note,
        ...(foot === undefined ? [] : [h("footer", { class: "dialog-foot" }, ...foot)]),
      ],
    });
    this.problem = this.dialog.element.querySelector(".form-error")!;
    this.show().catch((thrown) => this.fail(thrown));
  }

  close(): void {
    this.dialog.close();
  }

  // Loads the list; said: what has been done. The focus stays in the dialog.
  async show(said = ""): Promise<void> {
    const rows = await this.options.rows();
    const inside = this.list.contains(document.activeElement);
    this.list.replaceChildren(...rows);
    this.note.textContent = said !== "" ? said : rows.length === 0 ? this.options.empty : "";
    if (inside) (this.list.querySelector<HTMLElement>("button, select") ?? this.closer())?.focus();
  }

  // Does what a control of the list asks for, and says what was done, or why it was not.
  async attempt(control: HTMLButtonElement | HTMLSelectElement, action: () => Promise<unknown>, done: string): Promise<void> {
    this.problem.textContent = "";
    control.disabled = true;
    try {
      await action();
      await this.show(done);
    } catch (thrown) {
      this.fail(thrown);
    }
    control.disabled = false;
  }

  fail(thrown: unknown): void {
    if (this.note.textContent === t("timeline.loading")) this.note.textContent = "";
    this.problem.textContent = errorText(asPolylogError(thrown));
  }

  private closer(): HTMLElement | null {
    return this.dialog.element.querySelector(".dialog-head button");
  }
}

// One row: what it is about, in two lines, and what can be done about it.
export function listRow(title: HTMLElement | string, hint: string, ...actions: (HTMLElement | false)[]): HTMLElement {
  const name = typeof title === "string" ? h("strong", { dir: "auto", text: title }) : title;
  const text = h("div", { class: "session-text" }, name, hint !== "" && h("span", { class: "hint address", text: hint }));
  return h("li", { class: "session" }, text, ...actions);
}

// A small button of a row. label: what it does, and to what.
export function rowButton(text: string, label: string, action: (button: HTMLButtonElement) => void): HTMLButtonElement {
  const button = h("button", { type: "button", class: "button small", text, "aria-label": label });
  button.addEventListener("click", () => action(button));
  return button;
}
