// What the page says, by key, from its own tables.
import { readFileSync } from "node:fs";

// A function from a key, and what is filled in, to the text in the language.
export function textsIn(language) {
  const file = new URL(`../../web/src/texts/${language}.ts`, import.meta.url);
  const source = readFileSync(file, "utf8");
  return (key, values = {}) => {
    const found = new RegExp(`"${key.replaceAll(".", "\\.")}":\\s*("(?:[^"\\\\]|\\\\.)*")`).exec(source);
    if (found === null) throw new Error(`${language}.ts has no text ${key}`);
    return JSON.parse(found[1]).replaceAll(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);
  };
}
