// The dialogs that find people, and ask before what cannot be undone.
import { asPolylogError, type Client, type Room, type User } from "../lib/index.ts";
import { type Dialog, openDialog } from "./dialog.ts";
import { composing, h } from "./dom.ts";
import { roomName } from "./format.ts";
import { errorText, t } from "./texts.ts";
import { avatar, field } from "./widgets.ts";

export function confirmDialog(
  title: string,
  text: string,
  label: string,
  action: () => Promise<void>,
): void {
  openDialog({ title, body: [h("p", { text })], submit: { label, danger: true, action } });
}

// So many others a direct room has at most.
const GROUP_OTHERS_MAX = 8;

// Finds people by the beginning of their name; choosing one runs `choose`. With `several` a box
// beside each marks some of them, for a button that runs it.
function peopleDialog(
  client: Client,
  title: string,
  choose: (user: User, dialog: Dialog) => Promise<void>,
  several?: (users: User[], dialog: Dialog) => Promise<void>,
): void {
  const marked = new Map<number, User>();
  const input = h("input", { class: "input", type: "search", maxlength: 32, autocomplete: "off" });
  const results = h("ul", { class: "people-list results" });
  const note = h("p", { class: "hint", role: "status" });
  const together = h("button", { type: "button", class: "button primary", hidden: true });
  const dialog = openDialog({
    title,
    body: [field(t("people.name"), input), results, note, together],
  });
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
    if (several === undefined) return h("li", {}, button);
    const box = h("input", {
      type: "checkbox",
      "aria-label": t("people.mark", { name: user.name }),
      checked: marked.has(user.id),
    });
    box.addEventListener("change", () => {
      if (box.checked) marked.set(user.id, user);
      else marked.delete(user.id);
      const names = [...marked.values()].map(({ name }) => name).join(", ");
      together.hidden = marked.size === 0;
      together.disabled = marked.size > GROUP_OTHERS_MAX;
      together.textContent = t("people.write_to", { name: names });
      problem.textContent = together.disabled ? t("people.too_many", { n: GROUP_OTHERS_MAX }) : "";
    });
    return h("li", { class: "markable" }, button, box);
  };
  together.addEventListener("click", () => void several?.([...marked.values()], dialog).catch(fail));
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

export function directDialog(client: Client, done: (users: User[]) => Promise<void>): void {
  const open = async (users: User[], dialog: Dialog) => {
    await done(users);
    dialog.close();
  };
  peopleDialog(client, t("rooms.add_direct"), (user, dialog) => open([user], dialog), open);
}

// done: somebody was added.
export function inviteDialog(client: Client, room: Room, done?: () => void): void {
  peopleDialog(client, t("people.add_to", { room: roomName(room, client) }), async (user, dialog) => {
    await client.request("member_set", { room: room.id, user: user.id, role: "member" });
    dialog.close();
    done?.();
  });
}
