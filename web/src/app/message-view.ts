// One row of the timeline: a message, or one that is on its way.
import type { Client, Item, Message, Pending, User } from "../lib/index.ts";
import type { Contacts } from "./contacts.ts";
import { add, h } from "./dom.ts";
import { clockTime, fullTime } from "./format.ts";
import { icon } from "./icons.ts";
import { richText } from "./richtext.ts";
import { plainText } from "./text.ts";
import { errorText, nameList, number, t } from "./texts.ts";
import { avatar, coloured, iconButton } from "./widgets.ts";

export interface MessageActions {
  menu(message: Message, anchor: HTMLElement): void;
  reply(message: Message): void;
  react(message: Message, emoji: string, on: boolean): void;
  jump(seq: number): void;
  about(user: User): void;
  retry(pending: Pending): void;
  discard(pending: Pending): void;
}

// What every row is made with.
export interface RowContext {
  client: Client;
  contacts: Contacts;
  grouped: boolean;
  target: Item | undefined;
  actions: MessageActions;
}

export function timeOf(ts: number): HTMLTimeElement {
  const iso = new Date(ts).toISOString();
  return h("time", { datetime: iso, title: fullTime(ts), text: clockTime(ts) });
}

function body(text: string): HTMLElement {
  const element = h("div", { class: "text", dir: "auto" });
  element.append(richText(text));
  return element;
}

// What a reply answers, in one line; a click goes there.
function quote(seq: number, { target, contacts, actions }: RowContext): HTMLElement {
  const button = h("button", { type: "button", class: "quote" }, icon("reply"));
  if (target?.type === "message" && contacts.isBlocked(target.from.id)) {
    button.append(h("span", { class: "quote-text", text: t("message.blocked_quote") }));
  } else if (target?.type === "message") {
    const author = h("span", { class: "author", text: contacts.nameOf(target.from) });
    const text = target.deleted ? t("message.deleted") : plainText(target.text);
    button.append(coloured(author, target.from.id), h("span", { class: "quote-text", text }));
  } else {
    button.append(h("span", { class: "quote-text", text: t("message.earlier") }));
  }
  button.addEventListener("click", () => actions.jump(seq));
  return button;
}

function reactions(message: Message, client: Client, actions: MessageActions): HTMLElement {
  const list = h("div", { class: "reactions" });
  for (const [emoji, people] of message.reactions) {
    const mine = people.includes(client.user.id);
    const names = people.map((id) =>
      id === client.user.id ? t("people.you") : (client.names.get(id) ?? t("people.someone")),
    );
    const button = h(
      "button",
      {
        type: "button",
        class: "reaction",
        "aria-pressed": String(mine),
        "aria-label": t("message.reaction", { emoji, count: people.length, names: nameList(names) }),
        title: nameList(names),
      },
      h("span", { class: "emoji", text: emoji }),
      h("span", { text: number(people.length) }),
    );
    button.addEventListener("click", () => actions.react(message, emoji, !mine));
    list.append(button);
  }
  return list;
}

interface Frame {
  from: User;
  ts: number;
  grouped: boolean;
  class: string;
  bot?: Message["bot"];
}

// Nobody is taken for another: whatever a bot calls itself, it is marked, and its name is there.
function botMark(name: string): HTMLElement {
  return h("span", { class: "bot-mark", title: `@${name}`, text: t("message.bot") });
}

// An emoji that a bot gave. Pictures from elsewhere are not loaded: whose server that is would
// learn who reads, and when.
function face({ from, bot }: Frame): HTMLElement {
  const element = avatar(from.id, bot?.as ?? from.name);
  const picture = bot?.picture;
  if (picture !== undefined && !picture.startsWith("https:")) {
    element.classList.add("emoji");
    element.textContent = picture;
  }
  return element;
}

// The row's grid: a gutter with the face, or the time where the row goes on
// from the one above, and a column for everything else.
function frame(options: Frame, { contacts, actions }: RowContext): { row: HTMLElement; column: HTMLElement } {
  const { from, ts, grouped, bot } = options;
  const kind = `${options.class}${grouped ? " grouped" : ""}`;
  const row = h("article", { class: `message ${kind}`, tabindex: "-1" });
  const gutter = h("div", { class: "gutter" });
  const column = h("div", { class: "column" });
  if (grouped) gutter.append(timeOf(ts));
  else {
    gutter.append(face(options));
    const author = nameButton(from, contacts, actions.about);
    if (bot?.as !== undefined) {
      author.textContent = bot.as;
      delete author.dataset.nameOf; // this message keeps it, whatever the bot's profile says
    }
    const mark = bot !== undefined && botMark(from.name);
    column.append(h("div", { class: "byline" }, author, mark, timeOf(ts)));
  }
  row.append(gutter, column);
  return { row, column };
}

// The author's name, by which one gets to who that is: with the keyboard by the message's menu.
function nameButton(user: User, contacts: Contacts, about: (user: User) => void): HTMLElement {
  const button = h("button", {
    type: "button",
    class: "author name-button",
    tabindex: "-1",
    title: `@${user.name}`,
    "data-name-of": user.id,
    text: contacts.nameOf(user),
  });
  contacts.want(user.id);
  button.addEventListener("click", () => about(user));
  return coloured(button, user.id);
}

export function messageRow(message: Message, context: RowContext): HTMLElement {
  const { client, contacts, grouped, actions } = context;
  const { from, ts, bot } = message;
  const { row, column } = frame({ from, ts, grouped, class: "", bot }, context);
  row.dataset.seq = String(message.seq);
  const said = message.deleted ? t("message.deleted_label") : plainText(message.text, 500);
  const shown = bot?.as ?? contacts.nameOf(from);
  const name = bot === undefined ? shown : t("message.bot_name", { as: shown, name: from.name });
  const label = t("message.label", { name, time: clockTime(ts), text: said });
  row.setAttribute("aria-label", label);
  if (message.replyTo !== undefined) column.append(quote(message.replyTo, context));
  if (message.deleted) {
    column.append(h("div", { class: "text gone", text: t("message.deleted") }));
    return row;
  }
  const text = body(message.text);
  if (message.edited !== undefined) {
    const title = fullTime(message.edited);
    text.append(" ", h("span", { class: "edited", title, text: t("message.edited") }));
  }
  column.append(text);
  if (message.reactions.size > 0) column.append(reactions(message, client, actions));
  row.append(tools(message, actions));
  return row;
}

function tools(message: Message, actions: MessageActions): HTMLElement {
  const what = { name: message.from.name, time: clockTime(message.ts) };
  const more = iconButton("more", t("message.more_label", what), () => actions.menu(message, more), {
    tabindex: "-1",
    "aria-haspopup": "menu",
    "aria-expanded": "false",
    title: t("message.more"),
  });
  const reply = iconButton("reply", t("message.reply_label", what), () => actions.reply(message), {
    tabindex: "-1",
    title: t("message.reply"),
  });
  return h("div", { class: "tools" }, reply, more);
}

// Messages of people whom one has blocked, in place of them.
export function hiddenRow(n: number, show: () => void): HTMLElement {
  const button = h("button", { type: "button", class: "link-button", text: t("message.show_hidden") });
  button.addEventListener("click", show);
  return h("div", { class: "room-notice hidden-row" }, h("span", { text: t("message.hidden", { n }) }), button);
}

export function pendingRow(pending: Pending, context: RowContext): HTMLElement {
  const { client, grouped, actions } = context;
  const state = pending.state === "failed" ? "failed" : "pending";
  const { row, column } = frame({ from: client.user, ts: pending.ts, grouped, class: state }, context);
  row.dataset.cid = pending.cid;
  if (pending.replyTo !== undefined) column.append(quote(pending.replyTo, context));
  column.append(body(pending.text));
  if (pending.state !== "failed") {
    column.append(h("div", { class: "delivery" }, icon("clock"), t("message.sending")));
    return row;
  }
  const retry = h("button", { type: "button", class: "link-button", text: t("message.send_again") });
  const discard = h("button", { type: "button", class: "link-button", text: t("message.discard") });
  retry.addEventListener("click", () => actions.retry(pending));
  discard.addEventListener("click", () => actions.discard(pending));
  const why = errorText(pending.error ?? { code: "internal", message: "" });
  const failure = h("div", { class: "delivery" }, icon("alert"), t("message.failed", { why }));
  add(failure, [retry, discard]);
  column.append(failure);
  return row;
}
