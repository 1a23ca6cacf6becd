// Runs the tests of every file beside this one.
//   node main.mjs [-v] [substring of the tests to run]...
import { readdirSync } from "node:fs";
import { Server } from "../integration/lib/server.mjs";
import { options, runAll, sum } from "../integration/lib/suite.mjs";
import { close, missing, shared as pair } from "./nodes.mjs";

const { verbose, wanted } = options();

const nodes = "test_nodes.mjs"; // one at a time, after the others
for (const file of readdirSync(new URL(".", import.meta.url)).sort())
  if (file.startsWith("test_") && file.endsWith(".mjs") && file !== nodes) await import(`./${file}`);

const shared = new Map(); // servers, by how many workers they have
const servers = {
  get(workers) {
    if (!shared.has(workers)) shared.set(workers, Server.start({ workers }));
    return shared.get(workers);
  },
};

// They come up meanwhile; who needs them is told if they do not.
if (wanted.length === 0 && !missing()) pair().catch(() => undefined);
const counts = await runAll(servers, { wanted, verbose });
for (const starting of shared.values()) {
  const server = await starting;
  if (server.exit !== undefined) {
    counts.failed++;
    console.log(`not ok - a shared server ended: ${server.exit}\n${server.log.slice(-4000)}`);
  }
  await server.close();
}
await import(`./${nodes}`);
const more = await runAll(servers, { wanted, verbose, atOnce: 1 });
for (const [outcome, n] of Object.entries(more)) counts[outcome] += n;
await close();
console.log(sum(counts));
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
