// The committed templates are what the stacks make, to the byte, with no network.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { before, after, test } from "node:test";
import { TEMPLATES, Template, names } from "./lib/template.mjs";

const AWS = fileURLToPath(new URL("../../deploy/aws/", import.meta.url));
const HANG_MS = 600_000;
const old = Number(process.versions.node.split(".")[0]) < 20 && "CDK needs Node 20";
const made = mkdtempSync(join(tmpdir(), "polylog-stacks-"));
let said = "";
let failed;

before(async () => {
  if (!old) await promisify(execFile)(join(AWS, "synth"), [made], { timeout: HANG_MS }).then(({ stdout }) => (said = stdout), (error) => (failed = error));
});
after(() => rmSync(made, { recursive: true, force: true }));

test("the stacks are made, and nothing is found wrong that no reason was written for", { skip: old }, () => {
  assert.equal(failed, undefined, failed && `${failed.stdout}${failed.stderr}`.slice(0, 4000));
});

test("they are made without network", { skip: old }, (t) => {
  if (said.includes("could not be kept")) t.skip("a process cannot be kept from the network here");
  else assert.match(said, /without network/);
});

test("a template is committed for every stack, and no other", { skip: old }, () => {
  assert.deepEqual(readdirSync(made).map((name) => name.slice(0, -".json".length)).sort(), names());
});

for (const name of names())
  test(`${name}: the committed template is what is made now`, { skip: old }, () => {
    assert.ok(readFileSync(join(made, `${name}.json`)).equals(readFileSync(`${TEMPLATES}${name}.json`)), "make templates");
  });

test("the stacks' types are right", { skip: old }, () => {
  execFileSync(join(AWS, "node_modules/.bin/tsc"), ["-p", "."], { cwd: AWS, timeout: HANG_MS });
});

function linter() {
  try {
    execFileSync("cfn-lint", ["--version"], { stdio: "ignore", timeout: HANG_MS });
    return false;
  } catch {
    return "cfn-lint is not on this machine";
  }
}

test("cfn-lint finds no error", { skip: linter() }, () => {
  execFileSync("cfn-lint", ["--non-zero-exit-code", "error", ...names().map((name) => `${TEMPLATES}${name}.json`)], { timeout: HANG_MS });
});

test("the README's table of costs is what the model says", () => {
  execFileSync(process.execPath, [join(AWS, "cost.mjs"), "--check", join(AWS, "README.md")], { timeout: HANG_MS });
});

test("docs/aws.md has every stack, with the costs of the README's table", () => {
  const page = readFileSync(join(AWS, "../../docs/aws.md"), "utf8").split("\n");
  const readme = readFileSync(join(AWS, "README.md"), "utf8");
  const serving = names().filter((name) => !["firewall", "pipeline", "regions"].includes(name));
  for (const name of ["pipeline", "regions"]) assert.ok(page.some((line) => line.includes(`templates/${name}.json`)), name);
  for (const name of serving) {
    const anchor = name.replaceAll("-", "");
    const row = page.find((line) => line.startsWith("| [") && line.includes(`(../deploy/aws/README.md#${anchor})`));
    assert.ok(row !== undefined, `docs/aws.md does not have ${name}`);
    const costs = readme.split("\n").find((line) => line.match(/^\| (\w+).* \| \$/)?.[1].toLowerCase() === anchor);
    assert.ok(row.endsWith(`| ${costs.split(" | ").slice(1, 3).join(" | ")} |`), `docs/aws.md has other costs of ${name}`);
  }
});

test("the README names every parameter of every stack", () => {
  const readme = readFileSync(join(AWS, "README.md"), "utf8");
  const missing = names().flatMap((name) =>
    Object.keys(Template.of(name).json.Parameters).filter((parameter) => !readme.includes(`\`${parameter}\``)),
  );
  assert.deepEqual(missing, []);
});
