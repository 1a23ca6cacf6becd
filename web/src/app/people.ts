// Who is in the open room now.
import type { Client, Profile, Room, User } from "../lib/index.ts";
import type { Contacts } from "./contacts.ts";
import { h, place } from "./dom.ts";
import { locale, t } from "./texts.ts";
import { avatar, iconButton } from "./widgets.ts";

export class People {
  readonly element: HTMLElement;
  private readonly list = h("ul", { class: "people-list" });
  private readonly note = h("p", { class: "hint" });
  private readonly entries = new Map<number, { element: HTMLElement; look: string }>();

  constructor(
    private readonly client: Client,
    private readonly contacts: Contacts,
    private readonly actions: { about(user: User): void; close(): void },
  ) {
    this.element = h(
      "aside",
      { class: "people", id: "people", "aria-label": t("room.people"), hidden: true },
      h(
        "header",
        { class: "people-head" },
        h("h2", { text: t("people.title") }),
        iconButton("close", t("dialog.close"), actions.close),
      ),
      this.list,
      this.note,
    );
  }

  update(room: Room | undefined): void {
    if (room === undefined || this.element.hidden) return;
    const { users, count } = room.presence;
    const sorted = [...(users ?? [])].sort((a, b) => a.name.localeCompare(b.name, locale));
    place(
      this.list,
      sorted.map((user) => this.entry(user)),
    );
    const many = t("people.count", { n: count });
    this.note.textContent =
      users === undefined ? many : users.length === 0 ? t("people.nobody") : "";
  }

  // The person's element, made anew only if it looks different.
  private entry(user: User): HTMLElement {
    this.contacts.want(user.id);
    const profile = this.contacts.profile(user.id);
    const look = JSON.stringify([user.name, profile]);
    const old = this.entries.get(user.id);
    if (old?.look === look) return old.element;
    const button = old?.element.querySelector("button") ?? this.button(user);
    button.replaceChildren(...this.content(user, profile));
    const element = old?.element ?? h("li", {}, button);
    this.entries.set(user.id, { element, look });
    return element;
  }

  private button(user: User): HTMLButtonElement {
    const attributes = { class: "room-entry", title: `@${user.name}`, "aria-haspopup": "dialog" };
    const button = h("button", { type: "button", ...attributes });
    button.addEventListener("click", () => this.actions.about(user));
    return button;
  }

  private content(user: User, profile: Profile | undefined): HTMLElement[] {
    const state = profile?.state;
    const said = state !== undefined && t(state === "away" ? "state.away" : "state.dnd");
    const dot = h("span", { class: `dot ${state ?? ""}` });
    const spoken = said !== false && h("span", { class: "unseen", text: said });
    const face = h("span", { class: "room-face" }, avatar(user.id, user.name, "small"), dot, spoken);
    const status = profile?.status !== undefined && h("span", { class: "person-status", text: profile.status });
    const name = h("span", { class: "room-label", dir: "auto" }, this.contacts.nameOf(user), status);
    const me = user.id === this.client.user.id;
    return me ? [face, name, h("span", { class: "hint", text: t("people.you") })] : [face, name];
  }
}
