import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { STORE, balancer, polylog, shared } from "./parts.mjs";
import { PROGRAM, Problem, run, sleep } from "./stage.mjs";
import { Lines, bar, terminal } from "./view.mjs";

const STEPS = [90, 50, 10, 90]; // blue's share in %
const LOOK_MS = 100;
const CALM_MS = 500; // nobody came or went for so long
const AMISS = 0.02; // of its connections a colour may have too many
const FAR = 10; // points from what the weights say are too many
const LONGEST = 4; // times its share of --seconds a step lasts on a machine that is busy

const about = {
  name: "bluegreen",
  usage: `deploy/local/bluegreen: a change of versions that nobody notices

Blue and green are servers of one chat behind HAProxy's weights: 90/10, 50/50, 10/90 and back.
After each step the colour that has too many connections asks clients to move, one after
another, until its share is right; each opens its second connection before it closes the first.
polylog bench talks all the while, and judges. Exit status 2: something was lost, shown twice,
closed too early, or did not follow the weights. Logs are in build/local/bluegreen.`,
  options: {
    port: { value: "8080", least: 0, most: 65535, what: "Of the balancer, on 127.0.0.1; 0: any" },
    clients: { value: "500", least: 10, most: 4000, what: "How many connections" },
    people: { value: "0", least: 0, most: 9000, what: "Who they are; 0: everybody is somebody else" },
    rooms: { value: "20", least: 1, most: 9000, what: "Rooms that they are spread over" },
    rate: { value: "100", least: 1, most: 100000, what: "Messages in a second, of all" },
    seconds: { value: "60", least: 8, most: 86400, what: "How long; on a busy machine it takes longer" },
    store: STORE,
  },
};

const view = new Lines();

// Connections by colour, with where the weights want them.
function draw(stage, colours, counts, share) {
  const all = Math.max(1, counts[0] + counts[1]);
  const lines = colours.map(({ name }, i) => {
    const wanted = i === 0 ? share : 100 - share;
    const n = String(counts[i]).padStart(terminal ? 5 : 0);
    return `${name.padEnd(5)} ${bar(i, counts[i] / all)}${n}  ${Math.round((counts[i] / all) * 100)} % of ${wanted} %`;
  });
  if (terminal) view.draw(lines);
  else stage.say(lines.join("   "));
}

const count = (colours) => Promise.all(colours.map((one) => one.metric('polylog_connections_open{door="ws"}')));

// Clients that a colour has told to move and that are still there. Told is also who came
// to it again: such a connection is just dropped.
async function toGo(colour) {
  const left = ["moved", "gone"].map((reason) => colour.metric(`polylog_closes_total{reason="${reason}"}`));
  const [told, moved, gone] = await Promise.all([colour.metric("polylog_moves_total"), ...left]);
  return told - moved - gone;
}

// A colour above its share asks its clients to move, until those who will stay are its
// share: of those it has told, the weights send some back. What is still amiss when nobody
// is on the way any more is put right in another round.
class Shift {
  constructor(colours, share, roundMs) {
    this.colours = colours;
    this.shares = [share / 100, 1 - share / 100];
    this.roundMs = roundMs;
    this.same = { counts: [], since: 0 };
    this.right = false; // the shares are, and nobody is on the way
  }

  async look(counts) {
    if (String(counts) !== String(this.same.counts)) this.same = { counts, since: Date.now() };
    if (this.above !== undefined) await this.goOn(counts);
    else if (Date.now() - this.same.since > CALM_MS) await this.begin(counts);
  }

  most(i, counts) {
    return this.shares[i] * (counts[0] + counts[1]);
  }

  async begin(counts) {
    const above = this.colours.findIndex((_, i) => counts[i] > this.most(i, counts) + counts[i] * AMISS + 1);
    this.right = above < 0;
    if (this.right) return;
    this.before = await toGo(this.colours[above]);
    this.begun = Date.now();
    this.above = above;
    this.colours[above].signal("SIGUSR1");
  }

  async goOn(counts) {
    const i = this.above;
    const going = Math.max(0, (await toGo(this.colours[i])) - this.before);
    const enough = counts[i] - going * (1 - this.shares[i]) <= this.most(i, counts);
    if (enough || Date.now() - this.begun > this.roundMs) this.end();
  }

  end() {
    if (this.above !== undefined) this.colours[this.above].signal("SIGUSR2");
    this.above = undefined;
  }
}

// Resolves to blue's share in %, at the end of a step: when the shares are right, but not
// before stepMs and not long after.
async function shift(stage, colours, share, stepMs) {
  const work = new Shift(colours, share, stepMs);
  const begun = Date.now();
  for (let shown = 0; ; await sleep(LOOK_MS)) {
    const counts = await count(colours);
    await work.look(counts);
    const lasts = Date.now() - begun;
    const over = lasts > stepMs * (work.right ? 1 : LONGEST);
    if (over || Date.now() - shown >= (terminal ? 200 : 2000)) {
      shown = Date.now();
      draw(stage, colours, counts, share);
    }
    if (!over) continue;
    work.end();
    return Math.round((counts[0] / Math.max(1, counts[0] + counts[1])) * 100);
  }
}

function bench(stage, url) {
  const { clients, people, rooms, rate } = stage.args;
  const flags = {
    connections: clients,
    people: Math.min(people, clients),
    rooms: Math.min(rooms, clients),
    rate,
    warmup: "0",
    duration: "7d", // until it is told that this is all
    json: stage.file("bench.json"),
  };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(PROGRAM, ["bench", url.replace("localhost", "127.0.0.1"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const part = { name: "bench", child, ended: undefined, out: "", err: "" };
  child.stdout.on("data", (chunk) => (part.out += chunk));
  child.stderr.on("data", (chunk) => (part.err += chunk));
  part.end = new Promise((resolve) =>
    child.once("close", (code, signal) => resolve((part.ended = signal ?? code))),
  );
  stage.children.push(part);
  return part;
}

// Resolves when all clients are there.
async function opened(stage, colours, talk) {
  for (let open = 0, shown = Date.now(); open < stage.args.clients; await sleep(LOOK_MS)) {
    if (talk.ended !== undefined) throw new Problem(`bench has ended (${talk.ended})\n${talk.err}`);
    const counts = await count(colours);
    open = counts[0] + counts[1];
    if (Date.now() - shown < 2000) continue;
    shown = Date.now();
    stage.say(open === 0 ? "they log in" : `${open} of ${stage.args.clients} are there`);
  }
}

function judge(stage, talk, shares) {
  const { total, missing } = JSON.parse(readFileSync(stage.file("bench.json"), "utf8"));
  const lost = total.gaps + missing;
  const { repeats: twice, drops: early, moves, deliveries, errors } = total;
  const near = FAR + 200 / stage.args.clients;
  const followed = shares.every((share, i) => Math.abs(share - STEPS[i]) <= near);
  const good = lost === 0 && twice === 0 && early === 0 && moves > 0 && followed && talk.ended === 0;
  console.log(`\n${talk.out.replace(" (interrupted)", "")}`);
  console.log(`blue had ${shares.join(" %, ")} % of the connections${followed ? "" : ", not what the weights say"}`);
  console.log(
    `${good ? "good" : "BAD"}: ${moves} moves, ${deliveries} messages shown, ${lost} lost, ${twice} shown twice, ` +
      `${early} connections closed before their successor was up, ${errors} errors`,
  );
  return good ? 0 : 2;
}

await run(about, async (stage) => {
  const { seconds, clients, store } = stage.args;
  if (store === "sqlite") throw new Problem("blue and green are two servers: they need --store dynamodb");
  const { flags, env } = await shared(stage);
  const step = (seconds * 1000) / STEPS.length;
  const own = {
    ...flags,
    open: true,
    "trusted-proxies": "127.0.0.1",
    "messages-per-user": 0,
    "connects-per-address": 0,
    "drain-ms": `${Math.round(step * 1.4)}ms`, // who is left then is closed: a round ends before
  };
  const colours = [await polylog(stage, "blue", own, env), await polylog(stage, "green", own, env)];
  const { url, weigh } = await balancer(stage, {
    servers: colours,
    weights: [90, 10],
    check: "/health",
    most: clients * 2, // each has two while it moves
  });
  stage.watch();
  stage.say(`${clients} clients come to ${url}`);
  const talk = bench(stage, url);
  await opened(stage, colours, talk);
  const shares = [];
  for (const share of STEPS) {
    stage.say(`weights ${share}/${100 - share}`);
    view.leave();
    await weigh("blue", share);
    await weigh("green", 100 - share);
    shares.push(await shift(stage, colours, share, step));
  }
  talk.child.kill("SIGINT");
  await talk.end;
  return judge(stage, talk, shares);
});
