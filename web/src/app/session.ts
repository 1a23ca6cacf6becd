// What the browser remembers: the server, the session with it, and what was
// not yet delivered when the page was closed.
import {
  candidates,
  type OutboxStorage,
  parseServer,
  type Pending,
  type User,
} from "../lib/index.ts";
import type { Issued } from "./issuer.ts";
import { read, write } from "./storage.ts";
import { claimTab } from "./tab.ts";

export interface StoredSession {
  server: string;
  token: string;
  user: User;
  issued?: Issued; // of an issuer's person
}

declare global {
  interface Window {
    POLYLOG_SERVER?: unknown; // of config.js
  }
}

const SESSION = "polylog.session";
const SERVER = "polylog.server";
const NAME = "polylog.name";
const NOTICE = "polylog.notice";

// The address of the page itself, without the file's name.
export function pageServer(): string {
  return new URL(".", location.origin + location.pathname).href;
}

// The server that config.js beside the page names; without one it is the page's own.
export function defaultServer(): string {
  const named = window.POLYLOG_SERVER;
  return (typeof named === "string" ? parseServer(named) : undefined) ?? pageServer();
}

export function currentServer(): string {
  const stored = read("local", SERVER);
  return typeof stored === "string" ? stored : defaultServer();
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

// As people call it: what they need not type is left out.
export function shortName(server: string): string {
  const { host, pathname } = new URL(server);
  return host + pathname.replace(/\/$/, "");
}

// False: the browser does not keep it beyond this page.
export function setServer(server: string | undefined): boolean {
  return write("local", SERVER, server === defaultServer() ? undefined : server);
}

// The session with the server that is set; a token goes to no other server.
export function storedSession(): StoredSession | undefined {
  const session = read("local", SESSION) as StoredSession | undefined;
  return session?.server === currentServer() ? session : undefined;
}

export function storeSession(session: StoredSession | undefined): void {
  write("local", SESSION, session);
  if (session !== undefined) write("local", NAME, session.user.name);
}

export function lastName(): string {
  const name = read("local", NAME);
  return typeof name === "string" ? name : "";
}

// Per tab: each sends what was written in it. What a duplicated tab has a copy of is left
// to the tab that it is a copy of.
export function outboxStorage(session: StoredSession): OutboxStorage {
  const key = `polylog.outbox.${session.server}.${session.user.id}`;
  let doubtful = (read("session", key) as readonly Pending[] | undefined) ?? [];
  let own: readonly Pending[] = [];
  const keep = () => {
    const all = [...doubtful, ...own];
    write("session", key, all.length === 0 ? undefined : all);
  };
  const isOwn = claimTab(doubtful.length > 0);
  return {
    load: () => {
      if (doubtful.length === 0) return [];
      return isOwn.then((mine) => {
        const loaded = mine ? doubtful : [];
        doubtful = [];
        if (!mine) keep();
        return loaded;
      });
    },
    save: (pending) => {
      own = pending;
      keep();
    },
  };
}

// What the login is to say after the page starts anew.
export function keepNotice(text: string): void {
  write("session", NOTICE, text);
}

export function takeNotice(): string | undefined {
  const text = read("session", NOTICE);
  write("session", NOTICE, undefined);
  return typeof text === "string" ? text : undefined;
}

// The part of an address behind `%`-escapes; as it stands where those are broken.
export function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// Takes `?server=`, `#owner=` and `#recover=` out of the address: the server that a link names, if
// it is another than the one in use, the owner's code, and that of a recovery link.
export function takeAddress(): {
  server: string | undefined;
  owner: string | undefined;
  recover: string | undefined;
} {
  const url = new URL(location.href);
  const named = url.searchParams.get("server");
  const behind = (start: string) =>
    url.hash.startsWith(start) ? unescaped(url.hash.slice(start.length)) : undefined;
  const owner = behind("#owner=");
  const recover = behind("#recover=");
  const code = owner ?? recover;
  if (named !== null || code !== undefined) {
    url.searchParams.delete("server");
    if (code !== undefined) url.hash = "";
    history.replaceState(null, "", url.href.replace(/#$/, ""));
  }
  const server = named === "" ? defaultServer() : parseServer(named ?? "");
  const used = server === currentServer() || candidates(named ?? "", true).includes(currentServer());
  return {
    server: named === null || used ? undefined : server,
    owner,
    recover,
  };
}
