import { socketUrl } from "./address.ts";
import { Ahead } from "./ahead.ts";
import { Backoff } from "./backoff.ts";
import { type Clock, systemClock, Timer } from "./clock.ts";
import { Connection, type SocketFactory, webSocket } from "./connection.ts";
import { Early, isEntry } from "./early.ts";
import { Emitter } from "./emitter.ts";
import { asPolylogError, endsSession, isTransient, PolylogError, sessionEnd } from "./errors.ts";
import { Gate, unlessAborted } from "./gate.ts";
import { Keeper } from "./keeper.ts";
import { type Item, MessageLog } from "./log.ts";
import { Mover } from "./mover.ts";
import { Outbox, type OutboxStorage, type Pending } from "./outbox.ts";
import { ReadMarks } from "./read-marks.ts";
import { type Fetch, refusal } from "./refusal.ts";
import { prefOf, Room } from "./room.ts";
import { Sender } from "./sender.ts";
import { parts } from "./size.ts";
import type {
  ActEvent,
  Answer,
  CommandName,
  LoggedEvent,
  Params,
  Position,
  Pref,
  Resumed,
  Role,
  RoomInfo,
  ServerEvent,
  User,
} from "./types.ts";

export type State =
  | { name: "stopped" }
  | { name: "connecting" }
  | { name: "online" }
  // Not connected; the next attempt is at `until` (Unix ms). refused: `error` says why.
  | { name: "waiting"; until: number; reason: "lost" | "draining" }
  | { name: "waiting"; until: number; reason: "refused"; error: PolylogError }
  // The session is over: log in anew.
  | { name: "ended"; error: PolylogError };

export interface ClientEvents {
  state: State;
  // The list of rooms, or something about a room that the list shows.
  rooms: undefined;
  // The messages, pending messages, typing, presence or reads of a room.
  room: Room;
  // A room is no longer followed, not by one's own doing.
  lost: { room: Room; error: PolylogError };
  // One has blocked somebody on some device, or not any more.
  blocked: { user: User; on: boolean };
  // One says something else of oneself, on some device.
  profile: undefined;
  // A moderator did something to this person, live.
  act: ActEvent;
  // An invitation arrived and its room is followed now.
  invited: Room;
  // The session ends then, and could not be renewed.
  expiring: number;
}

export interface ClientOptions {
  // The server's address, such as https://chat.example.org, or that of its WebSocket, such as
  // wss://chat.example.org/stage.
  server: string;
  // What login answered; or asks for a token that is good now, such as one of an
  // OpenID provider: for each connection, and when a session is about to end.
  token: string | (() => Promise<string>);
  // Who it is, where that is known before the server says so.
  user?: User;
  socket?: SocketFactory;
  clock?: Clock;
  random?: () => number;
  outbox?: OutboxStorage;
  // Asks the server why it refuses WebSockets.
  fetch?: Fetch;
}

export interface RequestOptions {
  // How long it waits for a connection if there is none: WAIT_MS unless said otherwise.
  waitMs?: number | undefined;
  // Gives up the answer; what was sent already is done nevertheless.
  signal?: AbortSignal | undefined;
}

export const PAGE = 50;
const TYPING_REPEAT_MS = 3000;
const STABLE_MS = 5000;
const PROBE_MS = 5000;
// When a server restarts all its clients come at once: they spread over this.
const RESTART_MS = 2000;
const RESTARTS = 1012;
// After so long a disconnection reads and rooms of other devices are asked for.
const STALE_MS = 30_000;
const WAIT_MS = 10_000;
// Entries that are known to be there and do not come are asked for then, and again ever later.
const LAG_MS = 5000;
const LAG_MAX_MS = 80_000;
const TOO_BIG = 1009;

interface Own {
  id: string;
  epoch: number;
  cursor: number;
  ahead: Ahead;
}

// A person's session with a server: stays connected, follows all of the
// person's rooms, and keeps what was said in them.
//
//   stopped --start--> connecting --auth, resume--> online
//                        ^    |                       |
//                        |    +------ lost -----------+ <-- move: a successor comes
//                        |    v                       |     up, then takes its place
//                       waiting                  token refused --> ended
export class Client extends Emitter<ClientEvents> {
  user: User;
  state: State = { name: "stopped" };
  readonly rooms = new Map<string, Room>();
  // Names of the people met so far, by user id.
  readonly names = new Map<number, string>();
  readonly outbox: Outbox;
  private readonly options: ClientOptions;
  private readonly clock: Clock;
  private readonly backoff: Backoff;
  private readonly reconnect: Timer;
  private readonly stable: Timer;
  private readonly sender: Sender;
  private readonly marks: ReadMarks;
  private readonly typingSent = new Map<string, number>();
  private readonly rejoining = new Set<string>();
  private readonly mover: Mover;
  private readonly keeper: Keeper;
  private readonly lag: Timer;
  private lagMs = LAG_MS;
  private readonly early = new Early();
  private readonly gate: Gate;
  private readonly random: () => number;
  private connection: Connection | undefined;
  // It has moved: what was asked here is still answered here.
  private left: Connection | undefined;
  // Rooms that the connection whose resume was last written need not follow yet.
  private readonly late = new Set<string>();
  private offlineSince: number | undefined;
  // Why the server refuses WebSockets, and how many it has refused one after another.
  private refused: PolylogError | undefined;
  private unopened = 0;
  private asking = false;
  private listed = false;
  // One's own log: `@<user id>`.
  private own: Own | undefined;

  constructor(options: ClientOptions) {
    super();
    this.options = options;
    this.user = options.user ?? { id: 0, name: "" };
    this.clock = options.clock ?? systemClock;
    const random = (this.random = options.random ?? Math.random);
    this.backoff = new Backoff(random);
    this.mover = new Mover(this.clock, random, {
      dial: () => this.dial(),
      moved: (successor) => void this.moved(successor),
    });
    this.keeper = new Keeper(this.clock, random, {
      move: (withinMs) => this.mover.begin(0, withinMs),
      resume: () => void this.refresh(),
    });
    this.lag = new Timer(this.clock);
    this.reconnect = new Timer(this.clock);
    this.stable = new Timer(this.clock);
    this.gate = new Gate(this.clock);
    this.outbox = new Outbox(options.outbox);
    this.sender = new Sender(this.outbox, this.clock, {
      room: (id) => this.rooms.get(id),
      online: () => this.state.name === "online",
      request: (action, params) => this.request(action, params),
      acknowledged: () => this.watchLag(),
      changed: (room) => this.emit("room", room),
    });
    this.marks = new ReadMarks(this.clock, (params) => {
      const online = this.state.name === "online";
      if (online) this.connection?.notify("read", params);
      return online;
    });
    void this.outbox.loaded.then(() => this.outboxLoaded());
  }

  start(): void {
    if (this.state.name === "stopped" || this.state.name === "waiting") this.connect();
  }

  stop(): void {
    this.become({ name: "stopped" });
    this.drop();
    this.gate.fail(new PolylogError("disconnected", "The client was stopped."));
  }

  // The network or the page is back: find out now whether the connection lives.
  wake(): void {
    if (this.state.name === "online") this.connection?.probe(PROBE_MS);
    else if (this.state.name === "waiting" && this.state.reason !== "draining") this.connect();
  }

  // Asks the server; without a connection once there is one, if that is soon enough.
  // What a connection that is lost has not answered is rejected with `disconnected`.
  request<C extends CommandName>(
    action: C,
    params: Params<C>,
    { waitMs = WAIT_MS, signal }: RequestOptions = {},
  ): Promise<Answer<C>> {
    const { connection, state } = this;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (state.name === "online" && connection !== undefined) {
      return unlessAborted(connection.request(action, params), signal);
    }
    if (state.name === "ended") return Promise.reject(state.error);
    if (state.name === "stopped") {
      return Promise.reject(new PolylogError("disconnected", "The client is stopped: start() it."));
    }
    const passed = this.gate.wait(waitMs);
    return unlessAborted(passed, signal).then(() =>
      this.request(action, params, { waitMs, signal }),
    );
  }

  // ---- Rooms ----

  async join(id: string, create = true): Promise<Room> {
    return this.early.during(async () => {
      const answer = await this.request("join", { room: id, create });
      const room = this.follow({ ...answer.room, ...definedOnly(answer) });
      this.receiveEarly(room.id);
      return room;
    });
  }

  // Without an id one is made from the title, and cannot be guessed. A name is an id too.
  async createRoom(title: string, kind: "public" | "private", id?: string): Promise<Room> {
    const params = id === undefined ? { title, kind } : { room: id, title, kind };
    const { room } = await this.request("room_create", params);
    return this.join(room.id, false);
  }

  // The public room of that name, the same one for everybody who writes it: made if there is
  // none. The server makes its id.
  async enterRoom(name: string): Promise<Room> {
    try {
      return await this.createRoom(name, "public", name);
    } catch (thrown) {
      if (asPolylogError(thrown).code !== "room_exists") throw thrown;
      return this.join(name, false);
    }
  }

  async openDirect(user: User): Promise<Room> {
    const { room } = await this.request("dm", { user: user.id });
    const joined = await this.join(room.id, false);
    joined.peer = room.peer ?? user;
    this.emit("rooms", undefined);
    return joined;
  }

  // The direct room with several people, the same one whenever they are the same.
  async openGroup(users: readonly User[]): Promise<Room> {
    const { room } = await this.request("dm", { users: users.map(({ id }) => id).join(",") });
    const joined = await this.join(room.id, false);
    joined.people = room.people;
    this.emit("rooms", undefined);
    return joined;
  }

  // Says how one likes to see the room; what is not given stays.
  async prefer(id: string, params: Omit<Params<"room_pref">, "room">): Promise<void> {
    this.setPref(id, await this.request("room_pref", { room: id, ...params }));
  }

  private setPref(id: string, pref: Pref): void {
    const room = this.rooms.get(id);
    if (room === undefined) return;
    room.pref = prefOf(pref);
    this.emit("rooms", undefined);
  }

  async leave(id: string): Promise<void> {
    await this.request("leave", { room: id });
    this.forget(id);
  }

  // Asks for all that is known of the room, the description too.
  async details(id: string): Promise<Room> {
    const known = this.rooms.get(id);
    if (known === undefined) throw new PolylogError("not_joined", "You are not in this room.");
    const { epoch, cursor } = known;
    const { room, reset } = await this.request("join", { room: id, after: cursor, epoch });
    if (reset) this.reset(known, room.epoch, room.head);
    known.update(room);
    known.settings = room.settings ?? {};
    this.emit("room", known);
    return known;
  }

  // Fetches the newest page unless it is there. What goes wrong is in room.failed.
  async load(id: string): Promise<void> {
    const room = this.rooms.get(id);
    if (room === undefined || room.log.loaded || room.loading) return;
    room.log.follow();
    await this.page(room, room.cursor + 1);
  }

  // Fetches the page before the oldest item.
  async loadOlder(id: string): Promise<void> {
    const room = this.rooms.get(id);
    if (room === undefined || !room.log.loaded || room.log.complete || room.loading) return;
    await this.page(room, room.log.oldest ?? room.cursor + 1);
  }

  // The messages on both sides of one, as they read now; the room's own run stays as it is.
  async around(id: string, seq: number, limit: number): Promise<readonly Item[]> {
    const page = await this.request("history", { room: id, around: seq, limit, view: "messages" });
    const log = new MessageLog();
    log.takePage(page.entries, page.more);
    return log.all;
  }

  async refreshPresence(id: string): Promise<void> {
    const presence = await this.request("presence", { room: id });
    const room = this.rooms.get(id);
    if (room === undefined) return;
    room.presence = { count: presence.count, users: presence.users };
    this.emit("room", room);
  }

  // ---- Messages ----

  // Queues a message; it is sent, and sent again, until it is acknowledged.
  send(room: string, text: string, replyTo?: number): Pending {
    this.typing(room, false);
    return this.sender.add(room, text, replyTo);
  }

  // Sends what failed once more, as a new message.
  retry(cid: string): void {
    this.sender.retry(cid);
  }

  discard(cid: string): void {
    this.sender.discard(cid);
  }

  async edit(room: string, target: number, text: string): Promise<void> {
    await this.request("edit", { room, target, text });
  }

  async delete(room: string, target: number): Promise<void> {
    await this.request("delete", { room, target });
  }

  async react(room: string, target: number, emoji: string, on: boolean): Promise<void> {
    await this.request("react", { room, target, emoji, on });
  }

  // Call at every keystroke; the wire sees one in 3 s.
  typing(room: string, on: boolean): void {
    if (this.state.name !== "online") return;
    const now = this.clock.now();
    const last = this.typingSent.get(room);
    if (on ? last !== undefined && now - last < TYPING_REPEAT_MS : last === undefined) return;
    if (on) this.typingSent.set(room, now);
    else this.typingSent.delete(room);
    this.connection?.notify("typing", { room, on });
  }

  // Everything in the room was looked at.
  markRead(id: string): void {
    const room = this.rooms.get(id);
    if (room === undefined || room.cursor < room.head.seq) return;
    if (!room.moveRead(room.head)) return;
    this.marks.mark(id, room.head);
    this.emit("rooms", undefined);
  }

  // The page is about to go.
  flush(): void {
    this.marks.flush();
  }

  // ---- Connection ----

  private connect(): void {
    this.reconnect.clear();
    this.drop();
    this.become({ name: "connecting" });
    this.connection = this.dial();
  }

  private dial(): Connection {
    const connection: Connection = new Connection(
      socketUrl(this.options.server),
      this.options.socket ?? webSocket,
      this.clock,
      {
        open: () => {
          this.unopened = 0;
          this.refused = undefined;
          void this.sync(connection);
        },
        event: (event) => this.receive(connection, event),
        close: (code, reason) => this.closed(connection, code, reason),
      },
      this.random,
    );
    return connection;
  }

  private drop(): void {
    const { connection, left } = this;
    this.connection = this.left = undefined;
    this.mover.halt();
    this.halt();
    connection?.close();
    left?.close();
  }

  private halt(): void {
    this.reconnect.clear();
    this.stable.clear();
    this.keeper.halt();
    this.lag.clear();
    this.lagMs = LAG_MS;
    this.sender.halt();
    this.marks.halt();
    this.typingSent.clear();
    this.rejoining.clear();
    for (const room of this.rooms.values()) room.forgetCasts();
  }

  private closed(connection: Connection, code: number, reason: string): void {
    if (this.mover.is(connection)) this.mover.lost(connection);
    if (connection === this.left) this.left = undefined;
    if (connection !== this.connection) return;
    this.offlineSince ??= this.clock.now();
    if (code === TOO_BIG) this.sender.tooBig();
    const over = sessionEnd(code, reason);
    const renewable = over?.code === "expired" && typeof this.options.token === "function";
    if (over !== undefined && !renewable) {
      this.end(over);
      return;
    }
    const successor = this.mover.take();
    if (successor !== undefined) {
      this.connection = successor;
      this.halt();
      this.become({ name: "connecting" });
      return;
    }
    this.drop();
    if (code === RESTARTS) this.wait(this.backoff.next(RESTART_MS), "draining");
    else this.wait(this.backoff.next(), "lost");
    if (!connection.opened) void this.askWhy();
  }

  // A browser does not tell why a handshake was refused; over HTTP the server does.
  private async askWhy(): Promise<void> {
    this.unopened++;
    if (this.asking) return;
    this.asking = true;
    const answer = await refusal(this.options.server, this.options.fetch).catch(() => undefined);
    this.asking = false;
    if (this.unopened === 0) return;
    // Between a failed handshake and this answer the server may have come up.
    this.refused = answer?.code === "no_websocket" && this.unopened < 2 ? undefined : answer;
    const { state } = this;
    if (state.name !== "waiting" || state.reason === "draining") return;
    this.become(this.waiting(state.until, "lost"));
  }

  private waiting(until: number, reason: "lost" | "draining"): State {
    const error = this.refused;
    if (reason === "draining" || error === undefined) return { name: "waiting", until, reason };
    return { name: "waiting", until, reason: "refused", error };
  }

  private wait(ms: number, reason: "lost" | "draining"): void {
    this.reconnect.set(ms, () => this.connect());
    this.become(this.waiting(this.clock.now() + ms, reason));
    for (const room of this.rooms.values()) this.emit("room", room);
  }

  private end(error: PolylogError): void {
    this.drop();
    this.become({ name: "ended", error });
    this.gate.fail(error);
  }

  private outboxLoaded(): void {
    this.sender.flush();
    for (const room of this.rooms.values()) this.emit("room", room);
  }

  private async token(): Promise<string> {
    const { token } = this.options;
    return typeof token === "string" ? token : token();
  }

  // The session ends soon: it goes on with another token, on the same connection.
  private async renew(connection: Connection, expires: number): Promise<void> {
    if (typeof this.options.token === "function") {
      try {
        await connection.request("auth", { token: await this.token(), array: true });
        return;
      } catch {
        // when it is closed for that, another connection tries again
      }
    }
    this.emit("expiring", expires);
  }

  // Authenticates, catches up from the cursors, and then sends what waits.
  private async sync(connection: Connection): Promise<void> {
    try {
      const token = await this.token();
      const answer = await connection.request("auth", { token, array: true });
      if (answer.lifetime !== undefined) connection.lasts(answer.lifetime);
      this.user = answer.user;
      this.names.set(this.user.id, this.user.name);
      await this.followOwn(connection);
      const away = this.offlineSince === undefined ? 0 : this.clock.now() - this.offlineSince;
      if (away > STALE_MS) this.listed = false;
      do {
        if (!this.listed) await this.list(connection);
        this.late.clear();
        await this.resume(connection);
      } while (!this.listed);
    } catch (thrown) {
      this.notSynced(connection, asPolylogError(thrown));
      return;
    }
    if (this.mover.is(connection)) this.mover.arrived(connection);
    else if (connection === this.connection) this.arrived();
  }

  private notSynced(connection: Connection, error: PolylogError): void {
    if (error.code === "disconnected") return;
    if (!endsSession(error.code)) connection.fail();
    else if (this.mover.is(connection))
      this.mover.halt(); // the first will hear of it
    else if (connection === this.connection) this.end(error);
  }

  private arrived(): void {
    this.offlineSince = undefined;
    this.stable.set(STABLE_MS, () => this.backoff.reset());
    this.become({ name: "online" });
    this.keep();
    this.sender.flush();
    this.marks.flush();
    this.gate.open();
  }

  // The connection is the one that is used from now on.
  private keep(): void {
    const endsAt = this.connection?.endsAt;
    this.keeper.halt();
    if (endsAt === undefined) return;
    this.keeper.begin(endsAt - this.clock.now());
    this.watchLag();
  }

  // What is asked from now on is asked of the successor. The first is closed when it
  // has answered everything, and what it has answered is known to the successor too.
  private async moved(successor: Connection): Promise<void> {
    const first = this.connection;
    this.left?.close();
    this.connection = successor;
    this.left = first;
    if (this.state.name === "online") {
      this.stable.set(STABLE_MS, () => this.backoff.reset());
      this.keep();
    } else this.arrived();
    await first?.idle();
    if (this.late.size > 0 && this.connection === successor) {
      const late = new Set(this.late);
      this.late.clear();
      await this.resume(successor, late).catch(() => successor.fail());
    }
    if (this.left === first) this.left = undefined;
    first?.close();
  }

  // Invitations made since the list of rooms was asked for come from here.
  private async followOwn(connection: Connection): Promise<void> {
    if (this.own !== undefined) return;
    await this.early.during(async () => {
      const { room } = await connection.request("join", { room: `@${this.user.id}` });
      const { id, epoch, head } = room;
      this.own = { id, epoch, cursor: head.seq, ahead: new Ahead() };
      this.receiveEarly(id);
    });
  }

  private async list(connection: Connection): Promise<void> {
    const rooms: RoomInfo[] = [];
    for (let next: string | undefined, first = true; first || next !== undefined; first = false) {
      const page = await connection.request("rooms", next === undefined ? {} : { next });
      rooms.push(...page.rooms);
      next = page.next;
    }
    for (const info of rooms) {
      if (info.kind === "self" || info.id === this.own?.id) continue;
      const known = this.rooms.get(info.id);
      if (known === undefined) this.add(info);
      else if (known.epoch === info.epoch) known.update(info);
      if (known !== undefined) known.pref = prefOf(info);
    }
    const listed = new Set(rooms.map((info) => info.id));
    const gone = [...this.rooms.values()].filter(({ id }) => !listed.has(id));
    for (const room of gone) this.lose(room, new PolylogError("not_joined", "You are not in this room any more."));
    this.listed = true;
    this.emit("rooms", undefined);
  }

  // Follows all rooms, or only some, from where each was left.
  private async resume(connection: Connection, only?: ReadonlySet<string>): Promise<void> {
    const cursors: Record<string, [number, number]> = {};
    if (this.own !== undefined && (only === undefined || only.has(this.own.id))) {
      cursors[this.own.id] = [this.own.epoch, this.own.cursor];
    }
    for (const { id, epoch, cursor } of this.rooms.values()) {
      if (only === undefined || only.has(id)) cursors[id] = [epoch, cursor];
    }
    let later: PolylogError | undefined;
    for (const part of parts(cursors)) {
      const { rooms } = await connection.request("resume", { rooms: part });
      for (const [id, resumed] of Object.entries(rooms)) {
        const error = "error" in resumed ? PolylogError.fromBody(resumed.error) : undefined;
        if (error !== undefined && isTransient(error.code)) later = error;
        else this.resumed(id, resumed);
      }
    }
    this.emit("rooms", undefined);
    this.watchLag();
    if (later !== undefined) throw later; // another connection resumes all
  }

  private resumed(id: string, resumed: Resumed): void {
    if (id === this.own?.id) {
      if (!("error" in resumed) && resumed.reset) this.resetOwn(resumed.epoch, resumed.head);
      return;
    }
    const room = this.rooms.get(id);
    if (room === undefined) return;
    if ("error" in resumed) this.lose(room, PolylogError.fromBody(resumed.error));
    else if (resumed.reset) this.reset(room, resumed.epoch, resumed.head);
    else room.moveHead(resumed.head);
  }

  // Once more from the cursors of all rooms, or of some, on the connection that is used: says
  // that the client is there, and brings what was lost on the way.
  private async refresh(only?: ReadonlySet<string>): Promise<void> {
    const { connection } = this;
    if (connection === undefined || this.state.name !== "online") return;
    try {
      await this.resume(connection, only);
      if (!this.listed) connection.fail(); // one's own log was reset: all anew
    } catch (thrown) {
      const { code } = asPolylogError(thrown);
      if (!isTransient(code)) connection.fail();
      else this.watchLag();
    }
  }

  // Where entries can be lost on the way, those that are known to be there are asked for
  // after a while.
  private watchLag(): void {
    if (this.connection?.endsAt === undefined || this.lag.armed) return;
    this.lag.set(this.lagMs, () => this.catchUp());
  }

  private catchUp(): void {
    const lags = (room: Room) =>
      room.lags || this.outbox.of(room.id).some(({ seq }) => seq !== undefined);
    const behind = [...this.rooms.values()].filter(lags).map(({ id }) => id);
    if (this.own !== undefined && this.own.ahead.size > 0) behind.push(this.own.id);
    this.lagMs = behind.length === 0 ? LAG_MS : Math.min(LAG_MAX_MS, this.lagMs * 2);
    if (behind.length > 0) void this.refresh(new Set(behind));
  }

  // ---- Events ----

  private receive(connection: Connection, event: ServerEvent): void {
    switch (event.event) {
      case "move":
        if (this.mover.is(connection)) this.mover.lost(connection);
        else if (connection === this.connection) {
          this.mover.begin(event.delay_ms, event.within_ms);
        }
        return;
      case "expiring":
        void this.renew(connection, event.expires);
        return;
      case "typing":
      case "presence":
      case "read":
      case "behind":
      case "reset":
        this.receiveState(event);
        return;
      default:
        if (isEntry(event)) this.receiveEntry(event);
    }
  }

  private receiveState(event: Exclude<ServerEvent, LoggedEvent>): void {
    if (!("room" in event)) return;
    if (event.room === this.own?.id) {
      if (event.event === "reset") this.resetOwn(event.epoch, event.head);
      if (event.event === "behind") this.resetOwn(this.own.epoch, { seq: event.to, count: 0 });
      if (this.state.name === "online" && !this.listed) this.connection?.fail();
      return;
    }
    const room = this.rooms.get(event.room);
    if (room === undefined) {
      this.early.keep(event);
      return;
    }
    switch (event.event) {
      case "typing":
        this.names.set(event.from.id, event.from.name);
        if (event.from.id !== this.user.id) room.setTyping(event.from, event.on);
        break;
      case "presence":
        for (const user of event.users ?? []) this.names.set(user.id, user.name);
        room.presence = { count: event.count, users: event.users };
        break;
      case "read":
        this.takeRead(room, event.user, event);
        break;
      case "behind":
        if (event.to <= room.cursor) return; // another connection has brought it
        room.skipTo(event.to);
        this.sender.settle(room);
        this.takeNext(room);
        break;
      case "reset":
        this.reset(room, event.epoch, event.head);
        break;
    }
    this.emit("room", room);
  }

  private takeRead(room: Room, user: number, at: { seq: number; count?: number }): void {
    if (user !== this.user.id) {
      room.reads.set(user, Math.max(at.seq, room.reads.get(user) ?? 0));
      return;
    }
    const whole = at.seq >= room.head.seq ? room.head.count : 0;
    if (room.moveRead({ seq: at.seq, count: at.count ?? whole })) this.emit("rooms", undefined);
  }

  private receiveEntry(event: LoggedEvent): void {
    if (event.room === this.own?.id) {
      this.receiveOwn(event);
      return;
    }
    const room = this.rooms.get(event.room);
    if (room === undefined) {
      this.early.keep(event);
      return;
    }
    const taken = room.take(event);
    if (taken === "gap") void this.rejoin(room);
    if (taken !== "applied") return;
    this.lagMs = LAG_MS;
    this.applied(room, event);
    this.takeNext(room);
  }

  // What was kept behind a gap that is closed now.
  private takeNext(room: Room): void {
    for (let next = room.next(); next !== undefined; next = room.next()) {
      if (this.rooms.get(room.id) !== room || room.take(next) !== "applied") return;
      this.applied(room, next);
    }
  }

  private applied(room: Room, event: LoggedEvent): void {
    this.names.set(event.from.id, event.from.name);
    if (event.event === "message" && event.from.id === this.user.id) {
      room.moveRead({ seq: event.seq, count: event.count });
    }
    if (event.event === "member") this.takeRole(room, event.user, event.role, event.kick === true);
    this.sender.settle(room, event);
    this.emit("room", room);
    if (event.event === "message" || event.event === "room") this.emit("rooms", undefined);
    if (event.event === "room" && event.settings?.deleted) {
      this.lose(room, new PolylogError("no_such_room", "The room was deleted."));
    }
  }

  private takeRole(room: Room, user: User, role: Role, kick: boolean): void {
    this.names.set(user.id, user.name);
    if (user.id !== this.user.id) return;
    room.role = role;
    if (role === "banned") this.lose(room, new PolylogError("banned", "You were banned."));
    else if (kick || (role === "none" && room.kind === "private")) {
      this.lose(room, new PolylogError("not_member", "You were removed."));
    }
  }

  // An entry is missing: have the log sent again from the cursor on.
  private async rejoin(room: Room): Promise<void> {
    if (this.rejoining.has(room.id)) return;
    this.rejoining.add(room.id);
    const connection = this.connection;
    try {
      const { id, epoch, cursor } = room;
      const answer = await connection?.request("join", { room: id, after: cursor, epoch });
      if (answer?.reset) this.reset(room, answer.room.epoch, answer.room.head);
      else if (answer !== undefined) room.moveHead(answer.room.head);
    } catch (thrown) {
      this.notRejoined(connection, asPolylogError(thrown));
    }
    this.rejoining.delete(room.id);
    this.watchLag();
  }

  // Events that came before the answer that names their room.
  private receiveEarly(id: string): void {
    for (const event of this.early.take(id)) {
      if (isEntry(event)) this.receiveEntry(event);
      else this.receiveState(event);
    }
  }

  private receiveOwn(event: LoggedEvent): void {
    const { own } = this;
    if (own === undefined || event.seq <= own.cursor) return;
    if (event.seq > own.cursor + 1) {
      own.ahead.keep(event);
      void this.rejoinOwn(own);
      return;
    }
    let next: LoggedEvent | undefined = event;
    for (; next !== undefined; next = own.ahead.take(own.cursor)) this.takeOwn(own, next);
  }

  private async rejoinOwn(own: Own): Promise<void> {
    if (this.rejoining.has(own.id)) return;
    this.rejoining.add(own.id);
    const { connection } = this;
    const { id, epoch, cursor } = own;
    try {
      const answer = await connection?.request("join", { room: id, after: cursor, epoch });
      if (answer?.reset) this.resetOwn(answer.room.epoch, answer.room.head);
      if (!this.listed) connection?.fail();
    } catch (thrown) {
      this.notRejoined(connection, asPolylogError(thrown));
    }
    this.rejoining.delete(own.id);
    this.watchLag();
  }

  // Behind a gateway what is missing is asked for again after a while.
  private notRejoined(connection: Connection | undefined, { code }: PolylogError): void {
    const again = connection?.endsAt !== undefined && isTransient(code);
    if (code !== "disconnected" && !again) connection?.fail();
  }

  private takeOwn(own: Own, event: LoggedEvent): void {
    own.cursor = event.seq;
    if (event.event === "pref") {
      this.setPref(event.to, event);
      return;
    }
    if (event.event === "block") this.emit("blocked", event);
    if (event.event === "profile") this.emit("profile", undefined);
    if (event.event === "act") this.emit("act", event);
    if (event.event !== "invite") return;
    this.names.set(event.from.id, event.from.name);
    if (this.rooms.has(event.to)) return;
    // One's own doing on another device comes here too.
    const byOther = event.from.id !== this.user.id;
    this.join(event.to, false)
      .then((room) => {
        if (!byOther) return;
        if (room.kind === "direct") room.peer ??= event.from;
        this.emit("invited", room);
      })
      .catch(() => undefined);
  }

  // Invitations may have been missed: only the list of rooms can tell.
  private resetOwn(epoch: number, head: Position): void {
    if (this.own === undefined) return;
    if (this.own.epoch === epoch && this.own.cursor === head.seq) return;
    this.own = { id: this.own.id, epoch, cursor: head.seq, ahead: new Ahead() };
    this.listed = false;
  }

  // ---- Helpers ----

  private async page(room: Room, before: number): Promise<void> {
    const generation = room.log.generation;
    room.loading = true;
    room.failed = undefined;
    this.emit("room", room);
    try {
      const page = await this.request("history", {
        room: room.id,
        before,
        limit: PAGE,
        view: "messages",
      });
      if (generation === room.log.generation) {
        room.log.takePage(page.entries, page.more);
        for (const entry of page.entries) this.names.set(entry.from.id, entry.from.name);
      }
    } catch (thrown) {
      const error = asPolylogError(thrown);
      if (error.code !== "disconnected") room.failed = error;
    }
    room.loading = false;
    this.emit("room", room);
  }

  private add(info: RoomInfo): Room {
    const room = new Room(info, this.clock, (changed) => this.emit("room", changed));
    this.rooms.set(room.id, room);
    this.late.add(room.id);
    return room;
  }

  // A join was answered: the cursor of a room not yet known stands at its head.
  private follow(info: RoomInfo): Room {
    const known = this.rooms.get(info.id);
    const room = known ?? this.add(info);
    if (known !== undefined) known.update(info);
    this.emit("rooms", undefined);
    return room;
  }

  private reset(room: Room, epoch: number, head: Position): void {
    const again = room.epoch === epoch && room.cursor === head.seq && room.head.seq === head.seq;
    if (again) return;
    room.reset(epoch, head);
    this.sender.flush();
    this.emit("room", room);
    this.emit("rooms", undefined);
  }

  private lose(room: Room, error: PolylogError): void {
    this.forget(room.id);
    this.emit("lost", { room, error });
  }

  private forget(id: string): void {
    this.rooms.get(id)?.forgetCasts();
    this.rooms.delete(id);
    this.emit("rooms", undefined);
  }

  private become(state: State): void {
    this.state = state;
    this.emit("state", state);
  }
}

type Mine = Pick<RoomInfo, "read" | "unread" | "role">;

function definedOnly(answer: Mine): Mine {
  return {
    ...(answer.read === undefined ? {} : { read: answer.read }),
    ...(answer.unread === undefined ? {} : { unread: answer.unread }),
    ...(answer.role === undefined ? {} : { role: answer.role }),
  };
}
