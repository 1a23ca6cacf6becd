// Slow mode: seconds between two messages of one person.
import { t } from "./texts.ts";

export const SLOW_CHOICES = [0, 5, 10, 30, 60, 300, 900, 3600, 21_600];

export function slowText(seconds: number): string {
  if (seconds === 0) return t("room_set.slow_off");
  if (seconds < 60 || seconds % 60 !== 0) return t("room_set.seconds", { n: seconds });
  if (seconds < 3600 || seconds % 3600 !== 0) return t("until.minutes", { n: seconds / 60 });
  return t("until.hours", { n: seconds / 3600 });
}
