// What an act of moderation was, in words.
import type { ActEvent } from "../lib/index.ts";
import { type PlainKey, t } from "./texts.ts";

const PLAIN: Record<string, PlainKey> = {
  create: "act.create",
  settings: "act.settings",
  filter: "act.settings",
  archive: "act.archive",
  unarchive: "act.unarchive",
  room_delete: "act.room_delete",
  delete: "act.delete",
  report: "act.report",
  resolve: "act.resolve",
  invite_revoke: "act.invite_revoke",
};

export function actText({ act, user, role }: ActEvent): string {
  const name = user?.name ?? t("people.someone");
  if (act === "mute") return t("act.mute", { name });
  if (act === "ban") return t("act.ban", { name });
  if (act === "release") return t("act.release", { name });
  if (act === "remove" || act === "kick") return t("act.kick", { name });
  if (act === "purge") return t("act.purge", { name });
  if (act === "role") return t("notice.role", { name, role: role ?? "none" });
  const key = PLAIN[act];
  return key === undefined ? act : t(key);
}
