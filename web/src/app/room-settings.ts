// A room's title and settings, for those who may change them; its archive and its end.
import type { Client, Room, RoomSettings } from "../lib/index.ts";
import { type Dialog, openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { roomName } from "./format.ts";
import { may } from "./rights.ts";
import { confirmDialog } from "./room-dialogs.ts";
import { SLOW_CHOICES, slowText } from "./slow.ts";
import { t } from "./texts.ts";
import { field, filled, nameInput } from "./widgets.ts";

const DESCRIPTION_MAX = 1000;
const ICON_MAX = 16;

type Who = "members" | "moderators";

function whoSelect(chosen: Who): HTMLSelectElement {
  const select = h(
    "select",
    { class: "input" },
    h("option", { value: "members", text: t("room_set.members") }),
    h("option", { value: "moderators", text: t("room_set.moderators") }),
  );
  select.value = chosen;
  return select;
}

function slowSelect(chosen: number): HTMLSelectElement {
  const select = h("select", { class: "input" });
  const all = [...new Set([...SLOW_CHOICES, chosen])].sort((a, b) => a - b);
  for (const seconds of all) select.append(h("option", { value: seconds, text: slowText(seconds) }));
  select.value = String(chosen);
  return select;
}

// The fields, and what of them is not as it was.
function form(room: Room): { body: HTMLElement[]; changed(): object } {
  const old: RoomSettings = room.settings;
  const title = nameInput(room.title);
  const topic = nameInput(old.topic ?? "");
  const icon = h("input", { class: "input sign-input", maxlength: ICON_MAX, autocomplete: "off", value: old.icon ?? "" });
  const description = h("textarea", { class: "input", rows: 3, maxlength: DESCRIPTION_MAX, dir: "auto" });
  description.value = old.description ?? "";
  const announcement = h("input", { type: "checkbox" });
  announcement.checked = old.announcement === true;
  const slow = slowSelect(old.slow ?? 0);
  const invite = whoSelect(old.invite ?? "moderators");
  const pin = whoSelect(old.pin ?? "members");
  const mention = whoSelect(old.mention ?? "members");
  const changed = () => {
    const name = filled(title, t("rename.the_title"));
    return {
      ...(name !== room.title && { title: name }),
      ...(topic.value.trim() !== (old.topic ?? "") && { topic: topic.value.trim() }),
      ...(icon.value.trim() !== (old.icon ?? "") && { icon: icon.value.trim() }),
      ...(description.value.trim() !== (old.description ?? "") && { description: description.value.trim() }),
      ...(announcement.checked !== (old.announcement ?? false) && { announcement: announcement.checked }),
      ...(Number(slow.value) !== (old.slow ?? 0) && { slow: Number(slow.value) }),
      ...(invite.value !== (old.invite ?? "moderators") && { invite: invite.value as Who }),
      ...(pin.value !== (old.pin ?? "members") && { pin: pin.value as Who }),
      ...(mention.value !== (old.mention ?? "members") && { mention: mention.value as Who }),
    };
  };
  const body = [
    h("div", { class: "field-pair" }, field(t("rename.field"), title), field(t("room_set.icon"), icon)),
    field(t("room_set.topic"), topic),
    field(t("room_set.description"), description),
    h("h3", { class: "form-part", text: t("room_set.writing") }),
    h("label", { class: "check" }, announcement, h("span", { text: t("room_set.announcement") })),
    field(t("room_set.slow"), slow, t("room_set.slow_hint")),
    h("h3", { class: "form-part", text: t("room_set.rights") }),
    h(
      "div",
      { class: "field-row" },
      field(t("room_set.invite"), invite),
      field(t("room_set.pin"), pin),
      field(t("room_set.mention"), mention),
    ),
  ];
  return { body, changed };
}

export async function roomSettingsDialog(client: Client, { id }: Room): Promise<void> {
  const room = await client.details(id);
  let dialog: Dialog;
  const close = () => dialog.close();
  const end = ending(client, room, close);
  if (!may("set", room, client.user)) {
    dialog = openDialog({ title: t("room_set.title"), body: [h("p", { text: t("about.archived") }), ...end] });
    return;
  }
  const { body, changed } = form(room);
  dialog = openDialog({
    title: t("room_set.title"),
    body: [...body, ...end],
    submit: {
      label: t("dialog.save"),
      action: async () => {
        const params = changed();
        if (Object.keys(params).length > 0) await client.request("room_set", { room: room.id, ...params });
      },
    },
  });
}

// Archiving and deleting, for owners.
function ending(client: Client, room: Room, close: () => void): HTMLElement[] {
  const name = roomName(room, client);
  const archived = room.settings.archived === true;
  const archive = h("button", { type: "button", class: "button" });
  archive.textContent = archived ? t("room_set.unarchive") : t("room_set.archive");
  archive.addEventListener("click", () => {
    close();
    const set = async () => void (await client.request("room_set", { room: room.id, archived: !archived }));
    if (archived) confirmDialog(t("room_set.unarchive_title", { name }), t("room_set.unarchive_text"), t("room_set.unarchive"), set);
    else confirmDialog(t("room_set.archive_title", { name }), t("room_set.archive_text"), t("room_set.archive"), set);
  });
  const remove = h("button", { type: "button", class: "button danger", text: t("room_set.delete") });
  remove.addEventListener("click", () => {
    close();
    const go = async () => void (await client.request("room_delete", { room: room.id }));
    confirmDialog(t("room_set.delete_title", { name }), t("room_set.delete_text", { name }), t("room_set.delete_submit"), go);
  });
  const buttons = [may("archive", room, client.user) && archive, may("delete", room, client.user) && remove];
  if (!buttons.some(Boolean)) return [];
  const title = h("h3", { class: "form-part", text: t("room_set.end") });
  return [title, h("div", { class: "button-line" }, ...buttons)];
}
