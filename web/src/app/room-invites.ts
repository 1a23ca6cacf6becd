// The invite links into a room, or, without one, to sign up at the server: made, listed, ended.
import type { Client, InviteLink, Room } from "../lib/index.ts";
import { copyField } from "./clipboard.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { roomName, shortTime } from "./format.ts";
import { inviteAddress } from "./invite-link.ts";
import { ListDialog, listRow, rowButton } from "./list-dialog.ts";
import { may } from "./rights.ts";
import { t } from "./texts.ts";
import { chosenSpan, endOf, spans, spanSelect } from "./until.ts";
import { field } from "./widgets.ts";

const WEEK_MS = 7 * 24 * 3600_000;
const USES = [0, 1, 5, 10, 25, 100];

const into = (room: Room | undefined) => (room === undefined ? {} : { room: room.id });

function usesOf({ uses, used }: InviteLink): string {
  return uses === undefined ? t("invites.used", { n: used }) : t("invites.used_of", { used, uses });
}

export function invitesDialog(client: Client, room?: Room): void {
  const make = h("button", { type: "button", class: "button primary", text: t("invites.make") });
  const dialog = new ListDialog({
    title: room === undefined ? t("invites.server_title") : t("invites.title", { room: roomName(room, client) }),
    lead: room === undefined ? t("invites.server_lead") : t("invites.lead"),
    empty: t("invites.none"),
    ...((room === undefined || may("invite", room, client.user)) && { foot: [make] }),
    rows: async () => {
      const { invites } = await client.request("invites", into(room));
      invites.sort((a, b) => b.created - a.created);
      return invites.map(row);
    },
  });
  const row = (link: InviteLink) => {
    const end = link.expires === undefined ? t("invites.endless") : t("invites.ends", { when: shortTime(link.expires) });
    const by = client.names.get(link.by) ?? t("people.someone");
    const maker = link.by === client.user.id ? t("invites.yours") : t("invites.by", { name: by });
    const made = t("invites.made_at", { when: shortTime(link.created) });
    const hint = t("invites.hint", { maker, uses: usesOf(link), end });
    const revoke = rowButton(t("invites.revoke"), t("invites.revoke_label", { when: shortTime(link.created) }), (button) => {
      const action = () => client.request("invite_revoke", { ...into(room), invite: link.id });
      void dialog.attempt(button, action, t("invites.revoked"));
    });
    return listRow(made, hint, revoke);
  };
  make.addEventListener("click", () => {
    makeLink(client, room, () => void dialog.show().catch((thrown) => dialog.fail(thrown)));
  });
}

function makeLink(client: Client, room: Room | undefined, made: () => void): void {
  const end = spanSelect(spans.invite, WEEK_MS);
  const uses = h("select", { class: "input" });
  for (const n of USES) {
    uses.append(h("option", { value: n, text: n === 0 ? t("invites.any_uses") : t("invites.uses", { n }) }));
  }
  openDialog({
    title: t("invites.make_title"),
    body: [field(t("invites.end_field"), end), field(t("invites.uses_field"), uses)],
    submit: {
      label: t("invites.make_submit"),
      action: async () => {
        const span = chosenSpan(end) ?? 0;
        const expires = span === 0 ? 0 : endOf(span, Date.now());
        const params = { ...into(room), expires, uses: Number(uses.value) };
        const { code } = await client.request("invite_create", params);
        made();
        const hint =
          room === undefined ? t("invites.server_hint") : t("invites.made_hint", { room: roomName(room, client) });
        openDialog({
          title: t("invites.made"),
          body: [
            h("p", { class: "notice", text: t("invites.once") }),
            copyField(t("recover.link"), inviteAddress(code), hint),
          ],
        });
      },
    },
  });
}
