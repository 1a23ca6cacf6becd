#!/usr/bin/env node
// What people see when many follow one room at several nodes, and when a node dies under
// its people: short runs, all on this machine, over the model of DynamoDB and a real Redis.
//
//     make bench-crowds              (node bench/crowds.mjs; 2 minutes)
//
//   READERS=20000   RATES=1,4,16, messages a second   BACK=6000, people when a node dies
//   EACH_S=6, of one run   DELAY and ENDPOINT: bench/world.mjs
//
// Needs haproxy, which stands for the balancer, and 20,000 descriptors for a process.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../tests/integration/lib/server.mjs';
import { sleep, until } from '../tests/integration/lib/suite.mjs';
import { bench, env, withWorld } from './world.mjs';

const readers = env('READERS', 20000);
const back = env('BACK', 6000);
const seconds = env('EACH_S', 6);
const rates = (process.env.RATES || '1,4,16').split(',').map(Number);
const NODES = 3;

const ms = (us) => (us / 1000).toFixed(us < 10_000 ? 1 : 0);
const sum = (list, of) => list.reduce((n, one) => n + of(one), 0);
const most = (list, of) => Math.max(...list.map(of));

// One room, its readers divided among the nodes, one of whose people writes.
async function celebrity(nodes, rate) {
    const prefix = `star${rate}`;
    const crowds = nodes.map((node) => bench(node, prefix, ['--connections', Math.floor(readers / NODES),
        '--people', 1000, '--publishers', 0, '--warmup', '3s', '--duration', `${seconds}s`], node));
    await sleep(2000 + readers / 4);
    await bench(nodes[0], prefix, ['--connections', 1, '--rate', rate, '--window', 256, '--warmup', 0,
        '--duration', `${seconds + 10}s`]);
    const seen = await Promise.all(crowds);
    return { rate, shown: sum(seen, (one) => one.deliveries_per_s),
        p50: seen.map((one) => ms(one.latency.p50)).join(', '), p99: ms(most(seen, (one) => one.latency.p99)),
        max: ms(most(seen, (one) => one.latency.max)), cpu: most(seen, (one) => one.server.cpu),
        lost: sum(seen, (one) => one.missing + one.total.gaps), twice: sum(seen, (one) => one.total.repeats) };
}

async function startBalancer(world) {
    const dir = mkdtempSync(path.join(tmpdir(), 'polylog-bench-'));
    const port = await freePort();
    writeFileSync(path.join(dir, 'cfg'), `global
  maxconn 9000
defaults
  mode http
  retries 3
  option redispatch 1
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend front
  bind 127.0.0.1:${port}
  default_backend nodes
backend nodes
  balance roundrobin
  default-server inter 1s fall 2 rise 1
${world.nodes.map((node, i) => `  server n${i} 127.0.0.1:${node.port} check`).join('\n')}
`);
    const child = spawn('haproxy', ['-db', '-f', path.join(dir, 'cfg')], { stdio: 'ignore' });
    await new Promise((resolve, reject) => {
        child.once('error', reject);
        setTimeout(resolve, 2000);
    });
    world.ends.push(() => {
        child.kill();
        rmSync(dir, { recursive: true });
    });
    return { port };
}

// Rooms of 20 at three nodes behind a balancer; one of the nodes is killed.
async function storm(world) {
    const balancer = await startBalancer(world);
    const run = bench(balancer, 'storm', ['--connections', back, '--rooms', back / 20, '--rate', 100,
        '--window', 64, '--warmup', '5s', '--duration', `${seconds + 6}s`]);
    const open = async () => sum(await Promise.all(world.nodes.map((node) => node.metrics())),
        (of) => of('polylog_cursors'));
    await until('everybody is there', async () => (await open()) >= back, 60_000);
    await sleep(7000);
    await world.nodes[2].stop('SIGKILL');
    return run;
}

await withWorld(NODES, async (world) => {
    console.log(`${readers} readers of one room at ${NODES} nodes, ${seconds} s each\n\n` +
        '| messages/s | shown/s | p50 ms at each node | p99 ms | longest ms | CPU of a node | lost, twice |\n' +
        `|${'---|'.repeat(7)}`);
    for (const rate of rates) {
        const r = await celebrity(world.nodes, rate);
        console.log(`| ${r.rate} | ${Math.round(r.shown).toLocaleString('en-US')} | ${r.p50} | ${r.p99} | ${r.max} | ` +
            `${r.cpu.toFixed(2)} | ${r.lost}, ${r.twice} |`);
    }
    const seen = await storm(world);
    console.log(`\n${back} people in rooms of 20 behind a balancer, one of ${NODES} nodes killed: ` +
        `${seen.back.n} came back within p50 ${seen.back.p50}, p99 ${seen.back.p99}, at most ${seen.back.max} ms; ` +
        `${seen.missing + seen.total.gaps} messages lost, ${seen.total.repeats} shown twice`);
    console.log(`load ${loadavg()[0].toFixed(1)} at the end`);
});
