#!/usr/bin/env node
// What Polylog needs beyond one machine, and what that costs: the model of docs/scale.md.
//
//     node bench/scale_cost.mjs        (or: make scale, which counts first)
//
// Every figure is one of four kinds: COUNTED in the simulator (make scale) or from the
// source, MEASURED on one machine (docs/performance.md, bench/nodes.mjs), a LIMIT that
// Amazon documents, or an ASSUMED habit of people. Change one and run it again.
//
//     node bench/scale_cost.mjs --check docs/scale.md     every table is there as it is here
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const COUNTED = {
    putsPerMessage: 1.0, // where no two messages of a room fall into one put
    entryBytes: 123, // of a message of 100 characters
    itemBytes: 53, // of an item's other names and values: room, seq, n, nonce, rev, entries
    resumeLogReads: 1.93, // of the store, for one connection that comes back to another node
    resumeRecordReads: 0.97,
    presenceEvery: 140, // seconds between two casts of a node for a room where nothing changes
};
const MEASURED = {
    deliveryUs: 4.5, // CPU of one send to one follower
    joinedUs: 0.3, // of each further entry in the same send
    connectUs: 40, // CPU of a connection opened, authenticated, joined
    heardUs: 7, // CPU of a node for one doorbell with its delivery, where thousands come a second
    redisPublishUs: 0.9, // CPU of Redis for one message published
    redisHeardUs: 0.2, // and for each node that hears it
};
const LIMIT = {
    partitionWrites: 1000, // units a second and partition: a room is one
    partitionReads: 3000,
    tableUnits: 40000, // reads or writes a second and table, by default
    newTableWrites: 4000, // what a new table on demand gives at once
    newTableReads: 12000,
    storedItem: 100, // bytes that are billed for each item besides its own
};
const ASSUMED = {
    perNode: 50000, // connections: a share that may be lost at once, not what fits
    spare: 1.3,
    peak: 3, // times the average
    roomFollowers: 20,
    roomsEach: 5, // that a connection follows
    wireBytes: 512, // of a delivery, with TLS and TCP
    castBytes: 256, // of a cast: how far somebody has read
    busBytes: 400, // of a doorbell, with its channel, TLS and TCP
    pagesPerDay: 20, // of history, for each person
    readEvery: 60, // seconds between two read positions of one person and room
    zones: 3,
    backoff: 10, // seconds over which those who lost their connection come back
};
// Dollars, us-east-1, on demand; docs/scale.md says where and when each was seen.
export const PRICE = {
    write: 0.625e-6,
    read: 0.125e-6,
    gigabyteMonth: 0.25 + 0.2, // kept, and recovery to a point in time
    node: 0.0816 * 730, // m7g.large
    redisNode: 0.15 * 730, // cache.m7g.large
    balancerHour: 0.0225,
    lcuHour: 0.008,
    betweenZones: 0.02, // a GB, both ways
    egress: [
        [100, 0],
        [10_240, 0.09],
        [51_200, 0.085],
        [153_600, 0.07],
        [Infinity, 0.05],
    ],
};
const DAY = 86400;
export const MONTH = 30.4 * DAY;

export const classes = [
    { name: '10 k', online: 10_000, perDay: 5e6 },
    { name: '1 M, quiet', online: 1_000_000, perDay: 50e6 },
    { name: '1 M, busy', online: 1_000_000, perDay: 500e6 },
    { name: '10 M', online: 10_000_000, perDay: 5e9 },
];

// The cost of an amount of which each part, up to some limit, has a price of its own.
export function tiers(amount, prices) {
    let cost = 0;
    let from = 0;
    for (const [to, price] of prices) {
        cost += Math.max(0, Math.min(amount, to) - from) * price;
        from = to;
    }
    return cost;
}

export const egress = (gigabytes) => tiers(gigabytes, PRICE.egress);

// Nodes that have at least one of the room's followers, but for the sender's own.
function others(nodes) {
    return nodes * (1 - (1 - 1 / nodes) ** ASSUMED.roomFollowers) - 1;
}

const item = COUNTED.entryBytes + COUNTED.itemBytes;
// Two aligned chunks of 64 messages, and what was changed in each of them.
const pageUnits = 2 * (Math.ceil((64 * item) / 4096) + 1);
const gibMonth = (perSecond, bytes) => (perSecond * MONTH * bytes) / 2 ** 30;

export function model({ name, online, perDay }) {
    const nodes = Math.max(2, Math.ceil((online / ASSUMED.perNode) * ASSUMED.spare));
    const rate = perDay / DAY;
    const deliveries = rate * ASSUMED.roomFollowers;
    const heard = Math.max(0, others(nodes));
    const rooms = (online * ASSUMED.roomsEach) / ASSUMED.roomFollowers;
    const casts = (rooms * (heard + 1)) / COUNTED.presenceEvery;
    const positions = Math.min(deliveries, online / ASSUMED.readEvery);
    const told = positions * ASSUMED.roomFollowers;
    const published = rate * ASSUMED.peak + casts + positions; // a second, at the peak
    const redisUs = MEASURED.redisPublishUs + heard * MEASURED.redisHeardUs;
    const redisShards = Math.max(1, Math.ceil((published * redisUs) / 1e6 / 0.5));
    const writes = rate * COUNTED.putsPerMessage * Math.ceil(item / 1024) + positions;
    const reads = (online * ASSUMED.pagesPerDay * pageUnits) / DAY + positions;
    const lost = online / ASSUMED.zones;
    const stormReads = (lost * (COUNTED.resumeLogReads + COUNTED.resumeRecordReads)) / ASSUMED.backoff;
    const survivors = Math.ceil((nodes * (ASSUMED.zones - 1)) / ASSUMED.zones);
    const gigabytes = gibMonth(rate, item + LIMIT.storedItem);
    const out = gibMonth(deliveries, ASSUMED.wireBytes) + gibMonth(told, ASSUMED.castBytes);
    const between = (gibMonth((rate + casts + positions) * (1 + heard), ASSUMED.busBytes) * (ASSUMED.zones - 1)) / ASSUMED.zones;
    const lcu = Math.max(online / 3000, (out / MONTH) * 3600);
    const cost = {
        writes: writes * MONTH * PRICE.write,
        reads: reads * MONTH * PRICE.read,
        keeps: gigabytes * PRICE.gigabyteMonth,
        nodes: nodes * PRICE.node,
        redis: redisShards * 2 * PRICE.redisNode,
        between: between * PRICE.betweenZones,
        balancer: 730 * (PRICE.balancerHour + lcu * PRICE.lcuHour),
        egress: egress(out),
    };
    return { name, online, nodes, rate, deliveries, told, heard, casts, published, redisUs, redisShards, positions,
        writes, reads, lost, stormReads, survivors, gigabytes, cost };
}

const whole = (n) => Math.round(n).toLocaleString('en-US');
const rough = (n) => (n < 10 ? n.toFixed(1) : whole(n));
export const dollars = (n) => `$${whole(n < 100 ? n : Number(n.toPrecision(3)))}`;

const tables = [];

function table(what, rows, columns) {
    const lines = [`| |${columns.map(({ name }) => ` ${name} |`).join('')}`,
        `|---|${columns.map(() => '---|').join('')}`,
        ...rows.map(([row, show]) => `| ${row} |${columns.map((c) => ` ${show(c)} |`).join('')}`)];
    tables.push({ what, text: lines.join('\n') });
}

const models = classes.map(model);
const cpu = (m) => ((m.deliveries * ASSUMED.peak + m.told) * MEASURED.deliveryUs) / 1e6 / m.nodes;
const heardBy = (m) => (m.published * m.heard) / m.nodes;

table('Load', [
    ['messages a second, average', (m) => rough(m.rate)],
    ['deliveries a second, average', (m) => whole(m.deliveries)],
    ['casts of how far somebody has read, shown a second', (m) => whole(m.told)],
    [`nodes of ${whole(ASSUMED.perNode)} connections, with ${ASSUMED.spare} × spare`, (m) => whole(m.nodes)],
    ['CPU for both on each, at the peak, cores', (m) => cpu(m).toFixed(2)],
    ['other nodes that hear a message', (m) => m.heard.toFixed(1)],
    ['casts of who is present, a second', (m) => whole(m.casts)],
    ['doorbells and casts that a node hears a second, at the peak', (m) => whole(heardBy(m))],
    ['CPU of it for them, cores', (m) => ((heardBy(m) * MEASURED.heardUs) / 1e6).toFixed(2)],
    ['CPU of Redis for each, µs', (m) => m.redisUs.toFixed(1)],
    ['shards of Redis, half used at the peak', (m) => m.redisShards],
    ['writes a second, average (of them read positions)', (m) => `${whole(m.writes)} (${whole(m.positions)})`],
    ['writes a second at the peak, of the default for a table', (m) =>
        `${((m.writes * ASSUMED.peak) / LIMIT.tableUnits).toFixed(2)} ×`],
    ['and of what a new table gives at once', (m) =>
        `${((m.writes * ASSUMED.peak) / LIMIT.newTableWrites).toFixed(1)} ×`],
    ['kept in a month, GiB', (m) => whole(m.gigabytes)],
], models);

table('A zone is lost', [
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

const NAMES = { keeps: 'what a month adds to keep', between: 'between zones', redis: 'Redis' };
table('Dollars a month', [
    ...['writes', 'reads', 'keeps', 'nodes', 'redis', 'between', 'balancer', 'egress'].map((what) =>
        [NAMES[what] ?? what, (m) => dollars(m.cost[what])]),
    ['**in all**', (m) => `**${dollars(Object.values(m.cost).reduce((a, b) => a + b, 0))}**`],
], models);

// Each put is rounded up to whole units: half a unit each, of what 5 ms apart allows.
const PUTS = 200;
const bytesLimit = ((LIMIT.partitionWrites - PUTS / 2) * 1024 - PUTS * COUNTED.itemBytes) / COUNTED.entryBytes;
const rooms = [10_000, 1_000_000, 10_000_000].map((followers) => ({ name: `${whole(followers)} followers`,
    followers, nodes: Math.ceil(followers / ASSUMED.perNode) }));
const share = (r) => r.followers / r.nodes;
table('One room', [
    ['nodes that follow it', (r) => r.nodes],
    ['puts, doorbells, nodes that hear a message', (r) => `1, 1, ${r.nodes - 1}`],
    ['CPU of each node for one message, s', (r) => ((share(r) * MEASURED.deliveryUs) / 1e6).toFixed(3)],
    ['messages a second that half of two cores show singly', (r) => rough(1e6 / (share(r) * MEASURED.deliveryUs))],
    ['and 16 joined in a send', (r) =>
        rough(16e6 / (share(r) * (MEASURED.deliveryUs + 15 * MEASURED.joinedUs)))],
    ['writes of its partition: entries a second at most', () => whole(bytesLimit)],
], rooms);

const put = (bytes) => Math.ceil((bytes + COUNTED.itemBytes) / 1024);
table('One put', [100, 1000, 4000, 400_000].map((n) => [
    `text of ${whole(n)} bytes`, (c) => c.of(n),
]), [
    { name: 'units alone', of: (n) => put(n + 23) },
    { name: 'a second and room, alone', of: (n) => rough(LIMIT.partitionWrites / put(n + 23)) },
    { name: 'entries in a full item', of: (n) => whole(Math.min(256, Math.ceil(262_144 / (n + 23)))) },
    { name: 'a second and room, in full items', of: (n) => {
        const entries = Math.min(256, Math.ceil(262_144 / (n + 23)));
        const units = put(entries * (n + 23)) * (entries * (n + 23) > 407_552 ? 2 : 1);
        return rough((LIMIT.partitionWrites / units) * entries);
    } },
]);

if (process.argv[1] !== fileURLToPath(import.meta.url)) {
    // what imports it wants the model alone
} else if (process.argv[2] === '--check') {
    const text = readFileSync(process.argv[3], 'utf8');
    const old = tables.filter((one) => !text.includes(one.text));
    for (const { what } of old) console.error(`${process.argv[3]}: the table "${what}" is old: node bench/scale_cost.mjs`);
    process.exitCode = old.length > 0 ? 1 : 0;
} else {
    for (const { what, text } of tables) console.log(`## ${what}\n\n${text}\n`);
}
