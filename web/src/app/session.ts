// What the browser remembers: the server, the session with it, and what was
// not yet delivered when the page was closed.
import type { OutboxStorage, Pending, User } from "../lib/index.ts";

export interface StoredSession {
  server: string;
  token: string;
  user: User;
}

const SESSION = "polylog.session";
const SERVER = "polylog.server";
const NAME = "polylog.name";
const NOTICE = "polylog.notice";

function read(storage: Storage, key: string): unknown {
  try {
    const value = storage.getItem(key);
    return value === null ? undefined : JSON.parse(value);
  } catch {
    return undefined;
  }
}

function write(storage: Storage, key: string, value: unknown): void {
  try {
    if (value === undefined) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage: it is remembered as long as the page lives.
  }
}

// The address of the page itself, without the file's name.
export function pageServer(): string {
  return new URL(".", location.origin + location.pathname).href;
}

export function currentServer(): string {
  const stored = read(localStorage, SERVER);
  return typeof stored === "string" ? stored : pageServer();
}

// Whether a server may be behind the page: on a site of its own, such as S3's, there is
// none, and something else answers in its place.
export async function pageHasServer(): Promise<boolean> {
  try {
    const response = await fetch(`${pageServer()}health`);
    return response.headers.get("Content-Type")?.startsWith("application/json") ?? false;
  } catch {
    return true; // there is no way to anything now
  }
}

// A usable http or https address, or undefined.
export function parseServer(text: string): string | undefined {
  try {
    const url = new URL(text.includes("://") ? text : `https://${text}`);
    if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
    const path = url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`;
    return url.origin + path;
  } catch {
    return undefined;
  }
}

export function setServer(server: string | undefined): void {
  write(localStorage, SERVER, server === pageServer() ? undefined : server);
}

// The session with the server that is set; a token goes to no other server.
export function storedSession(): StoredSession | undefined {
  const session = read(localStorage, SESSION) as StoredSession | undefined;
  return session?.server === currentServer() ? session : undefined;
}

export function storeSession(session: StoredSession | undefined): void {
  write(localStorage, SESSION, session);
  if (session !== undefined) write(localStorage, NAME, session.user.name);
}

export function lastName(): string {
  const name = read(localStorage, NAME);
  return typeof name === "string" ? name : "";
}

// Per tab, so that two tabs do not both send.
export function outboxStorage(session: StoredSession): OutboxStorage {
  const key = `polylog.outbox.${session.server}.${session.user.id}`;
  return {
    load: () => (read(sessionStorage, key) as readonly Pending[] | undefined) ?? [],
    save: (pending) => write(sessionStorage, key, pending.length === 0 ? undefined : pending),
  };
}

// What the login is to say after the page starts anew.
export function keepNotice(text: string): void {
  write(sessionStorage, NOTICE, text);
}

export function takeNotice(): string | undefined {
  const text = read(sessionStorage, NOTICE);
  write(sessionStorage, NOTICE, undefined);
  return typeof text === "string" ? text : undefined;
}

// Takes `?server=` and `#owner=` out of the address; returns the owner's code.
export function takeAddress(): string | undefined {
  const url = new URL(location.href);
  const server = url.searchParams.get("server");
  if (server !== null) setServer(server === "" ? undefined : parseServer(server));
  const owner = url.hash.startsWith("#owner=") ? url.hash.slice("#owner=".length) : undefined;
  if (server === null && owner === undefined) return undefined;
  url.searchParams.delete("server");
  if (owner !== undefined) url.hash = "";
  history.replaceState(null, "", url.href.replace(/#$/, ""));
  return owner === undefined ? undefined : decodeURIComponent(owner);
}
