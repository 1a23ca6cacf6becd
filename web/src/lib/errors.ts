import type { ErrorCode } from "./protocol.gen.ts";
import type { ErrorBody } from "./types.ts";

// The server's codes, and the client's own: the connection ended before the
// answer; somebody else answered in the server's place that it did not; nothing answers at the
// server's address; it does, but not to WebSockets; one has left the room meanwhile.
export type Code =
  | ErrorCode
  | "disconnected"
  | "unanswered"
  | "unreachable"
  | "no_websocket"
  | "not_joined";

// Why it is that a server cannot be reached, or no address: more than the code says, for a page
// that has its texts in another language. told: the text is the page's own.
export type Why =
  | "no_address"
  | "answered"
  | "answers_otherwise"
  | "not_behind"
  | "stranger"
  | "barred"
  | "no_connection"
  | "silent"
  | "other_origin"
  | "told";

export class PolylogError extends Error {
  readonly code: Code;
  readonly retryAfterMs: number | undefined;
  why: Why | undefined;
  // What of the request it is about; the message ends with it.
  detail: string | undefined;
  // What the text names: host, origin, status.
  values: { readonly [name: string]: string } | undefined;

  constructor(code: Code, message: string, retryAfterMs?: number) {
    super(message);
    this.name = "PolylogError";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  because(why: Why, values?: { readonly [name: string]: string }): this {
    this.why = why;
    this.values = values;
    return this;
  }

  static fromBody(body: ErrorBody): PolylogError {
    const error = new PolylogError(body.code as Code, body.message, body.retry_after_ms);
    error.detail = body.detail;
    return error;
  }
}

export function asPolylogError(error: unknown): PolylogError {
  if (error instanceof PolylogError) return error;
  return new PolylogError("internal", error instanceof Error ? error.message : String(error));
}

// What a connection's end says of the session: that it is over, or, undefined, nothing.
// Older servers close with 4401 for anything to do with logging in.
export function sessionEnd(code: number, reason: string): PolylogError | undefined {
  if (code === 4440 || (code === 4401 && reason === "expired")) {
    return new PolylogError("expired", "The session has expired.");
  }
  if (code !== 4401 || reason === "log in first" || reason === "too many tokens") return undefined;
  return new PolylogError("revoked", "The session was ended.");
}

// The session is over: trying again with the same token cannot help.
export function endsSession(code: Code): boolean {
  return (
    code === "bad_token" ||
    code === "expired" ||
    code === "revoked" ||
    code === "unauthenticated" ||
    code === "already_authenticated"
  );
}

// The same command may well succeed a little later.
export function isTransient(code: Code): boolean {
  return (
    code === "rate_limited" ||
    code === "unanswered" ||
    code === "too_many_commands" ||
    code === "store_failed" ||
    code === "store_behind" ||
    code === "issuer_unavailable" ||
    code === "sessions_unproven" ||
    code === "internal"
  );
}
