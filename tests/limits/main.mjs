// Runs the tests beside this file.
//   node main.mjs [-v] [substring of the tests to run]...
import { options, runAll, sum } from "../integration/lib/suite.mjs";

const { verbose, wanted } = options();

await import("./test_least.mjs");
const counts = await runAll(new Map(), { wanted, verbose, atOnce: 3 });
console.log(sum(counts));
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
