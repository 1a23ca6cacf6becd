import { type Clock, Timer } from "./clock.ts";
import { asPolylogError, PolylogError } from "./errors.ts";
import { bytesOf, FRAME_MAX, MESSAGE_MAX, tooLong } from "./size.ts";
import type { Answer, AnyCommand, AnyParams, ErrorBody, ServerEvent } from "./types.ts";

// What the library needs of a WebSocket.
export interface Socket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketFactory = (url: string) => Socket;
export const webSocket: SocketFactory = (url) => new WebSocket(url) as never;

export interface ConnectionHandlers {
  open(): void;
  event(event: ServerEvent): void;
  close(code: number, reason: string): void;
}

const IN_FLIGHT_MAX = 32;
const CONNECT_MS = 15_000;
const REPLY_MS = 20_000;
// Behind a gateway it may be the gateway that answers, after 29 s, that nobody did.
const LATE_REPLY_MS = 40_000;
const IDLE_MS = 30_000;
const PONG_MS = 10_000;

const AGAIN_MS = 500;
const AGAIN_MAX = 4;

interface Waiting {
  frame: string;
  // Done twice it is the same as done once.
  repeatable: boolean;
  // A transport error came while it was on its way; how often it was sent again for that.
  doubtful: boolean;
  again: number;
  resolve(value: never): void;
  reject(error: PolylogError): void;
  timer: Timer;
}

type Incoming = Record<string, unknown>;

// One WebSocket from opening to closing: requests and their replies, and proof
// of life. handlers.close is called once, also when the network is silently
// gone; every request not yet answered is rejected before it.
//
// What stands between client and server may answer in the server's place that a command
// failed, and it does not say which one: those that were on their way are sent again, under
// the same id, and the first reply counts.
export class Connection {
  // The handshake is done: frames can be sent.
  opened = false;
  // When the connection is cut (by the clock), if the server told. Then nothing pings it.
  endsAt: number | undefined;
  private readonly socket: Socket | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private readonly queue: [number, Waiting][] = [];
  private readonly life: Timer;
  private readonly again: Timer;
  private inbox: Incoming[] = [];
  private taking = false;
  private nextId = 1;
  private closed = false;
  private idlers: (() => void)[] = [];

  constructor(
    url: string,
    factory: SocketFactory,
    private readonly clock: Clock,
    private readonly handlers: ConnectionHandlers,
    private readonly random: () => number = Math.random,
  ) {
    this.life = new Timer(clock);
    this.again = new Timer(clock);
    try {
      this.socket = factory(url);
    } catch {
      // An address that a browser refuses to connect to: the end comes as any other.
      this.life.set(0, () => this.finish(4000, "no socket"));
      return;
    }
    this.life.set(CONNECT_MS, () => this.finish(4000, "no answer"));
    this.socket.onopen = () => {
      this.opened = true;
      this.heard();
      handlers.open();
      this.pump();
    };
    this.socket.onmessage = (event) => this.receive(event.data);
    this.socket.onclose = (event) => this.finish(event.code, event.reason);
    this.socket.onerror = null;
  }

  request<C extends AnyCommand>(action: C, params: AnyParams<C>): Promise<Answer<C>> {
    return new Promise((resolve, reject) => {
      if (this.closed) {
        reject(new PolylogError("disconnected", "There is no connection."));
        return;
      }
      const id = this.nextId++;
      const frame = JSON.stringify({ action, id, ...params });
      const most = this.endsAt === undefined ? MESSAGE_MAX : FRAME_MAX;
      if (bytesOf(frame) >= most) {
        reject(tooLong(most));
        return;
      }
      const timer = new Timer(this.clock);
      const repeatable = isRepeatable(action, params);
      const first = { repeatable, doubtful: false, again: 0 };
      this.queue.push([id, { frame, ...first, resolve, reject, timer }]);
      this.pump();
    });
  }

  // Without an answer: success is silent, and so is failure.
  notify<C extends AnyCommand>(action: C, params: AnyParams<C>): void {
    if (this.opened && !this.closed) this.socket?.send(JSON.stringify({ action, ...params }));
  }

  // The server has told how long the connection lasts. It is kept alive by whoever has it.
  lasts(ms: number): void {
    this.endsAt = this.clock.now() + ms;
    this.heard();
  }

  // Resolves when every request so far has its answer, or will have none.
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.idlers.push(resolve);
      this.tellIdlers();
    });
  }

  // Asks for a sign of life now, as after a sleep or a change of network.
  probe(withinMs: number): void {
    if (this.closed) return;
    this.request("ping", {}).catch(() => undefined);
    this.life.set(withinMs, () => this.finish(4000, "silent"));
  }

  close(): void {
    this.finish(1000, "");
  }

  // The peer does not keep to the protocol: as if the connection had been lost.
  fail(): void {
    this.finish(4000, "unexpected answer");
  }

  private tellIdlers(): void {
    if (this.waiting.size + this.queue.length > 0) return;
    for (const resolve of this.idlers.splice(0)) resolve();
  }

  // Sends what is queued, as far as the connection takes it now.
  private pump(): void {
    while (this.opened && !this.closed && this.waiting.size < IN_FLIGHT_MAX) {
      const next = this.queue.shift();
      if (next === undefined) return;
      this.transmit(...next);
    }
  }

  // A reply is waited for only once the frame is sent.
  private transmit(id: number, waiting: Waiting): void {
    try {
      this.socket?.send(waiting.frame);
    } catch (thrown) {
      waiting.reject(asPolylogError(thrown));
      return;
    }
    this.waiting.set(id, waiting);
    const patience = this.endsAt === undefined ? REPLY_MS : LATE_REPLY_MS;
    waiting.timer.set(patience, () => this.finish(4000, "no reply"));
  }

  private heard(): void {
    if (this.endsAt !== undefined) this.life.clear();
    else this.life.set(IDLE_MS, () => this.probe(PONG_MS));
  }

  // A frame is an event, a reply, or several of them in order.
  private receive(data: unknown): void {
    if (this.closed || typeof data !== "string") return;
    this.heard();
    const frame = parsed(data);
    const all = Array.isArray(frame) ? frame : [frame];
    for (const one of all) if (typeof one === "object" && one !== null) this.inbox.push(one);
    if (!this.taking) this.takeAll();
  }

  // Whoever asked goes on with a reply before what stands behind it is taken.
  private takeAll(): void {
    let more = false;
    this.taking = true;
    try {
      while (!more && this.inbox.length > 0 && !this.closed) {
        more = this.take(this.inbox.shift()!) && this.inbox.length > 0;
      }
    } finally {
      this.taking = more;
    }
    if (more) queueMicrotask(() => this.takeAll());
  }

  // True if it was a reply.
  private take(frame: Incoming): boolean {
    if (frame.event === "closing") this.finish(closeCode(frame.code), String(frame.reason));
    else if (typeof frame.event === "string") this.handlers.event(frame as unknown as ServerEvent);
    else if (typeof frame.id === "number") this.settle(frame.id, frame);
    else if (isTransportError(frame)) this.doubt(String(frame.message));
    return typeof frame.event !== "string";
  }

  private settle(id: number, frame: Incoming): void {
    const waiting = this.remove(id);
    if (waiting === undefined) return;
    if (frame.error !== undefined) {
      waiting.reject(PolylogError.fromBody(frame.error as ErrorBody));
    } else {
      waiting.resolve(frame.ok as never);
    }
    this.tellIdlers();
  }

  private remove(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return undefined;
    this.waiting.delete(id);
    waiting.timer.clear();
    this.pump();
    return waiting;
  }

  // One of those on their way has failed, or something that asked for no reply.
  private doubt(why: string): void {
    const all = [...this.waiting];
    for (const [id, waiting] of all) {
      if (waiting.repeatable && waiting.again < AGAIN_MAX) waiting.doubtful = true;
      else if (waiting.repeatable || all.length === 1) this.giveUp(id, why);
    }
    const rounds = all.filter(([, { doubtful }]) => doubtful).map(([, { again }]) => again);
    if (rounds.length === 0 || this.again.armed) return;
    const ceiling = AGAIN_MS * 2 ** Math.max(...rounds);
    this.again.set(ceiling * (0.5 + 0.5 * this.random()), () => this.repeat());
  }

  private giveUp(id: number, why: string): void {
    const text = `The server did not answer ("${why}"). Whether it was done cannot be told.`;
    this.remove(id)?.reject(new PolylogError("unanswered", text));
    this.tellIdlers();
  }

  private repeat(): void {
    for (const [id, waiting] of [...this.waiting]) {
      if (!waiting.doubtful || this.closed) continue;
      waiting.doubtful = false;
      waiting.again++;
      this.transmit(id, waiting);
    }
  }

  private finish(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.life.clear();
    this.again.clear();
    const { socket } = this;
    if (socket !== undefined) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      if (code === 1000 || (code >= 4000 && code < 5000)) socket.close(code);
      else socket.close();
    }
    const lost = [...this.waiting.values(), ...this.queue.map(([, waiting]) => waiting)];
    this.waiting.clear();
    this.queue.length = 0;
    for (const waiting of lost) {
      waiting.timer.clear();
      waiting.reject(new PolylogError("disconnected", "The connection was lost."));
    }
    this.tellIdlers();
    this.handlers.close(code, reason);
  }
}

// Behind a gateway, which ends all connections with the same code, an event says which code the
// server would have closed with.
function closeCode(code: unknown): number {
  return typeof code === "number" ? code : 4000;
}

// A balancer between a gateway and a server that was killed answers with a page in the server's
// place, and the gateway hands that on.
function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return { message: "not JSON", requestId: "" };
  }
}

// A gateway's own answer in place of the server's: it names the connection, and no command.
export function isTransportError(frame: Incoming): boolean {
  const { message, connectionId, requestId } = frame;
  const named = typeof connectionId === "string" || typeof requestId === "string";
  return typeof message === "string" && named;
}

// Of what makes something each time, such as a room with an id by chance, there would be two.
function isRepeatable(action: AnyCommand, params: object): boolean {
  return action !== "token" && (action !== "room_create" || "room" in params);
}
