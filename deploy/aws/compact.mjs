// A template as CDK writes it, or, if it has more bytes than CloudFormation takes directly, one part a line:
// node compact.mjs FILE
import { readFileSync } from "node:fs";

const MOST = 51_200;
const text = readFileSync(process.argv[2], "utf8");

// Each value of the map on a line of its own.
function lines(map) {
  return `{\n${Object.entries(map).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",\n")}\n}`;
}

function compact(template) {
  const parts = Object.entries(template).map(([name, value]) => `${JSON.stringify(name)}:${typeof value === "object" ? lines(value) : JSON.stringify(value)}`);
  return `{\n${parts.join(",\n")}\n}\n`;
}

process.stdout.write(Buffer.byteLength(text) <= MOST ? text : compact(JSON.parse(text)));
