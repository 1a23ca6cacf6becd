import { PolylogError } from "./errors.ts";
import type { ErrorBody, User } from "./types.ts";

export interface Session {
  token: string;
  user: User;
  expires: number;
}

// Makes a session over HTTP. The cookie that comes with it is not taken: the
// token is what this client keeps.
export async function login(server: string, name: string, owner?: string): Promise<Session> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(new URL("api/v1/login", withSlash(server)), {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(owner === undefined ? { name } : { name, owner }),
    });
    body = await response.json();
  } catch {
    throw new PolylogError("unreachable", "The server cannot be reached.");
  }
  const error = (body as { error?: ErrorBody }).error;
  if (error !== undefined) throw PolylogError.fromBody(error);
  if (!response.ok)
    throw new PolylogError("unreachable", `The server answered ${response.status}.`);
  return body as Session;
}

export function socketUrl(server: string): string {
  const url = new URL("ws", withSlash(server));
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

function withSlash(server: string): string {
  return server.endsWith("/") ? server : `${server}/`;
}
