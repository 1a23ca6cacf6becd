// The messages of the open room: rows kept in step with the log, the scroll
// position kept still while rows come and go, older pages when one nears them.
import { type Client, type Message, PolylogError, type Room } from "../lib/index.ts";
import type { Contacts } from "./contacts.ts";
import { h, place } from "./dom.ts";
import { showFarMessage } from "./far-message.ts";
import { onNewDay, roomName } from "./format.ts";
import { icon } from "./icons.ts";
import { hiddenRow, type MessageActions, messageRow, pendingRow } from "./message-view.ts";
import { noticeRow } from "./notice-view.ts";
import { plainText } from "./text.ts";
import { type Row, rowsOf, sameRow } from "./rows.ts";
import { errorText, t } from "./texts.ts";
import { toast } from "./widgets.ts";

const NEAR_PX = 80;
const AHEAD_PX = 600;
// So many entries back a message is paged to; what is further is shown apart.
const JUMP_MAX = 1000;
const LOADING_MS = 50;
const KEEP = 300;

interface Shown {
  row: Row;
  element: HTMLElement;
}

interface Anchor {
  key: string;
  bottom: number;
}

export class Timeline {
  readonly element: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly list: HTMLElement;
  private readonly state: HTMLElement;
  private readonly latest: HTMLButtonElement;
  private readonly announcer: HTMLElement;
  private room: Room | undefined;
  private shown = new Map<string, Shown>();
  // Follows the end as messages come.
  private stuck = true;
  // Where the scroller was, as far as is known: by its last event, or put there.
  private top = 0;
  private newAfter: number | undefined;
  private newBelow = 0;
  private lastSeq = 0;
  // A room was opened and its first page is not yet shown.
  private opening = false;
  // Messages of blocked people that are shown all the same.
  private readonly revealed = new Set<number>();

  constructor(
    private readonly client: Client,
    private readonly contacts: Contacts,
    private readonly actions: Omit<MessageActions, "jump">,
    // The end of the log came into view or went out of it.
    private readonly moved: () => void,
  ) {
    this.list = h("div", { class: "rows" });
    this.state = h("div", { class: "timeline-state" });
    this.scroller = h(
      "div",
      { class: "scroller", role: "log", "aria-live": "off", tabindex: "0" },
      this.state,
      this.list,
    );
    this.latest = h("button", { type: "button", class: "latest", hidden: true });
    this.latest.addEventListener("click", () => this.toEnd());
    this.announcer = h("div", { class: "unseen", "aria-live": "polite" });
    this.element = h("div", { class: "timeline" }, this.scroller, this.latest, this.announcer);
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    onNewDay(() => this.update());
    contacts.on("profile", ({ id }) => this.rename(id));
    contacts.on("blocks", () => this.renew());
    new ResizeObserver(() => {
      this.noteScroll();
      if (this.stuck) this.scrollToEnd();
    }).observe(this.scroller);
  }

  get atEnd(): boolean {
    return this.stuck && !this.opening;
  }

  open(room: Room): void {
    this.room?.log.trim(KEEP);
    this.room = room;
    this.shown.clear();
    this.list.replaceChildren();
    this.announcer.replaceChildren();
    this.revealed.clear();
    this.stuck = true;
    this.opening = true;
    this.newBelow = 0;
    this.newAfter = room.unread > 0 ? room.read.seq : undefined;
    this.lastSeq = room.cursor;
    this.scroller.setAttribute("aria-label", t("timeline.label", { room: roomName(room, this.client) }));
    this.update();
  }

  // The page is out of sight: what comes now is new to the person.
  markNew(): void {
    if (this.room !== undefined && this.room.unread === 0) this.newAfter = this.room.cursor;
  }

  clearNew(): void {
    this.newAfter = undefined;
  }

  update(): void {
    const { room } = this;
    if (room === undefined) return;
    this.noteScroll();
    if (this.stuck && room.log.all.length > 2 * KEEP) room.log.trim(KEEP);
    const anchor = this.stuck ? undefined : this.anchor();
    this.reconcile(room);
    this.showState(room);
    if (this.opening && room.log.loaded) this.settleOpen();
    else if (this.stuck) this.scrollToEnd();
    else if (anchor !== undefined) this.restore(anchor);
    this.countNew(room);
    this.showLatest();
    this.wantOlder(room);
  }

  toEnd(): void {
    this.stuck = true;
    this.newBelow = 0;
    this.room?.log.trim(KEEP);
    this.scrollToEnd();
    this.update();
    this.moved();
  }

  focusRow(seq: number): void {
    const row = this.list.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
    row?.scrollIntoView({ block: "center" });
    row?.focus();
  }

  // Goes to a message, through older pages if need be.
  async jump(seq: number): Promise<void> {
    const { room } = this;
    if (room === undefined) return;
    const oldest = room.log.oldest ?? room.cursor;
    if (oldest - seq <= JUMP_MAX && !(await this.pageTo(room, seq))) return;
    const found = room.log.get(seq);
    if (found === undefined) {
      await showFarMessage(room, seq, { client: this.client, contacts: this.contacts, actions: this.allActions() });
      return;
    }
    if (found.type === "message" && this.hides(found)) this.revealed.add(seq);
    this.stuck = false;
    this.update();
    const row = this.list.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
    if (row === null) return;
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
    row.classList.remove("flash");
    void row.offsetWidth;
    row.classList.add("flash");
  }

  // Loads pages until the message is there or nothing is older. False: there is no use in
  // going on, and the person knows why.
  private async pageTo(room: Room, seq: number): Promise<boolean> {
    while (
      room.log.get(seq) === undefined &&
      !room.log.complete &&
      (room.log.oldest ?? seq) > seq
    ) {
      if (room.loading) await new Promise((resolve) => setTimeout(resolve, LOADING_MS));
      else await this.client.loadOlder(room.id);
      if (room !== this.room) return false;
      if (room.failed !== undefined) toast(errorText(room.failed));
      else if (!room.log.loaded) toast(errorText(new PolylogError("disconnected", "")));
      else continue;
      return false;
    }
    return true;
  }

  private allActions(): MessageActions {
    return { ...this.actions, jump: (seq) => void this.jump(seq) };
  }

  // ---- Rows ----

  private reconcile(room: Room): void {
    const pending = this.client.outbox.of(room.id);
    const rows = rowsOf(room, pending, {
      me: this.client.user.id,
      newAfter: this.newAfter,
      now: Date.now(),
      hides: (message) => this.hides(message),
    });
    const next = new Map<string, Shown>();
    for (const row of rows) {
      const old = this.shown.get(row.key);
      const keep = old !== undefined && sameRow(old.row, row);
      const element = keep ? old.element : this.make(row);
      if (!keep && old !== undefined) this.replace(old.element, element);
      next.set(row.key, { row, element });
    }
    this.shown = next;
    place(
      this.list,
      [...next.values()].map((shown) => shown.element),
    );
    this.keepTabStop();
  }

  // A row that is made anew keeps the focus.
  private replace(old: HTMLElement, element: HTMLElement): void {
    const focused = old.contains(document.activeElement);
    old.replaceWith(element);
    if (focused) element.focus({ preventScroll: true });
  }

  private make(row: Row): HTMLElement {
    const actions = this.allActions();
    switch (row.kind) {
      case "day":
        return h("h3", { class: "day" }, h("span", { text: row.label }));
      case "new":
        return h("div", { class: "new-line", role: "separator" }, h("span", { text: t("timeline.new") }));
      case "seen":
        return h("div", { class: "seen", text: t("timeline.seen") });
      case "notice":
        return noticeRow(row.notice, row.before);
      case "hidden":
        return hiddenRow(row.seqs.length, () => this.reveal(row.seqs));
      case "message":
        return messageRow(row.message, { ...row, client: this.client, contacts: this.contacts, actions });
      case "pending":
        return pendingRow(row.pending, { ...row, client: this.client, contacts: this.contacts, actions });
    }
  }

  // ---- What blocked people write ----

  private hides({ seq, from }: Message): boolean {
    return this.contacts.isBlocked(from.id) && !this.revealed.has(seq);
  }

  private reveal(seqs: readonly number[]): void {
    for (const seq of seqs) this.revealed.add(seq);
    this.update();
    this.focusRow(seqs[0]!);
  }

  // Makes every row anew: quotes, too, may be of somebody who is blocked now.
  private renew(): void {
    this.shown.clear();
    this.list.replaceChildren();
    this.update();
  }

  // The person shows another name.
  private rename(id: number): void {
    for (const element of this.list.querySelectorAll<HTMLElement>(`[data-name-of="${id}"]`)) {
      const handle = element.title.slice(1);
      element.textContent = this.contacts.nameOf({ id, name: handle });
    }
  }

  // One message is in the tab order, the one that has the focus or else the
  // last; arrows move from there.
  private keepTabStop(): void {
    const rows = this.messages();
    const stop = rows.find((row) => row.contains(document.activeElement)) ?? rows.at(-1);
    for (const row of rows) row.tabIndex = row === stop ? 0 : -1;
  }

  private messages(): HTMLElement[] {
    return [...this.list.querySelectorAll<HTMLElement>(".message")];
  }

  private key(event: KeyboardEvent): void {
    const row = (event.target as HTMLElement).closest<HTMLElement>(".message");
    if (row === null || event.target !== row) return;
    const rows = this.messages();
    const at = rows.indexOf(row);
    const to: Record<string, number> = {
      ArrowUp: at - 1,
      ArrowDown: at + 1,
      Home: 0,
      End: rows.length - 1,
    };
    if (event.key in to) {
      const next = rows[to[event.key]!];
      if (next !== undefined) {
        row.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      }
    } else if (event.key === "Enter" || event.key === " " || event.key === "ContextMenu") {
      row.querySelector<HTMLButtonElement>(".tools [aria-haspopup]")?.click();
    } else return;
    event.preventDefault();
  }

  // ---- What there is besides rows ----

  private showState(room: Room): void {
    const { log } = room;
    this.scroller.setAttribute("aria-busy", String(room.loading));
    this.state.replaceChildren();
    if (room.failed !== undefined) {
      const retry = h("button", { type: "button", class: "link-button", text: t("timeline.retry") });
      retry.addEventListener("click", () => {
        void (log.loaded ? this.client.loadOlder(room.id) : this.client.load(room.id));
      });
      this.state.append(icon("alert"), `${errorText(room.failed)} `, retry);
    } else if (!log.loaded || room.loading) {
      this.state.append(h("span", { class: "spinner", "aria-hidden": "true" }), t("timeline.loading"));
    } else if (log.complete) {
      this.state.append(this.beginning(room));
    }
  }

  private beginning(room: Room): HTMLElement {
    const name = roomName(room, this.client);
    const { direct } = room;
    const title = direct ? name : t("timeline.welcome", { room: name });
    const first = room.log.all.some((item) => item.type === "message")
      ? t("timeline.begins")
      : direct
        ? t("timeline.empty_direct", { name })
        : t("timeline.empty");
    return h(
      "div",
      { class: "beginning" },
      h(
        "span",
        { class: "beginning-mark" },
        icon(direct ? "people" : room.kind === "private" ? "lock" : "hash"),
      ),
      h("h2", { text: title }),
      h("p", { text: first }),
    );
  }

  private countNew(room: Room): void {
    const me = this.client.user.id;
    const last = room.log.all.at(-1)?.seq ?? 0;
    for (let i = room.log.all.length - 1; i >= 0 && !this.opening; i--) {
      const item = room.log.all[i]!;
      if (item.seq <= this.lastSeq) break;
      if (item.type !== "message" || item.from.id === me || this.hides(item)) continue;
      if (!this.stuck) this.newBelow++;
      this.announce(`${item.from.name}: ${plainText(item.text, 300)}`);
    }
    this.lastSeq = Math.max(this.lastSeq, last, this.opening ? room.cursor : 0);
  }

  private announce(text: string): void {
    this.announcer.append(h("p", { text }));
    while (this.announcer.children.length > 20) this.announcer.firstElementChild?.remove();
  }

  private showLatest(): void {
    this.latest.hidden = this.stuck;
    const label =
      this.newBelow === 0 ? t("timeline.latest") : t("timeline.new_messages", { n: this.newBelow });
    this.latest.replaceChildren(icon("down"), label);
    this.latest.classList.toggle("fresh", this.newBelow > 0);
  }

  // ---- Scrolling ----

  // A scroll counts before its event comes: what changed in between would undo it.
  private noteScroll(): void {
    if (this.stuck && this.scroller.scrollTop < this.top) this.scrolled();
  }

  private scrolled(): void {
    const { scroller, room } = this;
    this.top = scroller.scrollTop;
    if (room === undefined || this.opening) return;
    const was = this.stuck;
    this.stuck = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;
    if (this.stuck) this.newBelow = 0;
    if (this.stuck !== was) {
      this.showLatest();
      this.moved();
    }
    this.wantOlder(room);
  }

  private wantOlder(room: Room): void {
    const { log } = room;
    if (this.opening || !log.loaded || log.complete || room.loading || room.failed) return;
    if (this.scroller.scrollTop < AHEAD_PX && this.client.state.name === "online") {
      void this.client.loadOlder(room.id);
    }
  }

  // A room that was just opened shows where one left it, or its end.
  private settleOpen(): void {
    this.opening = false;
    this.scrollToEnd();
    const line = this.list.querySelector<HTMLElement>(".new-line");
    if (line !== null && line.offsetTop < this.scroller.scrollTop) {
      this.scroller.scrollTop = line.offsetTop - NEAR_PX;
      this.stuck = false;
    }
    this.moved();
  }

  private scrollToEnd(): void {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.top = this.scroller.scrollTop;
  }

  // The first message in sight and where it is, to be put back there. By key:
  // its element may be made anew, as part of a group that grew.
  private anchor(): Anchor | undefined {
    const edge = this.scroller.getBoundingClientRect().top;
    for (const [key, { row, element }] of this.shown) {
      if (row.kind !== "message" && row.kind !== "notice") continue;
      const box = element.getBoundingClientRect();
      if (box.bottom > edge) return { key, bottom: box.bottom };
    }
    return undefined;
  }

  private restore(anchor: Anchor): void {
    const element = this.shown.get(anchor.key)?.element;
    if (element === undefined) return;
    this.scroller.scrollTop += element.getBoundingClientRect().bottom - anchor.bottom;
  }
}
