// How it looks, which server, and the way out.
import type { Client, Renewal, User } from "../lib/index.ts";
import { asPolylogError, findServer, PolylogError, ways } from "../lib/index.ts";
import type { Contacts } from "./contacts.ts";
import { openDialog } from "./dialog.ts";
import { add, h } from "./dom.ts";
import { icon, type IconName } from "./icons.ts";
import { later } from "./later.ts";
import { currentServer, defaultServer, pageServer, setServer } from "./session.ts";
import { passkeysPossible } from "./passkeys.ts";
import { chosenTheme, chooseTheme, type Theme } from "./theme.ts";
import {
  chooseLanguage,
  chosenLanguage,
  errorText,
  languageName,
  languages,
  parts,
  type PlainKey,
  t,
} from "./texts.ts";
import { field, filled, nameInput, passwordInput, toast } from "./widgets.ts";

const THEMES: [Theme, PlainKey][] = [
  ["system", "settings.colours_system"],
  ["light", "settings.colours_light"],
  ["dark", "settings.colours_dark"],
];

function themeChoice(): HTMLElement {
  const box = h(
    "fieldset",
    { class: "choice" },
    h("legend", { class: "field-label", text: t("settings.colours") }),
  );
  for (const [theme, label] of THEMES) {
    const input = h("input", { type: "radio", name: "theme", value: theme });
    input.checked = chosenTheme() === theme;
    input.addEventListener("change", () => chooseTheme(theme));
    box.append(h("label", { class: "choice-item" }, input, h("span", { text: t(label) })));
  }
  return box;
}

// Each language by its own name, so that whoever is lost finds theirs.
function languageChoice(): HTMLElement {
  const select = h("select", { class: "input" });
  select.append(h("option", { value: "", text: t("settings.language_system") }));
  for (const one of languages) {
    select.append(h("option", { value: one, lang: one, text: languageName(one) }));
  }
  select.value = chosenLanguage() ?? "";
  select.addEventListener("change", () => {
    chooseLanguage(languages.find((one) => one === select.value));
    location.reload();
  });
  return field(t("settings.language"), select);
}

// The server that answers at the address, in the form that is kept.
async function found(address: string): Promise<string> {
  if (!navigator.onLine) throw new PolylogError("unreachable", t("status.offline")).because("told");
  return findServer(address, { plain: location.protocol === "http:" });
}

// Asks whether to use the server that a link names. A link is not trusted: it may lead to
// somebody who wants to read along.
export function askServer(
  server: string,
  use: (server: string) => void,
  decline: () => void,
): void {
  const { host, protocol } = new URL(server);
  const plain = protocol === "http:" || protocol === "ws:";
  const own = new URL(currentServer()).host;
  const text = h("p");
  add(text, parts("server.ask_text", { host: h("strong", { text: host }), own }));
  if (plain) text.append(` ${t("server.ask_plain")}`);
  let used = false;
  const dialog = openDialog({
    title: t("server.ask_title", { host }),
    body: [text],
    submit: {
      label: t("server.ask_use", { host }),
      busy: t("server.connecting"),
      careful: true,
      action: async () => {
        const address = server === defaultServer() ? server : await found(server);
        used = true;
        use(address);
      },
    },
  });
  dialog.element.addEventListener("close", () => used || decline());
}

// Asks for another server, and whether it answers; the page starts anew with it. missing:
// no server is behind the page, so that one must be named.
export function chooseServer(
  again: () => void = () => location.reload(),
  { missing = false } = {},
): void {
  const input = h("input", {
    class: "input",
    type: "url",
    inputmode: "url",
    autocapitalize: "none",
    autocomplete: "url",
    spellcheck: "false",
    placeholder: missing ? "https://chat.example.org" : defaultServer(),
    value: currentServer() === defaultServer() ? "" : currentServer(),
  });
  const lead = t("server.missing");
  const hint = missing ? t("server.missing_hint") : t("server.hint");
  openDialog({
    title: t("server.title"),
    body: [...(missing ? [h("p", { text: lead })] : []), field(t("server.address"), input, hint)],
    submit: {
      label: t("server.use"),
      busy: t("server.connecting"),
      action: async () => {
        const text = filledOr(input, missing);
        setServer(text === "" ? defaultServer() : await found(text));
        again();
      },
    },
  });
}

// What was entered, which may be nothing unless it is needed.
function filledOr(input: HTMLInputElement, needed: boolean): string {
  return needed ? filled(input, t("server.the_address")) : input.value.trim();
}

// The person's name goes with the fields, hidden, so that a password manager knows whose they are.
function choosePassword(user: User, renew: Renewal): void {
  const name = h("input", { type: "text", autocomplete: "username", value: user.name, hidden: true });
  const old = passwordInput("current-password");
  const next = passwordInput("new-password");
  openDialog({
    title: t("password.title"),
    body: [
      name,
      field(t("password.old"), old, t("password.old_hint")),
      field(t("password.new"), next, t("password.hint")),
      h("p", { class: "hint", text: t("password.ends") }),
    ],
    submit: {
      label: t("password.set"),
      action: () => renew("password", { new: next.value, ...(old.value !== "" && { old: old.value }) }),
    },
  });
}

// A link by which somebody sets a new password. It is shown once, for the owner to hand on.
function makeLink(client: Client): void {
  const name = nameInput();
  openDialog({
    title: t("recover.title"),
    body: [h("p", { text: t("recover.lead") }), field(t("recover.name"), name)],
    submit: {
      label: t("recover.make"),
      action: async () => {
        const params = { name: filled(name, t("recover.name")) };
        const { code, user } = await client.request("recover", params);
        const link = new URL(`#recover=${code}`, pageServer()).href;
        const shown = h("input", { class: "input", readonly: true, value: link });
        openDialog({
          title: t("recover.made", { name: user.name }),
          body: [field(t("recover.link"), shown, t("recover.once"))],
        });
        shown.select();
      },
    },
  });
}

// What the page does for who is logged in. renew: gives a command that changes how one logs in, and
// starts the page anew. deactivate: ends the account, and starts the page anew.
export interface Account {
  logout(): void;
  renew: Renewal;
  deactivate(): Promise<void>;
}

interface Entry {
  icon: IconName;
  text: string;
  danger?: boolean;
  open(): unknown;
}

// The ways from the settings to a dialog of their own, each in place of the settings.
function entries(label: string, list: Entry[], close: () => void): { part: HTMLElement; buttons: HTMLButtonElement[] } {
  const buttons = list.map(({ icon: sign, text, danger, open }) => {
    const kind = danger ? "settings-entry danger" : "settings-entry";
    const button = h("button", { type: "button", class: kind }, icon(sign), h("span", { text }));
    button.addEventListener("click", () => {
      close();
      open();
    });
    return button;
  });
  const part = h("div", { class: "settings-part", role: "group", "aria-label": label }, ...buttons);
  return { part, buttons };
}

export function openSettings(client: Client, contacts: Contacts, account: Account): void {
  const { user } = client;
  const close = () => dialog.close();
  const who = h("p", { class: "settings-user" });
  add(who, parts("settings.you_are", { name: h("strong", { text: user.name }) }));
  const profile = () =>
    later((more) => more.profileDialog(client, contacts).catch((thrown) => toast(errorText(asPolylogError(thrown)))));
  const you = entries(
    t("settings.you"),
    [
      { icon: "person", text: t("settings.profile"), open: profile },
      { icon: "block", text: t("settings.blocks"), open: () => later((more) => more.blocksDialog(contacts)) },
    ],
    close,
  );
  const access = entries(
    t("settings.access"),
    [
      { icon: "lock", text: t("settings.password"), open: () => choosePassword(user, account.renew) },
      { icon: "key", text: t("settings.passkeys"), open: () => later((more) => more.passkeysDialog(client, account.renew)) },
      { icon: "device", text: t("settings.sessions"), open: () => later((more) => more.sessionsDialog(client)) },
      { icon: "key", text: t("settings.keys"), open: () => later((more) => more.keysDialog(client)) },
      { icon: "link", text: t("settings.invites"), open: () => later((more) => more.invitesDialog(client)) },
      { icon: "people", text: t("settings.recover"), open: () => makeLink(client) },
    ],
    close,
  );
  const password = access.buttons.at(0)!;
  const passkeys = access.buttons.at(1)!;
  const invites = access.buttons.at(-2)!;
  const recover = access.buttons.at(-1)!;
  password.hidden = passkeys.hidden = invites.hidden = recover.hidden = true;
  const leaving = entries(
    t("settings.leaving"),
    [
      { icon: "gear", text: t("settings.change_server"), open: () => chooseServer() },
      { icon: "leave", text: t("settings.logout"), open: account.logout },
      {
        icon: "alert",
        text: t("settings.deactivate"),
        danger: true,
        open: () => later((more) => more.deactivateDialog(user.name, account.deactivate)),
      },
    ],
    close,
  );
  const dialog = openDialog({
    title: t("settings.title"),
    body: [
      who,
      you.part,
      access.part,
      themeChoice(),
      languageChoice(),
      leaving.part,
      h("p", { class: "hint address", text: t("settings.server", { server: currentServer() }) }),
    ],
  });
  you.buttons[0]!.focus();
  ways(currentServer()).then(
    ({ login, signup, passkey_rp }) => {
      invites.hidden = signup !== "invite" || user.owner !== true;
      passkeys.hidden = !login.includes("passkey") || !passkeysPossible(passkey_rp);
      password.hidden = !login.includes("password");
      recover.hidden = password.hidden || user.owner !== true;
    },
    () => undefined, // without an answer the buttons stay away
  );
}
