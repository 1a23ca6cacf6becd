// How it looks, which server, and the way out.
import type { User } from "../lib/index.ts";
import { PolylogError } from "../lib/index.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import { currentServer, pageServer, parseServer, setServer } from "./session.ts";
import { chosenTheme, chooseTheme, type Theme } from "./theme.ts";
import { field } from "./widgets.ts";

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

// Asks for another server; the page starts anew with it.
export function chooseServer(
  hint = "Leave it empty for the server that this page came from.",
): void {
  const input = h("input", {
    class: "input",
    type: "url",
    inputmode: "url",
    autocapitalize: "none",
    spellcheck: "false",
    placeholder: pageServer(),
    value: currentServer() === pageServer() ? "" : currentServer(),
  });
  openDialog({
    title: "Server",
    body: [field("Address", input, hint)],
    submit: {
      label: "Use it",
      action: () => {
        const text = input.value.trim();
        const server = text === "" ? pageServer() : parseServer(text);
        if (server === undefined) throw new PolylogError("bad_value", "This is not an address.");
        setServer(server);
        location.reload();
      },
    },
  });
}

export function openSettings(user: User, logout: () => void): void {
  const server = h("button", { type: "button", class: "button", text: "Change server" });
  const out = h("button", { type: "button", class: "button", text: "Log out" });
  const dialog = openDialog({
    title: "Settings",
    body: [
      h("p", { class: "settings-user" }, "You are ", h("strong", { text: user.name }), "."),
      themeChoice(),
      h("p", { class: "hint", text: `Server: ${currentServer()}` }),
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
