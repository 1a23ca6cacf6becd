// One's API keys: by one a machine speaks as oneself, and can do no more than its scopes say.
import { type Client, type KeyInfo, PolylogError } from "../lib/index.ts";
import { copyField } from "./clipboard.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { ago, shortTime } from "./format.ts";
import { ListDialog, listRow, rowButton } from "./list-dialog.ts";
import { nameList, type PlainKey, t } from "./texts.ts";
import { spans, spanSelect } from "./until.ts";
import { field, filled } from "./widgets.ts";

const KEY_NAME_MAX = 32;
const YEAR_MS = 365 * 24 * 3600_000;

const SCOPES: [string, PlainKey, PlainKey][] = [
  ["read", "keys.read", "keys.read_hint"],
  ["write", "keys.write", "keys.write_hint"],
  ["rooms", "keys.rooms", "keys.rooms_hint"],
  ["admin", "keys.admin", "keys.admin_hint"],
];

function scopeNames(scope: string): string {
  const names = scope.split(" ").map((one) => {
    const known = SCOPES.find(([word]) => word === one);
    return known === undefined ? one : t(known[1]);
  });
  return nameList(names);
}

function hintOf({ scope, expires, used }: KeyInfo): string {
  const now = Date.now();
  const last = used === undefined ? t("keys.unused") : t("keys.used", { when: ago(used, now) });
  return t("keys.hint", { scopes: scopeNames(scope), last, end: shortTime(expires) });
}

export function keysDialog(client: Client): void {
  const make = h("button", { type: "button", class: "button primary", text: t("keys.make") });
  const dialog = new ListDialog({
    title: t("keys.title"),
    lead: t("keys.lead"),
    empty: t("keys.none"),
    foot: [make],
    rows: async () => {
      const { keys } = await client.request("keys", {});
      keys.sort((a, b) => b.created - a.created);
      return keys.map((key) => listRow(key.name, hintOf(key), revokeButton(key)));
    },
  });
  const revokeButton = ({ id, name }: KeyInfo) =>
    rowButton(t("keys.revoke"), t("keys.revoke_label", { name }), (button) => {
      const action = () => client.request("key_revoke", { key: id });
      void dialog.attempt(button, action, t("keys.revoked", { name }));
    });
  make.addEventListener("click", () => makeKey(client, () => void dialog.show().catch((e) => dialog.fail(e))));
}

function scopeChoice(owner: boolean): { box: HTMLElement; chosen(): string } {
  const box = h("fieldset", { class: "choice tall" }, h("legend", { class: "field-label", text: t("keys.scope") }));
  for (const [scope, name, hint] of SCOPES) {
    if (scope === "admin" && !owner) continue;
    const input = h("input", { type: "checkbox", value: scope });
    input.checked = scope === "read";
    const text = h("span", {}, t(name), h("span", { class: "hint block", text: t(hint) }));
    box.append(h("label", { class: "check" }, input, text));
  }
  const chosen = () => {
    const checked = [...box.querySelectorAll<HTMLInputElement>("input:checked")].map(({ value }) => value);
    if (checked.length === 0) throw new PolylogError("empty", t("keys.no_scope")).because("told");
    return checked.join(" ");
  };
  return { box, chosen };
}

function makeKey(client: Client, made: () => void): void {
  const name = h("input", { class: "input", maxlength: KEY_NAME_MAX, autocomplete: "off" });
  const ttl = spanSelect(spans.key, YEAR_MS);
  const { box, chosen } = scopeChoice(client.user.owner === true);
  openDialog({
    title: t("keys.make_title"),
    body: [field(t("keys.name"), name, t("keys.name_hint")), box, field(t("keys.ttl"), ttl)],
    submit: {
      label: t("keys.make_submit"),
      action: async () => {
        const params = { name: filled(name, t("keys.the_name")), scope: chosen(), ttl: Number(ttl.value) };
        const { key } = await client.request("key_create", params);
        made();
        showKey(params.name, key);
      },
    },
  });
}

function showKey(name: string, key: string): void {
  openDialog({
    title: t("keys.made", { name }),
    body: [h("p", { class: "notice", text: t("keys.once") }), copyField(t("keys.key"), key)],
  });
}
