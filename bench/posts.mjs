// What a delivery by POST costs a server behind API Gateway: its CPU for each POST that was
// answered, to `polylog gateway` on loopback, connections pooled. Medians of three.
//   node bench/posts.mjs [CLIENTS [MESSAGES]]
import { readFileSync } from "node:fs";
import { come, routes, startGateway, startNode } from "../tests/gateway/lib/homes.mjs";
import { freePort } from "../tests/integration/lib/ports.mjs";
import { until } from "../tests/integration/lib/suite.mjs";

const CLIENTS = Number(process.argv[2] ?? 200);
const MESSAGES = Number(process.argv[3] ?? 100);
const IN_FLIGHT = 64;
const TICKS = 100; // of /proc, in a second
const POSTED = 'polylog_gateway_posts_total{result="ok"}';

const cleanup = [];
let serial = 0;
const t = {
  after: (f) => cleanup.push(f),
  name: (name) => `${name} ${++serial}`,
};

function cpuMs({ pid }) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}

// One message after another, each shown to all before the next: as many POSTs as clients.
async function run(server, token, people, room) {
  const posted = async () => (await server.metrics())(POSTED);
  const before = { cpu: cpuMs(server), posts: await posted() };
  let seq;
  for (let i = 0; i < MESSAGES; i++) {
    ({ seq } = await server.command("send", { room, text: `message ${i} of those that are measured` }, token));
    await Promise.all(people.map((person) => person.event({ event: "message", seq }).then(() => (person.frames.length = 0))));
  }
  const cpu = cpuMs(server) - before.cpu;
  const posts = (await posted()) - before.posts;
  return { posts, us: (cpu * 1000) / posts };
}

try {
  const port = await freePort();
  const server = await startNode(t, port, { workers: 1, "gateway-posts": IN_FLIGHT, "token-ttl": "1h" });
  const gateway = await startGateway(t, port, routes(server.url), ["--quiet", "--request-rate", "0", "--request-burst", "1000000", "--connect-rate", "0"]);
  const room = "bench";
  const people = [];
  const { token } = await server.login("teller");
  await server.command("room_create", { room, title: "bench", kind: "public" }, token);
  await server.command("join", { room }, token);
  for (let i = 0; i < CLIENTS; i++) {
    const person = await come(t, { server, gateway }, "p");
    await person.call("join", { room });
    people.push(person);
  }
  await until("everybody is there", async () => (await server.metrics())("polylog_cursors") >= CLIENTS);
  const runs = [];
  for (let i = 0; i < 3; i++) runs.push(await run(server, token, people, room));
  for (const { posts, us } of runs) console.log(`${posts} POSTs, ${us.toFixed(1)} us of CPU each`);
  const median = runs.map(({ us }) => us).sort((a, b) => a - b)[1];
  console.log(`median ${median.toFixed(1)} us of CPU a POST, ${CLIENTS} clients, ${IN_FLIGHT} in flight; the goal is 60`);
} finally {
  for (const f of cleanup.reverse()) await f();
}
process.exit(0);
