// A committed template, and what is asked of it.
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const TEMPLATES = fileURLToPath(new URL("../../../deploy/aws/templates/", import.meta.url));

export function names() {
  return readdirSync(TEMPLATES).filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length)).sort();
}

export class Template {
  static of(name) {
    const text = readFileSync(`${TEMPLATES}${name}.json`, "utf8");
    return Object.assign(new Template(name, JSON.parse(text)), { bytes: Buffer.byteLength(text) });
  }

  constructor(name, json) {
    this.name = name;
    this.json = json;
  }

  copy() {
    return new Template(this.name, structuredClone(this.json));
  }

  // [logical id, properties, resource] of those types; of all without a type.
  resources(...types) {
    return Object.entries(this.json.Resources)
      .filter(([, { Type }]) => types.length === 0 || types.includes(Type))
      .map(([id, resource]) => [id, (resource.Properties ??= {}), resource]);
  }

  // The properties of the first of the type.
  first(type) {
    const found = this.resources(type)[0];
    if (!found) throw new Error(`${this.name} has no ${type}`);
    return found[1];
  }

  get(id) {
    return this.json.Resources[id];
  }
}

// What a value is in words: {"Ref": "X"} is ${X}, a GetAtt ${X.Arn}; Join and Sub are put together.
export function words(value) {
  if (value === null || typeof value !== "object") return String(value);
  if ("Ref" in value) return `\${${value.Ref}}`;
  if ("Fn::GetAtt" in value) return `\${${[value["Fn::GetAtt"]].flat().join(".")}}`;
  if ("Fn::Join" in value) return value["Fn::Join"][1].map(words).join(value["Fn::Join"][0]);
  if ("Fn::Sub" in value) {
    const [text, given] = [value["Fn::Sub"]].flat();
    return text.replace(/\$\{(\w+)\}/g, (all, name) => (given && name in given ? words(given[name]) : all));
  }
  if ("Fn::If" in value) return `if ${value["Fn::If"][0]}: ${words(value["Fn::If"][1])}, else ${words(value["Fn::If"][2])}`;
  return JSON.stringify(value);
}

export const list = (value) => (value === undefined ? [] : [value].flat());
