// Addresses of servers. One with http or https is where a server's paths are: its WebSocket
// is at `ws` below it, and commands can be given over HTTP. One with ws or wss is that of the
// WebSocket itself, and nothing is known to be beside it.

const SCHEMES = ["http:", "https:", "ws:", "wss:"];

export function withSlash(server: string): string {
  return server.endsWith("/") ? server : `${server}/`;
}

// The address is that of a WebSocket: there is no HTTP beside it.
export function isSocket(server: string): boolean {
  return server.startsWith("ws:") || server.startsWith("wss:");
}

// Where a server's WebSocket is.
export function socketUrl(server: string): string {
  if (isSocket(server)) return server;
  const url = new URL("ws", withSlash(server));
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

function parsed(text: string): URL | undefined {
  try {
    const url = new URL(text.includes("://") ? text : `https://${text}`);
    // Some browsers take any character for a part of a name.
    const named = url.hostname !== "" && !url.hostname.includes("%");
    return named && SCHEMES.includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

// Without slashes at its end, and without what is for servers only: a gateway shows people
// such an address next to the one that is meant.
function pathOf(url: URL): string {
  return url.pathname.replace(/\/+$/, "").replace(/\/@connections$/, "");
}

// The address in the one form in which it is kept, or undefined if it is none.
export function parseServer(text: string): string | undefined {
  const url = parsed(text.trim());
  if (url === undefined) return undefined;
  const address = `${url.protocol}//${url.host}${pathOf(url)}`;
  return isSocket(address) ? address + url.search : `${address}/`;
}

// What may be meant by what somebody has typed, the likeliest first. plain: an address that
// does not say whether it is encrypted may be one that is not.
export function candidates(text: string, plain: boolean): string[] {
  const typed = text.trim();
  const url = parsed(typed);
  if (url === undefined) return [];
  const named = typed.includes("://");
  const secure = url.protocol === "https:" || url.protocol === "wss:";
  const found = [secure, ...(named || !plain ? [] : [false])].flatMap((encrypted) => {
    const s = encrypted ? "s" : "";
    const path = pathOf(url);
    const site = `http${s}://${url.host}${path.replace(/\/ws$/, "")}/`;
    const socket = `ws${s}://${url.host}${path}${url.search}`;
    const own = isSocket(url.href) && !path.endsWith("/ws");
    return (own ? [socket, site] : [site, socket]).map((one) => parseServer(one)!);
  });
  // The site's own WebSocket need not be tried twice.
  return found.filter((one, i) => !found.slice(0, i).some((other) => socketUrl(other) === one));
}
