// Runs the tests of every file beside this one with Node's own runner, and counts them.
//   node main.mjs [-v] [substring of the names of the tests to run]
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "node:test";
import { took } from "../integration/lib/times.mjs";

const verbose = process.argv[2] === "-v";
const wanted = process.argv[verbose ? 3 : 2] || undefined;
const HERE = fileURLToPath(new URL(".", import.meta.url));
const files = readdirSync(HERE).filter((name) => name.startsWith("test_")).sort().map((name) => HERE + name);
const counts = { passed: 0, failed: 0, skipped: 0 };
const escaped = wanted?.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// A file is a test too, as Node counts; only what is within it is counted here, and a file that fails as a whole.
const isFile = ({ name, file }) => name === file || files.includes(name);

const events = run({ files, concurrency: 1, ...(escaped && { testNamePatterns: [new RegExp(escaped)] }) });
events.on("test:pass", (test) => {
  if (isFile(test)) return;
  if (test.skip !== undefined && escaped && test.skip === "test name does not match pattern") return;
  counts[test.skip === undefined ? "passed" : "skipped"]++;
  took(test.name, test.details.duration_ms);
  if (test.skip !== undefined) console.log(`# ${test.name}: skipped, ${test.skip}`);
  else if (verbose) console.log(`ok ${test.name}`);
});
events.on("test:fail", (test) => {
  const { error } = test.details;
  if (isFile(test) && error?.failureType === "subtestsFailed") return;
  counts.failed++;
  console.log(`not ok ${test.name}\n    ${String(error?.cause?.stack ?? error?.cause ?? error).split("\n").slice(0, 40).join("\n    ")}`);
});
events.on("end", () => {
  const { passed, failed, skipped } = counts;
  console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
});
events.resume();
