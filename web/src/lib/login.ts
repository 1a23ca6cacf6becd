import { isSocket, socketUrl, withSlash } from "./address.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Connection, type SocketFactory, webSocket } from "./connection.ts";
import { PolylogError } from "./errors.ts";
import { refusal } from "./refusal.ts";
import type { Answer, ErrorBody } from "./types.ts";

export type Session = Answer<"login">;

export interface Through {
  socket?: SocketFactory;
  clock?: Clock;
}

const UNREACHABLE = "The server cannot be reached.";

// Makes a session. Over HTTP; the cookie that comes with it is not taken: the token is what
// this client keeps. A server that has only a WebSocket is asked there.
export async function login(
  server: string,
  name: string,
  owner?: string,
  through?: Through,
): Promise<Session> {
  const params = owner === undefined ? { name } : { name, owner };
  return isSocket(server) ? byWebSocket(server, params, through) : byHttp(server, params);
}

async function byHttp(server: string, params: object): Promise<Session> {
  let response: Response | undefined;
  let body: unknown;
  try {
    response = await fetch(new URL("api/v1/login", withSlash(server)), {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(params),
    });
    body = await response.json();
  } catch {
    const unreachable = new PolylogError("unreachable", UNREACHABLE);
    const why = response === undefined ? await refusal(server) : undefined;
    throw why === undefined || why.code === "no_websocket" ? unreachable : why;
  }
  const error = (body as { error?: ErrorBody }).error;
  if (error !== undefined) throw PolylogError.fromBody(error);
  if (!response.ok) {
    const error = new PolylogError("unreachable", `The server answered ${response.status}.`);
    throw error.because("answered", { status: String(response.status) });
  }
  return body as Session;
}

// On a connection that is for this only.
async function byWebSocket(
  server: string,
  params: { name: string; owner?: string },
  { socket = webSocket, clock = systemClock }: Through = {},
): Promise<Session> {
  const nobody = { open: () => undefined, event: () => undefined, close: () => undefined };
  const connection = new Connection(socketUrl(server), socket, clock, nobody);
  try {
    return await connection.request("login", params);
  } catch (thrown) {
    const lost = thrown instanceof PolylogError && thrown.code === "disconnected";
    throw lost ? new PolylogError("unreachable", UNREACHABLE) : thrown;
  } finally {
    connection.close();
  }
}
