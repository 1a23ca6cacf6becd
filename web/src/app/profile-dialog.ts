// What one says of oneself: a name to show, a line of status, whether one is there, a time zone.
import type { Client, Profile } from "../lib/index.ts";
import type { Contacts } from "./contacts.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { shortTime } from "./format.ts";
import { type PlainKey, t } from "./texts.ts";
import { chosenSpan, endOf, type Span, spans, spanSelect } from "./until.ts";
import { field, nameInput } from "./widgets.ts";

type State = "here" | "away" | "dnd";

const STATES: [State, PlainKey][] = [
  ["here", "state.here"],
  ["away", "state.away"],
  ["dnd", "state.dnd"],
];

function stateChoice(chosen: State): { box: HTMLElement; state(): State } {
  const legend = h("legend", { class: "field-label", text: t("profile.state") });
  const box = h("fieldset", { class: "choice" }, legend);
  for (const [state, label] of STATES) {
    const input = h("input", { type: "radio", name: "state", value: state });
    input.checked = chosen === state;
    box.append(h("label", { class: "choice-item" }, input, h("span", { text: t(label) })));
  }
  const state = () => box.querySelector<HTMLInputElement>("input:checked")!.value as State;
  return { box, state };
}

// Every zone that the browser knows, its own first; the one that is set, whatever it knows.
function zoneSelect(chosen: string | undefined): HTMLSelectElement {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const all = new Set([own, ...(chosen === undefined ? [] : [chosen]), ...Intl.supportedValuesOf("timeZone")]);
  const select = h("select", { class: "input" }, h("option", { value: "", text: t("profile.no_zone") }));
  for (const zone of all) select.append(h("option", { value: zone, text: zone.replaceAll("_", " ") }));
  select.value = chosen ?? "";
  return select;
}

const endNow = (end: number | undefined) => (end === undefined ? undefined : t("card.until", { when: shortTime(end) }));

// What of it changed, as profile_set takes it.
function changes(
  old: Profile,
  now: { display: string; status: string; zone: string; state: State },
  ends: { status: Span | undefined; state: Span | undefined },
) {
  const at = Date.now();
  const ending = (span: Span | undefined, kept: number | undefined) =>
    span === undefined ? kept : span === 0 ? undefined : endOf(span, at);
  const statusEnd = now.status === "" ? undefined : ending(ends.status, old.status_until);
  const stateEnd = now.state === "here" ? undefined : ending(ends.state, old.state_until);
  const status = now.status !== (old.status ?? "") || statusEnd !== old.status_until;
  const state = now.state !== (old.state ?? "here") || stateEnd !== old.state_until;
  return {
    ...(now.display !== (old.display ?? "") && { display: now.display }),
    ...(now.zone !== (old.zone ?? "") && { zone: now.zone }),
    ...(status && { status: now.status, ...(statusEnd !== undefined && { status_until: statusEnd }) }),
    ...(state && { state: now.state, ...(stateEnd !== undefined && { state_until: stateEnd }) }),
  };
}

export async function profileDialog(client: Client, contacts: Contacts): Promise<void> {
  const old: Profile = (await contacts.fetch(client.user.id)) ?? client.user;
  const display = nameInput(old.display ?? "");
  const status = nameInput(old.status ?? "");
  const statusEnd = spanSelect(spans.status, 0, endNow(old.status_until));
  const stateEnd = spanSelect(spans.status, 0, endNow(old.state_until));
  const stateEndField = field(t("profile.state_until"), stateEnd);
  const zone = zoneSelect(old.zone);
  const { box, state } = stateChoice(old.state ?? "here");
  const showEnd = () => void (stateEndField.hidden = state() === "here");
  box.addEventListener("change", showEnd);
  showEnd();
  openDialog({
    title: t("profile.title"),
    body: [
      field(t("profile.display"), display, t("profile.display_hint", { name: client.user.name })),
      field(t("profile.status"), status, t("profile.status_hint")),
      field(t("profile.status_until"), statusEnd),
      box,
      stateEndField,
      field(t("profile.zone"), zone, t("profile.zone_hint")),
    ],
    submit: {
      label: t("dialog.save"),
      action: async () => {
        const now = { display: display.value.trim(), status: status.value.trim(), zone: zone.value, state: state() };
        const params = changes(old, now, { status: chosenSpan(statusEnd), state: chosenSpan(stateEnd) });
        if (Object.keys(params).length === 0) return;
        const { profile } = await client.request("profile_set", params);
        contacts.take(profile);
      },
    },
  });
}
