// Who has a role in a room: the list, and, for those who may, appointing, adding and removing.
import type { Client, Member, Role, Room, User } from "../lib/index.ts";
import { h } from "./dom.ts";
import { roomName, shortTime } from "./format.ts";
import { ListDialog, listRow } from "./list-dialog.ts";
import { openMenu } from "./menu.ts";
import { memberMenu } from "./member-menu.ts";
import { may } from "./rights.ts";
import { inviteDialog } from "./room-dialogs.ts";
import { locale, type PlainKey, t } from "./texts.ts";
import { avatar, iconButton } from "./widgets.ts";

const ROLES: [Role, PlainKey][] = [
  ["owner", "members.owner"],
  ["moderator", "members.moderator"],
  ["member", "members.member"],
  ["muted", "members.muted"],
  ["banned", "members.banned"],
];
const rank = (role: Role) => ROLES.findIndex(([one]) => one === role);

function roleName({ role, until }: Member): string {
  const name = t(ROLES.find(([one]) => one === role)?.[1] ?? "members.member");
  return until === undefined ? name : t("members.until", { role: name, when: shortTime(until) });
}

export function membersDialog(client: Client, room: Room, about: (user: User) => void): void {
  const me = client.user;
  const add = h("button", { type: "button", class: "button primary", text: t("room.add_people") });
  add.addEventListener("click", () => {
    inviteDialog(client, room, () => void dialog.show().catch((thrown) => dialog.fail(thrown)));
  });
  const dialog = new ListDialog({
    title: t("members.title", { room: roomName(room, client) }),
    empty: t("members.none"),
    ...(room.kind === "public" && { lead: t("members.public") }),
    ...(may("invite", room, me) && { foot: [add] }),
    rows: async () => {
      const { members } = await client.request("members", { room: room.id });
      members.sort((a, b) => rank(a.role) - rank(b.role) || a.name.localeCompare(b.name, locale));
      return members.map(row);
    },
  });
  const set = (member: Member, role: Role, control: HTMLButtonElement) => {
    const action = () => client.request("member_set", { room: room.id, user: member.id, role });
    const { name } = member;
    const done = role === "none" ? t("members.removed", { name }) : t("members.set", { name, role: roleName({ ...member, role }) });
    void dialog.attempt(control, action, done);
  };
  const row = (member: Member) => {
    const own = member.id === me.id;
    const name = h("button", { type: "button", class: "name-button", text: member.name, dir: "auto" });
    name.addEventListener("click", () => about(member));
    const hint = own ? t("members.you", { role: roleName(member) }) : roleName(member);
    const items = own ? [] : memberMenu(client, room, member, (role) => set(member, role, more));
    const label = t("members.actions", { name: member.name });
    const more = iconButton("more", label, () => openMenu(more, label, [items]), {
      "aria-haspopup": "menu",
      "aria-expanded": "false",
    });
    const item = listRow(name, hint, items.length > 0 && more);
    item.prepend(avatar(member.id, member.name));
    return item;
  };
}
