// People who write and read while the program comes and goes. They do what a client
// must: repeat what was not answered under the same cid and seen, and hand their cursors
// back. What was promised to them they remember.
import assert from "node:assert/strict";
import { Refused } from "../integration/lib/server.mjs";
import { sleep } from "../integration/lib/suite.mjs";

const AT_ONCE = 4; // of one writer
const AT_FULL_SPEED = 1000; // of a round; all that is said stays in memory, and is compared
const PACE_MS = 20; // of each, behind those
const MAY_REPEAT = new Set(["store_failed", "sessions_unproven", "too_many_commands"]);

// A connection that is made again whenever it is lost.
class Person {
  constructor(world, name) {
    this.world = world;
    this.name = name;
  }

  async login() {
    Object.assign(this, await this.world.server.login(this.name));
    await this.connect();
  }

  // The connection; a new one if the last was lost.
  async connect() {
    if (this.client !== undefined && this.client.closing === undefined) return this.client;
    this.connecting ??= this.connectAgain().finally(() => (this.connecting = undefined));
    return this.connecting;
  }

  async connectAgain() {
    for (;;) {
      try {
        this.client = await this.world.server.connect(this.token);
        await this.arrived(this.client);
        return this.client;
      } catch (error) {
        if (error instanceof Refused && !MAY_REPEAT.has(error.code)) throw error;
        await sleep(10);
      }
    }
  }

  async arrived() {}

  // Asks until it is answered.
  async ask(action, params) {
    for (;;) {
      const client = await this.connect();
      try {
        return await client.call(action, params);
      } catch (error) {
        if (error instanceof Refused && !MAY_REPEAT.has(error.code)) throw error;
        await sleep(5);
      }
    }
  }
}

export class Writer extends Person {
  constructor(world, name) {
    super(world, name);
    this.n = 0;
    this.head = {}; // of each room, as far as it is known here
    this.own = {}; // acknowledged messages of each room
    this.sent = []; // {room, cid, text, seq}: what was promised
    this.changed = []; // {room, action, target, seq, ...}: changes that were
  }

  // Writes until world.pouring ends; everything is answered then.
  async pour() {
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.pourOne()));
  }

  async pourOne() {
    while (this.world.pouring) {
      if (this.world.poured++ >= AT_FULL_SPEED) await sleep(PACE_MS);
      const room = this.world.pick(this.world.rooms);
      const own = (this.own[room] ??= []);
      if (own.length > 0 && this.world.chance(0.2)) await this.change(room, this.world.pick(own));
      else await this.send(room);
    }
  }

  async send(room) {
    const cid = `${this.name}.${this.n++}`;
    const text = `${cid} ${"x".repeat(this.world.random(200))}`;
    const request = { room, text, cid, seen: (this.head[room] ??= 1) };
    const { seq } = await this.ask("send", request);
    this.head[room] = Math.max(this.head[room], seq);
    this.own[room].push(seq);
    this.sent.push({ room, cid, text, seq });
  }

  // Changes have no cid: one whose answer was lost is not repeated, and may be there or not.
  async change(room, target) {
    const client = await this.connect();
    const action = this.world.pick(["edit", "react", "react", "delete"]);
    const text = `edit ${this.n++} of ${this.name}`;
    const more = {
      edit: { text },
      react: { emoji: this.world.pick(["👍", "❤️"]), on: this.world.chance(0.7) },
      delete: {},
    };
    const request = { room, target, ...more[action] };
    try {
      const { seq } = await client.call(action, request);
      this.changed.push({ action, seq, ...request });
    } catch (error) {
      if (error instanceof Refused && error.code !== "deleted" && !MAY_REPEAT.has(error.code)) throw error;
    }
  }
}

export class Reader extends Person {
  constructor(world, name) {
    super(world, name);
    this.epochs = {};
    this.shown = Object.fromEntries(world.rooms.map((room) => [room, []])); // entry of seq i + 1
    this.behinds = 0;
    this.late = Promise.resolve();
    this.away = false; // does not come back while it is
  }

  async connectAgain() {
    while (this.away) await sleep(20);
    return super.connectAgain();
  }

  async login() {
    await super.login();
    for (const room of this.world.rooms) {
      const { room: joined } = await this.client.call("join", { room, after: 0 });
      this.epochs[room] = joined.epoch;
    }
  }

  async arrived(client) {
    const room = (one) => this.shown[one];
    const take = (frame) => this.take(client, frame);
    client.look = ((look) => () => {
      for (const frame of client.frames.splice(0))
        if (frame.event !== undefined && room(frame.room)) take(frame);
      look.call(client);
    })(client.look);
    client.closed.then(() => this.connect()).catch((error) => (this.failure ??= error));
    if (Object.keys(this.epochs).length === 0) return;
    const cursors = Object.entries(this.epochs).map(([id, epoch]) => [id, [epoch, this.shown[id].length]]);
    await client.call("resume", { rooms: Object.fromEntries(cursors) });
  }

  // In order of arrival, also when something has to be fetched between.
  take(client, frame) {
    this.late = this.late.then(() => this.show(client, frame)).catch((error) => (this.failure ??= error));
  }

  async show(client, frame) {
    if (client !== this.client && frame.event !== undefined) {
      // of a connection that was lost: what it brought may have come again meanwhile
      if (frame.seq !== undefined && frame.seq <= this.shown[frame.room].length) return;
    }
    const shown = this.shown[frame.room];
    if (frame.event === "behind") return this.fetch(client, frame);
    assert.notEqual(frame.event, "reset", `${this.name}: ${JSON.stringify(frame)}`);
    if (frame.seq === undefined || frame.event === "read") return;
    assert.equal(
      frame.seq,
      shown.length + 1,
      `${this.name} was shown ${frame.room} ${frame.seq} behind ${shown.length}`,
    );
    shown.push(frame);
  }

  async fetch(client, { room, from, to }) {
    const shown = this.shown[room];
    this.behinds++;
    assert.equal(from, shown.length, "behind begins where the cursor was");
    while (shown.length < to) {
      const { entries } = await client.call("history", {
        room,
        after: shown.length,
        view: "log",
        limit: 500,
      });
      for (const entry of entries) {
        if (entry.seq > to) break;
        assert.equal(entry.seq, shown.length + 1);
        shown.push(entry);
      }
    }
  }
}
