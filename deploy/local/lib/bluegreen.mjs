import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { STORE, balancer, polylog, shared } from "./parts.mjs";
import { PROGRAM, Problem, run, sleep } from "./stage.mjs";

const STEPS = [50, 10, 90]; // blue's share after each; it begins with 90
const LOOK_MS = 100;
const BAR = 40;

const about = {
  name: "bluegreen",
  usage: `deploy/local/bluegreen: a change of versions that nobody notices

Blue and green are servers of one chat behind HAProxy's weights: 90/10, 50/50, 10/90 and back.
After each step the colour that has too many connections asks clients to move, one after
another, until its share is right; each opens its second connection before it closes the first.
polylog bench talks all the while, and judges. Exit status 2: something was lost, shown twice,
or closed too early. Logs are in build/local/bluegreen.`,
  options: {
    port: { value: "8080", least: 0, most: 65535, what: "Of the balancer, on 127.0.0.1; 0: any" },
    clients: { value: "500", least: 10, most: 9000, what: "How many connections" },
    rooms: { value: "20", least: 1, most: 9000, what: "Rooms that they are spread over" },
    rate: { value: "100", least: 1, most: 100000, what: "Messages in a second, of all" },
    seconds: { value: "60", least: 8, most: 86400, what: "How long, in all" },
    store: STORE,
  },
};

const terminal = process.stdout.isTTY;

// Connections by colour, with where the weights want them.
function picture(colours, counts, share) {
  const all = Math.max(1, counts[0] + counts[1]);
  const bars = colours.map(({ name }, i) => {
    const full = Math.round((counts[i] / all) * BAR);
    const paint = terminal ? (text) => `\x1b[${i === 0 ? 34 : 32}m${text}\x1b[0m` : (text) => text;
    const wanted = i === 0 ? share : 100 - share;
    const percent = Math.round((counts[i] / all) * 100);
    return `${name.padEnd(5)} ${paint("█".repeat(full))}${"·".repeat(BAR - full)} ${String(counts[i]).padStart(5)}  ${percent} % of ${wanted} %`;
  });
  return terminal ? bars.join("\n") : bars.map((bar) => bar.replace(/[█·]+ +/, "")).join("   ");
}

let drawn = false;

function draw(stage, colours, counts, share) {
  if (!terminal) return stage.say(picture(colours, counts, share));
  process.stdout.write(`${drawn ? "\x1b[2A" : ""}\r\x1b[J${picture(colours, counts, share)}\n`);
  drawn = true;
}

const count = (colours) => Promise.all(colours.map((one) => one.metric('polylog_connections_open{door="ws"}')));

// The colour above its share asks its clients to move until it is not.
async function shift(stage, colours, share, until) {
  let draining;
  let shown = 0;
  for (;;) {
    const counts = await count(colours);
    const most = [share, 100 - share].map((s) => (s / 100) * (counts[0] + counts[1]));
    if (draining === undefined && shown === 0) {
      draining = colours.findIndex((_, i) => counts[i] > most[i] + 1);
      colours[draining]?.signal("SIGUSR1");
    } else if (draining >= 0 && (counts[draining] <= most[draining] || Date.now() > until)) {
      colours[draining].signal("SIGUSR2");
      draining = -1;
    }
    if (Date.now() - shown >= (terminal ? 200 : 2000)) {
      shown = Date.now();
      draw(stage, colours, counts, share);
    }
    if (Date.now() > until && draining < 0) return draw(stage, colours, counts, share);
    await sleep(LOOK_MS);
  }
}

function bench(stage, url, seconds) {
  const { clients, rooms, rate } = stage.args;
  const flags = {
    connections: clients,
    rooms: Math.min(rooms, clients),
    rate,
    warmup: "0",
    duration: `${seconds}s`,
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

function judge(stage, talk) {
  const { total, missing } = JSON.parse(readFileSync(stage.file("bench.json"), "utf8"));
  const lost = total.gaps + missing;
  const { repeats: twice, drops: early, moves, deliveries, errors } = total;
  const good = lost === 0 && twice === 0 && early === 0 && moves > 0 && talk.ended === 0;
  console.log(`\n${talk.out}`);
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
  const step = (seconds * 1000) / (STEPS.length + 1);
  const own = {
    ...flags,
    open: true,
    "trusted-proxies": "127.0.0.1",
    "messages-per-user": 0,
    "connects-per-address": 0,
    "drain-ms": `${Math.round(step * 1.4)}ms`, // who is left then is closed: a step takes it back before
  };
  const colours = [await polylog(stage, "blue", own, env), await polylog(stage, "green", own, env)];
  const { url, weigh } = await balancer(stage, { servers: colours, weights: [90, 10], check: "/health" });
  stage.watch();
  stage.say(`${clients} clients talk at ${url}`);
  const talk = bench(stage, url, seconds);
  for (let open = 0; open < clients; await sleep(LOOK_MS)) {
    if (talk.ended !== undefined) throw new Problem(`bench has ended (${talk.ended})\n${talk.err}`);
    const counts = await count(colours);
    open = counts[0] + counts[1];
  }
  const begin = Date.now();
  let share = 90;
  for (const [i, next] of [share, ...STEPS].entries()) {
    stage.say(`weights ${next}/${100 - next}`);
    drawn = false;
    await weigh("blue", next);
    await weigh("green", 100 - next);
    share = next;
    await shift(stage, colours, share, begin + step * (i + 1) - (i === STEPS.length ? 1000 : 0));
  }
  await talk.end;
  return judge(stage, talk);
});
