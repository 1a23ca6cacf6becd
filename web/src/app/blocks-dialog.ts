// Whom one has blocked, and the way to take that back.
import type { Contacts } from "./contacts.ts";
import { ListDialog, listRow, rowButton } from "./list-dialog.ts";
import { locale, t } from "./texts.ts";
import { avatar } from "./widgets.ts";

export function blocksDialog(contacts: Contacts): void {
  const dialog = new ListDialog({
    title: t("blocks.title"),
    lead: t("blocks.lead"),
    empty: t("blocks.none"),
    rows: async () => {
      const users = await contacts.loadBlocks();
      users.sort((a, b) => a.name.localeCompare(b.name, locale));
      return users.map(({ id, name }) => {
        const undo = rowButton(t("blocks.unblock"), t("blocks.unblock_label", { name }), (button) => {
          void dialog.attempt(button, () => contacts.block(id, false), t("blocks.undone", { name }));
        });
        const item = listRow(name, "", undo);
        item.prepend(avatar(id, name));
        return item;
      });
    },
  });
}
