// One person at each door: all speak the same commands and are shown the same entries.
//   call(action, params)  what is under ok; throws Refused, or Gone if the door closed
//   shown(room, text)     once that message was shown
import { once } from "node:events";
import { createRequire } from "node:module";
import { Refused } from "../integration/lib/server.mjs";
import { Raw } from "../integration/lib/raw.mjs";
import { sleep, until } from "../integration/lib/suite.mjs";

const { WebSocket } = createRequire(new URL("../integration/package.json", import.meta.url))("ws");
const RS = "\x1e";
const PATIENCE_MS = 60_000; // ends what hangs

// The door was closed: to be tried again.
export class Gone extends Error {}

// One request on a connection of its own: status and body. The head is as short as it
// can be, for the least that a head may have.
export async function ask(server, method, path, body, token) {
  const raw = await Raw.connect(server.port).catch((error) => {
    throw new Gone(error.message);
  });
  try {
    raw.write(
      `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: close\r\n` +
        (token ? `Authorization: Bearer ${token}\r\n` : "") +
        (body === undefined ? "\r\n" : `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`),
    );
    const answer = await raw.answer();
    return { status: answer.status, body: String(answer.body) };
  } catch (error) {
    if (/^closed/.test(error.message)) throw new Gone(error.message);
    throw error;
  } finally {
    raw.socket.destroy();
  }
}

export async function command(server, action, params, token) {
  const { status, body } = await ask(server, "POST", `/api/v1/${action}`, JSON.stringify(params), token);
  if (status === 408) throw new Gone("the request came too late");
  if (status >= 400 && !body.startsWith("{")) throw new Refused(action, { code: `http_${status}`, message: body }, status);
  const { error, ...ok } = JSON.parse(body);
  if (error) throw new Refused(action, error, status);
  return ok;
}

class Door {
  constructor(server, token) {
    Object.assign(this, { server, token, said: [], calls: new Map(), ids: 0, gone: undefined });
  }

  // An answer, or Gone.
  answer(id, action) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${action}: no answer`)), PATIENCE_MS);
      this.calls.set(id, (error, value) => {
        clearTimeout(late);
        this.calls.delete(id);
        if (error) reject(error);
        else if (value.error) reject(new Refused(action, value.error));
        else resolve(value.ok);
      });
    });
  }

  closed(why) {
    this.gone ??= new Gone(why);
    for (const settle of [...this.calls.values()]) settle(this.gone);
  }

  shown(room, text) {
    return until(`${text} is shown`, () => {
      if (this.gone) throw this.gone;
      return this.said.some((event) => event.event === "message" && event.room === room && event.text === text);
    });
  }

  close() {}
}

export class Http extends Door {
  static async open(server, token) {
    return new Http(server, token);
  }

  call(action, params) {
    return command(this.server, action, params, this.token);
  }

  shown(room, text) {
    return until(`${text} is in the history`, async () => {
      const { entries } = await patiently(() => this.call("history", { room }));
      return entries.some((entry) => entry.text === text);
    });
  }
}

async function socket(server, path, door) {
  const ws = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { perMessageDeflate: false });
  ws.on("error", (error) => door.closed(error.message));
  ws.on("close", (code) => door.closed(`closed: ${(door.code = code)}`));
  // What closes it before it is open is a Gone, as later: a slow machine may be late with its head.
  await Promise.race([once(ws, "open"), once(ws, "close")]).catch(({ message }) => door.closed(message));
  if (door.gone) throw door.gone;
  return ws;
}

export class Native extends Door {
  static async open(server, token) {
    const door = new Native(server, token);
    door.ws = await socket(server, "/ws", door);
    door.ws.on("message", (data) => {
      const frame = JSON.parse(data);
      if (frame.event) door.said.push(frame);
      else door.calls.get(frame.id)?.(undefined, frame);
    });
    await door.call("auth", { token });
    return door;
  }

  call(action, params) {
    if (this.gone) return Promise.reject(this.gone);
    const id = ++this.ids, answer = this.answer(id, action);
    this.ws.send(JSON.stringify({ action, id, ...params }));
    return answer;
  }

  close() {
    this.ws.terminate();
  }
}

// What both transports of Socket.IO share; say(packet) is theirs.
class SocketIo extends Door {
  async connect() {
    const connected = this.answer("connect", "connect");
    connected.catch(() => undefined);
    await this.say(`40${JSON.stringify({ token: this.token })}`);
    await connected;
  }

  call(event, params) {
    if (this.gone) return Promise.reject(this.gone);
    const id = ++this.ids, answer = this.answer(id, event);
    answer.catch(() => undefined);
    return this.say(`42${id}${JSON.stringify([event, params])}`).then(() => answer);
  }

  heard(packet) {
    const [, id, args] = packet.match(/^43(\d+)(.*)$/s) ?? [];
    if (packet === "2") this.say("3").catch(() => undefined);
    else if (packet === "1" || packet.startsWith("41")) this.closed("disconnected");
    else if (packet.startsWith("40")) this.calls.get("connect")?.(undefined, { ok: true });
    else if (packet.startsWith("44")) this.calls.get("connect")?.(undefined, { error: JSON.parse(packet.slice(2)).data });
    else if (packet.startsWith("42")) this.said.push(JSON.parse(packet.slice(2))[1]);
    else if (id !== undefined) this.calls.get(Number(id))?.(undefined, JSON.parse(args)[0]);
  }
}

export class Polling extends SocketIo {
  static async open(server, token) {
    const door = new Polling(server, token), path = "/socket.io/?EIO=4&transport=polling";
    const { status, body } = await ask(server, "GET", path);
    if (status !== 200) throw new Refused("open", JSON.parse(body).error ?? JSON.parse(body), status);
    door.path = `${path}&sid=${JSON.parse(body.split(RS)[0].slice(1)).sid}`;
    for (const packet of body.split(RS).slice(1)) door.heard(packet);
    door.poll().catch((error) => door.closed(error.message));
    await door.connect();
    return door;
  }

  async poll() {
    while (!this.gone) {
      const { status, body } = await ask(this.server, "GET", this.path);
      if (status !== 200) throw new Gone(`a GET is answered ${status}: ${body}`);
      for (const packet of body.split(RS)) this.heard(packet);
    }
  }

  async say(packet) {
    const { status, body } = await ask(this.server, "POST", this.path, packet);
    if (status === 413) throw new Refused("post", { code: "too_long", message: body }, status);
    if (status !== 200) throw (this.closed(`a POST is answered ${status}: ${body}`), this.gone);
  }

  close() {
    this.closed("over");
  }
}

export class Websocket extends SocketIo {
  static async open(server, token) {
    const door = new Websocket(server, token);
    door.ws = await socket(server, "/socket.io/?EIO=4&transport=websocket", door);
    door.ws.on("message", (data) => door.heard(String(data)));
    await door.connect();
    return door;
  }

  async say(packet) {
    if (this.gone) throw this.gone;
    this.ws.send(packet);
  }

  close() {
    this.ws.terminate();
  }
}

export const DOORS = { http: Http, ws: Native, polling: Polling, websocket: Websocket };
const PASSING = new Set(["rate_limited", "too_many_commands"]);

// Again, while it is said that it may be tried again, so many times.
export async function patiently(f, times = 60) {
  for (let n = 1; ; n++) {
    try {
      return await f();
    } catch (error) {
      if (!PASSING.has(error.code) || n === times) throw error;
      await sleep(error.retry_after_ms ?? 50);
    }
  }
}
