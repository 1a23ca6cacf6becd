// Dashboards for CloudWatch have their source in deploy/observe, with a stack or without.
import { readFileSync } from "node:fs";

// The body of a dashboard there, with its variables (Fn.sub).
export const bodyOf = (name: string): string => JSON.stringify(JSON.parse(readFileSync(`../observe/${name}.json`, "utf8")));
