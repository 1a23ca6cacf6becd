// What can be done with somebody who has a role in a room, by whoever has a higher one.
import type { Client, Member, Role, Room, User } from "../lib/index.ts";
import type { MenuItem } from "./menu.ts";
import { may } from "./rights.ts";
import { t } from "./texts.ts";

// Moderators hold members, and owners everybody.
function holds(room: Room, me: User, role: Role): boolean {
  if (may("appoint", room, me)) return true;
  return may("hold", room, me) && role !== "owner" && role !== "moderator";
}

export function memberMenu(client: Client, room: Room, member: Member, set: (role: Role) => void): MenuItem[] {
  const { user: me } = client;
  const { role } = member;
  const items: MenuItem[] = [];
  const held = role === "muted" || role === "banned";
  if (may("appoint", room, me) && !held) {
    if (role !== "owner") items.push({ label: t("members.make_owner"), icon: "key", action: () => set("owner") });
    if (role !== "moderator") {
      items.push({ label: t("members.make_moderator"), icon: "shield", action: () => set("moderator") });
    }
    if (role !== "member") items.push({ label: t("members.make_member"), icon: "people", action: () => set("member") });
  }
  if (holds(room, me, role)) {
    if (held) items.push({ label: t("members.release"), icon: "people", action: () => set("member") });
    items.push({ label: t("members.remove"), icon: "leave", danger: true, action: () => set("none") });
  }
  return items;
}
