// In place of where one writes: why nobody does in this room, or not oneself.
import { asPolylogError, type Client, type Room } from "../lib/index.ts";
import type { Contacts } from "./contacts.ts";
import { h } from "./dom.ts";
import { peerId, roomName } from "./format.ts";
import { icon } from "./icons.ts";
import { closedBy } from "./rights.ts";
import { errorText, t } from "./texts.ts";
import { toast } from "./widgets.ts";

export class Closed {
  readonly element = h("div", { class: "composer-closed", role: "status", hidden: true });
  private look = "";

  constructor(
    private readonly client: Client,
    private readonly contacts: Contacts,
  ) {}

  // Whether it stands there.
  update(room: Room): boolean {
    const peer = room.kind === "direct" ? peerId(room, this.client) : undefined;
    const blocked = peer !== undefined && this.contacts.isBlocked(peer);
    const why = blocked ? "blocked" : closedBy(room, this.client.user);
    const look = why === undefined ? "" : `${why} ${room.id}`;
    this.element.hidden = why === undefined;
    if (look === this.look) return why !== undefined;
    this.look = look;
    this.element.replaceChildren();
    if (why === undefined) return false;
    const name = roomName(room, this.client);
    if (why === "blocked") this.element.append(icon("block"), h("span", { text: t("closed.blocked", { name }) }), this.undo(peer!));
    else this.element.append(icon("lock"), h("span", { text: why === "archived" ? t("about.archived") : t("about.announcement") }));
    return true;
  }

  private undo(peer: number): HTMLElement {
    const button = h("button", { type: "button", class: "link-button", text: t("card.unblock") });
    button.addEventListener("click", () => {
      this.contacts.block(peer, false).catch((thrown) => toast(errorText(asPolylogError(thrown))));
    });
    return button;
  }
}
