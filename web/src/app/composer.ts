// Where messages are written: a new one, an answer, or another text for an old
// one. What was not sent is kept per room.
import type { Message } from "../lib/index.ts";
import { composing, h } from "./dom.ts";
import { icon } from "./icons.ts";
import { plainText } from "./text.ts";
import { parts, t } from "./texts.ts";
import { coloured, iconButton } from "./widgets.ts";

const TEXT_MAX = 4000;
const COUNT_FROM = 3600;

export interface ComposerActions {
  send(text: string, replyTo: number | undefined): void;
  // Resolves when the server took the new text.
  edit(message: Message, text: string): Promise<void>;
  typing(on: boolean): void;
  // One's own last message, for ArrowUp in an empty field.
  last(): Message | undefined;
}

interface Draft {
  text: string;
  reply: Message | undefined;
}

export class Composer {
  readonly element: HTMLFormElement;
  private readonly input: HTMLTextAreaElement;
  private readonly context: HTMLElement;
  private readonly counter: HTMLElement;
  private readonly submit: HTMLButtonElement;
  private readonly drafts = new Map<string, Draft>();
  private room = "";
  private reply: Message | undefined;
  private editing: Message | undefined;

  constructor(private readonly actions: ComposerActions) {
    this.input = h("textarea", {
      class: "composer-input",
      rows: 1,
      dir: "auto",
      enterkeyhint: "send",
      autocapitalize: "sentences",
    });
    this.context = h("div", { class: "composer-context", hidden: true });
    this.counter = h("div", { class: "composer-count", role: "status", hidden: true });
    this.submit = h(
      "button",
      { type: "submit", class: "send-button", "aria-label": t("composer.send"), title: t("composer.send"), disabled: true },
      icon("send"),
    );
    this.element = h(
      "form",
      { class: "composer" },
      this.context,
      h("div", { class: "composer-box" }, this.input, this.submit),
      this.counter,
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    this.input.addEventListener("input", () => this.changed());
    this.input.addEventListener("keydown", (event) => this.key(event));
  }

  open(room: string, name: string): void {
    if (room !== this.room) {
      this.keepDraft();
      this.room = room;
      this.editing = undefined;
      const draft = this.drafts.get(room);
      this.reply = draft?.reply;
      this.setText(draft?.text ?? "");
      this.showContext();
    }
    const label = t("composer.label", { room: name });
    this.input.placeholder = label;
    this.input.setAttribute("aria-label", label);
  }

  focus(): void {
    this.input.focus({ preventScroll: true });
  }

  startReply(message: Message): void {
    if (this.editing !== undefined) this.cancel();
    this.reply = message;
    this.showContext();
    this.focus();
  }

  startEdit(message: Message): void {
    if (this.editing === undefined) this.keepDraft();
    this.editing = message;
    this.reply = undefined;
    this.setText(message.text);
    this.showContext();
    this.focus();
    this.input.setSelectionRange(message.text.length, message.text.length);
  }

  private async send(): Promise<void> {
    const text = this.input.value.trim();
    if (text === "" || this.length() > TEXT_MAX) return;
    const { editing, reply } = this;
    if (editing === undefined) {
      this.reply = undefined;
      this.drafts.delete(this.room);
      this.setText("");
      this.showContext();
      this.actions.send(text, reply?.seq);
    } else if (text === editing.text) {
      this.cancel();
    } else {
      this.submit.disabled = true;
      try {
        await this.actions.edit(editing, text);
        if (this.editing === editing) this.cancel();
      } catch {
        // The reason is on the page; the text stays for another attempt.
      }
      this.changed(false);
    }
    this.focus();
  }

  private cancel(): void {
    this.reply = undefined;
    if (this.editing !== undefined) {
      this.editing = undefined;
      const draft = this.drafts.get(this.room);
      this.reply = draft?.reply;
      this.setText(draft?.text ?? "");
    }
    this.showContext();
  }

  private key(event: KeyboardEvent): void {
    if (composing(event)) return;
    const touch = matchMedia("(pointer: coarse)").matches;
    if (event.key === "Enter" && !event.shiftKey && !touch) {
      event.preventDefault();
      void this.send();
    } else if (event.key === "Escape" && (this.editing ?? this.reply) !== undefined) {
      event.preventDefault();
      this.cancel();
    } else if (event.key === "ArrowUp" && this.input.value === "") {
      const last = this.actions.last();
      if (last === undefined) return;
      event.preventDefault();
      this.startEdit(last);
    }
  }

  private changed(byHand = true): void {
    const length = this.length();
    const empty = this.input.value.trim() === "";
    this.submit.disabled = empty || length > TEXT_MAX;
    this.counter.hidden = length < COUNT_FROM;
    this.counter.textContent = this.counter.hidden ? "" : counted(TEXT_MAX - length);
    this.counter.classList.toggle("over", length > TEXT_MAX);
    this.grow();
    if (byHand && this.editing === undefined) this.actions.typing(!empty);
  }

  // Characters as the server counts them, not UTF-16 units.
  private length(): number {
    return [...this.input.value].length;
  }

  private grow(): void {
    this.input.style.removeProperty("height");
    const height = this.input.scrollHeight;
    if (height > 0) this.input.style.setProperty("height", `${height}px`);
  }

  private setText(text: string): void {
    this.input.value = text;
    this.changed(false);
  }

  private keepDraft(): void {
    if (this.editing !== undefined) return;
    if (this.input.value === "" && this.reply === undefined) this.drafts.delete(this.room);
    else this.drafts.set(this.room, { text: this.input.value, reply: this.reply });
  }

  private showContext(): void {
    const message = this.editing ?? this.reply;
    this.context.hidden = message === undefined;
    this.context.replaceChildren();
    if (message === undefined) return;
    const name = coloured(
      h("strong", { class: "author", text: message.from.name }),
      message.from.id,
    );
    const what =
      this.editing === undefined ? parts("composer.replying", { name }) : [t("composer.editing")];
    this.context.append(
      icon(this.editing === undefined ? "reply" : "edit"),
      h("span", { class: "composer-what" }, ...what),
      h("span", { class: "composer-quote", text: plainText(message.text) }),
      iconButton("close", t("composer.cancel"), () => {
        this.cancel();
        this.focus();
      }),
    );
  }
}

function counted(left: number): string {
  if (left >= 0) return t("composer.left", { n: left });
  return t("composer.over", { n: -left });
}
