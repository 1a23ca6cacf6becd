// How it looks, which server, and the way out.
import type { Client, User } from "../lib/index.ts";
import { findServer, PolylogError, ways } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { add, h } from "./dom.ts";
import { currentServer, defaultServer, pageServer, setServer } from "./session.ts";
import { sessionsDialog } from "./sessions-dialog.ts";
import { chosenTheme, chooseTheme, type Theme } from "./theme.ts";
import {
  chooseLanguage,
  chosenLanguage,
  languageName,
  languages,
  parts,
  type PlainKey,
  t,
} from "./texts.ts";
import { field, filled, nameInput, passwordInput } from "./widgets.ts";

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
function choosePassword(user: User, protect: Account["protect"]): void {
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
      action: () => protect(old.value === "" ? undefined : old.value, next.value),
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

// What the page does for who is logged in. protect: sets a password, by the one so far if there is
// one, and starts the page anew.
export interface Account {
  logout(): void;
  protect(old: string | undefined, password: string): Promise<void>;
}

export function openSettings(client: Client, { logout, protect }: Account): void {
  const { user } = client;
  const sessions = h("button", { type: "button", class: "button", text: t("settings.sessions") });
  const password = h("button", {
    type: "button",
    class: "button",
    text: t("settings.password"),
    hidden: true,
  });
  const recover = h("button", {
    type: "button",
    class: "button",
    text: t("settings.recover"),
    hidden: true,
  });
  const server = h("button", { type: "button", class: "button", text: t("settings.change_server") });
  const out = h("button", { type: "button", class: "button", text: t("settings.logout") });
  const who = h("p", { class: "settings-user" });
  add(who, parts("settings.you_are", { name: h("strong", { text: user.name }) }));
  const dialog = openDialog({
    title: t("settings.title"),
    body: [
      who,
      themeChoice(),
      languageChoice(),
      h("p", { class: "hint address", text: t("settings.server", { server: currentServer() }) }),
      h("footer", { class: "dialog-foot" }, sessions, recover, password, server, out),
    ],
  });
  sessions.addEventListener("click", () => {
    dialog.close();
    sessionsDialog(client);
  });
  ways(currentServer()).then(
    ({ login }) => {
      password.hidden = !login.includes("password");
      recover.hidden = password.hidden || user.owner !== true;
    },
    () => undefined, // without an answer the buttons stay away
  );
  password.addEventListener("click", () => {
    dialog.close();
    choosePassword(user, protect);
  });
  recover.addEventListener("click", () => {
    dialog.close();
    makeLink(client);
  });
  server.addEventListener("click", () => {
    dialog.close();
    chooseServer();
  });
  out.addEventListener("click", () => {
    dialog.close();
    logout();
  });
}
