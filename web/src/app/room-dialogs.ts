// The dialogs that name rooms, find people, and ask before what cannot be undone.
import type { Client, Room, User } from "../lib/index.ts";
import { type Dialog, openDialog } from "./dialog.ts";
import { composing, h } from "./dom.ts";
import { roomName } from "./format.ts";
import { avatar, field, filled, nameInput } from "./widgets.ts";

export function renameDialog(client: Client, room: Room): void {
  const title = nameInput(room.title);
  openDialog({
    title: "Rename the room",
    body: [field("Title", title)],
    submit: {
      label: "Rename",
      action: async () => {
        await client.request("room_set", { room: room.id, title: filled(title, "The title") });
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
  const dialog = openDialog({ title, body: [field("Name", input), results, note] });
  const problem = dialog.element.querySelector(".form-error")!;
  let asked = 0;

  const fail = (thrown: unknown) => {
    problem.textContent = thrown instanceof Error ? thrown.message : String(thrown);
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
    note.textContent = others.length === 0 ? "Nobody of that name has been here yet." : "";
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
  peopleDialog(client, "New direct message", async (user, dialog) => {
    await done(user);
    dialog.close();
  });
}

export function inviteDialog(client: Client, room: Room): void {
  peopleDialog(client, `Add to ${roomName(room, client)}`, async (user, dialog) => {
    await client.request("member_set", { room: room.id, user: user.id, role: "member" });
    dialog.close();
  });
}
