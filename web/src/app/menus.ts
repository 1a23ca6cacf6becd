// What can be done with a message and with a room, and by whom.
import type { Message, Room, User } from "../lib/index.ts";
import type { MenuItem } from "./menu.ts";
import { may } from "./rights.ts";
import { type PlainKey, t } from "./texts.ts";

const EMOJI: [string, PlainKey][] = [
  ["👍", "emoji.thumbs_up"],
  ["❤️", "emoji.heart"],
  ["😂", "emoji.laughing"],
  ["🎉", "emoji.party"],
  ["👀", "emoji.eyes"],
  ["✅", "emoji.done"],
];

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
    about(): void;
    report(): void;
    hold(): void;
    purge(): void;
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
  items.push({ label: t("message.about", { name: message.from.name }), icon: "person", action: actions.about });
  if (!own) items.push({ label: t("message.report"), icon: "alert", action: actions.report });
  if (own || may("moderate", room, me)) {
    items.push({ label: t("message.delete"), icon: "trash", danger: true, action: actions.remove });
  }
  if (own || !may("hold", room, me)) return [faces, items];
  const { name } = message.from;
  return [
    faces,
    items,
    [
      { label: t("message.hold", { name }), icon: "shield", danger: true, action: actions.hold },
      { label: t("message.purge", { name }), icon: "trash", danger: true, action: actions.purge },
    ],
  ];
}

export interface RoomActions {
  about(): void;
  members(): void;
  invite(): void;
  links(): void;
  reports(): void;
  acts(): void;
  settings(): void;
  prefer(pref: { favourite?: boolean; muted?: boolean }): void;
  hide(): void;
  leave(): void;
}

export function roomMenu(room: Room, me: User, actions: RoomActions): MenuItem[][] {
  const items: MenuItem[] = [];
  if (!room.direct) {
    items.push({ label: t("room.about"), icon: "info", action: actions.about });
    items.push({ label: t("room.members"), icon: "people", action: actions.members });
    if (may("invite", room, me)) items.push({ label: t("room.add_people"), icon: "plus", action: actions.invite });
    if (may("invite", room, me) || may("hold", room, me)) {
      items.push({ label: t("room.links"), icon: "link", action: actions.links });
    }
    if (may("set", room, me) || may("archive", room, me)) {
      items.push({ label: t("room.settings"), icon: "gear", action: actions.settings });
    }
  }
  if (may("hold", room, me)) {
    items.push({ label: t("room.reports"), icon: "alert", action: actions.reports });
    items.push({ label: t("room.acts"), icon: "shield", action: actions.acts });
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
