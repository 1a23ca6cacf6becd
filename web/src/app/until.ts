// For how long something lasts: a choice of spans, and the time at which each ends.
import { h } from "./dom.ts";
import { t } from "./texts.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// ms; 0: without an end. today: until midnight, by the clock of this device.
export type Span = number | "today";

const NAMES: [Span, () => string][] = [
  [0, () => t("until.none")],
  [30 * MINUTE, () => t("until.minutes", { n: 30 })],
  [HOUR, () => t("until.hours", { n: 1 })],
  [4 * HOUR, () => t("until.hours", { n: 4 })],
  ["today", () => t("until.today")],
  [DAY, () => t("until.days", { n: 1 })],
  [7 * DAY, () => t("until.days", { n: 7 })],
  [30 * DAY, () => t("until.days", { n: 30 })],
  [90 * DAY, () => t("until.days", { n: 90 })],
  [365 * DAY, () => t("until.years", { n: 1 })],
  [3650 * DAY, () => t("until.years", { n: 10 })],
];

export const spans = {
  status: [0, 30 * MINUTE, HOUR, 4 * HOUR, "today", 7 * DAY],
  hold: [0, 30 * MINUTE, HOUR, 4 * HOUR, DAY, 7 * DAY, 30 * DAY],
  invite: [HOUR, DAY, 7 * DAY, 30 * DAY, 0],
  key: [7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY, 3650 * DAY],
} as const satisfies Record<string, readonly Span[]>;

// A choice among them; kept: the option that leaves an end that is set already as it is.
export function spanSelect(among: readonly Span[], chosen: Span, kept?: string): HTMLSelectElement {
  const select = h("select", { class: "input" });
  if (kept !== undefined) select.append(h("option", { value: "kept", text: kept }));
  for (const span of among) {
    const name = NAMES.find(([one]) => one === span)![1];
    select.append(h("option", { value: String(span), text: name() }));
  }
  select.value = kept === undefined ? String(chosen) : "kept";
  return select;
}

// The span chosen; undefined: the end stays as it is.
export function chosenSpan(select: HTMLSelectElement): Span | undefined {
  if (select.value === "kept") return undefined;
  return select.value === "today" ? "today" : Number(select.value);
}

// When a span that begins now is over: Unix time in ms.
export function endOf(span: Exclude<Span, 0>, now: number): number {
  if (span !== "today") return now + span;
  const midnight = new Date(now);
  midnight.setHours(24, 0, 0, 0);
  return midnight.getTime();
}
