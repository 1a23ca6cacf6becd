// What a room is about, for everybody who reads it.
import type { Client, Room } from "../lib/index.ts";
import { copyField } from "./clipboard.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { roomName } from "./format.ts";
import { roomFace } from "./room-face.ts";
import { richText } from "./richtext.ts";
import { roomHash } from "./room-hash.ts";
import { pageServer } from "./session.ts";
import { slowText } from "./slow.ts";
import { t } from "./texts.ts";

export async function aboutRoom(client: Client, { id }: Room): Promise<void> {
  const room = await client.details(id);
  const { kind, settings } = room;
  const { topic, description, icon, announcement, slow, archived } = settings;
  const facts = [
    kind === "private" ? t("about.private") : t("about.public"),
    archived && t("about.archived"),
    announcement && t("about.announcement"),
    slow !== undefined && slow > 0 && t("about.slow", { span: slowText(slow) }),
  ];
  const text = h("div", { class: "about-text text", dir: "auto" });
  if (description !== undefined) text.append(richText(description));
  openDialog({
    title: t("about.title"),
    body: [
      h(
        "div",
        { class: "card-who" },
        roomFace(icon, kind),
        h(
          "div",
          {},
          h("p", { class: "card-name", dir: "auto", text: roomName(room, client) }),
          topic !== undefined && h("p", { class: "hint", dir: "auto", text: topic }),
        ),
      ),
      ...(description === undefined ? [] : [text]),
      h("ul", { class: "about-facts" }, ...facts.map((fact) => fact && h("li", { text: fact }))),
      copyField(t("about.link"), new URL(roomHash(id), pageServer()).href),
    ],
  });
}
