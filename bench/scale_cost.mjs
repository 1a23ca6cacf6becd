#!/usr/bin/env node
// What Polylog needs beyond one machine, and what that costs: the model of docs/scale.md.
//
//     node bench/scale_cost.mjs        (or: make scale, which counts first)
//
// Every figure is one of four kinds: COUNTED in the simulator (make scale), MEASURED on
// one machine (docs/performance.md, bench/nodes.mjs), a LIMIT that Amazon documents, or an
// ASSUMED habit of people. Change one and run it again.

const COUNTED = {
    putsPerMessage: 1.0, // where no two messages of a room fall into one put
    entryBytes: 123, // of a message of 100 characters
    resumeLogReads: 1.74, // of the store, for one connection that comes back to another node
    resumeRecordReads: 0.92,
};
const MEASURED = {
    deliveryUs: 4.5, // CPU of one send to one follower
    joinedUs: 0.3, // of each further entry in the same send
    connectUs: 40, // CPU of a connection opened, authenticated, joined
    connectionBytes: 600,
    redisPublishUs: 0.9, // CPU of Redis for one message published
    redisHeardUs: 0.2, // and for each node that hears it
};
const LIMIT = {
    partitionWrites: 1000, // a second and partition: a room is one
    partitionReads: 3000,
    tableUnits: 40000, // reads or writes a second and table, by default
};
const ASSUMED = {
    perNode: 50000, // connections: a share that may be lost at once, not what fits
    spare: 1.3,
    peak: 3, // times the average
    roomFollowers: 20,
    wireBytes: 512, // of a delivery, with TLS and TCP
    itemBytes: 250, // of a message in the table, with its attributes
    pagesPerDay: 20, // of history, for each person
    pageUnits: 2, // read units: 50 messages in 8 KiB, strongly consistent
    readEvery: 60, // seconds between two read positions of one person and room
    zones: 3,
    backoff: 10, // seconds over which those who lost their connection come back
};
// us-east-1, on demand; sources: the price table of the notes on AWS in docs/scale.md.
const PRICE = {
    write: 0.625e-6,
    read: 0.125e-6,
    gigabyteMonth: 0.25,
    node: 0.0816 * 730, // m7g.large
    redisNode: 0.1296 * 730, // cache.m7g.large, list price; to be checked
    balancerHour: 0.0225,
    lcuHour: 0.008,
    egress: [
        [100, 0],
        [10_240, 0.09],
        [51_200, 0.085],
        [153_600, 0.07],
        [Infinity, 0.05],
    ],
};
const DAY = 86400;
const MONTH = 30.4 * DAY;

const classes = [
    { name: '10 k', online: 10_000, perDay: 5e6 },
    { name: '1 M, quiet', online: 1_000_000, perDay: 50e6 },
    { name: '1 M, busy', online: 1_000_000, perDay: 500e6 },
    { name: '10 M', online: 10_000_000, perDay: 5e9 },
];

function egress(gigabytes) {
    let cost = 0;
    let from = 0;
    for (const [to, price] of PRICE.egress) {
        cost += Math.max(0, Math.min(gigabytes, to) - from) * price;
        from = to;
    }
    return cost;
}

// Nodes that have at least one of the room's followers, but for the sender's own.
function others(nodes) {
    return nodes * (1 - (1 - 1 / nodes) ** ASSUMED.roomFollowers) - 1;
}

function model({ name, online, perDay }) {
    const nodes = Math.max(2, Math.ceil((online / ASSUMED.perNode) * ASSUMED.spare));
    const rate = perDay / DAY;
    const deliveries = rate * ASSUMED.roomFollowers;
    const heard = Math.max(0, others(nodes));
    const redisUs = MEASURED.redisPublishUs + heard * MEASURED.redisHeardUs;
    const redisShards = Math.max(1, Math.ceil((rate * ASSUMED.peak * redisUs) / 1e6 / 0.5));
    const positions = Math.min(deliveries, online / ASSUMED.readEvery);
    const writes = rate * COUNTED.putsPerMessage + positions;
    const reads = (online * ASSUMED.pagesPerDay * ASSUMED.pageUnits) / DAY;
    const lost = online / ASSUMED.zones;
    const stormReads = (lost * (COUNTED.resumeLogReads + COUNTED.resumeRecordReads)) / ASSUMED.backoff;
    const survivors = Math.ceil((nodes * (ASSUMED.zones - 1)) / ASSUMED.zones);
    const gigabytes = (rate * MONTH * ASSUMED.itemBytes) / 2 ** 30;
    const out = (deliveries * MONTH * ASSUMED.wireBytes) / 2 ** 30;
    const lcu = Math.max(online / 3000, (deliveries * ASSUMED.wireBytes * 3600) / 2 ** 30);
    const cost = {
        writes: writes * MONTH * PRICE.write,
        reads: reads * MONTH * PRICE.read,
        keeps: gigabytes * PRICE.gigabyteMonth,
        nodes: nodes * PRICE.node,
        redis: redisShards * 2 * PRICE.redisNode,
        balancer: 730 * (PRICE.balancerHour + lcu * PRICE.lcuHour),
        egress: egress(out),
    };
    return { name, online, nodes, rate, deliveries, heard, redisUs, redisShards, positions, writes,
        reads, lost, stormReads, survivors, gigabytes, out, cost };
}

const whole = (n) => Math.round(n).toLocaleString('en-US');
const rough = (n) => (n < 10 ? n.toFixed(1) : whole(n));
const dollars = (n) => `$${whole(n < 100 ? n : Number(n.toPrecision(3)))}`;

function table(rows, columns) {
    console.log(`| |${columns.map(({ name }) => ` ${name} |`).join('')}`);
    console.log(`|---|${columns.map(() => '---|').join('')}`);
    for (const [what, show] of rows)
        console.log(`| ${what} |${columns.map((c) => ` ${show(c)} |`).join('')}`);
    console.log();
}

const models = classes.map(model);
const cpu = (m) => (m.deliveries * ASSUMED.peak * MEASURED.deliveryUs) / 1e6 / m.nodes;

console.log('## Load\n');
table([
    ['messages a second, average', (m) => rough(m.rate)],
    ['deliveries a second, average', (m) => whole(m.deliveries)],
    [`nodes of ${whole(ASSUMED.perNode)} connections, with ${ASSUMED.spare} × spare`, (m) => whole(m.nodes)],
    ['CPU for deliveries on each, at the peak, cores', (m) => cpu(m).toFixed(2)],
    ['other nodes that hear a message', (m) => m.heard.toFixed(1)],
    ['CPU of Redis for a message, µs', (m) => m.redisUs.toFixed(1)],
    ['shards of Redis, half used at the peak', (m) => m.redisShards],
    ['writes a second, average (of them read positions)', (m) => `${whole(m.writes)} (${whole(m.positions)})`],
    ['writes a second at the peak, of the default for a table', (m) =>
        `${((m.writes * ASSUMED.peak) / LIMIT.tableUnits).toFixed(2)} ×`],
    ['kept in a month, GiB', (m) => whole(m.gigabytes)],
], models);

console.log('## A zone is lost\n');
table([
    ['connections that come back', (m) => whole(m.lost)],
    ['nodes left', (m) => m.survivors],
    [`connections a second at each, over ${ASSUMED.backoff} s`, (m) =>
        whole(m.lost / m.survivors / ASSUMED.backoff)],
    ['CPU for them at each, cores', (m) =>
        ((m.lost / m.survivors / ASSUMED.backoff) * MEASURED.connectUs / 1e6).toFixed(2)],
    ['reads a second', (m) => whole(m.stormReads)],
    ['of the default for a table', (m) => `${(m.stormReads / LIMIT.tableUnits).toFixed(2)} ×`],
    ['seconds over which to spread them to stay within half of it', (m) =>
        whole(Math.max(1, (m.stormReads * ASSUMED.backoff) / (LIMIT.tableUnits / 2)))],
], models);

console.log('## Dollars a month\n');
table([
    ...['writes', 'reads', 'keeps', 'nodes', 'redis', 'balancer', 'egress'].map((what) =>
        [what === 'keeps' ? 'what a month adds to keep' : what, (m) => dollars(m.cost[what])]),
    ['**in all**', (m) => `**${dollars(Object.values(m.cost).reduce((a, b) => a + b, 0))}**`],
], models);

console.log('## One room\n');
const bytesLimit = (LIMIT.partitionWrites * 1024) / COUNTED.entryBytes;
const rooms = [10_000, 1_000_000, 10_000_000].map((followers) => ({ name: `${whole(followers)} followers`,
    followers, nodes: Math.ceil(followers / ASSUMED.perNode) }));
table([
    ['nodes that follow it', (r) => r.nodes],
    ['puts, doorbells, nodes that hear a message', (r) => `1, 1, ${r.nodes - 1}`],
    ['CPU of each node for one message, s', (r) =>
        ((r.followers / r.nodes) * MEASURED.deliveryUs / 1e6).toFixed(3)],
    ['messages a second that half of two cores show singly', (r) =>
        rough(1e6 / ((r.followers / r.nodes) * MEASURED.deliveryUs))],
    ['and 16 joined in a send', (r) => rough(16e6 /
        ((r.followers / r.nodes) * (MEASURED.deliveryUs + 15 * MEASURED.joinedUs)))],
    ['writes of its partition: entries a second at most', () => whole(bytesLimit)],
], rooms);
