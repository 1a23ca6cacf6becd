// Runs the cases against `polylog echo`; see ./run.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Trial } from "./case.mjs";
import { pause } from "./client.mjs";
import { start } from "./server.mjs";
import * as close from "./cases_close.mjs";
import * as deflate from "./cases_deflate.mjs";
import * as frames from "./cases_frames.mjs";
import * as own from "./cases_own.mjs";
import * as peers from "./cases_peers.mjs";
import { roughCases } from "./cases_rough.mjs";
import * as sio from "./cases_sio.mjs";
import * as size from "./cases_size.mjs";
import * as text from "./cases_text.mjs";
import { took } from "../integration/lib/times.mjs";

const GROWTH_MAX_KIB = 24 * 1024;
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
  took(id, performance.now() - start);
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
  for (let i = 0; i < 600 && server.descriptors() > before.descriptors; i++) await pause(100);
  const now = server.descriptors();
  check("descriptors", now <= before.descriptors, `${before.descriptors} before, ${now} after`);
  if (process.env.RELAXED) return;
  const grown = server.memory_kib() - before.memory;
  check("memory", grown < GROWTH_MAX_KIB, `grew by ${grown} KiB`);
}

// All of the sections against one server, which then has to be as it was before.
async function runServer(command, flags, sections) {
  if (sections.every(([list]) => list.length === 0)) return;
  const server = await start(command, flags);
  const before = { descriptors: server.descriptors(), memory: server.memory_kib() };
  for (const [list, together] of sections) await runAll(server.port, list, together);
  await look(server, before);
  const code = await server.stop();
  check(`${command} stops`, code === 0, `ended with ${code}:\n${server.said().slice(-4000)}`);
}

const quick = [frames, text, close, size, own].flatMap((section) => section.cases);
const sections = [
  [chosen(quick), 8],
  [chosen(size.alone), 1],
  [chosen(deflate.cases), 2],
  [chosen(peers.cases), 2],
  [chosen(sio.calm), 4],
  [chosen(roughCases("r.1", "/")), 1],
];
if (process.env.PORT) {
  for (const [list, together] of sections) await runAll(Number(process.env.PORT), list, together);
} else {
  await runServer("echo", [], sections);
  await runServer("echo", sio.flags, [[chosen(sio.cases), 4]]);
  const data = mkdtempSync(join(tmpdir(), "polylog-conformance-"));
  await runServer("serve", ["--data", data, "--store", "mem", "--connects-per-address", "0",
    "--drain-ms", "500ms"], [[chosen(roughCases("r.2", "/ws")), 1]]);
  rmSync(data, { recursive: true });
}
if (process.env.VERBOSE)
  for (const [section, s] of seconds) console.log(`# section ${section}: ${s.toFixed(1)} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
