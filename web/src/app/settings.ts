// How it looks, which server, and the way out.
import type { User } from "../lib/index.ts";
import { findServer, PolylogError } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { currentServer, defaultServer, setServer } from "./session.ts";
import { chosenTheme, chooseTheme, type Theme } from "./theme.ts";
import { field, filled } from "./widgets.ts";

const THEMES: [Theme, string][] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

function themeChoice(): HTMLElement {
  const box = h(
    "fieldset",
    { class: "choice" },
    h("legend", { class: "field-label", text: "Colours" }),
  );
  for (const [theme, label] of THEMES) {
    const input = h("input", { type: "radio", name: "theme", value: theme });
    input.checked = chosenTheme() === theme;
    input.addEventListener("change", () => chooseTheme(theme));
    box.append(h("label", { class: "choice-item" }, input, h("span", { text: label })));
  }
  return box;
}

// The server that answers at the address, in the form that is kept.
async function found(address: string): Promise<string> {
  if (!navigator.onLine) throw new PolylogError("unreachable", "You are offline.");
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
  const insecure = plain ? " The connection is not encrypted." : "";
  let used = false;
  const dialog = openDialog({
    title: `Use the server ${host}?`,
    body: [
      h(
        "p",
        {},
        "A link asks this page to use ",
        h("strong", { text: host }),
        ` instead of ${new URL(currentServer()).host}. Whoever runs it sees your name and all that you write.${insecure}`,
      ),
    ],
    submit: {
      label: `Use ${host}`,
      busy: "Connecting…",
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
  const lead = "No server is behind this page. Which is yours?";
  const hint = missing
    ? "It begins with https:// or wss://. This browser remembers it."
    : "Leave it empty for this page's own server.";
  openDialog({
    title: "Server",
    body: [...(missing ? [h("p", { text: lead })] : []), field("Address", input, hint)],
    submit: {
      label: "Use it",
      busy: "Connecting…",
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
  return needed ? filled(input, "The address") : input.value.trim();
}

export function openSettings(user: User, logout: () => void): void {
  const server = h("button", { type: "button", class: "button", text: "Change server" });
  const out = h("button", { type: "button", class: "button", text: "Log out" });
  const dialog = openDialog({
    title: "Settings",
    body: [
      h("p", { class: "settings-user" }, "You are ", h("strong", { text: user.name }), "."),
      themeChoice(),
      h("p", { class: "hint address", text: `Server: ${currentServer()}` }),
      h("footer", { class: "dialog-foot" }, server, out),
    ],
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
