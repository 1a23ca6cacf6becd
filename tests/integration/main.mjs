// Runs the tests of every file beside this one.
//   node main.mjs [-v] [substring of the tests to run]...
import { readdirSync } from "node:fs";
import { Server } from "./lib/server.mjs";
import { options, runAll, sum } from "./lib/suite.mjs";

const { verbose, wanted } = options();

for (const file of readdirSync(new URL(".", import.meta.url)).sort())
  if (file.startsWith("test_") && file.endsWith(".mjs")) await import(`./${file}`);

// The servers that tests share, by how many workers they have.
const shared = new Map();
const servers = {
  get(workers) {
    if (!shared.has(workers)) shared.set(workers, Server.start({ workers }));
    return shared.get(workers);
  },
};

const counts = await runAll(servers, { wanted, verbose });
for (const starting of shared.values()) {
  const server = await starting;
  const alive = server.exit === undefined;
  if (!alive) {
    counts.failed++;
    console.log(`not ok - a shared server ended: ${server.exit}\n${server.log.slice(-4000)}`);
  }
  await server.close();
}
console.log(sum(counts));
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
