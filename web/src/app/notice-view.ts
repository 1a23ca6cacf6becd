// A row of the timeline that says what happened to the room or to somebody's role in it.
import type { Notice, Role, RoomEvent } from "../lib/index.ts";
import { h } from "./dom.ts";
import { timeOf } from "./message-view.ts";
import { t } from "./texts.ts";

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

// What changed since the event before: each has the title and all settings. Where that one is not
// known, there were none.
function roomText(event: RoomEvent, before: RoomEvent | undefined): string {
  const { name } = event.from;
  const { settings } = event;
  const bare = settings === undefined || Object.keys(settings).length === 0;
  const titled = before === undefined ? bare : before.title !== event.title || settings === undefined;
  if (titled || settings === undefined) return t("notice.named", { name, title: event.title || event.room });
  const old = before?.settings ?? {};
  if (settings.archived && !old.archived) return t("notice.archived", { name });
  if (!settings.archived && old.archived) return t("notice.unarchived", { name });
  const { topic } = settings;
  if (topic !== undefined && topic !== old.topic) return t("notice.topic", { name, topic });
  return t("notice.settings", { name });
}

// before: the event about the room before this one, where it is known.
export function noticeRow(notice: Notice, before: RoomEvent | undefined): HTMLElement {
  const { event } = notice;
  if (event.event === "lost") {
    return h("div", { class: "room-notice" }, h("span", { text: t("notice.lost") }));
  }
  const text = event.event === "room" ? roomText(event, before) : roleText(event.user.name, event.role);
  return h("div", { class: "room-notice" }, h("span", { text }), timeOf(notice.ts));
}
