// What the page says, in the reader's language: texts from the tables in ../texts, numbers and
// dates as that language writes them.
import { de } from "../texts/de.ts";
import { deErrors } from "../texts/de-errors.ts";
import { en, enErrors, type Key, type Plural, type Texts } from "../texts/en.ts";
import type { Code, Why } from "../lib/index.ts";
import { read, write } from "./storage.ts";

type Errors = Partial<Record<Code | Why, string>>;

const LANGUAGES = { en: { texts: en as Texts, errors: enErrors as Errors }, de: { texts: de, errors: deErrors } };

export type Language = keyof typeof LANGUAGES;

export const languages = Object.keys(LANGUAGES) as Language[];

const CHOICE = "polylog.language";

// What a text has to be given: `n` where it counts, and whatever it names in braces.
type Holes<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Holes<Rest> : never;
type Named<V> = V extends string ? Holes<V> : "n" | Holes<V[keyof V]>;
export type Values<K extends Key, V> = Record<Named<(typeof en)[K]>, V>;
type Given<K extends Key, V> = [Named<(typeof en)[K]>] extends [never] ? [] : [Values<K, V>];

// Texts that need nothing filled in: for tables of them.
export type PlainKey = { [K in Key]: Given<K, never> extends [] ? K : never }[Key];

const HOLE = /\{(\w+)\}/;

// The language that the reader chose here; undefined: as the browser's.
export function chosenLanguage(): Language | undefined {
  const choice = read("local", CHOICE);
  return languages.find((language) => language === choice);
}

export const languageName = (one: Language): string => LANGUAGES[one].texts["app.language"];

// Is kept; the page shows it once it is loaded anew.
export function chooseLanguage(language: Language | undefined): void {
  write("local", CHOICE, language);
}

// A language and its region, such as de-AT, for dates and numbers: the first that the reader
// prefers of those that there are texts in.
export function preferred(
  choice: Language | undefined,
  wanted: readonly string[],
): { language: Language; locale: string } {
  for (const locale of wanted) {
    const language = languages.find((one) => one === locale.toLowerCase().split("-")[0]);
    if (language !== undefined && (choice ?? language) === language) return { language, locale };
  }
  return { language: choice ?? "en", locale: choice ?? "en" };
}

const wanted = typeof navigator === "undefined" ? [] : (navigator.languages ?? []);
export const { language, locale } = preferred(chosenLanguage(), wanted);

const { texts, errors } = LANGUAGES[language];
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(locale);
const lists = new Intl.ListFormat(locale, { type: "conjunction" });

export const number = (n: number): string => numbers.format(n);

// "Ana, Ben and Cleo".
export const nameList = (names: readonly string[]): string => lists.format(names);

function form(text: string | Plural, n: unknown): string {
  if (typeof text === "string") return text;
  return plurals.select(Number(n)) === "one" ? text.one : text.other;
}

// The text with its holes filled in.
export function fill(text: string, values: { readonly [name: string]: string | number }): string {
  return text.replaceAll(new RegExp(HOLE, "g"), (hole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return typeof value === "number" ? number(value) : (value ?? hole);
  });
}

export function t<K extends Key>(key: K, ...given: Given<K, string | number>): string {
  const values = (given[0] ?? {}) as { [name: string]: string | number };
  return fill(form(texts[key], values.n), values);
}

// The same with elements in it, in the order that the language has them.
export function parts<K extends Key>(
  key: K,
  values: Values<K, string | Node>,
): (string | Node)[] {
  const pieces = form(texts[key], undefined).split(HOLE);
  return pieces
    .map((piece, i) => (i % 2 === 0 ? piece : (values as Record<string, string | Node>)[piece]!))
    .filter((piece) => piece !== "");
}

// What an error is called: by why it happened if that is known, else by its code, else by the
// text that came with it.
export function errorText(error: {
  code: Code;
  message: string;
  why?: Why | undefined;
  detail?: string | undefined;
  values?: { readonly [name: string]: string | number } | undefined;
}): string {
  const { code, message, why, detail, values } = error;
  const text = why !== undefined ? errors[why] : errors[code];
  if (text !== undefined) return fill(text, values ?? {}) + (detail !== undefined ? ` ${detail}` : "");
  return message || t("error.unknown");
}
