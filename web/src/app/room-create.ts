// Making a room: its title, what it is about, and who may join.
import type { Client, Room } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { t } from "./texts.ts";
import { field, filled, nameInput } from "./widgets.ts";

export function createRoomDialog(client: Client, title: string, done: (room: Room) => void): void {
  const name = nameInput(title);
  const topic = nameInput();
  const hidden = h("input", { type: "checkbox" });
  openDialog({
    title: t("create.title"),
    body: [
      field(t("create.name"), name),
      field(t("room_set.topic"), topic, t("create.topic_hint")),
      h("label", { class: "check" }, hidden, h("span", { text: t("create.private") })),
    ],
    submit: {
      label: t("create.submit"),
      action: async () => {
        const text = filled(name, t("create.the_name"));
        // A private room's id cannot be guessed, a public room's is made of its name.
        const room = await (hidden.checked ? client.createRoom(text, "private") : client.enterRoom(text));
        const about = topic.value.trim();
        // Others may have made it: then it is about what they said.
        if (about !== "" && room.role === "owner" && room.settings.topic === undefined) {
          await client.request("room_set", { room: room.id, topic: about });
        }
        done(room);
      },
    },
  });
}
