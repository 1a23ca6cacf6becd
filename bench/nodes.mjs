#!/usr/bin/env node
// What a second node costs: how much later its people are shown a message, and what a
// delivery costs there, beside a node that is alone. Two nodes on one DynamoDB and a real
// redis-server, and one on SQLite, all on this machine.
//
//     make bench-nodes               (node bench/nodes.mjs; 6 minutes)
//
//   ROUNDS=3   EACH_S=4, of one run   RATE=1000, of the latency's messages a second
//   DELAY and ENDPOINT: bench/world.mjs
//
// Between nodes: of each message, when a follower at the other node was shown it less when
// one at the sender's node was, both in one process. The store's share, which all wait for,
// is in the acknowledgement, not in that. Costs: CPU time of the node (user and system) by
// what its followers were shown; the kinds take turns, medians of the rounds.
import { loadavg } from 'node:os';
import { sleep } from '../tests/integration/lib/suite.mjs';
import { bench, env, median, withWorld } from './world.mjs';

const rounds = env('ROUNDS', 3);
const seconds = env('EACH_S', 4);
const rate = env('RATE', 1000);
const goals = { p99: 3, ratio: 1.2 };
const plans = [
    { rooms: 1, followers: 1000, rate: 50 },
    { rooms: 1, followers: 100, rate: 300 },
    { rooms: 1, followers: 10, rate: 1000 },
    { rooms: 200, followers: 200, rate: 1000 },
];

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];

// When a follower at the node was shown each seq.
async function follower(node, room) {
    const person = await node.person(`follower${node.port}`);
    const shown = new Map();
    person.socket.on('message', (data) => {
        const now = performance.now();
        const seq = /^\{"event":"message".*?"seq":(\d+)/.exec(data);
        if (seq !== null) shown.set(Number(seq[1]), now);
    });
    await person.call('join', { room, last: 0 });
    return { person, shown };
}

async function latency([a, b], prefix) {
    const sender = bench(a, prefix, ['--connections', 1, '--rate', rate, '--window', 256,
        '--duration', `${seconds + 1}s`, '--warmup', '500ms']);
    await sleep(500);
    const [here, there] = [await follower(a, `${prefix}-00000`), await follower(b, `${prefix}-00000`)];
    const { ack } = await sender;
    await sleep(500);
    const late = [...there.shown].filter(([seq]) => here.shown.has(seq))
        .map(([seq, at]) => at - here.shown.get(seq)).sort((x, y) => x - y);
    here.person.kill();
    there.person.kill();
    if (late.length < rate * seconds * 0.9) throw new Error(`only ${late.length} messages were shown`);
    return { n: late.length, p50: percentile(late, 0.5), p99: percentile(late, 0.99),
        max: late.at(-1), ack: ack.p50 / 1000, ack99: ack.p99 / 1000 };
}

// CPU of `at` in us for each delivery to its followers, while somebody sends at `from`; and
// which part of their rate the machine let the senders reach.
async function cost(at, from, prefix, plan) {
    const sender = bench(from, prefix, ['--connections', plan.rooms, '--rooms', plan.rooms,
        '--rate', plan.rate, '--window', 256, '--duration', `${seconds + 3}s`, '--warmup', 0]);
    await sleep(500);
    const crowd = await bench(at, prefix, ['--connections', plan.followers, '--rooms', plan.rooms,
        '--publishers', 0, '--warmup', '500ms', '--duration', `${seconds}s`], at);
    await sender;
    return { us: crowd.server.us_per_delivery,
        share: (crowd.deliveries_per_s * plan.rooms) / (plan.rate * plan.followers) };
}

const kinds = { alone: 'alone, SQLite', own: "the sender's", other: 'the other' };

// Each round has all kinds, one behind the other; medians of the rounds, also of their ratio.
async function costs({ alone, nodes: [a, b] }, plan, i) {
    const seen = { alone: [], own: [], other: [] };
    for (let round = 0; round < rounds; round++) {
        seen.alone.push(await cost(alone, alone, `one${i}${round}`, plan));
        seen.own.push(await cost(a, a, `own${i}${round}`, plan));
        seen.other.push(await cost(b, a, `two${i}${round}`, plan));
    }
    const of = Object.fromEntries(Object.keys(kinds).map((kind) =>
        [kind, median(seen[kind].map(({ us }) => us))]));
    const share = Math.min(...Object.values(seen).flat().map((one) => one.share));
    return { plan, ...of, share, ratio: median(seen.other.map(({ us }, k) => us / seen.alone[k].us)) };
}

// One room of one node: how many messages share a put, and what that does to each.
async function batches(node, rate) {
    const appends = async () => (await node.metrics())('polylog_store_appends_total');
    const before = await appends();
    const { total, ack, server } = await bench(node, `put${rate}`, ['--connections', 1, '--rate', rate,
        '--window', 256, '--duration', `${seconds}s`, '--warmup', '500ms'], node);
    return `| ${rate} | ${(((await appends()) - before) / total.acks).toFixed(2)} | ` +
        `${(ack.p50 / 1000).toFixed(1)}, ${(ack.p99 / 1000).toFixed(1)} | ${server.us_per_delivery.toFixed(0)} |`;
}

function report(late, table) {
    const p99 = median(late.map((one) => one.p99));
    const worst = Math.max(...table.map((row) => row.ratio));
    const show = (of) => median(late.map(of)).toFixed(2);
    console.log(`load ${loadavg()[0].toFixed(1)} at the end, ${rounds} rounds of ${seconds} s`);
    console.log(`\n| ${rate} messages/s | p50 ms | p99 ms | most ms |\n|---|---|---|---|`);
    console.log(`| later at the other node | ${show((o) => o.p50)} | ${p99.toFixed(2)} | ` +
        `${show((o) => o.max)} |`);
    console.log(`| acknowledged, the store included | ${show((o) => o.ack)} | ${show((o) => o.ack99)} | |`);
    console.log(`\n| rooms, their followers, messages/s | ${Object.values(kinds).join(' | ')} | ratio | of the rate |\n` +
        `|---|${'---|'.repeat(5)}`);
    for (const { plan, ratio, share, ...of } of table)
        console.log(`| ${plan.rooms}, ${plan.followers}, ${plan.rate} | ` +
            `${Object.keys(kinds).map((kind) => of[kind].toFixed(2)).join(' | ')} | ${ratio.toFixed(2)} | ` +
            `${(100 * Math.min(share, 1)).toFixed(0)} % |`);
    const verdict = (ok) => (ok ? 'met' : 'MISSED');
    console.log(`\nbetween nodes <= ${goals.p99} ms at p99: ${p99.toFixed(2)}, ${verdict(p99 <= goals.p99)}`);
    console.log(`a delivery at the other node <= ${goals.ratio} x one node's: at most ${worst.toFixed(2)}, ` +
        verdict(worst <= goals.ratio));
    return p99 <= goals.p99 && worst <= goals.ratio;
}

await withWorld(2, async (world) => {
    const late = [];
    const table = [];
    world.alone = await world.add();
    for (let i = 0; i < rounds; i++) late.push(await latency(world.nodes, `lat${i}`));
    for (const [i, plan] of plans.entries()) table.push(await costs(world, plan, i));
    process.exitCode = report(late, table) ? 0 : 1;
    console.log('\n| messages/s | puts a message | acknowledged p50, p99 ms | CPU a message, us |\n|---|---|---|---|');
    for (const each of [200, 1000, 4000]) console.log(await batches(world.nodes[0], each));
});
