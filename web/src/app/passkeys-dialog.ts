// One's own passkeys: what there is, when each was used; one is added, renamed or removed.
import { asPolylogError, type Client, type PasskeyInfo, type Renewal } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { ago } from "./format.ts";
import { addPasskey } from "./passkeys.ts";
import { confirmDialog } from "./room-dialogs.ts";
import { errorText, t } from "./texts.ts";
import { field, filled, nameInput } from "./widgets.ts";

function nameOf({ title }: PasskeyInfo): string {
  return title === "" ? t("passkeys.unnamed") : title;
}

function lastOf({ created, used }: PasskeyInfo): string {
  const now = Date.now();
  return used === undefined
    ? t("passkeys.created", { when: ago(created, now) })
    : t("passkeys.used", { when: ago(used, now) });
}

function button(text: string, label: string, action: () => void): HTMLButtonElement {
  const element = h("button", { type: "button", class: "button", text, "aria-label": label });
  element.addEventListener("click", action);
  return element;
}

// renew: gives a command that ends all sessions, and starts the page anew with the next one.
export function passkeysDialog(client: Client, renew: Renewal): void {
  const list = h("ul", { class: "session-list", "aria-label": t("passkeys.title") });
  const note = h("p", { class: "hint", role: "status", text: t("timeline.loading") });
  const title = nameInput();
  const dialog = openDialog({
    title: t("passkeys.title"),
    body: [
      h("p", { class: "hint", text: t("passkeys.lead") }),
      list,
      note,
      field(t("passkeys.name"), title, t("passkeys.ends")),
    ],
    submit: {
      label: t("passkeys.add"),
      action: async () => {
        const begun = await client.request("passkey_new", {});
        await addPasskey(begun, title.value.trim(), renew);
      },
    },
  });

  const rename = (key: PasskeyInfo) => {
    const input = nameInput(key.title);
    dialog.close();
    openDialog({
      title: t("passkeys.rename"),
      body: [field(t("passkeys.name"), input)],
      submit: {
        label: t("passkeys.rename"),
        action: async () => {
          const next = filled(input, t("passkeys.name"));
          await client.request("passkey_rename", { passkey: key.id, title: next });
          passkeysDialog(client, renew);
        },
      },
    });
  };
  const remove = (key: PasskeyInfo) => {
    dialog.close();
    confirmDialog(
      t("passkeys.remove_title", { name: nameOf(key) }),
      t("passkeys.remove_text"),
      t("passkeys.remove"),
      () => renew("passkey_remove", { passkey: key.id }),
    );
  };
  const entry = (key: PasskeyInfo) => {
    const name = nameOf(key);
    return h(
      "li",
      { class: "session" },
      h(
        "div",
        { class: "session-text" },
        h("strong", { class: "address", text: name }),
        h("span", { class: "hint", text: lastOf(key) }),
      ),
      h(
        "div",
        { class: "session-actions" },
        button(t("passkeys.rename"), t("passkeys.rename_label", { name }), () => rename(key)),
        button(t("passkeys.remove"), t("passkeys.remove_label", { name }), () => remove(key)),
      ),
    );
  };
  client.request("passkeys", {}).then(
    ({ passkeys }) => {
      list.replaceChildren(...passkeys.map(entry));
      note.textContent = passkeys.length === 0 ? t("passkeys.none") : "";
    },
    (thrown) => void (note.textContent = errorText(asPolylogError(thrown))),
  );
}
