import { asPolylogError, login } from "../lib/index.ts";
import { h } from "./dom.ts";
import {
  currentServer,
  lastName,
  pageHasServer,
  pageServer,
  shortName,
  type StoredSession,
} from "./session.ts";
import { chooseServer } from "./settings.ts";
import { errorText, t } from "./texts.ts";
import { field } from "./widgets.ts";

export interface LoginOptions {
  owner: string | undefined;
  notice: string | undefined;
  // A link names a server, and the person is asked about it.
  asked?: boolean;
  // The server is another one.
  again(): void;
  done(session: StoredSession): void;
}

// The page before there is a session: a name, and in you go.
export function loginView(options: LoginOptions): HTMLElement {
  const name = h("input", {
    class: "input",
    name: "name",
    required: true,
    maxlength: 32,
    autocomplete: "nickname",
    autocapitalize: "words",
    spellcheck: "false",
    value: lastName(),
  });
  const error = h("p", { class: "form-error", role: "alert" });
  const submit = h("button", { class: "button primary wide", type: "submit", text: t("login.enter") });

  async function enter(): Promise<void> {
    const server = currentServer();
    error.textContent = "";
    submit.disabled = true;
    try {
      const session = await login(server, name.value.trim(), options.owner);
      options.done({ server, token: session.token, user: session.user });
    } catch (thrown) {
      error.textContent = errorText(asPolylogError(thrown));
      submit.disabled = false;
      name.select();
    }
  }

  const form = h(
    "form",
    {
      class: "login-card",
      on: {
        submit: (event: SubmitEvent) => {
          event.preventDefault();
          void enter();
        },
      },
    },
    h("img", { class: "login-mark", src: "icon.svg", alt: "", width: 44, height: 44 }),
    h("h1", { text: "Polylog" }),
    h("p", { class: "login-lead", text: lead(options) }),
    options.notice !== undefined &&
      h("p", { class: "notice", role: "status", text: options.notice }),
    field(t("login.name"), name, t("login.name_hint")),
    error,
    submit,
  );
  setTimeout(() => name.focus());
  if (currentServer() === pageServer() && !options.asked) {
    void pageHasServer().then((has) => {
      if (!has && form.isConnected) {
        chooseServer(options.again, { missing: true });
      }
    });
  }
  return h("main", { class: "login" }, form, serverLine(options.again));
}

function lead(options: LoginOptions): string {
  return options.owner === undefined ? t("login.lead") : t("login.owner");
}

function serverLine(again: () => void): HTMLElement {
  const server = currentServer();
  const here = server === pageServer();
  const change = h("button", { class: "link-button", type: "button", text: t("login.change_server") });
  change.addEventListener("click", () => chooseServer(again));
  const where = here ? t("login.this_site") : shortName(server);
  return h("p", { class: "login-server address" }, t("login.server", { server: where }), change);
}
