// Finding a room to open or join; apart from that, the list of all public rooms, and making one.
import { asPolylogError, type Client, type Room } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { composing, h } from "./dom.ts";
import { roomName } from "./format.ts";
import { icon, type IconName } from "./icons.ts";
import { later } from "./later.ts";
import { LookUp } from "./look-up.ts";
import { errorText, locale, t } from "./texts.ts";
import { field, nameInput } from "./widgets.ts";

const SUGGESTIONS_MAX = 50;

interface Suggestion {
  icon: IconName;
  // What a click does, for those who cannot see the list.
  does: string;
  label: string;
  hint: string;
  choose(): Promise<void> | void;
}

type Found = "public" | "closed" | "none";

// Whether there is a room of that name that one is not in.
async function lookUp(client: Client, name: string, signal: AbortSignal): Promise<Found> {
  try {
    await client.request("presence", { room: name }, { signal });
    return "public";
  } catch (thrown) {
    const { code } = asPolylogError(thrown);
    if (code === "no_such_room" || code === "bad_room") return "none";
    if (code === "not_member" || code === "banned") return "closed";
    throw thrown;
  }
}

// Is it the room that the query names, and not only one like it?
function isNamed(room: Room, query: string): boolean {
  const wanted = query.toLocaleLowerCase();
  return room.id === wanted.replaceAll(" ", "-") || room.title.toLocaleLowerCase() === wanted;
}

// The rooms that one is in and that fit, the one that is named first.
function ownRooms(client: Client, query: string): Room[] {
  const wanted = query.toLocaleLowerCase();
  const named = (room: Room) => Number(isNamed(room, query));
  return [...client.rooms.values()]
    .filter((room) => !room.direct)
    .filter((room) => `${roomName(room, client)}\n${room.id}`.toLocaleLowerCase().includes(wanted))
    .sort((a, b) => roomName(a, client).localeCompare(roomName(b, client), locale))
    .sort((a, b) => named(b) - named(a));
}

export function createRoom(client: Client, title: string, done: (room: Room) => void): void {
  void later((more) => more.createRoomDialog(client, title, done));
}

export function browseRooms(client: Client, done: (room: Room) => void): void {
  const create = (title: string) => createRoom(client, title, done);
  void later((more) => more.directoryDialog(client, create, done));
}

export function findRoomDialog(client: Client, done: (room: Room) => void): void {
  const input = nameInput();
  input.type = "search";
  const results = h("ul", { class: "people-list results", "aria-label": t("rooms.title") });
  const note = h("p", { class: "hint", role: "status" });
  const make = h("button", { type: "button", class: "button", text: t("finder.create_button") });
  const all = h("button", { type: "button", class: "button", text: t("finder.all_button") });
  const dialog = openDialog({
    title: t("finder.title"),
    body: [
      field(t("finder.field"), input, t("finder.hint")),
      results,
      note,
      h("footer", { class: "dialog-foot" }, all, make),
    ],
  });
  const problem = dialog.element.querySelector(".form-error")!;
  const fail = (thrown: unknown) => void (problem.textContent = errorText(asPolylogError(thrown)));
  const create = () => {
    dialog.close();
    createRoom(client, input.value.trim(), done);
  };
  all.addEventListener("click", () => {
    dialog.close();
    browseRooms(client, done);
  });
  const arrive = (room: Room) => {
    dialog.close();
    done(room);
  };
  make.addEventListener("click", create);

  const entry = (it: Suggestion) => {
    const button = h(
      "button",
      { type: "button", class: "room-entry", "aria-label": it.does },
      h("span", { class: "room-face" }, icon(it.icon)),
      h("span", { class: "room-label", text: it.label }),
      h("span", { class: "hint", text: it.hint }),
    );
    button.addEventListener("click", () => {
      problem.textContent = "";
      void Promise.resolve().then(it.choose).catch(fail);
    });
    return h("li", {}, button);
  };
  const own = (room: Room): Suggestion => ({
    icon: room.kind === "private" ? "lock" : "hash",
    does: t("finder.open_label", { name: roomName(room, client) }),
    label: roomName(room, client),
    hint: "",
    choose: () => arrive(room),
  });
  const other = (name: string, found: Found): Suggestion | undefined => {
    if (found === "closed") return undefined;
    if (found === "none") {
      return {
        icon: "plus",
        does: t("finder.create_label", { name }),
        label: t("finder.create", { name }),
        hint: "",
        choose: create,
      };
    }
    const join = async () => arrive(await client.join(name, false));
    const does = t("finder.join_label", { name });
    return { icon: "hash", does, label: name, hint: t("finder.public"), choose: join };
  };

  const looking = new LookUp();
  const look = async (name: string, before: HTMLElement[]) => {
    const { signal } = looking;
    try {
      const found = await lookUp(client, name, signal);
      const more = other(name, found);
      results.replaceChildren(...before, ...(more === undefined ? [] : [entry(more)]));
      const closed = t("finder.closed", { name });
      note.textContent =
        found === "closed" ? closed : found === "none" ? t("finder.none") : "";
    } catch (thrown) {
      if (!signal.aborted) fail(thrown);
    }
  };
  const search = () => {
    looking.forget();
    const query = input.value.trim();
    const rooms = ownRooms(client, query);
    const entries = rooms.slice(0, SUGGESTIONS_MAX).map((room) => entry(own(room)));
    results.replaceChildren(...entries);
    problem.textContent = "";
    const more = rooms.length - entries.length;
    note.textContent = more > 0 ? t("finder.more", { n: more }) : "";
    if (query === "" || rooms.some((room) => isNamed(room, query))) return;
    note.textContent = t("finder.looking");
    looking.soon(() => void look(query, entries));
  };
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || composing(event)) return;
    event.preventDefault();
    results.querySelector("button")?.click();
  });
  dialog.element.addEventListener("close", () => looking.forget());
  search();
}
