// The public rooms of the server: searched by title, page by page, opened or joined.
import { asPolylogError, type Client, type ListedRoom, type Room } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { composing, h } from "./dom.ts";
import { ago } from "./format.ts";
import { LookUp } from "./look-up.ts";
import { roomFace } from "./room-face.ts";
import { errorText, t } from "./texts.ts";
import { field } from "./widgets.ts";

const PAGE = 20;

function row(room: ListedRoom, joined: boolean, enter: (button: HTMLButtonElement) => void): HTMLElement {
  const name = room.title || room.id;
  const label = joined ? t("finder.open_label", { name }) : t("finder.join_label", { name });
  const last = `${t("directory.messages", { n: room.messages })} · ${ago(room.active, Date.now())}`;
  const button = h("button", {
    type: "button",
    class: joined ? "button small" : "button small soft",
    text: joined ? t("directory.open") : t("directory.join"),
    "aria-label": label,
  });
  button.addEventListener("click", () => enter(button));
  return h(
    "li",
    { class: "listed-room" },
    roomFace(room.icon, "public"),
    h(
      "div",
      { class: "session-text" },
      h("strong", { dir: "auto", text: name }),
      room.topic !== undefined && h("span", { class: "listed-topic", dir: "auto", text: room.topic }),
      room.messages > 0 && h("span", { class: "hint", text: last }),
    ),
    button,
  );
}

export function directoryDialog(client: Client, create: (title: string) => void, done: (room: Room) => void): void {
  const input = h("input", { class: "input", type: "search", maxlength: 64, autocomplete: "off" });
  const list = h("ul", { class: "session-list", "aria-label": t("directory.title") });
  const note = h("p", { class: "hint", role: "status", text: t("timeline.loading") });
  const more = h("button", { type: "button", class: "button", text: t("directory.more"), hidden: true });
  const make = h("button", { type: "button", class: "button", text: t("finder.create_button") });
  const dialog = openDialog({
    title: t("directory.title"),
    body: [field(t("directory.search"), input), list, note, h("footer", { class: "dialog-foot" }, more, make)],
  });
  const problem = dialog.element.querySelector(".form-error")!;
  const looking = new LookUp();
  let next: string | undefined;

  const fail = (thrown: unknown) => {
    note.textContent = "";
    problem.textContent = errorText(asPolylogError(thrown));
  };
  const enter = async (room: ListedRoom, button: HTMLButtonElement) => {
    problem.textContent = "";
    button.disabled = true;
    try {
      const joined = await client.join(room.id, false);
      dialog.close();
      done(joined);
    } catch (thrown) {
      fail(thrown);
    }
    button.disabled = false;
  };
  // A page of what fits; from the beginning, or behind those that are shown.
  const load = async (begin: boolean) => {
    const { signal } = looking;
    const query = input.value.trim();
    const from = begin || next === undefined ? {} : { next };
    problem.textContent = "";
    try {
      const page = await client.request("directory", { query, limit: PAGE, ...from }, { signal });
      const rows = page.rooms.map((room) => row(room, client.rooms.has(room.id), (button) => void enter(room, button)));
      if (begin) list.replaceChildren();
      list.append(...rows);
      next = page.next;
      more.hidden = next === undefined;
      note.textContent = list.childElementCount > 0 ? "" : query === "" ? t("directory.empty") : t("directory.none");
      if (!begin) rows[0]?.querySelector("button")?.focus();
    } catch (thrown) {
      if (!signal.aborted) fail(thrown);
    }
  };
  const search = () => {
    looking.forget();
    looking.soon(() => void load(true));
  };
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || composing(event)) return;
    event.preventDefault();
    list.querySelector("button")?.focus();
  });
  more.addEventListener("click", () => void load(false));
  make.addEventListener("click", () => {
    dialog.close();
    create(input.value.trim());
  });
  dialog.element.addEventListener("close", () => looking.forget());
  void load(true);
}
