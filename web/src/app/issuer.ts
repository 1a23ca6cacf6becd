// Log-in by the OpenID provider that a server accepts: Authorization Code with PKCE (RFC 7636), as
// a public client, by discovery (OpenID Connect Core and Discovery, RFC 9700). What a redirect
// needs when it comes back is this tab's own, in sessionStorage, and is used once.
import { PolylogError, type User } from "../lib/index.ts";
import { currentServer, type StoredSession, storedSession, storeSession } from "./session.ts";
import { read, write } from "./storage.ts";
import { t } from "./texts.ts";

// What a server says of its issuer.
export interface Issuer {
  url: string;
  client: string;
  scopes: string;
}

// What is kept beside the token of an issuer's person.
export interface Issued {
  issuer: Issuer;
  token_endpoint: string;
  logout: string | undefined;
  refresh: string | undefined;
  expires: number;
}

interface Provider {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  end_session_endpoint?: string;
  code_challenge_methods_supported?: string[];
  authorization_response_iss_parameter_supported?: boolean;
}

// A log-in on its way to the issuer and back.
interface Flow {
  server: string;
  issuer: Issuer;
  state: string;
  nonce: string;
  verifier: string;
  hash: string;
  token_endpoint: string;
  logout: string | undefined;
  says_iss: boolean;
}

interface Tokens {
  id_token?: string;
  refresh_token?: string;
}

const FLOW = "polylog.login";
const LOCK = "polylog.renew";
// A token that ends sooner is renewed before it is shown.
const AHEAD_MS = 70_000;
const RENEW_MS = 10_000;
const PATIENCE_MS = 15_000;
const COGNITO = /^https:\/\/cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\//;

const refused = (text: string) => new PolylogError("bad_token", text).because("told");

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

// The page itself, and nothing of what its address says else.
const own = () => location.origin + location.pathname;

// An address that tokens may go to: https, or http on this machine.
function isSafe(address: unknown): address is string {
  if (typeof address !== "string") return false;
  try {
    const { protocol, hostname } = new URL(address);
    const here = hostname === "127.0.0.1" || hostname === "localhost" || hostname === "[::1]";
    return protocol === "https:" || (protocol === "http:" && here);
  } catch {
    return false;
  }
}

async function json(address: string, init: RequestInit = {}): Promise<Record<string, unknown>> {
  let body: unknown;
  try {
    const limits = { credentials: "omit", redirect: "error", cache: "no-store" } as const;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    body = await (await fetch(address, { ...limits, ...init, signal })).json();
  } catch {
    throw new PolylogError("unreachable", t("issuer.unreachable")).because("told");
  }
  if (typeof body !== "object" || body === null) throw refused(t("issuer.odd"));
  return body as Record<string, unknown>;
}

// The issuer of the server's people; undefined: there is none, or the page cannot ask for it.
export async function issuerOf(server: string): Promise<Issuer | undefined> {
  if (!/^https?:/.test(server)) return undefined;
  try {
    const { issuer } = await json(new URL("api/v1/issuer", server).href);
    const { url, client, scopes } = issuer as Partial<Issuer>;
    if (!isSafe(url) || typeof client !== "string" || typeof scopes !== "string") return undefined;
    return { url, client, scopes };
  } catch {
    return undefined; // an older server, or none
  }
}

// What the issuer says of itself; throws where that is another's, or lacks PKCE with S256, which a
// public client must not do without.
export async function discover(issuer: Issuer): Promise<Provider> {
  const address = `${issuer.url.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const found = (await json(address)) as unknown as Provider;
  if (found.issuer !== issuer.url) throw refused(t("issuer.other"));
  if (!isSafe(found.authorization_endpoint) || !isSafe(found.token_endpoint)) {
    throw refused(t("issuer.odd"));
  }
  // Cognito has it and does not say so.
  const methods = found.code_challenge_methods_supported ?? (COGNITO.test(issuer.url) ? ["S256"] : []);
  if (!methods.includes("S256")) throw refused(t("issuer.no_pkce"));
  return found;
}

// Where the issuer's own session is ended (OpenID Connect RP-Initiated Logout; Cognito's hosted
// pages have parameters of their own).
function logoutOf(issuer: Issuer, provider: Provider): string | undefined {
  const cognito = COGNITO.test(issuer.url);
  const address =
    provider.end_session_endpoint ??
    (cognito ? new URL("/logout", provider.authorization_endpoint).href : undefined);
  if (!isSafe(address)) return undefined;
  const url = new URL(address);
  url.searchParams.set("client_id", issuer.client);
  url.searchParams.set(cognito ? "logout_uri" : "post_logout_redirect_uri", own());
  return url.href;
}

// Leaves for the issuer. silent: nobody is asked anything; it comes back with or without a token.
export async function begin(issuer: Issuer, silent = false): Promise<void> {
  if (!isSecureContext) throw refused(t("issuer.insecure"));
  const provider = await discover(issuer);
  const [state, nonce, verifier] = [random(), random(), random()];
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const flow: Flow = {
    server: currentServer(),
    issuer,
    state,
    nonce,
    verifier,
    hash: location.hash.startsWith("#/") ? location.hash : "",
    token_endpoint: provider.token_endpoint,
    logout: logoutOf(issuer, provider),
    says_iss: provider.authorization_response_iss_parameter_supported === true,
  };
  write("session", FLOW, flow);
  const url = new URL(provider.authorization_endpoint);
  for (const [name, value] of Object.entries({
    response_type: "code",
    client_id: issuer.client,
    redirect_uri: own(),
    scope: issuer.scopes,
    state,
    nonce,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
    ...(silent ? { prompt: "none" } : {}),
  })) {
    url.searchParams.set(name, value);
  }
  location.assign(url.href);
}

// The claims of a token that came from the issuer itself, over a connection that is its own: the
// server looks at the signature.
function claims(token: string): Record<string, unknown> {
  try {
    const bytes = atob(token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))));
  } catch {
    throw refused(t("issuer.odd"));
  }
}

async function ask(endpoint: string, form: Record<string, string>): Promise<Tokens> {
  const answer = await json(endpoint, { method: "POST", body: new URLSearchParams(form) });
  if ("error" in answer) throw new PolylogError("expired", t("ended.expired")).because("told");
  return answer as Tokens;
}

// OpenID Connect Core 3.1.3.7; nonce: undefined where the token is a renewed one (12.2).
function check(token: string | undefined, issuer: Issuer, nonce: string | undefined): number {
  if (typeof token !== "string") throw refused(t("issuer.odd"));
  const { iss, aud, exp, nonce: said } = claims(token);
  const audiences = Array.isArray(aud) ? aud : [aud];
  const right = iss === issuer.url && audiences.includes(issuer.client) && typeof exp === "number";
  if (!right || (nonce !== undefined && said !== nonce)) throw refused(t("issuer.other"));
  return exp * 1000;
}

// Whose token it is, as the server has them.
async function whoIs(server: string, token: string): Promise<User> {
  const answer = await json(new URL("api/v1/auth", server).href, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if ("error" in answer) throw PolylogError.fromBody(answer.error as never);
  return answer.user as User;
}

// What the issuer has sent back in the address, which is taken out of it; undefined: nothing.
export function takeAnswer(): URLSearchParams | undefined {
  const { searchParams } = new URL(location.href);
  if (!searchParams.has("state") || !(searchParams.has("code") || searchParams.has("error"))) {
    return undefined;
  }
  const flow = read("session", FLOW) as Flow | undefined;
  history.replaceState(null, "", own() + (flow?.hash ?? location.hash));
  return searchParams;
}

// The session that the answer comes to. Rejects where the answer is not to what this tab asked,
// comes from another issuer (RFC 9207), or says no.
export async function finish(answer: URLSearchParams): Promise<StoredSession> {
  const flow = read("session", FLOW) as Flow | undefined;
  write("session", FLOW, undefined); // good for one answer
  if (flow === undefined || answer.get("state") !== flow.state) throw refused(t("issuer.not_asked"));
  const iss = answer.get("iss");
  if ((iss !== null || flow.says_iss) && iss !== flow.issuer.url) throw refused(t("issuer.other"));
  const code = answer.get("code");
  if (code === null) throw refused(t("issuer.declined"));
  const { issuer, token_endpoint, logout, server } = flow;
  const tokens = await ask(token_endpoint, {
    grant_type: "authorization_code",
    code,
    redirect_uri: own(),
    client_id: issuer.client,
    code_verifier: flow.verifier,
  });
  const expires = check(tokens.id_token, issuer, flow.nonce);
  const token = tokens.id_token!;
  const user = await whoIs(server, token);
  const refresh = tokens.refresh_token;
  return { server, token, user, issued: { issuer, token_endpoint, logout, refresh, expires } };
}

let renewed = 0;

async function renew(session: StoredSession): Promise<string> {
  const stored = storedSession() ?? session; // another tab may have been faster
  const { issued } = stored;
  if (stored.user.id !== session.user.id || issued === undefined) throw refused(t("ended.unknown"));
  if (issued.expires - Date.now() > AHEAD_MS) return stored.token;
  const { refresh, issuer, token_endpoint } = issued;
  if (refresh === undefined) throw new PolylogError("expired", t("ended.expired")).because("told");
  // Tokens that live shorter than the server wants to be told ahead would be renewed without end.
  if (Date.now() - renewed < RENEW_MS) {
    throw new PolylogError("unreachable", t("issuer.unreachable")).because("told");
  }
  renewed = Date.now();
  const tokens = await ask(token_endpoint, {
    grant_type: "refresh_token",
    refresh_token: refresh,
    client_id: issuer.client,
  });
  const expires = check(tokens.id_token, issuer, undefined);
  const token = tokens.id_token!;
  const next = { ...issued, refresh: tokens.refresh_token ?? refresh, expires };
  storeSession({ ...stored, token, issued: next });
  return token;
}

// A token that is good for a while. One tab asks for all: a refresh token may be good once. Of an
// issuer that gave none the token lasts until it ends; then the page asks again, by a redirect.
export function tokenOf(session: StoredSession): string | (() => Promise<string>) {
  if (session.issued?.refresh === undefined) return session.token;
  return async () => {
    if (!("locks" in navigator)) return renew(session);
    return navigator.locks.request(LOCK, () => renew(session));
  };
}

// Where to go to end the session at the issuer, too; undefined: there is no such place.
export function leaveAt(session: StoredSession): string | undefined {
  const { issued, token } = session;
  if (issued?.logout === undefined) return undefined;
  const url = new URL(issued.logout);
  if (!COGNITO.test(issued.issuer.url)) url.searchParams.set("id_token_hint", token);
  return url.href;
}
