// The dialogs that name rooms, find people, and ask before what cannot be undone.
import { asPolylogError, type Client, type Room, type User } from "../lib/index.ts";
import { type Dialog, openDialog } from "./dialog.ts";
import { composing, h } from "./dom.ts";
import { roomName } from "./format.ts";
import { errorText, t } from "./texts.ts";
import { avatar, field, filled, nameInput } from "./widgets.ts";

export function renameDialog(client: Client, room: Room): void {
  const title = nameInput(room.title);
  openDialog({
    title: t("rename.title"),
    body: [field(t("rename.field"), title)],
    submit: {
      label: t("room.rename"),
      action: async () => {
        await client.request("room_set", { room: room.id, title: filled(title, t("rename.the_title")) });
      },
    },
  });
}

export function confirmDialog(
  title: string,
  text: string,
  label: string,
  action: () => Promise<void>,
): void {
  openDialog({ title, body: [h("p", { text })], submit: { label, danger: true, action } });
}

// Finds people by the beginning of their name; choosing one runs `choose`.
function peopleDialog(
  client: Client,
  title: string,
  choose: (user: User, dialog: Dialog) => Promise<void>,
): void {
  const input = h("input", { class: "input", type: "search", maxlength: 32, autocomplete: "off" });
  const results = h("ul", { class: "people-list results" });
  const note = h("p", { class: "hint", role: "status" });
  const dialog = openDialog({ title, body: [field(t("people.name"), input), results, note] });
  const problem = dialog.element.querySelector(".form-error")!;
  let asked = 0;

  const fail = (thrown: unknown) => {
    problem.textContent = errorText(asPolylogError(thrown));
  };
  const entry = (user: User) => {
    const label = h("span", { class: "room-label", text: user.name });
    const face = h("span", { class: "room-face" }, avatar(user.id, user.name, "small"));
    const button = h("button", { type: "button", class: "room-entry" }, face, label);
    button.addEventListener("click", () => void choose(user, dialog).catch(fail));
    return h("li", {}, button);
  };
  const search = async () => {
    const turn = ++asked;
    const { users } = await client.request("users", { query: input.value.trim() });
    if (turn !== asked) return;
    const others = users.filter((user) => user.id !== client.user.id);
    results.replaceChildren(...others.map(entry));
    note.textContent = others.length === 0 ? t("people.none_found") : "";
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void search().catch(fail), 200);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || composing(event)) return;
    event.preventDefault();
    results.querySelector("button")?.click();
  });
  void search().catch(fail);
}

export function directDialog(client: Client, done: (user: User) => Promise<void>): void {
  peopleDialog(client, t("rooms.add_direct"), async (user, dialog) => {
    await done(user);
    dialog.close();
  });
}

export function inviteDialog(client: Client, room: Room): void {
  peopleDialog(client, t("people.add_to", { room: roomName(room, client) }), async (user, dialog) => {
    await client.request("member_set", { room: room.id, user: user.id, role: "member" });
    dialog.close();
  });
}
