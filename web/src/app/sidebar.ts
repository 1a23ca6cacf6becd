// The list of rooms and of direct messages.
import type { Client, Room } from "../lib/index.ts";
import { h, place } from "./dom.ts";
import { peerId, roomName } from "./format.ts";
import { icon } from "./icons.ts";
import { roomFace } from "./room-face.ts";
import { locale, t } from "./texts.ts";
import { avatar, iconButton } from "./widgets.ts";

export interface SidebarActions {
  open(id: string): void;
  addRoom(): void;
  addDirect(): void;
  settings(): void;
}

export class Sidebar {
  readonly element: HTMLElement;
  private readonly rooms = h("ul", { class: "room-list" });
  private readonly directs = h("ul", { class: "room-list" });
  private readonly status = h("span", { class: "me-state" });
  private readonly me: HTMLButtonElement;
  private readonly entries = new Map<string, { element: HTMLElement; look: string }>();

  constructor(
    private readonly client: Client,
    private readonly actions: SidebarActions,
  ) {
    const { id, name } = client.user;
    this.me = h(
      "button",
      { type: "button", class: "me", "aria-haspopup": "dialog" },
      avatar(id, name),
      h("span", { class: "me-text" }, h("span", { class: "me-name", text: name }), this.status),
      icon("gear"),
    );
    this.me.addEventListener("click", () => actions.settings());
    this.element = h(
      "nav",
      { class: "sidebar", id: "sidebar", "aria-label": t("rooms.title") },
      h(
        "div",
        { class: "brand" },
        h("img", { src: "icon.svg", alt: "", width: 24, height: 24 }),
        h("span", { text: "Polylog" }),
      ),
      h(
        "div",
        { class: "lists" },
        this.section(t("rooms.title"), t("rooms.add"), this.rooms, () => actions.addRoom()),
        this.section(t("rooms.directs"), t("rooms.add_direct"), this.directs, () =>
          actions.addDirect(),
        ),
      ),
      this.me,
    );
  }

  update(current: string | undefined): void {
    const all = [...this.client.rooms.values()].filter(
      (room) => room.pref.hidden !== true || room.id === current,
    );
    const byName = (a: Room, b: Room) =>
      Number(b.pref.favourite ?? false) - Number(a.pref.favourite ?? false) ||
      roomName(a, this.client).localeCompare(roomName(b, this.client), locale);
    const rooms = all.filter((room) => !room.direct).sort(byName);
    const directs = all.filter((room) => room.direct).sort(byName);
    const known = new Set(all.map((room) => room.id));
    for (const id of [...this.entries.keys()]) if (!known.has(id)) this.entries.delete(id);
    place(
      this.rooms,
      rooms.map((room) => this.entry(room, current)),
    );
    place(
      this.directs,
      directs.map((room) => this.entry(room, current)),
    );
    this.showState();
  }

  private showState(): void {
    const { name } = this.client.state;
    const text =
      name === "online"
        ? t("state.online")
        : name === "connecting"
          ? t("state.connecting")
          : t("state.offline");
    this.status.textContent = text;
    this.status.dataset.state = name === "online" ? "on" : name === "connecting" ? "wait" : "off";
  }

  private section(title: string, label: string, list: HTMLElement, add: () => void): HTMLElement {
    const heading = h("h2", { text: title });
    list.setAttribute("aria-label", title);
    const head = h("div", { class: "section-head" }, heading, iconButton("plus", label, add));
    return h("section", {}, head, list);
  }

  // The entry's element, made anew only if it looks different.
  private entry(room: Room, current: string | undefined): HTMLElement {
    const name = roomName(room, this.client);
    const online = this.peerOnline(room);
    const unread = room.calls ? room.unread : 0;
    const favourite = room.pref.favourite === true;
    const { icon: sign, archived = false } = room.settings;
    const look = JSON.stringify([name, room.kind, sign, archived, unread, online, favourite, room.id === current]);
    const old = this.entries.get(room.id);
    if (old?.look === look) return old.element;
    const button = old?.element.querySelector("button") ?? this.button(room.id);
    button.className = `room-entry${unread > 0 ? " unread" : ""}${archived ? " archived" : ""}`;
    if (room.id === current) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
    button.replaceChildren(
      this.face(room, name, online),
      h("span", { class: "room-label", text: name }),
    );
    if (favourite) {
      button.append(icon("star"), h("span", { class: "unseen", text: t("rooms.favourite") }));
    }
    if (unread > 0) {
      const label = t("rooms.unread_messages", { n: unread });
      const text = unread > 99 ? "99+" : String(unread);
      button.append(
        h("span", { class: "badge", "aria-hidden": "true", text }),
        h("span", { class: "unseen", text: label }),
      );
    }
    const element = old?.element ?? h("li", {}, button);
    this.entries.set(room.id, { element, look });
    return element;
  }

  private button(id: string): HTMLButtonElement {
    const button = h("button", { type: "button", "data-room": id });
    button.addEventListener("click", () => this.actions.open(id));
    return button;
  }

  private face(room: Room, name: string, online: boolean): HTMLElement {
    if (room.kind !== "direct") return roomFace(room.settings.icon, room.kind);
    const face = h(
      "span",
      { class: "room-face" },
      avatar(peerId(room, this.client), name, "small"),
    );
    if (online) {
      face.append(h("span", { class: "dot" }), h("span", { class: "unseen", text: t("rooms.online") }));
    }
    return face;
  }

  private peerOnline(room: Room): boolean {
    if (room.kind !== "direct") return false;
    const peer = peerId(room, this.client);
    return room.presence.users?.some((user) => user.id === peer) ?? false;
  }
}
