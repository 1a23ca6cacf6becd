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
  actions: {
    rename(): void;
    invite(): void;
    prefer(pref: { favourite?: boolean; muted?: boolean }): void;
    hide(): void;
    leave(): void;
  },
): MenuItem[][] {
  const items: MenuItem[] = [];
  if (!room.direct && moderates(room, me)) {
    items.push({ label: t("room.add_people"), icon: "people", action: actions.invite });
    items.push({ label: t("room.rename"), icon: "edit", action: actions.rename });
  }
  const { favourite = false, muted = false } = room.pref;
  const own: MenuItem[] = [
    {
      label: t(favourite ? "room.no_favourite" : "room.favourite"),
      icon: "star",
      action: () => actions.prefer({ favourite: !favourite }),
    },
    {
      label: t(muted ? "room.unmute" : "room.mute"),
      icon: "mute",
      action: () => actions.prefer({ muted: !muted }),
    },
    { label: t("room.hide"), icon: "close", action: actions.hide },
  ];
  if (!room.direct) own.push({ label: t("room.leave"), icon: "leave", action: actions.leave });
  return [items, own].filter((group) => group.length > 0);
}
