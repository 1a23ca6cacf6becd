// What stands before a room's name: its own sign, or one for its kind.
import type { RoomKind } from "../lib/index.ts";
import { h } from "./dom.ts";
import { icon } from "./icons.ts";

export function roomFace(sign: string | undefined, kind: RoomKind): HTMLElement {
  if (sign !== undefined) return h("span", { class: "room-face sign", "aria-hidden": "true", text: sign });
  const mark = kind === "group" ? "people" : kind === "private" ? "lock" : "hash";
  return h("span", { class: "room-face" }, icon(mark));
}
