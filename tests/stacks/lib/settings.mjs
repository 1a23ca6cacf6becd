// The settings that the program has, from its own table.
import { readFileSync } from "node:fs";

const table = readFileSync(new URL("../../../src/conf/conf.tbl", import.meta.url), "utf8");

// POLYLOG_NAME of every setting that the command knows.
export function settingsOf(command) {
  return new Set(
    [...table.matchAll(/^SETTING\(\w+,\s*\w+,\s*"([^"]+)",\s*([A-Z_ |]+),/gm)]
      .filter(([, , commands]) => commands.split(/[ |]+/).includes(command))
      .map(([, name]) => `POLYLOG_${name.toUpperCase().replaceAll("-", "_")}`),
  );
}

// What a setting of some values can be: those of the field of struct conf.
export const optionsOf = (field) => [...table.matchAll(/^OPTION\((\w+), \w+, "([^"]+)"/gm)].filter(([, of]) => of === field).map(([, , value]) => value);

// What docs/redis.md lets the user do, as ElastiCache has it: without the password, and on every channel, since the cache
// is the stack's own.
export function accessString() {
  const text = readFileSync(new URL("../../../docs/redis.md", import.meta.url), "utf8");
  return /^user polylog (on .*)$/m.exec(text)[1].replace(/>\S+ /, "").replace("&ID:*", "&*");
}

// [header, where it is from] of what docs/serverless.md says all three integrations need.
export function told() {
  const text = readFileSync(new URL("../../../docs/serverless.md", import.meta.url), "utf8");
  return [...text.matchAll(/^\| `(X-Ws-[\w-]+)` \| `(context\.[\w.]+)`/gm)].map(([, header, from]) => [header, from]);
}

// The health check of the image, as a task definition has it.
export function healthOfImage() {
  const text = readFileSync(new URL("../../../Dockerfile", import.meta.url), "utf8");
  const [, interval, timeout, startPeriod, retries, command] = /^HEALTHCHECK --interval=(\d+)s --timeout=(\d+)s --start-period=(\d+)s --retries=(\d+) CMD (\[.*\])$/m.exec(text);
  return { command: ["CMD", ...JSON.parse(command)], interval: Number(interval), timeout: Number(timeout), retries: Number(retries), startPeriod: Number(startPeriod) };
}

// The bodies of the dashboards for CloudWatch of deploy/observe; a stack's own name is the service.
export function dashboards() {
  const of = (name) => JSON.stringify(JSON.parse(readFileSync(new URL(`../../../deploy/observe/${name}.json`, import.meta.url), "utf8")));
  return ["cloudwatch", "cloudwatch-colours", "cloudwatch-function"].map((name) => of(name).replaceAll("${Service}", "${AWS::StackName}"));
}
