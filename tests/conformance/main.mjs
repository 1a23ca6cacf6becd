// Runs the cases against `polylog echo`; see ./run.
import { Trial } from "./case.mjs";
import { pause } from "./client.mjs";
import { startEcho } from "./server.mjs";
import * as close from "./cases_close.mjs";
import * as deflate from "./cases_deflate.mjs";
import * as frames from "./cases_frames.mjs";
import * as own from "./cases_own.mjs";
import * as peers from "./cases_peers.mjs";
import * as size from "./cases_size.mjs";
import * as text from "./cases_text.mjs";

const TOGETHER = 8;
const wanted = process.argv[2] ?? "";
const chosen = (list) => list.filter(([id]) => id.startsWith(wanted));
let passed = 0, failed = 0;
const seconds = new Map(); // of each section

async function runOne(port, [id, run]) {
  const t = new Trial(port), start = performance.now();
  try {
    await run(t);
    passed++;
    if (process.env.VERBOSE) console.log(`# ${id}: ${t.notes.join(", ") || "OK"}`);
  } catch (e) {
    failed++;
    console.log(`# ${id}: ${e.constructor.name === "Failed" ? e.message : e.stack}`);
  } finally {
    t.end();
  }
  const section = id.split(".")[0];
  seconds.set(section, (seconds.get(section) ?? 0) + (performance.now() - start) / 1000);
}

async function runAll(port, list, together) {
  const rest = list.values();
  const line = async () => {
    for (const one of rest) await runOne(port, one);
  };
  await Promise.all(Array.from({ length: together }, line));
}

function check(name, ok, why) {
  if (ok) passed++;
  else failed++;
  if (!ok || process.env.VERBOSE) console.log(`# ${name}: ${why}`);
}

async function look(server, before) {
  for (let i = 0; i < 50 && server.descriptors() > before.descriptors; i++) await pause(100);
  const now = server.descriptors();
  check("descriptors", now <= before.descriptors, `${before.descriptors} before, ${now} after`);
  if (process.env.RELAXED) return;
  const grown = server.memory_kib() - before.memory;
  check("memory", grown < 64 * 1024, `grew by ${grown} KiB`);
}

const external = process.env.PORT;
const server = external ? { port: Number(external) } : await startEcho();
const before = external ? {} : { descriptors: server.descriptors(), memory: server.memory_kib() };
await runAll(server.port, chosen([...frames.cases, ...text.cases, ...close.cases, ...size.cases, ...own.cases]), TOGETHER);
await runAll(server.port, chosen(size.alone), 1);
await runAll(server.port, chosen(deflate.cases), 2);
await runAll(server.port, chosen(peers.cases), 2);
if (!external) {
  await look(server, before);
  const code = await server.stop();
  check("stop", code === 0, `ended with ${code}:\n${server.said().slice(-4000)}`);
}
if (process.env.VERBOSE)
  for (const [section, s] of seconds) console.log(`# section ${section}: ${s.toFixed(1)} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
