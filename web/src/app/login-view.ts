// The page before there is a session: by what ways the server lets people in.
import { asPolylogError, enter, type Session, type Way, ways } from "../lib/index.ts";
import { h } from "./dom.ts";
import { forgetInvite } from "./invite-link.ts";
import { issuerWay } from "./issuer-view.ts";
import { logInByPasskey, passkeysPossible, signUpByPasskey } from "./passkeys.ts";
import {
  currentServer,
  lastName,
  pageHasServer,
  pageServer,
  shortName,
  type StoredSession,
} from "./session.ts";
import { chooseServer } from "./settings.ts";
import { errorText, type PlainKey, t } from "./texts.ts";
import { field, passwordInput } from "./widgets.ts";

export interface LoginOptions {
  owner?: string | undefined;
  // The code of a recovery link.
  recover?: string | undefined;
  // That of an invite link, which is into a room unless it is used to sign up.
  invite?: string | undefined;
  notice: string | undefined;
  // A link names a server, and the person is asked about it.
  asked?: boolean;
  // The server is another one, or lets people in by other ways.
  again(): void;
  done(session: StoredSession): void;
}

type Mode = "login" | "signup" | "name" | "reset";

interface Offer {
  login: Way[];
  signup: "open" | "invite" | "closed";
  passkey_rp?: string;
}

const LABELS: Record<Mode, PlainKey> = {
  login: "login.submit",
  signup: "login.signup",
  name: "login.enter",
  reset: "password.set",
};
const SWITCHES: [Mode, PlainKey][] = [
  ["login", "login.to_login"],
  ["signup", "login.to_signup"],
  ["name", "login.to_name"],
];

export function loginView(options: LoginOptions): HTMLElement {
  const view = h("main", { class: "login" });
  if (currentServer() === pageServer() && !options.asked) {
    void pageHasServer().then((has) => {
      if (!has && view.isConnected) chooseServer(options.again, { missing: true });
    });
  }
  // Who cannot be asked is told so by the way that every server had.
  ways(currentServer())
    .catch((): Offer => ({ login: ["name"], signup: "closed" }))
    .then((offer) => show(first(offer, options), offer));

  function show(mode: Mode | undefined, offer: Offer): void {
    const switches = SWITCHES.filter(([other]) => other !== mode && offers(other, offer, options));
    const links = switches.map(([other, text]) => {
      const link = h("button", { class: "link-button", type: "button", text: t(text) });
      link.addEventListener("click", () => show(other, offer));
      return h("p", { class: "login-switch" }, link);
    });
    if (mode === "login" && offer.signup === "invite" && !offers("signup", offer, options))
      links.push(h("p", { class: "login-switch", text: t("login.need_invite") }));
    const card = mode === undefined ? closed(options, offer) : form(mode, options, offer, links);
    view.replaceChildren(card, issuerWay(), serverLine(options.again));
    card.querySelector<HTMLElement>("input:not([hidden])")?.focus();
  }
  return view;
}

function offers(mode: Mode, offer: Offer, { owner, recover, invite }: LoginOptions): boolean {
  const { login, signup } = offer;
  if (recover !== undefined) return mode === "reset";
  if (mode === "name") return login.includes("name");
  const invited = signup === "open" || owner !== undefined || isInvited(offer, invite);
  const knows = login.includes("password") || byPasskey(offer);
  return knows && (mode === "login" || (mode === "signup" && invited));
}

function byPasskey({ login, passkey_rp }: Offer): boolean {
  return login.includes("passkey") && passkeysPossible(passkey_rp);
}

function isInvited({ signup }: Offer, invite: string | undefined): boolean {
  return signup === "invite" && invite !== undefined;
}

// What is shown first: the owner of a new server has no account yet, nor has who is invited.
function first(offer: Offer, options: LoginOptions): Mode | undefined {
  const isNew = options.owner !== undefined || isInvited(offer, options.invite);
  const order: Mode[] = isNew ? ["reset", "signup", "login", "name"] : ["reset", "login", "name"];
  return order.find((mode) => offers(mode, offer, options));
}

// By no way of the server's own; perhaps by its issuer, whose button stands below.
function closed(options: LoginOptions, { login }: Offer): HTMLElement {
  const text = !login.includes("issuer") && h("p", { text: t("login.closed") });
  return h("section", { class: "login-card" }, ...head(options, false), text);
}

function lead({ owner, recover, invite }: LoginOptions, invited: boolean): PlainKey {
  if (recover !== undefined) return "login.recover";
  if (owner !== undefined) return "login.owner";
  if (invited) return "login.invited";
  return invite === undefined ? "login.lead" : "login.invited_in";
}

function head(options: LoginOptions, invited: boolean): (HTMLElement | false)[] {
  const { notice } = options;
  return [
    h("img", { class: "login-mark", src: "icon.svg", alt: "", width: 44, height: 44 }),
    h("h1", { text: "Polylog" }),
    h("p", { class: "login-lead", text: t(lead(options, invited)) }),
    notice !== undefined && h("p", { class: "notice", role: "status", text: notice }),
  ];
}

function form(mode: Mode, options: LoginOptions, offer: Offer, links: HTMLElement[]): HTMLElement {
  const invited = mode === "signup" && isInvited(offer, options.invite);
  const knows = mode === "login" || mode === "signup";
  const passkeys = knows && byPasskey(offer);
  const passwords = mode !== "name" && (!knows || offer.login.includes("password"));
  const name = h("input", {
    class: "input",
    name: "name",
    required: true,
    maxlength: 32,
    autocomplete: mode === "name" ? "nickname" : "username",
    autocapitalize: "words",
    spellcheck: "false",
    value: lastName(),
  });
  const password = passwordInput(mode === "login" ? "current-password" : "new-password");
  const error = h("p", { class: "form-error", role: "alert" });
  const submit = h("button", { class: "button primary wide", type: "submit", text: t(LABELS[mode]) });
  const key = h("button", {
    class: "button wide",
    type: "button",
    text: t(mode === "signup" ? "passkey.signup" : "passkey.login"),
  });
  const hints = { login: "login.forgot", signup: "password.hint", reset: "password.hint" } as const;

  password.name = "password";
  password.required = true;
  async function go(passkey: boolean): Promise<void> {
    const server = currentServer();
    const who = name.value.trim();
    error.textContent = "";
    submit.disabled = key.disabled = true;
    try {
      const session = passkey
        ? await askPasskey(mode, who, options)
        : await ask(mode, server, who, password.value, options);
      if (invited) forgetInvite();
      options.done({ server, token: session.token, user: session.user });
    } catch (thrown) {
      const problem = asPolylogError(thrown);
      // The ways could not be asked for before, or are others by now.
      if (problem.code === "missing_parameter" || problem.code === "way_closed") options.again();
      error.textContent = errorText(problem);
      submit.disabled = key.disabled = false;
      if (passkey) key.focus();
      else (mode === "name" || mode === "signup" ? name : password).select();
    }
  }

  key.addEventListener("click", () => {
    if (mode === "login" || name.reportValidity()) void go(true);
  });
  if (!passwords && passkeys) key.classList.add("primary");

  return h(
    "form",
    {
      class: "login-card",
      on: {
        submit: (event: SubmitEvent) => {
          event.preventDefault();
          void go(passkeys && !passwords);
        },
      },
    },
    ...head(options, invited),
    (passwords || mode !== "login") &&
      mode !== "reset" &&
      field(t("login.name"), name, mode === "name" ? t("login.name_hint") : undefined),
    passwords &&
      field(t(mode === "reset" ? "password.new" : "login.password"), password, t(hints[mode as keyof typeof hints])),
    error,
    (passwords || !passkeys) && submit,
    passkeys && key,
    ...links,
  );
}

function ask(
  mode: Mode,
  server: string,
  name: string,
  password: string,
  { owner, recover, invite }: LoginOptions,
): Promise<Session> {
  const code = owner === undefined ? {} : { owner };
  if (mode === "reset") return enter(server, "reset", { code: recover ?? "", password });
  const link = invite === undefined ? {} : { invite };
  if (mode === "signup") return enter(server, "signup", { name, password, ...code, ...link });
  return enter(server, "login", mode === "name" ? { name, ...code } : { name, password, ...code });
}

function askPasskey(mode: Mode, name: string, { owner, invite }: LoginOptions): Promise<Session> {
  const codes = { ...(owner !== undefined && { owner }), ...(invite !== undefined && { invite }) };
  return mode === "signup" ? signUpByPasskey(name, codes) : logInByPasskey(codes);
}

function serverLine(again: () => void): HTMLElement {
  const server = currentServer();
  const here = server === pageServer();
  const change = h("button", { class: "link-button", type: "button", text: t("login.change_server") });
  change.addEventListener("click", () => chooseServer(again));
  const where = here ? t("login.this_site") : shortName(server);
  return h("p", { class: "login-server address" }, t("login.server", { server: where }), change);
}
