#!/usr/bin/env node
// Two nodes on a DynamoDB emulator and a real Redis: how much later those at the other
// node are shown a message, and what a delivery costs there, beside one node alone.
//
//     node bench/nodes.mjs            RATE=1000  SECONDS=10  FOLLOWERS=1000
//
// Latency is the difference between two followers of one process, one at each node, so
// that the store's share, which both have, is not in it.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { startDynamo } from '../tests/emulators/lib/dynamo.mjs';
import { Redis } from '../tests/cluster/redis.mjs';
import { PROGRAM, Server } from '../tests/integration/lib/server.mjs';
import { sleep } from '../tests/integration/lib/suite.mjs';

const rate = Number(process.env.RATE || 1000);
const seconds = Number(process.env.SECONDS || 10);
const followers = Number(process.env.FOLLOWERS || 1000);
const secret = 'one secret that all the nodes share';

function bench(node, args) {
    const all = ['bench', `ws://127.0.0.1:${node.port}/ws`, '--json', '-', ...args.map(String)];
    const child = spawn(PROGRAM, all, { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.on('data', (chunk) => { text += chunk; });
    return new Promise((resolve) => child.once('close', () =>
        resolve(JSON.parse(text.slice(text.indexOf('{"plan'))))));
}

function cpuMs({ pid }) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
}

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];

// When a follower at the node was shown each seq.
async function follower(node, room) {
    const person = await node.person(`follower${node.port}`);
    const shown = new Map();
    person.socket.on('message', (data) => {
        const now = performance.now();
        const frame = JSON.parse(data);
        if (frame.event === 'message') shown.set(frame.seq, now);
    });
    await person.call('join', { room });
    return { person, shown };
}

async function latency([a, b]) {
    const prefix = 'lat';
    const sender = bench(a, ['--connections', 1, '--rate', rate, '--window', 256, '--name-prefix',
        prefix, '--duration', `${seconds}s`, '--warmup', '1s']);
    await sleep(500);
    const room = await roomOf(a, prefix);
    const [here, there] = [await follower(a, room), await follower(b, room)];
    await sender;
    await sleep(500);
    const late = [...there.shown].filter(([seq]) => here.shown.has(seq))
        .map(([seq, at]) => at - here.shown.get(seq)).sort((x, y) => x - y);
    here.person.kill();
    there.person.kill();
    return { n: late.length, p50: percentile(late, 0.5), p99: percentile(late, 0.99),
        max: late.at(-1) };
}

// The bench's room, by what its people follow.
async function roomOf(node, prefix) {
    const text = execFileSync(PROGRAM, ['bench', '--help'], { encoding: 'utf8' });
    if (!text.includes('--name-prefix')) throw new Error('bench has no --name-prefix');
    return `${prefix}-0`;
}

// CPU of `at` for each delivery to its followers, while somebody sends at `from`.
async function cost(at, from, prefix) {
    const more = ['--name-prefix', prefix, '--duration', `${seconds}s`, '--warmup', '2s'];
    const crowd = bench(at, ['--connections', followers, '--publishers', 0, ...more]);
    await sleep(1500);
    const sender = bench(from, ['--connections', 1, '--rate', 50, '--window', 64, ...more,
        '--duration', `${seconds + 4}s`]);
    await sleep(1500);
    const before = { cpu: cpuMs(at), n: (await at.metrics())('polylog_deliveries_total') };
    await sleep((seconds - 2) * 1000);
    const after = { cpu: cpuMs(at), n: (await at.metrics())('polylog_deliveries_total') };
    await crowd;
    await sender;
    return ((after.cpu - before.cpu) * 1000) / (after.n - before.n);
}

const dynamo = await startDynamo();
const redis = await Redis.start();
const env = { AWS_ENDPOINT_URL: `http://127.0.0.1:${dynamo.port}`, AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' };
const nodes = [];
try {
    execFileSync(PROGRAM, ['store', 'init'], { env: { ...process.env, ...env }, stdio: 'ignore' });
    while (nodes.length < 2)
        nodes.push(await Server.start({ workers: 1, store: 'dynamodb', 'token-secret': secret,
            bus: `redis://127.0.0.1:${redis.port}`, 'connects-burst': 0 }, { env }));
    const late = await latency(nodes);
    console.log(`between nodes, ${rate} messages/s: p50 ${late.p50.toFixed(2)} ms, ` +
        `p99 ${late.p99.toFixed(2)} ms, most ${late.max.toFixed(1)} ms, of ${late.n}`);
    const rounds = [];
    for (let i = 0; i < 3; i++)
        rounds.push({ alone: await cost(nodes[0], nodes[0], `one${i}`),
            other: await cost(nodes[1], nodes[0], `two${i}`) });
    const least = (what) => Math.min(...rounds.map((round) => round[what]));
    console.log(`CPU of a delivery to ${followers} followers, us: ${least('alone').toFixed(2)} where the ` +
        `sender is, ${least('other').toFixed(2)} at the other node: ` +
        `${(least('other') / least('alone')).toFixed(2)} x`);
} finally {
    for (const node of nodes) await node.close();
    await redis.close();
    await dynamo.stop();
}
