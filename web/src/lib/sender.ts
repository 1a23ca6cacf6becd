import { type Clock, Timer } from "./clock.ts";
import { asPolylogError, type Code, isTransient, type PolylogError } from "./errors.ts";
import type { Outbox, Pending } from "./outbox.ts";
import type { Room } from "./room.ts";
import { bytesOf } from "./size.ts";
import type { Answer, LoggedEvent, Params } from "./types.ts";

export interface SenderHost {
  room(id: string): Room | undefined;
  online(): boolean;
  request(action: "send", params: Params<"send">): Promise<Answer<"send">>;
  // A message is in the log, and comes.
  acknowledged(): void;
  changed(room: Room): void;
}

const RETRY_MS = 1000;
const TOO_BIG = 16 * 1024;

// Transmits what is in the outbox: in each room one message at a time, so that
// their order is the order of sending, and each one under the cid and the seen
// of its first transmission, so that it lands once.
export class Sender {
  private readonly flying = new Map<string, string>();
  private readonly pauses = new Map<string, Timer>();
  // Replies to what was sent before the last halt() are not looked at.
  private turn = 0;

  constructor(
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    private readonly host: SenderHost,
  ) {}

  add(room: string, text: string, replyTo?: number): Pending {
    const known = this.host.room(room);
    const pending: Pending = {
      cid: newCid(),
      room,
      text,
      ts: this.clock.now(),
      replyTo,
      // By these two a copy of it, sent by whomever, is known for the same message.
      epoch: known?.epoch,
      seen: known?.head.seq,
      state: "queued",
    };
    this.outbox.add(pending);
    this.flushRoom(room);
    this.changed(room);
    return pending;
  }

  retry(cid: string): void {
    const old = this.outbox.get(cid);
    if (old === undefined || old.state !== "failed") return;
    this.outbox.remove(cid);
    this.add(old.room, old.text, old.replyTo);
  }

  discard(cid: string): void {
    const old = this.outbox.get(cid);
    if (old === undefined) return;
    this.outbox.remove(cid);
    this.changed(old.room);
  }

  flush(): void {
    for (const room of new Set(this.outbox.all.map((p) => p.room))) this.flushRoom(room);
  }

  // The connection is gone: what was not acknowledged waits for the next one.
  halt(): void {
    this.turn++;
    this.flying.clear();
    for (const timer of this.pauses.values()) timer.clear();
    this.pauses.clear();
    for (const p of this.outbox.all) {
      if (p.state === "sending") this.outbox.update(p.cid, { state: "queued" });
    }
  }

  // The connection was closed for what was sent on it: a message that is the cause of that would
  // be the end of each connection.
  tooBig(): void {
    for (const cid of this.flying.values()) {
      const pending = this.outbox.get(cid);
      if (pending === undefined || bytesOf(pending.text) < TOO_BIG) continue;
      this.fail(pending, { code: "too_long", message: "The server does not take as much at once." });
      this.changed(pending.room);
    }
  }

  // An entry was taken, or the log has passed over some: what is in the log by
  // now is no longer pending.
  settle(room: Room, event?: LoggedEvent): void {
    if (event?.event === "message" && event.cid !== undefined) {
      const own = this.outbox.get(event.cid);
      if (own?.room === room.id) this.outbox.remove(own.cid);
    }
    for (const p of this.outbox.of(room.id)) {
      if (p.seq !== undefined && p.seq <= room.cursor) this.outbox.remove(p.cid);
    }
  }

  private flushRoom(id: string): void {
    const room = this.host.room(id);
    if (!this.host.online() || this.flying.has(id) || this.pauses.get(id)?.armed) return;
    const next = this.outbox.of(id).find((p) => p.state === "queued");
    if (next === undefined) return;
    if (room === undefined) {
      this.fail(next, { code: "not_joined", message: "You are not in this room." });
      this.flushRoom(id);
      return;
    }
    if (next.transmitted && next.epoch !== room.epoch) {
      const message = "The room was restored: whether this was delivered cannot be told.";
      this.fail(next, { code: "unconfirmed", message });
      this.flushRoom(id);
      return;
    }
    void this.transmit(next, room);
  }

  private async transmit(pending: Pending, room: Room): Promise<void> {
    const { cid, text, replyTo } = pending;
    const ofThisLog = pending.epoch === room.epoch;
    const seen = (ofThisLog ? pending.seen : undefined) ?? room.head.seq;
    const turn = this.turn;
    this.flying.set(room.id, cid);
    this.outbox.update(cid, { state: "sending", seen, epoch: room.epoch, transmitted: true });
    const params: Params<"send"> = { room: room.id, text, cid, seen };
    if (replyTo !== undefined) params.reply_to = replyTo;
    try {
      const { seq } = await this.host.request("send", params);
      if (turn !== this.turn) return;
      this.outbox.update(cid, { state: "sent", seq });
      this.settle(room);
      this.host.acknowledged();
    } catch (thrown) {
      if (turn !== this.turn) return;
      this.refused(pending, asPolylogError(thrown));
    }
    if (this.flying.get(room.id) === cid) this.flying.delete(room.id);
    this.flushRoom(room.id);
    this.changed(room.id);
  }

  private refused(pending: Pending, error: PolylogError): void {
    if (this.outbox.get(pending.cid) === undefined) return;
    if (error.code === "disconnected" || isTransient(error.code)) {
      this.outbox.update(pending.cid, { state: "queued" });
      this.pause(pending.room, error.retryAfterMs ?? RETRY_MS);
      return;
    }
    this.fail(pending, { code: error.code, message: error.message, detail: error.detail });
  }

  private pause(room: string, ms: number): void {
    const timer = this.pauses.get(room) ?? new Timer(this.clock);
    this.pauses.set(room, timer);
    timer.set(ms, () => this.flushRoom(room));
  }

  private fail(pending: Pending, error: { code: Code; message: string; detail?: string | undefined }): void {
    this.outbox.update(pending.cid, { state: "failed", error });
  }

  private changed(id: string): void {
    const room = this.host.room(id);
    if (room !== undefined) this.host.changed(room);
  }
}

// 72 random bits: never the same twice.
function newCid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}
