import { isSocket, withSlash } from "./address.ts";
import { PolylogError } from "./errors.ts";
import type { ErrorBody } from "./types.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const PATIENCE_MS = 10_000;

// Why a server does not serve this client, as far as HTTP tells; undefined if nothing
// answers at its address. A browser says nothing about a handshake that was refused.
export async function refusal(
  server: string,
  ask: Fetch = fetch,
): Promise<PolylogError | undefined> {
  if (isSocket(server)) return undefined; // there is nothing beside it that could tell
  const address = withSlash(server);
  const init = (more: RequestInit): RequestInit => ({
    credentials: "omit",
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...more,
  });
  let response: Response;
  try {
    const headers = { "Content-Type": "application/json" };
    response = await ask(`${address}api/v1/ping`, init({ method: "POST", headers, body: "{}" }));
  } catch {
    return otherOrigin(address, () => ask(`${address}health`, init({ mode: "no-cors" })));
  }
  const body = (await response.json().catch(() => undefined)) as { error?: ErrorBody } | undefined;
  if (body?.error !== undefined && body.error.code !== "unauthenticated") {
    return PolylogError.fromBody(body.error);
  }
  if (body === undefined) {
    const text = `The server's address answers with ${response.status}, and not as Polylog does.`;
    const status = String(response.status);
    return new PolylogError("unreachable", text).because("answers_otherwise", { status });
  }
  const text = "The server answers over HTTP, but WebSockets do not get through to it.";
  return new PolylogError("no_websocket", `${text} A proxy must pass "Upgrade" on.`);
}

// Something answers, but a page of this origin may not read the answer.
async function otherOrigin(
  server: string,
  reach: () => Promise<Response>,
): Promise<PolylogError | undefined> {
  const origin = (globalThis as { location?: Location }).location?.origin;
  if (origin === undefined || origin === new URL(server).origin) return undefined;
  try {
    await reach();
  } catch {
    return undefined;
  }
  const text = `The server does not accept pages from ${origin}.`;
  const whole = `${text} Its setting --origins lists those that it does.`;
  return new PolylogError("bad_origin", whole).because("other_origin", { origin });
}
