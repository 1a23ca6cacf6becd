#!/usr/bin/env node
// What an instance of the function costs: polylog lambda behind polylog gateway, DynamoDB Local.
//
//     make lambda && node bench/lambda.mjs       (half a minute)
//
//   ROUNDS=3   SENDS=200, of a round   PEOPLE=10, in the room   STARTS=9
//
// Init: from the spawn of the zip's bootstrap to the first request for work; from the program
// itself beside it. A send: CPU time of all of the process's threads (user and system, by the
// scheduler's count) while the room's people, each on a connection of their own, are sent what
// one of them says, by what was sent. Memory: the most that the process had resident.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDynamo } from '../tests/emulators/lib/dynamo.mjs';
import { makeTables, processes, PROGRAM, startFunction, useDynamo } from '../tests/serverless/lib/function.mjs';
import { RuntimeApi } from '../tests/serverless/lib/runtime.mjs';

// People of benchmarks come by a name alone.
process.env.POLYLOG_LOGIN ??= 'name';

const env = (name, otherwise) => Number(process.env[name] ?? otherwise);
const [rounds, sends, people, starts] = [env('ROUNDS', 3), env('SENDS', 200), env('PEOPLE', 10), env('STARTS', 9)];
const ZIP = new URL('../build/polylog-lambda.zip', import.meta.url).pathname;
const goals = { init: 20, cpu: 1.5, memory: 24, zip: 12 };
const median = (all) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)];

const cleanup = [];
const t = { after: (f) => cleanup.push(f) };

async function init(command, args) {
    const api = await RuntimeApi.start(t);
    const begun = performance.now();
    const child = spawn(command, args, { stdio: 'ignore',
        env: { ...tables, AWS_LAMBDA_RUNTIME_API: api.address } });
    await api.asked;
    const ms = performance.now() - begun;
    const busy = cpu(child.pid) / 1e6;
    child.kill('SIGKILL');
    return { ms, cpu: busy };
}

async function inits(command, args) {
    const all = [];
    for (let i = 0; i < starts; i++) all.push(await init(command, args));
    return { ms: median(all.map((one) => one.ms)), cpu: median(all.map((one) => one.cpu)) };
}

// Nanoseconds that the threads of the process were on a processor.
function cpu(pid) {
    return readdirSync(`/proc/${pid}/task`)
        .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]))
        .reduce((a, b) => a + b, 0);
}

function memory(pid) {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

async function send() {
    const gateway = await startFunction(t, { concurrency: 1, settings: { POLYLOG_TEXT_MAX: '4000' } });
    const all = [];
    for (let i = 0; i < people; i++) {
        const person = await (await gateway.person()).login(`person${i}`);
        await person.call('join', { room: 'general' });
        all.push(person);
    }
    const [pid] = processes(gateway);
    const figures = [];
    for (let round = 0; round < rounds; round++) {
        const before = cpu(pid);
        for (let i = 0; i < sends; i++)
            await all[i % people].call('send', { room: 'general', text: `message ${i} of round ${round}` });
        figures.push((cpu(pid) - before) / sends / 1e6);
    }
    return { cpu: median(figures), memory: memory(pid) };
}

const dynamo = await startDynamo();
useDynamo(dynamo);
const tables = makeTables();
const unpacked = mkdtempSync(join(tmpdir(), 'polylog-zip-'));
try {
    execFileSync('unzip', ['-q', ZIP, '-d', unpacked]);
    const zipped = await inits(join(unpacked, 'bootstrap'), []);
    const own = await inits(PROGRAM, ['lambda']);
    const { cpu: ms, memory: mb } = await send();
    const say = (what, figure, goal) => console.log(`| ${what} | ${figure} | ${goal} |`);
    console.log(`load ${loadavg()[0].toFixed(1)}`);
    say('exec to the first `/next`, the zip', `${zipped.ms.toFixed(1)} ms, ${zipped.cpu.toFixed(1)} of CPU`, `${goals.init} ms`);
    say('the same, the program itself', `${own.ms.toFixed(1)} ms, ${own.cpu.toFixed(1)} of CPU`, '');
    say(`CPU of a \`send\`, room of ${people}`, `${ms.toFixed(2)} ms`, `${goals.cpu} ms`);
    say('memory', `${mb.toFixed(1)} MB`, `${goals.memory} MB`);
    say('zip', `${(statSync(ZIP).size / 1048576).toFixed(1)} MB`, `${goals.zip} MB`);
} finally {
    for (const f of cleanup.reverse()) await f();
    rmSync(unpacked, { recursive: true });
    await dynamo.stop();
}
process.exit();
