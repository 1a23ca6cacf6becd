// Moderation: reporting a message, holding a person, deleting all that they said, and for moderators
// what was reported and what was done.
import type { ActEvent, Client, Message, Report, Room, User } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { roomName, shortTime } from "./format.ts";
import { ListDialog, listRow, rowButton } from "./list-dialog.ts";
import { actText } from "./act-text.ts";
import { type PlainKey, t } from "./texts.ts";
import { chosenSpan, endOf, spans, spanSelect } from "./until.ts";
import { field } from "./widgets.ts";

const PAGE = 100;
const REASON_MAX = 128;
const HOLDS: [string, PlainKey][] = [
  ["muted", "hold.muted"],
  ["banned", "hold.banned"],
  ["kick", "hold.kick"],
];

const reasonInput = () => h("input", { class: "input", maxlength: REASON_MAX, autocomplete: "off" });
const reasonOf = ({ value }: HTMLInputElement) => (value.trim() === "" ? {} : { reason: value.trim() });

export function reportDialog(client: Client, room: Room, message: Message, done: () => void): void {
  const why = reasonInput();
  openDialog({
    title: t("report.title"),
    body: [h("p", { text: t("report.lead") }), field(t("report.reason"), why)],
    submit: {
      label: t("report.submit"),
      action: async () => {
        await client.request("report", { room: room.id, target: message.seq, reason: why.value });
        done();
      },
    },
  });
}

export function purgeDialog(client: Client, room: Room, user: User): void {
  const why = reasonInput();
  openDialog({
    title: t("purge.title", { name: user.name }),
    body: [h("p", { text: t("purge.text") }), field(t("hold.reason"), why)],
    submit: {
      label: t("purge.submit"),
      danger: true,
      action: async () => {
        await client.request("purge", { room: room.id, user: user.id, ...reasonOf(why) });
      },
    },
  });
}

export function holdDialog(client: Client, room: Room, user: User): void {
  const what = h("select", { class: "input" });
  for (const [value, name] of HOLDS) what.append(h("option", { value, text: t(name) }));
  const span = spanSelect(spans.hold, 0);
  const long = field(t("hold.span"), span);
  const why = reasonInput();
  what.addEventListener("change", () => {
    long.hidden = what.value === "kick";
  });
  openDialog({
    title: t("hold.title", { name: user.name }),
    body: [field(t("hold.what"), what), long, field(t("hold.reason"), why, t("hold.reason_hint"))],
    submit: {
      label: t("hold.submit"),
      danger: true,
      action: async () => {
        const whom = { room: room.id, user: user.id, ...reasonOf(why) };
        const chosen = chosenSpan(span) ?? 0;
        const until = chosen === 0 ? {} : { until: endOf(chosen, Date.now()) };
        if (what.value === "kick") await client.request("kick", whom);
        else await client.request("member_set", { ...whom, role: what.value as "muted" | "banned", ...until });
      },
    },
  });
}

export function reportsDialog(client: Client, room: Room, show: (seq: number) => Promise<string>): void {
  const dialog = new ListDialog({
    title: t("reports.title", { room: roomName(room, client) }),
    empty: t("reports.none"),
    rows: async () => {
      const { reports } = await client.request("reports", { room: room.id, limit: PAGE });
      return Promise.all(reports.map(async (report) => row(report, await show(report.target))));
    },
  });
  const row = ({ target, by, user, reason, ts }: Report, text: string) => {
    const hint = t("reports.hint", { by: by.name, reason, when: shortTime(ts) });
    const resolve = rowButton(t("reports.resolve"), t("reports.resolve_label", { name: user.name }), (button) => {
      const action = () => client.request("report_resolve", { room: room.id, target });
      void dialog.attempt(button, action, t("reports.resolved"));
    });
    return listRow(t("reports.of", { name: user.name, text }), hint, resolve);
  };
}

export function actsDialog(client: Client, room: Room): void {
  new ListDialog({
    title: t("acts.title", { room: roomName(room, client) }),
    lead: t("acts.lead"),
    empty: t("acts.none"),
    rows: async () => {
      const { entries } = await client.request("history", { room: `audit:${room.id}`, view: "log", limit: PAGE });
      const acts = entries.filter((entry): entry is ActEvent => entry.event === "act").reverse();
      return acts.map((act) => {
        const by = t("acts.by", { name: act.from.name || t("people.someone"), when: shortTime(act.ts) });
        return listRow(actText(act), act.reason === undefined ? by : t("acts.reason", { by, reason: act.reason }));
      });
    },
  });
}
