#!/usr/bin/env node
// The figures that the design promises, each beside the floor of the same minute:
//
//     node bench/run.mjs [scenario...]        (or: make bench)
//
// The server runs on one CPU and the load generator on another, both the same binary.
// Every figure is the least of ROUNDS runs, and floor and server take turns, so that
// what else the machine does hits both. Results: build/bench/*.json and table.md.
//
//   POLYLOG=build/polylog   the binary          ROUNDS=3       EACH_S=5, of one run
//   CPU_SERVER=0            CPU_BENCH=1         SLOW_S=60      IDLE=15000
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

// People of benchmarks come by a name alone.
process.env.POLYLOG_LOGIN ??= 'name';

const env = (name, otherwise) => process.env[name] || otherwise;
const polylog = path.resolve(env('POLYLOG', 'build/polylog'));
const rounds = Number(env('ROUNDS', 3));
const seconds = Number(env('EACH_S', 5));
const slow = Number(env('SLOW_S', 60));
const idle = Number(env('IDLE', 15000));
const cpuServer = env('CPU_SERVER', '0');
const cpuBench = env('CPU_BENCH', '1');
const port = Number(env('PORT', 18480));
const out = 'build/bench';

const timed = ['--duration', `${seconds}s`, '--warmup', '2s'];
const room = ['--connections', '1000', '--rooms', '1', ...timed];
const pairs = ['--connections', '2000', '--pairs', '--window-on', 'all', ...timed];
// goal: what us_per_delivery may be, as a multiple of the floor's.
const scenarios = {
    room: {
        what: 'a room of 1,000, nothing to be joined',
        bench: [...room, '--window', '1', '--window-on', 'all'],
        floor: [...room, '--window', '1'],
        goal: 1.1,
    },
    joined: {
        what: 'a room of 1,000, window of 16',
        bench: [...room, '--window', '16'],
        floor: [...room, '--window', '16', '--floor-join', '16'],
        goal: 1.2,
    },
    pairs: {
        what: '1,000 pairs, window of 1',
        bench: pairs,
        floor: pairs,
        goal: 2,
    },
    idle: {
        what: `${idle} idle connections that follow one room each`,
        bench: ['--connections', idle, '--rooms', Math.ceil(idle / 100), '--publishers', '0',
            '--duration', '2s', '--warmup', '0'],
        once: true,
    },
    resume: {
        what: '1,000 connections, 100 cut and resumed in each second',
        bench: [...room, '--rooms', '20', '--rate', '500', '--reconnects', '100'],
        once: true,
    },
    slow: {
        what: `a reader that stops for ${slow} s at 10,000 messages/s`,
        bench: ['--connections', '20', '--publishers', '10', '--rate', '10000', '--warmup', '1s',
            '--slow-readers', '1', '--slow-for', `${slow}s`, '--duration', `${slow + 1}s`],
        once: true,
    },
};

const lifted = ['--messages-per-user', '0', '--connects-per-address', '0', '--rooms-per-user', '0',
    '--connects-burst', '0', '--messages-burst', '0', '--log-level', 'warn'];

function connects() {
    return new Promise((done) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.on('connect', () => { socket.destroy(); done(true); });
        socket.on('error', () => done(false));
    });
}

async function serverStart() {
    const dir = mkdtempSync(path.join(tmpdir(), 'polylog-bench-'));
    const log = openSync(path.join(out, 'server.log'), 'a');
    const child = spawn('taskset', ['-c', cpuServer, polylog, 'serve', '--listen',
        `127.0.0.1:${port}`, '--data', dir, '--workers', '1', ...lifted],
    { stdio: ['ignore', log, log] });
    const gone = new Promise((done) => child.on('exit', done));
    let ended = false;
    gone.then(() => { ended = true; });
    const stop = async () => {
        child.kill('SIGKILL');
        await gone;
        rmSync(dir, { recursive: true, force: true });
    };
    for (let i = 0; i < 100; i++) {
        if (ended) break;
        if (await connects()) return { pid: child.pid, stop };
        await new Promise((done) => setTimeout(done, 50));
    }
    await stop();
    throw new Error(`the server does not listen; see ${out}/server.log`);
}

// The result of one run of the load generator; exit code 2: it ran, and found the server wanting.
function bench(name, args, limit_s) {
    const json = path.join(out, `${name}.json`);
    const all = ['bench', ...args.map(String), '--json', json, '--pin', cpuBench];
    rmSync(json, { force: true });
    try {
        execFileSync(polylog, all, { stdio: ['ignore', 'inherit', 'ignore'],
            timeout: limit_s * 1000 });
    } catch (e) {
        if (e.status !== 2) throw new Error(`${name}: polylog ${all.join(' ')}: ${e.message}`);
    }
    return JSON.parse(readFileSync(json, 'utf8'));
}

async function measured(name, s, round) {
    const server = await serverStart();
    try {
        const limit = 120 + seconds + (name === 'slow' ? 2 * slow : 0);
        return bench(`${name}.${round}`, [...s.bench, '--pid', server.pid,
            `ws://127.0.0.1:${port}/ws`], limit);
    } finally {
        await server.stop();
    }
}

const least = (results, of) => results.reduce((a, b) => (of(b) < of(a) ? b : a));

async function run(name, s) {
    const floors = [];
    const servers = [];
    for (let round = 1; round <= (s.once ? 1 : rounds); round++) {
        console.log(`\n# ${name}, round ${round}: ${s.what}`);
        if (s.floor)
            floors.push(bench(`${name}.floor.${round}`,
                [...s.floor, '--floor', '--pin-server', cpuServer], 60 + seconds));
        servers.push(await measured(name, s, round));
    }
    const floor = s.floor && least(floors, (r) => r.floor.us_per_delivery);
    return { name, s, floor, server: least(servers, (r) => r.server.us_per_delivery), servers };
}

const us = (v) => v.toFixed(v < 1 ? 3 : 2);
const ms = (v) => (v / 1000).toFixed(2);
const broken = (r) => r.total.gaps + r.total.repeats + r.missing;

function row({ name, s, floor, server, servers }) {
    const ratio = floor && server.server.us_per_delivery / floor.floor.us_per_delivery;
    const cells = [s.what, Math.round(server.deliveries_per_s),
        server.measured.deliveries > 0 ? us(server.server.us_per_delivery) : '',
        floor ? us(floor.floor.us_per_delivery) : '', ratio ? ratio.toFixed(2) : '',
        s.goal ?? '', ms(server.latency.p50), ms(server.latency.p99),
        server.server.us_per_connection.toFixed(1),
        name === 'idle' ? server.server.bytes_per_connection.toFixed(0) : '',
        servers.reduce((n, r) => n + broken(r), 0),
        servers.reduce((n, r) => n + r.total.errors, 0)];
    return `| ${cells.join(' | ')} |`;
}

const heads = ['scenario', 'deliveries/s', 'us CPU each', 'floor', 'ratio', 'goal', 'p50 ms', 'p99 ms',
    'us CPU a connection', 'bytes a connection', 'gaps, repeats, missing', 'errors'];

const wanted = process.argv.slice(2);
for (const name of wanted) {
    if (!(name in scenarios)) {
        console.error(`${name}: no such scenario; there are ${Object.keys(scenarios).join(', ')}`);
        process.exit(64);
    }
}
mkdirSync(out, { recursive: true });
const lines = [`| ${heads.join(' | ')} |`, `|${heads.map(() => '---|').join('')}`];
let failed = false;
for (const [name, s] of Object.entries(scenarios)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    try {
        const result = await run(name, s);
        failed = failed || result.servers.some((r) => broken(r) > 0);
        lines.push(row(result));
    } catch (e) {
        console.error(e.message);
        lines.push(`| ${s.what} | failed: ${e.message.split('\n')[0]} |`);
        failed = true;
    }
}
writeFileSync(path.join(out, 'table.md'), `${lines.join('\n')}\n`);
console.log(`\n${lines.join('\n')}`);
process.exit(failed ? 1 : 0);
