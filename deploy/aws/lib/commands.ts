// The chat's commands, each a route of the API, from the table that the program is made from.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const TABLE = "../../src/chat/model/commands.tbl"; // from deploy/aws, where the app runs

export function commands(): string[] {
  const names = [...readFileSync(join(process.cwd(), TABLE), "utf8").matchAll(/^COMMAND\((\w+),/gm)].map(([, name]) => name as string);
  if (names.length === 0) throw new Error(`${TABLE}: no command is there`);
  return names;
}
