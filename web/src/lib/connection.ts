import { type Clock, Timer } from "./clock.ts";
import { PolylogError } from "./errors.ts";
import type { Answer, CommandName, ErrorBody, Params, ServerEvent } from "./types.ts";

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

export interface ConnectionHandlers {
  open(): void;
  event(event: ServerEvent): void;
  close(code: number, reason: string): void;
}

const IN_FLIGHT_MAX = 32;
const CONNECT_MS = 15_000;
const REPLY_MS = 20_000;
const IDLE_MS = 30_000;
const PONG_MS = 10_000;

interface Waiting {
  frame: string;
  resolve(value: never): void;
  reject(error: PolylogError): void;
  timer: Timer;
}

// One WebSocket from opening to closing: requests and their replies, and proof
// of life. handlers.close is called once, also when the network is silently
// gone; every request not yet answered is rejected before it.
export class Connection {
  private readonly socket: Socket;
  private readonly waiting = new Map<number, Waiting>();
  private readonly queue: [number, Waiting][] = [];
  private readonly life: Timer;
  private nextId = 1;
  private closed = false;
  private idlers: (() => void)[] = [];

  constructor(
    url: string,
    factory: SocketFactory,
    private readonly clock: Clock,
    private readonly handlers: ConnectionHandlers,
  ) {
    this.life = new Timer(clock);
    this.socket = factory(url);
    this.life.set(CONNECT_MS, () => this.finish(4000, "no answer"));
    this.socket.onopen = () => {
      this.heard();
      handlers.open();
    };
    this.socket.onmessage = (event) => this.receive(event.data);
    this.socket.onclose = (event) => this.finish(event.code, event.reason);
    this.socket.onerror = null;
  }

  request<C extends CommandName>(action: C, params: Params<C>): Promise<Answer<C>> {
    return new Promise((resolve, reject) => {
      if (this.closed) {
        reject(new PolylogError("disconnected", "There is no connection."));
        return;
      }
      const id = this.nextId++;
      const frame = JSON.stringify({ action, id, ...params });
      const waiting: Waiting = { frame, resolve, reject, timer: new Timer(this.clock) };
      if (this.waiting.size < IN_FLIGHT_MAX) this.transmit(id, waiting);
      else this.queue.push([id, waiting]);
    });
  }

  // Without an answer: success is silent, and so is failure.
  notify<C extends CommandName>(action: C, params: Params<C>): void {
    if (!this.closed) this.socket.send(JSON.stringify({ action, ...params }));
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

  private transmit(id: number, waiting: Waiting): void {
    this.waiting.set(id, waiting);
    waiting.timer.set(REPLY_MS, () => this.finish(4000, "no reply"));
    this.socket.send(waiting.frame);
  }

  private heard(): void {
    this.life.set(IDLE_MS, () => this.probe(PONG_MS));
  }

  private receive(data: unknown): void {
    if (this.closed || typeof data !== "string") return;
    this.heard();
    let frame: Record<string, unknown>;
    try {
      frame = JSON.parse(data);
    } catch {
      this.finish(4000, "not JSON");
      return;
    }
    if (typeof frame.event === "string") this.handlers.event(frame as unknown as ServerEvent);
    else if (typeof frame.id === "number") this.settle(frame.id, frame);
  }

  private settle(id: number, frame: Record<string, unknown>): void {
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return;
    this.waiting.delete(id);
    waiting.timer.clear();
    const next = this.queue.shift();
    if (next !== undefined) this.transmit(...next);
    if (frame.error !== undefined) {
      waiting.reject(PolylogError.fromBody(frame.error as ErrorBody));
    } else {
      waiting.resolve(frame.ok as never);
    }
    this.tellIdlers();
  }

  private finish(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.life.clear();
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    if (code === 1000 || code >= 4000) this.socket.close(code);
    else this.socket.close();
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
