// Who is in the open room now.
import type { Client, Room, User } from "../lib/index.ts";
import { h } from "./dom.ts";
import { locale, t } from "./texts.ts";
import { avatar, iconButton } from "./widgets.ts";

export class People {
  readonly element: HTMLElement;
  private readonly list = h("ul", { class: "people-list" });
  private readonly note = h("p", { class: "hint" });

  constructor(
    private readonly client: Client,
    private readonly actions: { write(user: User): void; close(): void },
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
    this.list.replaceChildren(...sorted.map((user) => this.person(user)));
    const many = t("people.count", { n: count });
    this.note.textContent =
      users === undefined ? many : users.length === 0 ? t("people.nobody") : "";
  }

  private person(user: User): HTMLElement {
    const me = user.id === this.client.user.id;
    const face = h(
      "span",
      { class: "room-face" },
      avatar(user.id, user.name, "small"),
      h("span", { class: "dot" }),
    );
    const name = h("span", { class: "room-label", text: user.name });
    if (me) {
      const you = h("span", { class: "hint", text: t("people.you") });
      return h("li", {}, h("div", { class: "room-entry still" }, face, name, you));
    }
    const button = h(
      "button",
      { type: "button", class: "room-entry", title: t("people.write_to", { name: user.name }) },
      face,
      name,
    );
    button.addEventListener("click", () => this.actions.write(user));
    return h("li", {}, button);
  }
}
