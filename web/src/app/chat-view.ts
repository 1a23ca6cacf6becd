// The page of a session: puts the views together, and says which room is open.
import {
  asPolylogError,
  type Client,
  type Message,
  type Pending,
  type Room,
  type RoomKind,
  type User,
} from "../lib/index.ts";
import { Closed } from "./closed.ts";
import { Composer } from "./composer.ts";
import { Contacts } from "./contacts.ts";
import { batched, h } from "./dom.ts";
import { peerId, roomName } from "./format.ts";
import { enterByInvite } from "./invite-arrival.ts";
import { keepInvite } from "./invite-link.ts";
import { later } from "./later.ts";
import { closeMenu, openMenu } from "./menu.ts";
import { actText } from "./act-text.ts";
import { messageMenu, roomMenu } from "./menus.ts";
import { People } from "./people.ts";
import { confirmDialog, directDialog, inviteDialog } from "./room-dialogs.ts";
import { roomFace } from "./room-face.ts";
import { browseRooms, findRoomDialog } from "./room-finder.ts";
import { addressedRoom, roomHash } from "./room-hash.ts";
import { type Account, openSettings } from "./settings.ts";
import { Sidebar } from "./sidebar.ts";
import { Status } from "./status.ts";
import { errorText, nameList, type PlainKey, t } from "./texts.ts";
import { Timeline } from "./timeline.ts";
import { avatar, iconButton, toast } from "./widgets.ts";

const FIRST_ROOM = "general";
const DIRECTS_MAX = 50;
const KINDS: Record<RoomKind, PlainKey> = {
  public: "room.public",
  private: "room.private",
  direct: "room.direct",
  group: "room.group",
  self: "room.private",
};
// The state of an entry of the history that stands for the open drawer.
const DRAWER = "drawer";

export class ChatView {
  readonly element: HTMLElement;
  private readonly sidebar: Sidebar;
  private readonly timeline: Timeline;
  private readonly composer: Composer;
  private readonly closed: Closed;
  private readonly contacts: Contacts;
  private readonly people: People;
  private readonly status: Status;
  private readonly head = h("header", { class: "room-head" });
  private readonly face = h("span", { class: "head-face" });
  private readonly title = h("h1");
  private readonly subtitle = h("p", { class: "room-sub" });
  private readonly peopleButton: HTMLButtonElement;
  private readonly moreButton: HTMLButtonElement;
  private readonly menuButton: HTMLButtonElement;
  private readonly menuBadge = h("span", { class: "badge", "aria-hidden": "true", hidden: true });
  private readonly typing = h("div", { class: "typing" });
  private readonly empty: HTMLElement;
  private readonly main: HTMLElement;
  private current: string | undefined;
  private begun = false;
  private peopleWanted = false;
  private readonly refresh = batched(() => this.update());

  constructor(
    private readonly client: Client,
    account: Account,
  ) {
    this.contacts = new Contacts(client);
    this.closed = new Closed(client, this.contacts);
    this.sidebar = new Sidebar(client, {
      open: (id) => this.go(id),
      addRoom: () => findRoomDialog(client, (room) => this.go(room.id)),
      addDirect: () => directDialog(client, (users) => this.write(users)),
      settings: () => openSettings(client, this.contacts, account),
    });
    this.timeline = new Timeline(client, this.contacts, this.messageActions(), () => this.refresh());
    this.composer = new Composer({
      send: (text, replyTo) => this.send(text, replyTo),
      edit: (message, text) => this.edit(message, text),
      typing: (on) => this.current !== undefined && client.typing(this.current, on),
      last: () => this.lastOwn(),
    });
    this.people = new People(client, this.contacts, {
      about: (user) => this.about(user),
      close: () => this.showPeople(false),
    });
    this.status = new Status(client);
    this.menuButton = iconButton("menu", t("rooms.title"), () => this.drawer(true), {
      class: "drawer-button",
      "aria-controls": "sidebar",
      "aria-expanded": "false",
    });
    this.menuButton.append(this.menuBadge);
    this.peopleButton = iconButton("people", t("room.people"), () => this.showPeople(), {
      "aria-controls": "people",
      "aria-expanded": "false",
    });
    this.moreButton = iconButton("more", t("room.menu_button"), () => this.roomMenu(), {
      "aria-haspopup": "menu",
      "aria-expanded": "false",
    });
    this.empty = this.emptyState();
    this.main = this.mainPart();
    const scrim = h("div", { class: "drawer-scrim" });
    scrim.addEventListener("click", () => this.drawer(false));
    this.element = h(
      "div",
      { class: "shell" },
      this.sidebar.element,
      scrim,
      this.main,
      this.people.element,
    );
    this.listen();
  }

  private mainPart(): HTMLElement {
    const names = h("div", { class: "head-names" }, this.title, this.subtitle);
    this.head.append(this.menuButton, this.face, names, this.peopleButton, this.moreButton);
    return h(
      "main",
      { class: "room" },
      this.head,
      this.status.element,
      this.empty,
      this.timeline.element,
      this.typing,
      this.closed.element,
      this.composer.element,
    );
  }

  private emptyState(): HTMLElement {
    const join = h("button", {
      type: "button",
      class: "button primary",
      text: t("finder.all_button"),
    });
    join.addEventListener("click", () => browseRooms(this.client, (room) => this.go(room.id)));
    return h(
      "div",
      { class: "empty" },
      h("h2", { text: t("rooms.none_open") }),
      h("p", { text: t("rooms.none_hint") }),
      join,
    );
  }

  private listen(): void {
    const { client } = this;
    client.on("rooms", () => this.refresh());
    client.on("room", (room) => room.id === this.current && this.refresh());
    client.on("room", (room) => room.direct && this.refresh());
    client.on("state", () => this.stateChanged());
    client.on("lost", ({ room, error }) => {
      const name = roomName(room, client);
      toast(error.code === "no_such_room" ? t("rooms.deleted", { room: name }) : `${name}: ${errorText(error)}`);
      if (room.id === this.current) this.openAny();
    });
    client.on("act", (act) => {
      const room = client.rooms.get(act.to ?? "");
      const name = room === undefined ? act.to : roomName(room, client);
      toast(act.reason === undefined ? `${name}: ${actText(act)}` : `${name}: ${actText(act)} (${act.reason})`);
    });
    client.on("invited", (room) => {
      if (!room.direct) toast(t("rooms.added", { room: roomName(room, client) }));
    });
    this.contacts.on("profile", () => this.refresh());
    this.contacts.on("blocks", () => this.refresh());
    addEventListener("hashchange", () => {
      if (keepInvite()) void this.enterInvited();
      else void this.arrive();
    });
    addEventListener("popstate", () => this.drawer(false));
    addEventListener("focus", () => this.refresh());
    addEventListener("blur", () => this.timeline.markNew());
    addEventListener("online", () => client.wake());
    addEventListener("pagehide", () => client.flush());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        client.wake();
        this.refresh();
      } else this.timeline.markNew();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.element.classList.contains("drawer-open")) {
        this.drawer(false);
      }
    });
  }

  private stateChanged(): void {
    if (this.client.state.name === "online") {
      if (!this.begun) void this.begin();
      else this.loadCurrent();
      void this.refreshDirects();
      this.contacts.loadBlocks().catch(() => undefined); // they are shown until it is known
    }
    this.refresh();
  }

  // The first time online: the room that the address names, or the first one.
  private async begin(): Promise<void> {
    this.begun = true;
    if (this.client.rooms.size === 0) {
      await this.client.join(FIRST_ROOM).catch(() => undefined);
    }
    await this.arrive();
    await this.enterInvited();
  }

  // Goes to the room of an invite link, where one was followed.
  private async enterInvited(): Promise<void> {
    const id = await enterByInvite(this.client);
    if (id !== undefined) this.go(id);
    else this.follow();
  }

  // Joins the room that the address names, unless one is in it, and opens it.
  private async arrive(): Promise<void> {
    const named = addressedRoom();
    if (named !== undefined && !this.client.rooms.has(named)) {
      try {
        const { id } = await this.client.join(named, false);
        if (addressedRoom() === named) history.replaceState(null, "", roomHash(id));
      } catch (thrown) {
        toast(`${named}: ${errorText(asPolylogError(thrown))}`);
        const { current } = this;
        const stays = current !== undefined && addressedRoom() === named;
        if (stays) history.replaceState(null, "", roomHash(current));
      }
    }
    this.follow();
  }

  // Who of those in the list is there: asked one by one, not to be in the way.
  private async refreshDirects(): Promise<void> {
    const directs = [...this.client.rooms.values()].filter((room) => room.kind === "direct");
    for (const room of directs.slice(0, DIRECTS_MAX)) {
      if (this.client.state.name !== "online") return;
      await this.client.refreshPresence(room.id).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  // ---- Which room is open ----

  private go(id: string): void {
    const hash = roomHash(id);
    // The drawer's place in the history becomes the room's.
    if (history.state === DRAWER) history.replaceState(null, "", hash);
    this.drawer(false);
    if (location.hash === hash) this.follow();
    else location.hash = hash;
  }

  // Opens what the address says.
  private follow(): void {
    const id = addressedRoom();
    if (id !== undefined && this.client.rooms.has(id)) this.open(id);
    else if (this.current === undefined || !this.client.rooms.has(this.current)) this.openAny();
  }

  private openAny(): void {
    const { rooms } = this.client;
    const shown = [...rooms.values()].filter((room) => room.pref.hidden !== true);
    const ids = shown.map((room) => room.id).sort();
    const id = ids.includes(FIRST_ROOM) ? FIRST_ROOM : ids[0];
    if (id === undefined) {
      this.current = undefined;
      this.refresh();
      return;
    }
    history.replaceState(null, "", roomHash(id));
    this.open(id);
  }

  private open(id: string): void {
    const room = this.client.rooms.get(id)!;
    if (room.pref.hidden) void this.attempt(() => this.client.prefer(id, { hidden: false }));
    if (this.current !== undefined && this.current !== id) this.client.typing(this.current, false);
    closeMenu();
    this.current = id;
    this.timeline.open(room);
    this.composer.open(id, roomName(room, this.client));
    this.loadCurrent();
    this.update();
    if (matchMedia("(pointer: fine)").matches) this.composer.focus();
  }

  private loadCurrent(): void {
    const id = this.current;
    if (id === undefined || this.client.state.name !== "online") return;
    void this.client.load(id);
    this.client.refreshPresence(id).catch(() => undefined);
  }

  private async write(users: readonly User[]): Promise<void> {
    const room = users.length > 1 ? await this.client.openGroup(users) : await this.client.openDirect(users[0]!);
    this.go(room.id);
  }

  // ---- Showing ----

  private update(): void {
    const room = this.current === undefined ? undefined : this.client.rooms.get(this.current);
    const { log } = room ?? {};
    this.sidebar.update(this.current);
    this.status.update();
    this.empty.hidden = room !== undefined || !this.begun;
    const closed = room !== undefined && this.closed.update(room);
    for (const part of [this.timeline.element, this.typing]) part.hidden = room === undefined;
    this.composer.element.hidden = room === undefined || closed;
    if (room === undefined) this.closed.element.hidden = true;
    this.moreButton.hidden = room === undefined;
    this.peopleButton.hidden = room === undefined || room.kind === "direct";
    this.people.element.hidden = !this.peopleWanted || this.peopleButton.hidden;
    this.element.classList.toggle("with-people", !this.people.element.hidden);
    this.showHead(room);
    this.showTitle(room);
    if (room === undefined) return;
    if (!log!.loaded && !room.loading && room.failed === undefined) this.loadCurrent();
    this.composer.open(room.id, roomName(room, this.client));
    this.timeline.update();
    this.showTyping(room);
    this.people.update(room);
    const looking = document.visibilityState === "visible" && document.hasFocus();
    if (looking && this.timeline.atEnd && log!.loaded) this.client.markRead(room.id);
  }

  private showHead(room: Room | undefined): void {
    const name = room === undefined ? "Polylog" : roomName(room, this.client);
    if (this.title.textContent !== name) this.title.textContent = name;
    const sub = room === undefined ? "" : this.subtitleOf(room);
    if (this.subtitle.textContent !== sub) this.subtitle.textContent = sub;
    const look = room === undefined ? "" : `${room.kind} ${room.id} ${room.settings.icon} ${name}`;
    if (this.face.dataset.look === look) return;
    this.face.dataset.look = look;
    this.face.replaceChildren();
    if (room?.kind === "direct") {
      this.face.append(avatar(peerId(room, this.client), name, "small"));
    } else if (room !== undefined) this.face.append(roomFace(room.settings.icon, room.kind));
  }

  private subtitleOf(room: Room): string {
    const { presence } = room;
    if (room.kind === "direct") {
      const peer = peerId(room, this.client);
      return presence.users?.some((user) => user.id === peer) ? t("room.online") : t("room.direct");
    }
    const here = presence.count > 0 ? t("room.here", { n: presence.count }) : "";
    const { topic } = room.settings;
    const kind = topic ?? t(KINDS[room.kind]);
    return here === "" ? kind : t("room.with_here", { kind, here });
  }

  private showTitle(room: Room | undefined): void {
    const unread = [...this.client.rooms.values()].filter((other) => other.calls).length;
    const name = room === undefined ? "Polylog" : `${roomName(room, this.client)} · Polylog`;
    this.showUnread(unread);
    document.title = unread > 0 ? `(${unread}) ${name}` : name;
  }

  // On a phone the list is out of sight: its button says what waits there.
  private showUnread(rooms: number): void {
    const label = rooms === 0 ? t("rooms.title") : t("rooms.unread", { n: rooms });
    if (this.menuButton.title === label) return;
    this.menuButton.title = label;
    this.menuButton.setAttribute("aria-label", label);
    this.menuBadge.hidden = rooms === 0;
    this.menuBadge.textContent = rooms > 99 ? "99+" : String(rooms);
  }

  private showTyping(room: Room): void {
    const seen = [...room.typing.values()].filter(({ id }) => !this.contacts.isBlocked(id));
    const names = seen.map((user) => this.contacts.nameOf(user));
    const many = names.length > 3;
    const text =
      names.length === 0
        ? ""
        : many
          ? t("room.typing_many")
          : t("room.typing", { n: names.length, names: nameList(names) });
    if ((this.typing.dataset.text ?? "") === text) return;
    this.typing.dataset.text = text;
    this.typing.replaceChildren();
    if (text === "") return;
    const dots = h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
    this.typing.append(dots, text);
  }

  private drawer(open: boolean): void {
    if (this.element.classList.contains("drawer-open") === open) return;
    this.element.classList.toggle("drawer-open", open);
    // The browser's way back closes it.
    if (open) history.pushState(DRAWER, "");
    else if (history.state === DRAWER) history.back();
    this.menuButton.setAttribute("aria-expanded", String(open));
    this.main.inert = open;
    if (open)
      this.sidebar.element.querySelector<HTMLElement>("[aria-current], .room-entry")?.focus();
    else this.menuButton.focus();
  }

  private showPeople(show = !this.peopleWanted): void {
    this.peopleWanted = show;
    this.peopleButton.setAttribute("aria-expanded", String(show));
    this.update();
    if (show) this.people.element.querySelector<HTMLElement>("button")?.focus();
    else this.peopleButton.focus();
  }

  // ---- Doing ----

  // Shows who somebody is.
  private about(user: User): void {
    const { client, contacts } = this;
    void later((more) =>
      more.profileCard(user, contacts, {
        me: client.user.id,
        write: (to) => this.write([to]),
        editOwn: () => void this.attempt(() => more.profileDialog(client, contacts)),
      }),
    );
  }

  // Runs what may be refused; the reason is shown. Rejects no more.
  private async attempt(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (thrown) {
      toast(errorText(asPolylogError(thrown)));
      return false;
    }
  }

  private send(text: string, replyTo: number | undefined): void {
    if (this.current === undefined) return;
    this.timeline.clearNew();
    this.client.send(this.current, text, replyTo);
    this.timeline.toEnd();
  }

  private async edit(message: Message, text: string): Promise<void> {
    const room = this.current!;
    const done = await this.attempt(() => this.client.edit(room, message.seq, text));
    if (!done) throw new Error("not edited");
  }

  private lastOwn(): Message | undefined {
    const room = this.current === undefined ? undefined : this.client.rooms.get(this.current);
    const items = room?.log.all ?? [];
    for (let i = items.length - 1; i >= 0; i--) {
      const item = items[i]!;
      if (item.type !== "message" || item.deleted) continue;
      if (item.from.id === this.client.user.id) return item;
    }
    return undefined;
  }

  private messageActions() {
    const react = (message: Message, emoji: string, on: boolean) => {
      const room = this.current!;
      void this.attempt(() => this.client.react(room, message.seq, emoji, on));
    };
    return {
      react,
      about: (user: User) => this.about(user),
      reply: (message: Message) => this.composer.startReply(message),
      retry: (pending: Pending) => this.client.retry(pending.cid),
      discard: (pending: Pending) => this.client.discard(pending.cid),
      menu: (message: Message, anchor: HTMLElement) => {
        const room = this.client.rooms.get(this.current!)!;
        const groups = messageMenu(message, room, this.client.user, {
          react: (emoji, on) => react(message, emoji, on),
          reply: () => this.composer.startReply(message),
          copy: () => void this.attempt(() => navigator.clipboard.writeText(message.text)),
          edit: () => this.composer.startEdit(message),
          remove: () => this.askDelete(message),
          about: () => this.about(message.from),
          report: () =>
            void later((more) => more.reportDialog(this.client, room, message, () => toast(t("report.done")))),
          hold: () => void later((more) => more.holdDialog(this.client, room, message.from)),
          purge: () => void later((more) => more.purgeDialog(this.client, room, message.from)),
        });
        openMenu(anchor, t("message.menu"), groups);
      },
    };
  }

  private askDelete(message: Message): void {
    const room = this.current!;
    confirmDialog(t("message.delete_title"), t("message.delete_text"), t("message.delete"), () =>
      this.client.delete(room, message.seq),
    );
  }

  private roomMenu(): void {
    const room = this.client.rooms.get(this.current!);
    if (room === undefined) return;
    const { client } = this;
    const groups = roomMenu(room, client.user, {
      about: () => void later((more) => this.attempt(() => more.aboutRoom(client, room))),
      members: () => void later((more) => more.membersDialog(client, room, (user) => this.about(user))),
      invite: () => inviteDialog(client, room),
      links: () => void later((more) => more.invitesDialog(client, room)),
      reports: () => void later((more) => more.reportsDialog(client, room, (seq) => this.textOf(room.id, seq))),
      acts: () => void later((more) => more.actsDialog(client, room)),
      settings: () => void later((more) => this.attempt(() => more.roomSettingsDialog(client, room))),
      prefer: (pref) => void this.attempt(() => client.prefer(room.id, pref)),
      hide: () => void this.attempt(() => this.hide(room.id)),
      leave: () => void this.attempt(() => this.leave(room.id)),
    });
    openMenu(this.moreButton, t("room.menu"), groups);
  }

  // The text of a message, as it reads now.
  private async textOf(room: string, seq: number): Promise<string> {
    const { entries } = await this.client.request("history", { room, around: seq, limit: 1 });
    const found = entries.find((entry) => entry.seq === seq);
    return found?.event === "message" ? found.text : "";
  }

  private async hide(id: string): Promise<void> {
    await this.client.prefer(id, { hidden: true });
    if (id === this.current) this.openAny();
  }

  private async leave(id: string): Promise<void> {
    await this.client.leave(id);
    if (id === this.current) this.openAny();
  }
}
