#!/usr/bin/env node
// What the stacks cost a month, at rest and with 10,000 people: the load of docs/scale.md (bench/scale_cost.mjs), on each
// stack's own pieces.
//
//     node deploy/aws/cost.mjs            (--check deploy/aws/README.md: the table is there as it is here)
import { readFileSync } from "node:fs";
import { MONTH, PRICE, classes, dollars, egress, model, tiers } from "../../bench/scale_cost.mjs";

const LOAD = model(classes[0]); // 10,000 people
const GIB = 2 ** 30;
const HOURS = 730;
const ZONES = 2;

// Dollars, us-east-1, list prices of 2026 as docs/scale.md and its sources have them.
const MORE = {
  gatewayMessages: [[1e9, 1.0e-6], [Infinity, 0.8e-6]], // each of up to 32 KB, in either direction
  gatewayMinute: 0.25e-6,
  invocation: 0.2e-6,
  gigabyteSecond: 0.0000133334, // arm64
  alarm: 0.1,
  logGigabyte: 0.5,
  // an hour
  t3Small: 0.0208,
  t3Micro: 0.0104,
  address: 0.005, // a public IPv4 address
  busNode: 0.0128, // cache.t4g.micro with Valkey
  diskGigabyte: 0.08, // gp3
  metric: 0.3, // of a machine, each minute
  secret: 0.4,
  nat: 0.045, // and as much a GB
  fargateCpu: 0.04048, // x86
  fargateGigabyte: 0.004445,
  lcuNetwork: 0.006, // of a Network Load Balancer
};
// Of a function: counted in its source and tests, or assumed.
const FUNCTION = {
  writes: 3, // of the record table, for a message: the lease taken and given back, the room
  reads: 6, // consistent, for a message: the connection, the room, the log's head twice, followers
  seconds: 0.05,
  gigabytes: 0.5,
  answerBytes: 300,
  logBytes: 400, // of an event, in both logs
};

function serverless() {
  const sent = LOAD.rate * MONTH;
  const reads = LOAD.positions * MONTH;
  const delivered = LOAD.deliveries * MONTH;
  const events = sent + reads;
  const out = delivered * 512 + events * FUNCTION.answerBytes;
  return {
    "API Gateway, messages": tiers(2 * events + delivered, MORE.gatewayMessages),
    "API Gateway, minutes": (LOAD.online * MONTH * MORE.gatewayMinute) / 60,
    function: events * (MORE.invocation + FUNCTION.seconds * FUNCTION.gigabytes * MORE.gigabyteSecond),
    DynamoDB: (sent * (1 + FUNCTION.writes) + reads) * PRICE.write + events * FUNCTION.reads * PRICE.read + LOAD.cost.keeps,
    logs: ((events * FUNCTION.logBytes) / GIB) * MORE.logGigabyte,
    egress: egress(out / GIB),
    alarms: 9 * MORE.alarm,
  };
}

// A balancer with nodes of one's own behind it, n of them, on a type that costs so much an hour.
function servers(n, type, disk, alarms, metrics, secrets = 1) {
  const rest = {
    nodes: n * (HOURS * type + disk * MORE.diskGigabyte + metrics * MORE.metric),
    balancer: HOURS * PRICE.balancerHour,
    addresses: HOURS * (n + ZONES) * MORE.address,
    Valkey: HOURS * MORE.busNode,
    [secrets > 0 ? "secret, alarms" : "alarms"]: secrets * MORE.secret + alarms * MORE.alarm,
  };
  const { writes, reads, keeps, balancer, between } = LOAD.cost;
  return { rest, busy: { ...rest, balancer, DynamoDB: writes + reads + keeps, "between zones": between, egress: LOAD.cost.egress } };
}

// One node and nothing before it.
function alone(type, disk, alarms, metrics) {
  const rest = { node: HOURS * type + disk * MORE.diskGigabyte + metrics * MORE.metric, address: HOURS * MORE.address, alarms: alarms * MORE.alarm };
  const { writes, reads, keeps } = LOAD.cost;
  return { rest, busy: { ...rest, DynamoDB: writes + reads + keeps, egress: LOAD.cost.egress } };
}

// Four tasks of Fargate, two balancers, a NAT, and API Gateway before them: it holds the connections, and is paid for each
// message, as in front of a function.
function blueGreen() {
  const rest = {
    tasks: HOURS * 4 * (0.25 * MORE.fargateCpu + 0.5 * MORE.fargateGigabyte),
    balancers: 2 * HOURS * PRICE.balancerHour,
    NAT: HOURS * (MORE.nat + MORE.address),
    Valkey: HOURS * MORE.busNode,
    "secrets, alarms": 2 * MORE.secret + 10 * MORE.alarm,
  };
  const { writes, reads, keeps, between } = LOAD.cost;
  const gateway = serverless();
  const posted = (LOAD.deliveries * MONTH * 512) / GIB; // to @connections, through the NAT
  return {
    rest,
    busy: {
      ...rest,
      balancers: rest.balancers + HOURS * 3 * (PRICE.lcuHour + MORE.lcuNetwork),
      NAT: rest.NAT + posted * MORE.nat,
      DynamoDB: writes + reads + keeps,
      "between zones": between,
      ...Object.fromEntries(["API Gateway, messages", "API Gateway, minutes", "egress"].map((what) => [what, gateway[what]])),
    },
  };
}

const sum = (parts) => Object.values(parts).reduce((a, b) => a + b, 0);
const STACKS = [
  { name: "BlueGreen, four tasks", ...blueGreen() },
  { name: "Ec2, two t3.small", ...servers(2, MORE.t3Small, 10, 7, 7) },
  { name: "Ec2S3, one t3.micro", ...alone(MORE.t3Micro, 10, 5, 7) },
  { name: "Ec2S3, `Balanced`", ...servers(2, MORE.t3Micro, 10, 9, 7, 0) },
  { name: "EcsEc2, two t3.micro", ...servers(2, MORE.t3Micro, 30, 7, 0) },
  { name: "Serverless", rest: { alarms: 9 * MORE.alarm }, busy: serverless() },
];

const lines = ["| | at rest | with 10,000 people | of it |", "|---|---|---|---|"];
for (const { name, rest, busy } of STACKS) {
  const parts = Object.entries(busy).filter(([, cost]) => cost >= 1).map(([what, cost]) => `${what} ${dollars(cost)}`);
  lines.push(`| ${name} | ${dollars(sum(rest))} | ${dollars(sum(busy))} | ${parts.join(", ")} |`);
}
const table = lines.join("\n");

if (process.argv[2] === "--check") {
  const old = !readFileSync(process.argv[3], "utf8").includes(table);
  if (old) console.error(`${process.argv[3]}: the table of costs is old: node deploy/aws/cost.mjs`);
  process.exitCode = old ? 1 : 0;
} else {
  console.log(table);
}
