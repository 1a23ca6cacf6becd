#!/usr/bin/env node
// How long a start takes on a database that is full already, and a page of its history:
//
//     node bench/start.mjs DIR [requests]
//
// DIR holds what `polylog serve --data DIR` kept of a run of
// `polylog bench --name-prefix zz --rooms 100 ...`: the rooms zz-00000 to zz-00099 (ROOMS=n
// for fewer). Several starts; the pages over one connection, one after the other.
import { spawn } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';

// People of benchmarks come by a name alone.
process.env.POLYLOG_LOGIN ??= 'name';

const [dir, requests = '5000'] = process.argv.slice(2);
const polylog = process.env.POLYLOG || 'build/polylog';
const port = Number(process.env.PORT || 18490);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const ms = () => Number(process.hrtime.bigint()) / 1e6;

function connects() {
    return new Promise((done) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.on('connect', () => { socket.destroy(); done(true); });
        socket.on('error', () => done(false));
    });
}

function ask(method, path, headers = {}, body = '') {
    return new Promise((done, failed) => {
        const request = http.request({ agent, port, host: '127.0.0.1', method, path, headers }, (answer) => {
            let text = '';
            answer.setEncoding('utf8');
            answer.on('data', (part) => { text += part; });
            answer.on('end', () => done({ status: answer.statusCode, body: JSON.parse(text) }));
        });
        request.on('error', failed);
        request.end(body);
    });
}

async function start() {
    const began = ms();
    const server = spawn(polylog, ['serve', '--listen', `127.0.0.1:${port}`, '--data', dir,
        '--messages-per-user', '0', '--connects-per-address', '0', '--log-level', 'error'],
    { stdio: 'ignore' });
    while (!await connects())
        await new Promise((done) => setTimeout(done, 1));
    return { server, took: ms() - began };
}

function stop(server) {
    return new Promise((done) => { server.on('exit', done); server.kill('SIGTERM'); });
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
const starts = [];
for (let i = 0; i < 5; i++) {
    const { server, took } = await start();
    starts.push(took);
    await stop(server);
}
starts.sort((a, b) => a - b);
console.log(`start to serving: median ${quantile(starts, 0.5).toFixed(1)} ms, longest ${starts.at(-1).toFixed(1)} ms`);

const { server } = await start();
const login = await ask('POST', '/api/v1/login', {}, '{"name":"reader"}');
const headers = { authorization: `Bearer ${login.body.token}` };
const rooms = Array.from({ length: Number(process.env.ROOMS || 100) },
    (_, i) => `zz-${String(i).padStart(5, '0')}`);
const heads = [];
for (const room of rooms)
    heads.push((await ask('GET', `/api/v1/rooms/${room}/messages?limit=1`, headers)).body.head.seq);
const took = [];
for (let i = 0; i < Number(requests); i++) {
    const n = Math.floor(Math.random() * rooms.length);
    const before = 51 + Math.floor(Math.random() * heads[n]);
    const began = ms();
    const page = await ask('GET', `/api/v1/rooms/${rooms[n]}/messages?before=${before}&limit=50`, headers);
    took.push(ms() - began);
    if (page.status !== 200 || page.body.entries.length === 0)
        throw new Error(`no page: ${page.status}`);
}
took.sort((a, b) => a - b);
console.log(`a page of 50 messages, over HTTP, of ${heads.reduce((a, b) => a + b, 0)} entries: `
    + `p50 ${quantile(took, 0.5).toFixed(2)} ms, p99 ${quantile(took, 0.99).toFixed(2)} ms`);
await stop(server);
process.exit(0);
