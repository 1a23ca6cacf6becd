// What somebody may do in a room, by the table of the server (src/chat/model/access.tbl): the page
// offers nothing else. The server decides.
import type { Room, User } from "../lib/index.ts";

export type Right = "moderate" | "set" | "invite" | "hold" | "appoint" | "archive" | "delete";

const OWNERS: readonly Right[] = ["appoint", "archive", "delete"];
// What nobody does in an archived room.
const STOPPED: readonly Right[] = ["set", "invite"];

export function may(right: Right, room: Room, me: User): boolean {
  const { kind, role, settings } = room;
  if (kind !== "public" && kind !== "private") return false;
  if (settings.archived && STOPPED.includes(right)) return false;
  if (role === "owner" || me.owner === true) return true;
  if (role === "moderator") return !OWNERS.includes(right);
  if (right !== "invite" || settings.invite !== "members") return false;
  return role === "member" || (kind === "public" && role !== "muted" && role !== "banned");
}

// What of its settings keeps somebody from writing in a room; undefined: nothing.
export function closedBy(room: Room, me: User): "archived" | "announcement" | undefined {
  if (room.settings.archived) return "archived";
  return room.settings.announcement && !may("moderate", room, me) ? "announcement" : undefined;
}
