import type { ErrorCode } from "./protocol.gen.ts";
import type { ErrorBody } from "./types.ts";

// The server's codes, and the client's own: the connection ended before the
// answer; nothing answers at the server's address; one has left the room meanwhile.
export type Code = ErrorCode | "disconnected" | "unreachable" | "not_joined";

export class PolylogError extends Error {
  readonly code: Code;
  readonly retryAfterMs: number | undefined;

  constructor(code: Code, message: string, retryAfterMs?: number) {
    super(message);
    this.name = "PolylogError";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  static fromBody(body: ErrorBody): PolylogError {
    return new PolylogError(body.code as Code, body.message, body.retry_after_ms);
  }
}

export function asPolylogError(error: unknown): PolylogError {
  if (error instanceof PolylogError) return error;
  return new PolylogError("internal", error instanceof Error ? error.message : String(error));
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
    code === "too_many_commands" ||
    code === "store_failed" ||
    code === "issuer_unavailable" ||
    code === "internal"
  );
}
