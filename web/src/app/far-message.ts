// A message too far back to page to: itself and those around it, in a dialog.
import { asPolylogError, type Room } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { fullTime, roomName } from "./format.ts";
import { messageRow, type RowContext } from "./message-view.ts";
import { errorText, t } from "./texts.ts";
import { toast } from "./widgets.ts";

const AROUND = 21;

export async function showFarMessage(
  room: Room,
  seq: number,
  { client, contacts, actions }: Pick<RowContext, "client" | "contacts" | "actions">,
): Promise<void> {
  const items = await client.around(room.id, seq, AROUND).catch((thrown) => {
    toast(errorText(asPolylogError(thrown)));
  });
  if (items === undefined) return;
  const target = items.find((item) => item.seq === seq);
  if (target === undefined) {
    toast(t("far.gone"));
    return;
  }
  const rows = h("div", {
    class: "far-messages",
    tabindex: "0",
    role: "group",
    "aria-label": t("far.label"),
  });
  const dialog = openDialog({
    title: t("far.title", { room: roomName(room, client) }),
    body: [h("p", { class: "hint", text: fullTime(target.ts) }), rows],
  });
  const jump = (to: number) => {
    dialog.close();
    actions.jump(to);
  };
  for (const item of items) {
    if (item.type !== "message") continue;
    const answered = items.find((other) => other.seq === item.replyTo);
    const context = { client, contacts, grouped: false, target: answered, actions: { ...actions, jump } };
    const row = messageRow(item, context);
    row.querySelector(".tools")?.remove();
    for (const button of row.querySelectorAll<HTMLButtonElement>(".reaction"))
      button.disabled = true;
    if (item === target) row.classList.add("flash", "wanted");
    rows.append(row);
  }
  rows.querySelector(".wanted")?.scrollIntoView({ block: "center" });
  rows.focus({ preventScroll: true });
}
