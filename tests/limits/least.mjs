// The limits that src/conf/conf.tbl lists, each with the least value that is allowed
// and is a limit (0 means none where the table says "0|").
import { readFileSync } from "node:fs";

const TABLE = new URL("../../src/conf/conf.tbl", import.meta.url);
const GROUPS = /^(Limits of |Socket\.IO$|Presence)/;
const SETTING = /^SETTING\((COUNT|SIZE|TIME), \w+, "([\w-]+)", ([\w| ]+),\s*"[^"]*",\s*"([^"]*)"/;

export function leastLimits() {
  const found = {};
  let group = "";
  for (const entry of readFileSync(TABLE, "utf8").split(/\n(?=[A-Z]+\()/)) {
    group = entry.match(/^GROUP\("(.*)"\)/)?.[1] ?? group;
    const [, , name, commands, allowed] = entry.match(SETTING) ?? [];
    if (name === undefined || !GROUPS.test(group) || !/\bSERVE\b/.test(commands)) continue;
    found[name] = allowed.replace(/^0\|/, "").split("..")[0];
  }
  return found;
}
