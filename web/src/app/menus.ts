// What can be done with a message and with a room, and by whom.
import type { Message, Room, User } from "../lib/index.ts";
import type { MenuItem } from "./menu.ts";
import { type PlainKey, t } from "./texts.ts";

const EMOJI: [string, PlainKey][] = [
  ["👍", "emoji.thumbs_up"],
  ["❤️", "emoji.heart"],
  ["😂", "emoji.laughing"],
  ["🎉", "emoji.party"],
  ["👀", "emoji.eyes"],
  ["✅", "emoji.done"],
];

function moderates(room: Room, user: User): boolean {
  return room.role === "owner" || room.role === "moderator" || user.owner === true;
}

export function messageMenu(
  message: Message,
  room: Room,
  me: User,
  actions: {
    react(emoji: string, on: boolean): void;
    reply(): void;
    copy(): void;
    edit(): void;
    remove(): void;
  },
): MenuItem[][] {
  const faces = EMOJI.map(([emoji, label]): MenuItem => {
    const pressed = message.reactions.get(emoji)?.includes(me.id) ?? false;
    return { label: t(label), face: emoji, pressed, action: () => actions.react(emoji, !pressed) };
  });
  const items: MenuItem[] = [{ label: t("message.reply"), icon: "reply", action: actions.reply }];
  // Browsers keep the clipboard from pages that came over plain HTTP.
  if (isSecureContext) items.push({ label: t("message.copy"), icon: "copy", action: actions.copy });
  const own = message.from.id === me.id;
  if (own) items.push({ label: t("message.edit"), icon: "edit", action: actions.edit });
  if (own || moderates(room, me)) {
    items.push({ label: t("message.delete"), icon: "trash", danger: true, action: actions.remove });
  }
  return [faces, items];
}

export function roomMenu(
  room: Room,
  me: User,
  actions: { rename(): void; invite(): void; leave(): void },
): MenuItem[][] {
  const items: MenuItem[] = [];
  if (!room.direct && moderates(room, me)) {
    items.push({ label: t("room.add_people"), icon: "people", action: actions.invite });
    items.push({ label: t("room.rename"), icon: "edit", action: actions.rename });
  }
  const label = room.direct ? t("room.hide") : t("room.leave");
  items.push({ label, icon: "leave", action: actions.leave });
  return [items];
}
