// Deactivating one's own account: asked about twice, since only the server's owner takes it back.
import { PolylogError } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { t } from "./texts.ts";
import { field } from "./widgets.ts";

export function deactivateDialog(name: string, deactivate: () => Promise<void>): void {
  const typed = h("input", { class: "input", maxlength: 32, autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  openDialog({
    title: t("deactivate.title"),
    body: [
      h("p", { text: t("deactivate.ends") }),
      h("p", { text: t("deactivate.stays") }),
      field(t("deactivate.type", { name }), typed),
    ],
    submit: {
      label: t("deactivate.submit"),
      danger: true,
      action: async () => {
        if (typed.value.trim().toLocaleLowerCase() !== name.toLocaleLowerCase()) {
          throw new PolylogError("bad_value", t("deactivate.not_typed", { name })).because("told");
        }
        await deactivate();
      },
    },
  });
}
