// Goes through an invite link that was followed: into its room, or the page says that it is over.
import { asPolylogError, type Client, isTransient } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { forgetInvite, keptInvite } from "./invite-link.ts";
import { errorText, t } from "./texts.ts";

// The id of the room that the link is into, which the client follows then; undefined: there is no
// link, or it lets nobody in any more, which is shown.
export async function enterByInvite(client: Client): Promise<string | undefined> {
  const code = keptInvite();
  if (code === undefined) return undefined;
  try {
    const { room } = await client.request("invite_use", { code });
    forgetInvite();
    return (await client.join(room.id, false)).id;
  } catch (thrown) {
    const error = asPolylogError(thrown);
    // The link may still be good: the next start of the page tries it again.
    if (error.code !== "disconnected" && !isTransient(error.code)) forgetInvite();
    const over = error.code === "no_such_invite";
    openDialog({
      title: over ? t("invites.over_title") : t("invites.failed_title"),
      body: [h("p", { text: over ? t("invites.over") : errorText(error) })],
    });
    return undefined;
  }
}
