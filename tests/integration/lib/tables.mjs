// What src/chat/model/commands.tbl and errors.tbl say, so that nothing in them goes untested
// and answers are exactly what is documented.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const read = (name) => readFileSync(new URL(`../../../src/chat/model/${name}`, import.meta.url), "utf8");

export const errors = new Map(
  [...read("errors.tbl").matchAll(/^ERROR\((\w+), (\d+), "(.*)"\)$/gm)].map(([, code, status, text]) => [
    code,
    { status: Number(status), text },
  ]),
);

export const commands = new Map();
for (const line of read("commands.tbl").split("\n")) {
  const [, kind, rest] = line.match(/^(COMMAND|PARAM|ANSWER)\((.*)\)$/) ?? [];
  if (kind === "COMMAND") {
    const [name, who, cost] = rest.split(", ");
    commands.set(name, { who, cost: Number(cost), params: new Map() });
  } else if (kind === "PARAM") {
    const [command, name, type, need] = rest.split(", ");
    commands.get(command).params.set(name, { type, need });
  } else if (kind === "ANSWER") {
    const [, command, answer] = rest.match(/^(\w+), "(.*)"$/);
    commands.get(command).answer = answer;
  }
}

// "token, user {id, name, owner?}, sessions [{id}], entries [event]" as a tree.
function parse(text) {
  const tokens = text.match(/\w+|[{}[\],?]/g) ?? [];
  const fields = (end) => {
    const all = {};
    while (tokens.length > 0 && tokens[0] !== end) {
      const field = {};
      const name = tokens.shift();
      if (tokens[0] === "?") field.optional = !!tokens.shift();
      if (tokens[0] === "[") {
        tokens.shift();
        field.list = true;
        if (tokens[0] !== "{") field.any = !!tokens.shift();
      }
      if (tokens[0] === "{") {
        tokens.shift();
        field.members = fields("}");
        tokens.shift();
      }
      if (field.list) assert.equal(tokens.shift(), "]");
      all[name] = field;
      if (tokens[0] === ",") tokens.shift();
    }
    return all;
  };
  return fields();
}

function compare(where, fields, value) {
  assert.equal(typeof value, "object", where);
  for (const name of Object.keys(value)) assert.ok(name in fields, `${where}.${name} is not documented`);
  for (const [name, field] of Object.entries(fields)) {
    const member = value[name];
    if (member === undefined) {
      assert.ok(field.optional, `${where}.${name} is missing`);
      continue;
    }
    assert.equal(Array.isArray(member), field.list === true, `${where}.${name}`);
    if (!field.members) continue;
    for (const one of field.list ? member : [member]) compare(`${where}.${name}`, field.members, one);
  }
}

// Does ok have the members that the table says, and no others?
export function isAnswer(command, ok) {
  if (command === "resume") return assert.equal(typeof ok.rooms, "object");
  compare(command, parse(commands.get(command).answer), ok);
}
