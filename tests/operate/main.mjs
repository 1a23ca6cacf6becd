// Runs what docs/operate.md says.
//   node main.mjs [-v] [substring of the tests to run]
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROGRAM, temporary } from "../integration/lib/server.mjs";
import { options, runAll, sum, test } from "../integration/lib/suite.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const HANG_MS = 120_000;
const document = readFileSync(join(ROOT, "docs/operate.md"), "utf8");

// The commands of the section that begin so, with its directories replaced.
function commands(section, beginning, replacements) {
  const text = document.split(/^## /m).find((part) => part.startsWith(`${section}\n`));
  const block = text?.match(/```sh\n([^]*?)```/)?.[1];
  const lines = (block ?? "").split("\n").filter((line) => line.startsWith(beginning));
  if (lines.length === 0) throw new Error(`docs/operate.md, "${section}", does not have "${beginning}"`);
  return replacements.reduce((all, [from, to]) => all.replaceAll(from, to), lines.join("\n"));
}

function sh(script) {
  return execFileSync("sh", ["-ec", script], { encoding: "utf8", cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
}

// Sends until it is told to stop; resolves to the texts that were acknowledged, in order.
function sending(person, room) {
  const state = { stop: false, acknowledged: [] };
  state.done = (async () => {
    for (let i = 0; !state.stop; i++) {
      await person.call("send", { room, text: `message ${i}` });
      state.acknowledged.push(`message ${i}`);
    }
  })();
  return state;
}

async function texts(server, name, room) {
  const person = await server.person(name);
  const { entries } = await person.call("history", { room, limit: 200 });
  await person.close();
  return entries.map(({ text }) => text).filter((text) => text !== undefined);
}

test("a backup made while people write has all that was acknowledged, and is restored", async (t) => {
  const server = await t.start();
  const [ana, room] = [await server.person("ana"), "kept"];
  await ana.call("join", { room });
  const writing = sending(ana, room);
  while (writing.acknowledged.length < 20) await ana.settle();
  const before = writing.acknowledged.length;
  const [data, backup] = [server.flags.data, join(server.dir, "backup.db")];
  const directories = [["/var/lib/polylog", data], ["/var/backups/polylog.db", backup]];
  sh(commands("Back up", "sqlite3", directories));
  writing.stop = true;
  await writing.done;
  await ana.call("send", { room, text: "behind the backup" });
  assert.equal(await server.stop(), 0);
  sh(commands("Restore", "mv", directories));
  sh(commands("Restore", "install", directories));
  sh(commands("Restore", "polylog", [...directories, ["polylog store", `${PROGRAM} store`]]));
  assert.equal(statSync(join(data, "polylog.db")).mode & 0o777, 0o600);
  await server.restart();
  const kept = await texts(server, "ben", room);
  assert.deepEqual(kept.slice(0, before), writing.acknowledged.slice(0, before));
  assert.equal(new Set(kept).size, kept.length);
  assert.ok(!kept.includes("behind the backup"));
  assert.ok(existsSync(`${data}.before/polylog.db`));
}, HANG_MS);

test("make install: program, manual page and units; the units are in order", async (t) => {
  const dir = temporary("install-");
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "root"));
  sh(`make -s install DESTDIR=${dir}/root WERROR=1`);
  for (const file of ["usr/local/bin/polylog", "usr/local/share/man/man1/polylog.1",
    "usr/local/lib/systemd/system/polylog.service", "usr/local/lib/systemd/system/polylog.socket"])
    assert.ok(existsSync(join(dir, "root", file)), `${file} is not installed`);
  assert.match(sh(`${dir}/root/usr/local/bin/polylog version`), /^polylog \d/);
}, HANG_MS);

const counts = await runAll({ get: () => undefined }, { ...options(), atOnce: 2 });
console.log(sum(counts));
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
