// Finds the server that somebody means by an address, by asking there; and says what is wrong
// with an address where none answers.
import { candidates, isSocket, socketUrl } from "./address.ts";
import { type Clock, systemClock, Timer } from "./clock.ts";
import { isTransportError, type Socket, type SocketFactory, webSocket } from "./connection.ts";
import { PolylogError, type Why } from "./errors.ts";
import { type Fetch, refusal } from "./refusal.ts";

export interface Finding {
  socket?: SocketFactory;
  clock?: Clock;
  fetch?: Fetch;
  // The page came over plain HTTP or from this machine: it may connect without encryption.
  plain?: boolean;
}

// found: Polylog answers. barred: the browser does not connect there. closed: no WebSocket is
// to be had. silent: not even that is said in time. stranger: what answers is not Polylog.
// behind: something stands there for a server that does not answer it.
type Outcome = "found" | "barred" | "closed" | "silent" | "stranger" | "behind";

const PATIENCE_MS = 10_000;

// The address in the form that Client and login() take.
export async function findServer(text: string, finding: Finding = {}): Promise<string> {
  const { plain = false } = finding;
  const all = candidates(text, plain);
  if (all.length === 0) {
    const example = "https://chat.example.org or wss://chat.example.org/stage";
    const text = `This is not an address. One looks like ${example}.`;
    throw new PolylogError("bad_value", text).because("no_address");
  }
  const outcomes = new Map<string, Outcome>();
  const dead = new Set<string>();
  for (const server of all) {
    const { host, protocol } = new URL(socketUrl(server));
    if (dead.has(protocol + host)) continue;
    const outcome = await probe(socketUrl(server), finding);
    if (outcome === "found") return server;
    if (outcome === "silent") dead.add(protocol + host);
    outcomes.set(server, outcome);
  }
  throw await trouble(outcomes, finding);
}

// Opens a WebSocket and asks for a sign of life, which needs no login.
function probe(url: string, finding: Finding): Promise<Outcome> {
  const { socket: factory = webSocket, clock = systemClock } = finding;
  const timer = new Timer(clock);
  return new Promise((resolve) => {
    let socket: Socket;
    let opened = false;
    const end = (outcome: Outcome) => {
      timer.clear();
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(1000);
      resolve(outcome);
    };
    try {
      socket = factory(url);
    } catch {
      resolve("barred");
      return;
    }
    timer.set(PATIENCE_MS, () => end(opened ? "stranger" : "silent"));
    socket.onerror = null;
    socket.onopen = () => {
      opened = true;
      socket.send(JSON.stringify({ action: "ping", id: 1 }));
    };
    socket.onclose = () => end(opened ? "stranger" : "closed");
    socket.onmessage = ({ data }) => {
      const outcome = heard(data);
      if (outcome !== undefined) end(outcome);
    };
  });
}

// What a frame says of whoever sends it; an event says nothing yet.
function heard(data: unknown): Outcome | undefined {
  try {
    const frame = JSON.parse(String(data));
    for (const one of Array.isArray(frame) ? frame : [frame]) {
      if (one.id === 1 && ("ok" in one || "error" in one)) return "found";
      if (isTransportError(one)) return "behind";
      if (typeof one.event !== "string") return "stranger";
    }
    return undefined;
  } catch {
    return "stranger";
  }
}

async function trouble(
  outcomes: ReadonlyMap<string, Outcome>,
  finding: Finding,
): Promise<PolylogError> {
  const said = [...outcomes.values()];
  const { host } = new URL([...outcomes.keys()][0]!);
  const unreachable = (why: Why, text: string) =>
    new PolylogError("unreachable", text).because(why, { host });
  if (said.includes("behind")) {
    return unreachable("not_behind", `${host} answers, but the server behind it does not. Is it running?`);
  }
  if (said.includes("stranger")) {
    return unreachable("stranger", `What answers at ${host} does not speak as Polylog does.`);
  }
  if (said.every((outcome) => outcome === "barred")) {
    const form = "https:// or wss://";
    const text = `The browser does not let this page connect to ${host} without encryption.`;
    return unreachable("barred", `${text} Is there an address with ${form}?`);
  }
  return overHttp([...outcomes.keys()], host, finding);
}

// No WebSocket was to be had, and a browser does not say why: HTTP may tell.
async function overHttp(
  all: readonly string[],
  host: string,
  { fetch: ask = fetch }: Finding,
): Promise<PolylogError> {
  const origin = (globalThis as { location?: Location }).location?.origin;
  for (const site of all.filter((one) => !isSocket(one))) {
    const error = await refusal(site, ask).catch(() => undefined);
    if (error === undefined) continue;
    // A page of another origin is told nothing, whatever the reason is.
    if (error.code !== "bad_origin" || origin === new URL(site).origin) return error;
    const text = `Something answers at ${host}, but it lets this page make no connection.`;
    const accepts = `If it is, the server's setting --origins may lack ${origin}.`;
    const whole = `${text} Is the path right? ${accepts}`;
    return new PolylogError("unreachable", whole).because("no_connection", { host, origin: String(origin) });
  }
  const text = `Nothing answers at ${host}. Is the name right, and the port, and does the server run?`;
  return new PolylogError("unreachable", text).because("silent", { host });
}
