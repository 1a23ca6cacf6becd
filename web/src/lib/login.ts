import { isSocket, socketUrl, withSlash } from "./address.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Connection, type SocketFactory, webSocket } from "./connection.ts";
import { PolylogError } from "./errors.ts";
import { refusal } from "./refusal.ts";
import type { AnyCommand, AnyParams, Answer, ErrorBody } from "./types.ts";

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
  return enter(server, "login", owner === undefined ? { name } : { name, owner }, through);
}

export type Entry = "login" | "signup" | "reset" | "passkey_login" | "passkey_signup";

// Makes a session by any of the commands that do: what a person types, or a link has.
export async function enter<C extends Entry>(
  server: string,
  command: C,
  params: AnyParams<C>,
  through?: Through,
): Promise<Session> {
  const session = isSocket(server)
    ? byWebSocket(server, command, params, through)
    : byHttp(server, command, params);
  return session as Promise<Session>;
}

// How people may log in. A server of before there were ways has one.
export async function ways(server: string, through?: Through): Promise<Answer<"ways">> {
  try {
    return isSocket(server)
      ? await byWebSocket(server, "ways", {}, through)
      : await byHttp(server, "ways", {});
  } catch (thrown) {
    if (thrown instanceof PolylogError && thrown.code === "unknown_command")
      return { login: ["name"], signup: "closed" };
    throw thrown;
  }
}

// What a passkey is to sign, to log in; or of somebody new, for whom one is to be made.
export async function beginPasskey(
  server: string,
  params: AnyParams<"passkey_begin">,
  through?: Through,
): Promise<Answer<"passkey_begin">> {
  return isSocket(server)
    ? byWebSocket(server, "passkey_begin", params, through)
    : byHttp(server, "passkey_begin", params);
}

// What changes how one logs in. All sessions end, the token's too; a new one is answered.
export type Renewing = "password" | "passkey_add" | "passkey_remove";
export type Renewal = <C extends Renewing>(command: C, params: AnyParams<C>) => Promise<void>;

export async function renewSession<C extends Renewing>(
  server: string,
  token: string,
  command: C,
  params: AnyParams<C>,
  through: Through = {},
): Promise<Session> {
  const session = isSocket(server)
    ? byWebSocket(server, command, params, { ...through, token })
    : byHttp(server, command, params, token);
  return session as Promise<Session>;
}

async function byHttp<C extends AnyCommand>(
  server: string,
  command: C,
  params: object,
  token?: string,
): Promise<Answer<C>> {
  let response: Response | undefined;
  let body: unknown;
  try {
    response = await fetch(new URL(`api/v1/${command}`, withSlash(server)), {
      method: "POST",
      credentials: "omit",
      headers: {
        "Content-Type": "application/json",
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
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
  return body as Answer<C>;
}

// On a connection that is for this only.
async function byWebSocket<C extends AnyCommand>(
  server: string,
  command: C,
  params: AnyParams<C>,
  { socket = webSocket, clock = systemClock, token }: Through & { token?: string } = {},
): Promise<Answer<C>> {
  const nobody = { open: () => undefined, event: () => undefined, close: () => undefined };
  const connection = new Connection(socketUrl(server), socket, clock, nobody);
  try {
    if (token !== undefined) await connection.request("auth", { token });
    return await connection.request(command, params);
  } catch (thrown) {
    const lost = thrown instanceof PolylogError && thrown.code === "disconnected";
    throw lost ? new PolylogError("unreachable", UNREACHABLE) : thrown;
  } finally {
    connection.close();
  }
}
