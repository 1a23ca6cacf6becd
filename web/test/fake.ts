// A clock that stands until it is told to go on, and a server's side of a
// WebSocket that a test plays line by line.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import {
  Client,
  type Clock,
  type OutboxStorage,
  type Socket,
  type State,
} from "../src/lib/index.ts";

// Node 18 has it by import only.
globalThis.crypto ??= webcrypto as Crypto;

export class FakeClock implements Clock {
  private time = 1_000_000;
  private nextId = 1;
  private readonly timers = new Map<number, { at: number; fn: () => void }>();

  now(): number {
    return this.time;
  }

  setTimeout(fn: () => void, ms: number): unknown {
    this.timers.set(this.nextId, { at: this.time + ms, fn });
    return this.nextId++;
  }

  clearTimeout(timer: unknown): void {
    this.timers.delete(timer as number);
  }

  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at);
      const first = due[0];
      if (first === undefined) break;
      this.timers.delete(first[0]);
      this.time = Math.max(this.time, first[1].at);
      first[1].fn();
      await settle();
    }
    this.time = end;
  }
}

// Lets every promise that can go on do so.
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

export interface Frame {
  action: string;
  id?: number;
  [parameter: string]: unknown;
}

export class FakeSocket implements Socket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: Frame[] = [];
  opened = false;
  closed = false;
  code: number | undefined;

  constructor(readonly url: string) {}

  send(data: string): void {
    assert.equal(this.closed, false, "sent on a closed socket");
    if (!this.opened) throw new DOMException("Still in CONNECTING state.", "InvalidStateError");
    this.sent.push(JSON.parse(data));
  }

  close(code?: number): void {
    this.closed = true;
    this.code = code;
  }

  async open(): Promise<void> {
    this.opened = true;
    this.onopen?.(undefined as never);
    await settle();
  }

  async drop(code = 1006, reason = ""): Promise<void> {
    this.onclose?.({ code, reason });
    await settle();
  }

  async event(...frames: object[]): Promise<void> {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
    await settle();
  }

  // Several events and replies in one frame, or anything else.
  async frame(data: unknown): Promise<void> {
    this.onmessage?.({ data: JSON.stringify(data) });
    await settle();
  }

  // The next frame that the client sent; it must be of that action.
  take(action: string): Frame {
    const frame = this.sent.shift();
    assert.equal(frame?.action, action);
    return frame!;
  }

  none(): void {
    assert.deepEqual(this.sent, []);
  }

  async answer(action: string, ok: object): Promise<Frame> {
    const frame = this.take(action);
    await this.event({ id: frame.id, ok });
    return frame;
  }

  async refuse(action: string, error: object): Promise<Frame> {
    const frame = this.take(action);
    await this.event({ id: frame.id, error: { message: "refused", ...error } });
    return frame;
  }
}

export const ANA = { id: 7, name: "ana" };
export const BEN = { id: 9, name: "ben" };
export const EPOCH = 4711;

export function message(seq: number, more: object = {}): object {
  const text = `message ${seq}`;
  return {
    event: "message",
    room: "general",
    seq,
    count: seq,
    ts: seq * 1000,
    from: BEN,
    text,
    rev: seq,
    ...more,
  };
}

export function amendment(event: string, seq: number, target: number, more: object = {}): object {
  return { event, room: "general", seq, ts: seq * 1000, from: BEN, target, ...more };
}

export interface Story {
  client: Client;
  clock: FakeClock;
  sockets: FakeSocket[];
  states: string[];
  socket(): FakeSocket;
}

// What a server answers over HTTP, where nothing does unless a test says so.
export type Answers = (url: string) => Promise<Response>;
const silence: Answers = () => Promise.reject(new TypeError("fetch failed"));

export function story(
  outbox?: OutboxStorage,
  token?: () => Promise<string>,
  fetch: Answers = silence,
  random: () => number = () => 1,
): Story {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const states: string[] = [];
  const client = new Client({
    server: "https://chat.example/",
    token: token ?? "secret",
    ...(token === undefined ? { user: ANA } : {}),
    clock,
    random,
    fetch,
    socket: (url) => {
      const socket = new FakeSocket(url);
      sockets.push(socket);
      return socket;
    },
    ...(outbox === undefined ? {} : { outbox }),
  });
  client.on("state", (state: State) => states.push(state.name));
  return { client, clock, sockets, states, socket: () => sockets.at(-1)! };
}

export function room(head: number, more: object = {}): object {
  return {
    id: "general",
    kind: "public",
    title: "General",
    epoch: EPOCH,
    head: { seq: head, count: head },
    read: { seq: head, count: head },
    ...more,
  };
}

// Plays a first connection, to a person with one room whose head is given.
export async function online(head: number, outbox?: OutboxStorage): Promise<Story> {
  const s = story(outbox);
  s.client.start();
  await arrive(s, head);
  return s;
}

// Plays a connection that has no rooms to resume yet. more: what auth answers besides.
export async function arrive(s: Story, head: number, more: object = {}): Promise<void> {
  await s.socket().open();
  await s.socket().answer("auth", { user: ANA, expires: 9e12, ...more });
  await s.socket().answer("join", { room: { ...room(3), id: "@7", kind: "self" } });
  await s.socket().answer("rooms", { rooms: [room(head)] });
  await s.socket().answer("resume", { rooms: {} });
  assert.equal(s.client.state.name, "online");
}

// Plays a reconnection up to the answer of resume, and returns what was resumed.
export async function again(s: Story, rooms: object = {}, more: object = {}): Promise<Frame> {
  await s.socket().open();
  await s.socket().answer("auth", { user: ANA, expires: 9e12, ...more });
  return s.socket().answer("resume", { rooms });
}

// Loads the newest page of the room: the messages from..head.
export async function loaded(s: Story, from: number, more = true): Promise<void> {
  const general = s.client.rooms.get("general")!;
  const loading = s.client.load("general");
  const entries = [];
  for (let seq = from; seq <= general.cursor; seq++) entries.push(message(seq));
  await s.socket().answer("history", { entries, more, head: general.head });
  await loading;
}

export function seqs(s: Story): number[] {
  return s.client.rooms.get("general")!.log.all.map((item) => item.seq);
}

export function texts(s: Story): string[] {
  const items = s.client.rooms.get("general")!.log.all;
  return items.map((item) => (item.type === "message" ? item.text : item.event.event));
}
