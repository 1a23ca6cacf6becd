// Which language the page speaks, and how texts are filled in. What the tables themselves must
// have, web/check-texts.mjs checks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { errorText, fill, parts, preferred, t } from "../src/app/texts.ts";
import { PolylogError } from "../src/lib/index.ts";
import { de } from "../src/texts/de.ts";
import { deErrors } from "../src/texts/de-errors.ts";
import { en } from "../src/texts/en.ts";

// What was chosen, what the browser prefers, and what comes of it.
const PREFERRED: ["en" | "de" | undefined, string[], string, string][] = [
  [undefined, ["en-GB", "en"], "en", "en-GB"],
  [undefined, ["de-AT", "en"], "de", "de-AT"],
  [undefined, ["fr", "de", "en"], "de", "de"],
  [undefined, ["DE-ch"], "de", "DE-ch"],
  [undefined, ["fr", "ja"], "en", "en"],
  [undefined, ["den"], "en", "en"],
  [undefined, [], "en", "en"],
  ["de", ["en-GB", "de-AT"], "de", "de-AT"],
  ["de", ["en-GB"], "de", "de"],
  ["en", ["de-AT"], "en", "en"],
];

for (const [choice, wanted, language, locale] of PREFERRED) {
  test(`language: ${choice ?? "none"} chosen, ${wanted.join(", ")} preferred`, () => {
    assert.deepEqual(preferred(choice, wanted), { language, locale });
  });
}

test("a text that counts has a form for one and one for more", () => {
  assert.equal(t("room.here", { n: 1 }), "1 person here");
  assert.equal(t("room.here", { n: 0 }), "0 people here");
  assert.equal(t("room.here", { n: 1234 }), "1,234 people here");
  for (const [key, text] of Object.entries(en)) {
    if (typeof text === "string") continue;
    assert.equal(typeof (de as Record<string, unknown>)[key], "object", key);
  }
});

test("what is filled in is never filled in again, nor looked up further", () => {
  assert.equal(fill("{name} is typing", { name: "{text}", text: "x" }), "{text} is typing");
  assert.equal(fill("{a}{b}", { a: "$&" }), "$&{b}");
  assert.equal(fill("{constructor}", {}), "{constructor}");
});

test("elements stand where the language has them", () => {
  const parted = parts("server.ask_text", { host: "H", own: "O" });
  assert.equal(parted.filter((part) => part === "H").length, 1);
  assert.match(parted.join(""), /use H instead of O\./);
});

test("an error says why it happened, else what its code means, else what came with it", () => {
  const silent = new PolylogError("unreachable", "Nothing answers at h.").because("silent", { host: "h" });
  assert.equal(errorText(silent), "Nothing answers at h.");
  assert.equal(errorText(new PolylogError("rate_limited", "x")), "That was too fast. Wait a moment.");
  assert.equal(errorText(new PolylogError("forbidden", "You may not.")), "You may not.");
  assert.equal(errorText(new PolylogError("forbidden", "")), "Something went wrong.");
});

test("why a server cannot be reached is said in German, too", () => {
  assert.equal(fill(deErrors.silent!, { host: "h" }).includes("{"), false);
  for (const why of ["silent", "stranger", "barred", "not_behind"] as const)
    assert.match(deErrors[why]!, /\{host\}/, why);
});
