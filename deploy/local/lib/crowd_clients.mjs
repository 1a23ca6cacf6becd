// Many clients of the web app's own library, in a process of their own, that talk and count what
// they are shown: node crowd_clients.mjs SETTINGS-AS-JSON. A line of figures, as JSON, comes every
// now and then; the line "stop" on standard input has them say no more, and the last line, which
// has `done`, comes when everything that was said has been shown, or nothing more comes.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { Client, login } from "./crowd_library.mjs";

const { WebSocket } = createRequire(process.env.CROWD_REQUIRE)("ws");
const settings = JSON.parse(process.argv[2]);
const { server, logins, clients: count, people, rooms, rate, hurry = 1 } = settings;

const LANES = 32; // logins, and clients on their way in, at the same time
const TELL_MS = 100;
const TICK_MS = 20;
const LONG_MS = 60_000; // waits beyond that are hurried
const QUIET_MS = 60_000; // nothing more came for so long: what is missing is lost
const UNDELIVERED_MAX = 400; // messages that their senders have not seen: no more are said then

const clients = [];
const names = Array.from({ length: rooms }, (_, i) => `crowd-${settings.run}-${i}`);
const said = names.map(() => 0); // messages, by room
const sum = { opened: 0, closed: 0, cut: 0, online: 0, said: 0, stored: 0, shown: 0, twice: 0, failed: 0, reconnects: 0 };
let [ending, over] = [false, false];
let heard = Date.now(); // when something was shown last

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The time as it is, but for waits of minutes and hours: those are so many times shorter, beside
// a gateway whose clock runs as fast.
const clock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms > LONG_MS ? ms / hurry : ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

const plain = (url) => new WebSocket(url, { perMessageDeflate: false });

// A socket that is counted, and its end: but for the crowd's own, at the end, nobody wants one.
// A client that moves closes as one does who is done; whatever else ends is cut.
function socket(url) {
  const one = plain(url);
  one.on("open", () => sum.opened++);
  one.on("error", () => undefined); // the close follows
  one.on("close", (code) => {
    if (over) return;
    sum.closed++;
    if (code !== 1000) sum.cut++;
  });
  return one;
}

class Member {
  constructor(i, token) {
    this.i = i;
    this.room = i % rooms;
    this.seen = new Set(); // texts that were shown
    this.looked = 0; // items of the room's log
    this.client = new Client({ server, token, socket, clock });
    this.client.on("state", ({ name }) => this.state(name));
    this.client.on("room", (room) => room.id === names[this.room] && this.look(room.log.all));
  }

  state(name) {
    if (name === "online") sum.online++;
    else if (this.was === "online") sum.online--;
    if (name === "waiting") sum.reconnects++;
    this.was = name;
  }

  async enter() {
    const online = new Promise((resolve) => {
      const off = this.client.on("state", ({ name }) => name === "online" && (off(), resolve()));
    });
    this.client.start();
    await online;
    const room = await this.client.join(names[this.room]);
    room.log.follow(); // from here on, without a page of what was before
    this.mine = room.id;
  }

  // What stands behind what was looked at already: entries come in order.
  look(items) {
    for (; this.looked < items.length; this.looked++) {
      const { type, text } = items[this.looked];
      if (type !== "message") continue;
      if (this.seen.has(text)) sum.twice++;
      this.seen.add(text);
      sum.shown++;
      if (text.startsWith(`${this.i}:`)) sum.stored++;
      heard = Date.now();
    }
  }

  say() {
    said[this.room]++;
    sum.said++;
    this.client.send(this.mine, `${this.i}:${sum.said}`);
  }
}

// How often what was said is to be shown: to each member of its room.
const due = () => names.reduce((all, _, i) => all + said[i] * Math.ceil((clients.length - i) / rooms), 0);

function tell(more = {}) {
  process.stdout.write(`${JSON.stringify({ ...sum, missing: due() - sum.shown + sum.twice, ...more })}\n`);
}

// Does work(i) for each i below n, a few at a time.
async function each(n, work) {
  let next = 0;
  const lane = async () => {
    while (next < n && !ending) await work(next++);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function arrive() {
  const tokens = [];
  await each(people, async (i) => {
    const session = await login(logins, `Crowd ${settings.run} ${i}`, undefined, { socket: plain });
    tokens[i] = session.token;
  });
  await each(count, async (i) => {
    clients[i] = new Member(i, tokens[i % people]);
    await clients[i].enter();
  });
}

// So many a second, at random; a machine that is too slow for that has fewer.
async function talk() {
  for (let owed = 0, last = Date.now(); !ending; await sleep(TICK_MS)) {
    const now = Date.now();
    owed = Math.min(owed + ((now - last) * rate) / 1000, rate);
    last = now;
    for (; owed >= 1 && sum.said - sum.stored < UNDELIVERED_MAX; owed--) {
      clients[Math.floor(Math.random() * clients.length)].say();
    }
  }
}

createInterface(process.stdin).on("line", (line) => (ending ||= line === "stop"));
process.stdin.on("end", () => process.exit(1)); // whoever wanted it has gone
const telling = setInterval(tell, TELL_MS);
await arrive();
tell({ arrived: true });
await talk();
heard = Date.now();
while (due() > sum.shown - sum.twice && Date.now() - heard < QUIET_MS) await sleep(TICK_MS);
clearInterval(telling);
over = true;
tell({ done: true });
process.exit(0);
