// What the page offers is what the server's table allows, cell by cell.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { closedBy, may, type Right } from "../src/app/rights.ts";
import type { Role, Room, RoomKind, RoomSettings, User } from "../src/lib/index.ts";

const RIGHTS: Right[] = ["moderate", "set", "invite", "hold", "appoint", "archive", "delete"];
const ROLES = ["none", "member", "moderator", "owner", "muted", "banned", "super"] as const;

function tableFile(from = process.cwd()): string {
  const file = join(from, "src/chat/model/access.tbl");
  return existsSync(file) || from === "/" ? file : tableFile(dirname(from));
}

const table = readFileSync(tableFile(), "utf8");
const rows = [...table.matchAll(/^ROOM\((\w+), +(\w+), +([\w, ]+)\)/gm)].map(([, right, kind, cells]) => ({
  right: right as Right,
  kind: kind!.toLowerCase() as RoomKind,
  cells: cells!.split(/, */),
}));
const stops = [...table.matchAll(/^STOP\(archived, +(\w+),/gm)].map(([, right]) => right);

function roomOf(kind: RoomKind, role: string, settings: RoomSettings): [Room, User] {
  const me: User = { id: 1, name: "ana", owner: role === "super" };
  const known = role === "none" || role === "super" ? undefined : (role as Role);
  return [{ kind, role: known, settings } as Room, me];
}

test("rights: the page's are those of the server's table, cell by cell", () => {
  let cells = 0;
  for (const { right, kind, cells: row } of rows) {
    if (!RIGHTS.includes(right)) continue;
    for (const [i, role] of ROLES.entries()) {
      // Members invite where that is set, and else moderators alone do.
      const [room, me] = roomOf(kind, role, { invite: "members" });
      assert.equal(may(right, room, me), row[i] === "yes", `${right} ${kind} ${role}`);
      const [archived] = roomOf(kind, role, { invite: "members", archived: true });
      const stopped = stops.includes(right);
      assert.equal(may(right, archived, me), row[i] === "yes" && !stopped, `archived: ${right} ${kind} ${role}`);
      cells += 2;
    }
  }
  const kinds = new Set(rows.map(({ kind }) => kind));
  assert.ok(kinds.has("public") && kinds.has("private"));
  assert.equal(cells, RIGHTS.length * kinds.size * ROLES.length * 2);
});

test("rights: without the setting members do not invite, moderators do", () => {
  for (const [role, yes] of [["member", false], ["moderator", true], ["owner", true], ["super", true]] as const) {
    const [room, me] = roomOf("public", role, {});
    assert.equal(may("invite", room, me), yes, role);
  }
});

test("rights: rooms of people have none of them; what closes a room is said", () => {
  const [direct, me] = roomOf("direct", "super", {});
  for (const right of RIGHTS) assert.equal(may(right, direct, me), false);
  const closed = (role: string, settings: RoomSettings) => closedBy(...roomOf("public", role, settings));
  assert.equal(closed("none", { announcement: true }), "announcement");
  assert.equal(closed("moderator", { announcement: true }), undefined);
  assert.equal(closed("owner", { archived: true, announcement: true }), "archived");
  assert.equal(closed("member", {}), undefined);
});
