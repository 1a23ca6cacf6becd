#!/usr/bin/env node
// What a server with many people and rooms makes its people wait for: pages of the directory
// and of people, and other people's messages while passwords are checked.
//
//     make bench-people              (node bench/people.mjs; 4 minutes)
//
//   USERS=100000   ROOMS=10000 public ones   REQUESTS=1000 of each page, one after the other
//   LOGINS=8 at once, each again when it is answered   EACH_S=10, of a run with messages
import { loadavg } from 'node:os';
import { Server } from '../tests/integration/lib/server.mjs';
import { bench, env } from './world.mjs';

const USERS = env('USERS', 100_000);
const ROOMS = env('ROOMS', 10_000);
const REQUESTS = env('REQUESTS', 1000);
const LOGINS = env('LOGINS', 8);
const EACH_S = env('EACH_S', 10);
const FILLING = 32; // requests at once

const ms = (us) => (us / 1000).toFixed(1);
const now = () => Number(process.hrtime.bigint()) / 1000;
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
const words = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'haven', 'inlet', 'jetty'];
const title = (i) => [i, i / 10, i / 100, i / 1000].map((n) => words[Math.floor(n) % 10]).join(' ');

async function each(n, work) {
    let at = 0;
    await Promise.all(Array.from({ length: FILLING }, async () => {
        while (at < n) await work(at++);
    }));
}

async function fill(server) {
    const { token } = await server.login('first');
    await each(ROOMS, (i) => server.command('room_create', { room: `room-${i}`, title: title(i), kind: 'public' }, token));
    await each(USERS, (i) => server.login(`${words[i % 10]}-${i}`));
    return token;
}

// The commands of `asks`, in turn.
async function page(client, name, asks) {
    const took = [];
    let rows = 0;
    for (let i = 0; i < REQUESTS; i++) {
        const [action, params] = asks(i);
        const began = now();
        const answer = await client.call(action, params);
        took.push(now() - began);
        rows += (answer.rooms ?? answer.users).length;
    }
    took.sort((a, b) => a - b);
    console.log(`| ${name} | ${(rows / REQUESTS).toFixed(0)} | ${ms(quantile(took, 0.5))} | ` +
        `${ms(quantile(took, 0.99))} | ${ms(took.at(-1))} |`);
}

async function pages(server, token) {
    const client = await server.connect(token);
    const { next } = await client.call('directory', { limit: 50 });
    console.log(`${ROOMS} public rooms, ${USERS} people\n\n| page | rows | p50 ms | p99 ms | longest |\n|${'---|'.repeat(5)}`);
    await page(client, 'directory, the first', () => ['directory', { limit: 50 }]);
    await page(client, 'directory, the next', () => ['directory', { limit: 50, next }]);
    await page(client, 'directory, a word in many titles', (i) => ['directory', { limit: 50, query: words[i % 10] }]);
    await page(client, 'directory, in one title', (i) => ['directory', { limit: 50, query: title(i) }]);
    await page(client, 'directory, in none', () => ['directory', { limit: 50, query: 'nowhere' }]);
    await page(client, 'people, by a letter', (i) => ['users', { query: words[i % 10][0] }]);
    await page(client, 'people, by a name', (i) => ['users', { query: `${words[i % 10]}-${i}` }]);
    await client.close();
}

// People who log in by a password, again and again; how often, when it is stopped.
function storm(server) {
    const password = 'a password of the storm';
    let going = true, n = 0;
    const all = Promise.all(Array.from({ length: LOGINS }, async (_, i) => {
        await server.command('signup', { name: `storm-${i}`, password });
        for (; going; n++) await server.command('login', { name: `storm-${i}`, password });
    }));
    return async () => {
        going = false;
        await all;
        return n;
    };
}

const talk = (server, prefix) => bench(server, prefix, ['--connections', 200, '--rooms', 100, '--rate', 200,
    '--window', 64, '--warmup', '2s', '--duration', `${EACH_S}s`]);

const server = await Server.start({ workers: 1, login: ['password', 'name'].join(), 'log-level': 'warn' });
try {
    await pages(server, await fill(server));
    const rest = await talk(server, 'rest');
    const end = storm(server);
    const busy = await talk(server, 'busy');
    const n = await end();
    console.log(`\nmessages come at p99 after ${ms(rest.latency.p99)} ms, and after ${ms(busy.latency.p99)} ms ` +
        `(p50 ${ms(rest.latency.p50)} and ${ms(busy.latency.p50)}) while ${LOGINS} people log in by a password, ` +
        `${(n / (EACH_S + 2)).toFixed(0)} times a second`);
    console.log(`load ${loadavg()[0].toFixed(1)} at the end`);
} finally {
    await server.close();
}
