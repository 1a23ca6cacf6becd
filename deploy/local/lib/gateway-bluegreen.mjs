import { randomBytes } from "node:crypto";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crowd } from "./crowd.mjs";
import { balancer, gateway, polylog, shared } from "./parts.mjs";
import { PROGRAM, Problem, ROOT, run, sleep } from "./stage.mjs";
import { Lines, bar, terminal } from "./view.mjs";

const NAME = "gateway-bluegreen";
const STEPS = [90, 50, 10]; // blue's share in %
const LOOK_MS = 100;
const CALM_MS = 1000; // nothing has moved for so long
const BACK_MS = 5000;
const FAR = 5; // points from what the weights say are too many
const AMISS = 0.03; // of all connections may have the wrong home
const LONGEST = 6; // times its share of --seconds a step lasts on a machine that is busy
const LONGEST_MS = 60_000; // and at least so long
const DIR = join(ROOT, "build/local", NAME);
const PID_FILE = join(DIR, "pid");
const ASKED = join(DIR, "asked"); // what the one that runs is to do

// What the view shows of a colour: homes, messages, homes that came from the other.
const SAMPLES = [
  'polylog_connections_open{door="gw"}',
  "polylog_gateway_messages_total",
  "polylog_gateway_homes_taken_total",
];

const about = {
  name: NAME,
  instead: tellRunning,
  usage: `deploy/local/gateway-bluegreen: a change of versions behind API Gateway

The gateway holds the clients' sockets; blue and green are servers of one chat behind HAProxy's
weights. At each step, 90/10, 50/50 and 10/90, the colour with too many connections gives the
homes of some away to the other; no client's socket is touched. A crowd of clients of the web
app's library talks all the while. At any moment, in another terminal,

    deploy/local/gateway-bluegreen --rollback

has the one that runs go back to 90/10, and --kill has it kill green (-9) and start it anew. Exit
status 2: something was lost or shown twice, a connection was closed, or the homes did not follow
the weights. Logs are in build/local/gateway-bluegreen.`,
  options: {
    port: { value: "3001", least: 0, most: 65535, what: "Of the gateway, on 127.0.0.1; 0: any" },
    clients: { value: "500", least: 10, most: 4000, what: "How many connections" },
    people: { value: "0", least: 0, most: 4000, what: "Who they are; 0: everybody is somebody else" },
    rooms: { value: "50", least: 1, most: 4000, what: "Rooms that they are spread over" },
    rate: { value: "20", least: 1, most: 10000, what: "Messages in a second, of all" },
    seconds: { value: "240", least: 6, most: 86400, what: "How long; on a busy machine it takes longer" },
    hold: { what: "Stays at 10/90 until it is told to roll back" },
    rollback: { what: "Has the one that runs go back to 90/10" },
    kill: { what: "Has the one that runs kill green, and start it anew" },
  },
};

async function look(colour) {
  const [homes, messages, moves] = await Promise.all(SAMPLES.map((sample) => colour.metric(sample)));
  return { homes, messages, moves };
}

class View {
  constructor(stage, colours, talk) {
    Object.assign(this, { stage, colours, talk, view: new Lines(), shown: 0, share: 100 });
  }

  lines(looked) {
    const all = Math.max(1, looked[0].homes + looked[1].homes);
    const bars = this.colours.map(({ name }, i) => {
      const { homes, messages } = looked[i];
      const weight = i === 0 ? this.share : 100 - this.share;
      return `${name.padEnd(5)} weight ${String(weight).padStart(2)}  ${bar(i, homes / all)}${homes} homes (${Math.round((homes / all) * 100)} %), ${messages} messages`;
    });
    const { shown, missing, twice, closed, online } = this.talk.now;
    const moves = looked[0].moves + looked[1].moves;
    const sum = `${online} clients, ${shown} shown, ${missing} on the way, ${moves} moves, ${twice} twice, ${closed} closed`;
    return [...bars, sum];
  }

  draw(looked, now = false) {
    if (!now && Date.now() - this.shown < (terminal ? 0 : 5000)) return;
    this.shown = Date.now();
    const lines = this.lines(looked);
    if (!terminal) return this.stage.say(lines.join("; "));
    this.view.draw(lines);
  }

  // What is said stands above the figures.
  say(text) {
    this.view.leave();
    this.stage.say(text);
  }
}

// A colour that has too many homes gives a share of them away; what is still amiss when nothing
// moves any more is put right in another round.
class Shift {
  constructor(colours, share, clients) {
    this.colours = colours;
    this.clients = clients;
    this.shares = [share / 100, 1 - share / 100];
    this.moved = { homes: "", since: 0 };
  }

  // How many too many each has.
  above(looked) {
    const all = looked[0].homes + looked[1].homes;
    return this.shares.map((share, i) => looked[i].homes - Math.round(share * all));
  }

  isRight(looked) {
    const all = looked[0].homes + looked[1].homes;
    const amiss = Math.max(1, AMISS * this.clients);
    return all >= this.clients - amiss && this.above(looked).every((n) => n <= amiss);
  }

  async go(looked) {
    const homes = String(looked.map((one) => one.homes));
    if (homes !== this.moved.homes) this.moved = { homes, since: this.begun ? Date.now() : 0 };
    if (this.isRight(looked) || Date.now() - this.moved.since < CALM_MS) return;
    const i = this.above(looked).findIndex((n) => n > 0);
    if (i < 0) return; // homes that were lost with a server are still to come
    const share = Math.ceil((this.above(looked)[i] / looked[i].homes) * 100);
    this.begun = true;
    this.moved.since = Date.now();
    await drain(this.colours[i], "--share", String(share));
  }

  // What is not on its way yet stays.
  async end() {
    for (const colour of this.colours) await drain(colour, "--undo");
  }
}

// Runs `polylog drain` for a colour.
function drain({ pidFile }, ...args) {
  return new Promise((resolve, reject) => {
    execFile(PROGRAM, ["drain", "--pid-file", pidFile, ...args], (error, out, err) => {
      if (error) reject(new Problem(`polylog drain ${args.join(" ")}: ${err || out || error.message}`));
      else resolve();
    });
  });
}

const lookAt = (colours) => Promise.all(colours.map(look));

// Sets the weights and has the homes follow; resolves to the share that blue is to have and the one
// it has, in %, when that is right, but not before stepMs and not long after. rolled(): the step is
// given up, and resolves to undefined. holds: a step that was right does not end.
async function step({ view, colours, weigh, share, stepMs, rolled, holds = false }) {
  const work = new Shift(colours, share, view.talk.now.online);
  const begun = Date.now();
  let right;
  await weigh("blue", share);
  await weigh("green", 100 - share);
  view.share = share;
  view.say(`weights ${share}/${100 - share}`);
  for (;;) {
    const looked = await lookAt(colours);
    const lasts = Date.now() - begun;
    view.draw(looked);
    if (await rolled()) {
      await work.end();
      return undefined;
    }
    if (right === undefined && work.isRight(looked)) {
      right = lasts;
      view.say(`homes ${looked[0].homes}/${looked[1].homes} after ${(lasts / 1000).toFixed(1)} s`);
    }
    const over = lasts > (work.isRight(looked) ? stepMs : Math.max(LONGEST_MS, stepMs * LONGEST));
    if (over && !(holds && right !== undefined)) {
      view.draw(looked, true);
      const has = Math.round((looked[0].homes / Math.max(1, looked[0].homes + looked[1].homes)) * 100);
      return { share, has };
    }
    await work.go(looked);
    await sleep(LOOK_MS);
  }
}

function tellRunning({ rollback, kill }) {
  if (!rollback && !kill) return undefined;
  const pid = existsSync(PID_FILE) ? Number(readFileSync(PID_FILE, "utf8")) : 0;
  const line = `/proc/${pid}/cmdline`;
  if (!(pid > 0 && existsSync(line) && readFileSync(line, "utf8").includes(NAME))) {
    throw new Problem("no deploy/local/gateway-bluegreen runs that could be told so");
  }
  writeFileSync(ASKED, kill ? "kill" : "rollback");
  console.log("it was told");
  return 0;
}

// What it was told since the last time; "" if it was not.
function asked() {
  if (!existsSync(ASKED)) return "";
  const text = readFileSync(ASKED, "utf8");
  rmSync(ASKED);
  return text;
}

async function arrived(stage, talk) {
  for (let shown = 0; !talk.arrived; await sleep(LOOK_MS)) {
    if (talk.ended !== undefined) throw new Problem(`the crowd has ended (${talk.ended})\n${talk.err}`);
    if (Date.now() - shown < 5000 || talk.now === undefined) continue;
    shown = Date.now();
    stage.say(`${talk.now.online} of ${stage.args.clients} are there`);
  }
}

// API Gateway in front of the balancer: each event is a POST to a path below /gw, with what
// describes it in its header.
function api(balanced, secret) {
  const to = (event) => ({ url: `${balanced}/gw/${event}`, headers: { "X-Ws-Secret": `'${secret}'` } });
  const routes = { $connect: to("connect"), $disconnect: to("disconnect"), $default: { ...to("message"), answers: true } };
  return { name: "chat", stage: "prod", routes };
}

function judge(stage, final, steps) {
  const { opened, shown, missing: lost, twice, closed, reconnects } = final;
  const followed = steps.every(({ share, has }) => Math.abs(has - share) <= FAR + 200 / stage.args.clients);
  const quiet = lost === 0 && twice === 0 && closed === 0 && reconnects === 0;
  const good = quiet && followed && opened === stage.args.clients && shown > 0;
  console.log(`\nblue had ${steps.map(({ has }) => has).join(" %, ")} % of the homes${followed ? "" : ", not what the weights say"}`);
  console.log(
    `${good ? "good" : "BAD"}: ${stage.args.clients} clients, ${final.said} messages shown ${shown} times, ` +
      `${lost} lost, ${twice} shown twice, ${closed} closed, ${reconnects} reconnects`,
  );
  return good ? 0 : 2;
}

await run(about, async (stage) => {
  const { clients, people, rooms, rate, seconds, hold } = stage.args;
  let back = false;
  writeFileSync(PID_FILE, `${process.pid}\n`);
  stage.closers.push(() => rmSync(PID_FILE, { force: true }));
  const { flags, env } = await shared(stage);
  const port = await stage.port();
  const secret = randomBytes(24).toString("hex");
  const own = {
    ...flags,
    open: true,
    "trusted-proxies": "127.0.0.1",
    "messages-per-user": 0,
    "connects-per-address": 0,
    "gateway-path": "/gw",
    "gateway-callback": `http://127.0.0.1:${port}/prod`,
  };
  const secrets = { ...env, POLYLOG_GATEWAY_SECRET: secret };
  const colours = [await polylog(stage, "blue", own, secrets), await polylog(stage, "green", own, secrets)];
  const { url: balanced, weigh } = await balancer(stage, {
    servers: colours,
    weights: [STEPS[0], 100 - STEPS[0]],
    check: "/health",
    inner: true,
  });
  const at = balanced.replace("localhost", "127.0.0.1");
  const { url } = await gateway(stage, api(at, secret), { port, flags: { quiet: true } });
  stage.watch();
  stage.say(`${clients} clients come to ${url}`);
  const talk = await crowd(stage, {
    server: url,
    logins: `${at}/`,
    clients,
    people: Math.min(people === 0 ? clients : people, clients),
    rooms: Math.min(rooms, clients),
    rate,
  });
  await arrived(stage, talk);
  const view = new View(stage, colours, talk);
  const rolled = async () => {
    const what = asked();
    back ||= what === "rollback";
    if (what !== "kill") return back;
    view.say("green is killed");
    await colours[1].replace();
    return back;
  };
  const how = { view, colours, weigh, stepMs: (seconds * 1000) / STEPS.length, rolled };
  const steps = [];
  for (const share of STEPS) {
    const holds = hold && share === STEPS.at(-1);
    if (!back) steps.push(await step({ ...how, share, holds }));
  }
  if (back) {
    view.say("rolls back");
    steps.push(await step({ ...how, share: STEPS[0], stepMs: BACK_MS, rolled: async () => false }));
    view.say("rolled back");
  }
  return judge(stage, await talk.stop(), steps.filter(Boolean));
});
