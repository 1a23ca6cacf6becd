// Runs the tests of every file beside this one, all on one emulator of DynamoDB.
//   node main.mjs [-v] [substring of the tests to run]...
import { readdirSync } from "node:fs";
import { startDynamo } from "../emulators/lib/dynamo.mjs";
import { options, runAll, sum } from "../integration/lib/suite.mjs";
import { useDynamo } from "./lib/function.mjs";

const { verbose, wanted } = options();

for (const file of readdirSync(new URL(".", import.meta.url)).sort())
  if (file.startsWith("test_") && file.endsWith(".mjs")) await import(`./${file}`);

const dynamo = await startDynamo();
useDynamo(dynamo);
const counts = await runAll(new Map(), { wanted, verbose });
await dynamo.stop();
console.log(sum(counts));
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
