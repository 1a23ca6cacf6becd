// Runs the tests of every file beside this one, on emulators that they share.
//   node main.mjs [-v] [substring of the tests to run]...
import { readdirSync } from "node:fs";
import { options, runAll, sum } from "../integration/lib/suite.mjs";
import { hasJava, install, startDynamo } from "./lib/dynamo.mjs";

const { verbose, wanted } = options();

install();
for (const file of readdirSync(new URL(".", import.meta.url)).sort())
  if (file.startsWith("test_") && file.endsWith(".mjs")) await import(`./${file}`);

const started = new Map();
const emulators = {
  get(engine) {
    if (!started.has(engine)) started.set(engine, startDynamo({ engine }));
    return started.get(engine);
  },
};

if (!hasJava()) console.log("# java is missing: what needs DynamoDB Local is skipped");
const counts = await runAll(emulators, { wanted, verbose, atOnce: 4 });
for (const starting of started.values()) await (await starting).stop();
console.log(sum(counts));
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
