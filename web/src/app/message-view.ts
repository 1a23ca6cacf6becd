// One row of the timeline: a message, one that is on its way, or a notice.
import type { Client, Item, Message, Notice, Pending, Role } from "../lib/index.ts";
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
  retry(pending: Pending): void;
  discard(pending: Pending): void;
}

function timeOf(ts: number): HTMLTimeElement {
  const iso = new Date(ts).toISOString();
  return h("time", { datetime: iso, title: fullTime(ts), text: clockTime(ts) });
}

function body(text: string): HTMLElement {
  const element = h("div", { class: "text", dir: "auto" });
  element.append(richText(text));
  return element;
}

// What a reply answers, in one line; a click goes there.
function quote(seq: number, target: Item | undefined, jump: (seq: number) => void): HTMLElement {
  const button = h("button", { type: "button", class: "quote" }, icon("reply"));
  if (target?.type === "message") {
    const author = h("span", { class: "author", text: target.from.name });
    const text = target.deleted ? t("message.deleted") : plainText(target.text);
    button.append(coloured(author, target.from.id), h("span", { class: "quote-text", text }));
  } else {
    button.append(h("span", { class: "quote-text", text: t("message.earlier") }));
  }
  button.addEventListener("click", () => jump(seq));
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
  id: number;
  name: string;
  ts: number;
  grouped: boolean;
  class: string;
}

// The row's grid: a gutter with the face, or the time where the row goes on
// from the one above, and a column for everything else.
function frame(options: Frame): { row: HTMLElement; column: HTMLElement } {
  const { id, name, ts, grouped } = options;
  const kind = `${options.class}${grouped ? " grouped" : ""}`;
  const row = h("article", { class: `message ${kind}`, tabindex: "-1" });
  const gutter = h("div", { class: "gutter" });
  const column = h("div", { class: "column" });
  if (grouped) gutter.append(timeOf(ts));
  else {
    gutter.append(avatar(id, name));
    const author = coloured(h("span", { class: "author", text: name }), id);
    column.append(h("div", { class: "byline" }, author, timeOf(ts)));
  }
  row.append(gutter, column);
  return { row, column };
}

export function messageRow(
  message: Message,
  context: { client: Client; grouped: boolean; target: Item | undefined; actions: MessageActions },
): HTMLElement {
  const { client, grouped, target, actions } = context;
  const { from, ts } = message;
  const { row, column } = frame({ id: from.id, name: from.name, ts, grouped, class: "" });
  row.dataset.seq = String(message.seq);
  const said = message.deleted ? t("message.deleted_label") : plainText(message.text, 500);
  const label = t("message.label", { name: from.name, time: clockTime(ts), text: said });
  row.setAttribute("aria-label", label);
  if (message.replyTo !== undefined) column.append(quote(message.replyTo, target, actions.jump));
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

export function pendingRow(
  pending: Pending,
  context: { client: Client; grouped: boolean; target: Item | undefined; actions: MessageActions },
): HTMLElement {
  const { client, grouped, target, actions } = context;
  const { id, name } = client.user;
  const state = pending.state === "failed" ? "failed" : "pending";
  const { row, column } = frame({ id, name, ts: pending.ts, grouped, class: state });
  row.dataset.cid = pending.cid;
  if (pending.replyTo !== undefined) column.append(quote(pending.replyTo, target, actions.jump));
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

const ROLES = {
  owner: "notice.owner",
  moderator: "notice.moderator",
  member: "notice.member",
  muted: "notice.muted",
  banned: "notice.banned",
  none: "notice.none",
} as const;

function roleText(name: string, role: Role): string {
  const key = ROLES[role] as (typeof ROLES)[Role] | undefined;
  return key === undefined ? t("notice.role", { name, role }) : t(key, { name });
}

export function noticeRow(notice: Notice): HTMLElement {
  const { event } = notice;
  if (event.event === "lost") {
    return h("div", { class: "room-notice" }, h("span", { text: t("notice.lost") }));
  }
  const text =
    event.event === "room"
      ? t("notice.named", { name: event.from.name, title: event.title || event.room })
      : roleText(event.user.name, event.role);
  return h("div", { class: "room-notice" }, h("span", { text }), timeOf(notice.ts));
}
