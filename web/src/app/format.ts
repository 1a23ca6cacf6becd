// How names, times and colours are shown.
import type { Client, Room } from "../lib/index.ts";
import { characters } from "./text.ts";
import { locale, t } from "./texts.ts";

const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(locale, {
  weekday: "long",
  day: "numeric",
  month: "long",
});
const date = new Intl.DateTimeFormat(locale, { dateStyle: "long" });
const full = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });

export const clockTime = (ts: number) => time.format(ts);
export const fullTime = (ts: number) => full.format(ts);

const withDay = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

// The time of a day, with the day unless that is today.
export const shortTime = (ts: number) => (dayKey(ts) === dayKey(Date.now()) ? time : withDay).format(ts);

export function dayKey(ts: number): string {
  const d = new Date(ts);
  return `${d.getFullYear()}-${d.getMonth() + 1}-${d.getDate()}`;
}

// By the day that it is now: such a label is to be made anew when that is over (onNewDay).
export function dayLabel(ts: number, now: number): string {
  if (dayKey(ts) === dayKey(now)) return t("timeline.today");
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  if (dayKey(ts) === dayKey(yesterday.getTime())) return t("timeline.yesterday");
  const sameYear = new Date(ts).getFullYear() === new Date(now).getFullYear();
  return sameYear ? weekday.format(ts) : date.format(ts);
}

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

// "5 minutes ago": in the largest unit that there is one of; below a minute, "now".
export function ago(ts: number, now: number): string {
  const ms = Math.max(0, now - ts);
  for (const [unit, length] of UNITS) {
    if (ms >= length) return relative.format(-Math.floor(ms / length), unit);
  }
  return relative.format(0, "second");
}

const CLOCK_MS = 10_000;

// Runs fn when another day has begun. The clock is looked at, for one that is set or a
// machine that sleeps would miss a timer.
export function onNewDay(fn: () => void): void {
  let today = dayKey(Date.now());
  setInterval(() => {
    const now = dayKey(Date.now());
    if (now === today) return;
    today = now;
    fn();
  }, CLOCK_MS);
}

// Hues a golden angle apart: neighbours in id are far apart in colour.
export function hue(userId: number): number {
  return Math.round((userId * 137.508) % 360);
}

export function initials(name: string): string {
  const words = name.split(/[\s._-]+/u).filter((word) => word !== "");
  const letters = words.length > 1 ? [words[0]!, words.at(-1)!] : [words[0] ?? "?"];
  return letters.map((word) => characters(word, 1)[0]!.toLocaleUpperCase()).join("");
}

export function roomName(room: Room, client: Client): string {
  if (room.kind === "group") {
    const others = (room.people ?? []).filter((user) => user.id !== client.user.id);
    const names = others.map((user) => user.name).sort((a, b) => a.localeCompare(b, locale));
    return names.join(", ") || t("room.group");
  }
  if (room.kind !== "direct") return room.title || room.id;
  return room.peer?.name ?? client.names.get(peerId(room, client)) ?? t("room.direct");
}

// The other person of a direct room, from its id `dm:<lower>:<higher>`.
export function peerId(room: Room, client: Client): number {
  if (room.peer !== undefined) return room.peer.id;
  const ids = room.id.split(":").slice(1).map(Number);
  return ids.find((id) => id !== client.user.id) ?? client.user.id;
}
