// What benches of several nodes stand on: a store that all share, a Redis, nodes with one
// worker each, and runs of the load generator.
//
//   DELAY=0, ms that each request to the store takes besides
//   ENDPOINT=http://127.0.0.1:8000, a DynamoDB with its tables instead of bench/dynamo_serve
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Redis } from '../tests/cluster/redis.mjs';
import { PROGRAM, Server } from '../tests/integration/lib/server.mjs';

const MODEL = fileURLToPath(new URL('../build/cc-O2/bench/dynamo_serve', import.meta.url));
export const env = (name, otherwise) => Number(process.env[name] || otherwise);
export const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

export const FLAGS = {
    workers: 1, 'token-secret': 'a secret that all the nodes share', 'log-level': 'warn',
    'messages-per-user': 0, 'messages-burst': 0, 'connects-per-address': 0, 'connects-burst': 0,
    'presence-leave': null, 'read-every': null, 'drain-ms': null,
};

// The model says where it is when it is ready, and ends with its standard input.
async function startModel() {
    const child = spawn(MODEL, [`delay=${env('DELAY', 0)}`], { stdio: ['pipe', 'pipe', 'inherit'] });
    const line = await new Promise((resolve, reject) => {
        child.once('error', reject);
        child.stdout.once('data', (data) => resolve(String(data)));
    });
    return { endpoint: line.match(/http:\S+/)[0], close: () => child.stdin.end() };
}

// Runs `work` with a world of n nodes: { nodes, add() for one that is alone, ends: what
// closes it all, in the order of opening }.
export async function withWorld(n, work) {
    const world = { nodes: [], ends: [] };
    const add = async (flags, more) => {
        const node = await Server.start({ ...FLAGS, ...flags }, { env: more });
        world.ends.push(() => node.close());
        return node;
    };
    try {
        const store = process.env.ENDPOINT ? { endpoint: process.env.ENDPOINT, close() {} } : await startModel();
        world.ends.push(() => store.close());
        const redis = await Redis.start();
        world.ends.push(() => redis.close());
        const more = { AWS_ENDPOINT_URL: store.endpoint, AWS_REGION: 'us-east-1',
            AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' };
        while (world.nodes.length < n)
            world.nodes.push(await add({ store: 'dynamodb', bus: `redis://127.0.0.1:${redis.port}` }, more));
        world.add = () => add({}, {});
        return await work(world);
    } finally {
        for (const end of world.ends.reverse()) await end();
    }
}

// A run of the load generator against { port }: its report, if no promise was broken.
// `watch`: the node whose CPU counts.
export function bench({ port }, prefix, args, watch) {
    const all = ['bench', `ws://127.0.0.1:${port}/ws`, '--json', '-', '--name-prefix', prefix,
        ...args, ...(watch ? ['--pid', watch.pid] : [])];
    const child = spawn(PROGRAM, all.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let why = '';
    child.stderr.on('data', (chunk) => { why = (why + chunk).slice(-2000); });
    child.stdout.on('data', (chunk) => { text += chunk; });
    return new Promise((resolve, reject) => child.once('close', (code) => {
        const at = text.indexOf('{"plan"');
        if (code !== 0 || at < 0) reject(new Error(`polylog ${all.join(' ')}: exit code ${code}\n${why}`));
        else resolve(JSON.parse(text.slice(at)));
    }));
}
