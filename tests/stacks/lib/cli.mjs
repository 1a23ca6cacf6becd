// An AWS CLI that writes down what it is asked, for the scripts of deploy/aws.
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const HANG_MS = 600_000;

// Puts programs in front of the PATH: { name: its shell script }. dir is a directory of the test's own.
export function programs(dir, scripts) {
  const bin = join(dir, "bin");
  mkdirSync(bin, { recursive: true });
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}`);
    chmodSync(join(bin, name), 0o755);
  }
  return { PATH: `${bin}:${process.env.PATH}` };
}

// Each call is a file of words, and what it was given on standard input or as file://.
const RECORDS = (dir) => `
n=$(ls ${dir}/asked | wc -l)
call=${dir}/asked/$(printf '%04d' "$n")
mkdir "$call"
printf '%s\\n' "$@" >"$call/words"
for word; do
    case $word in
    - | file:///dev/stdin) cat >"$call/given" ;;
    file://*) cp "\${word#file://}" "$call/given" ;;
    esac
done
`;

// Runs the script with an AWS CLI that answers by answers, a shell script's body with the words as "$*". Resolves to its
// code, stdout, stderr, and calls: { words, line, given }.
export async function runWithCli(dir, script, args, answers, env = {}) {
  mkdirSync(join(dir, "asked"), { recursive: true });
  const path = programs(dir, { aws: `${RECORDS(dir)}\n${answers}` });
  const ended = await promisify(execFile)(script, args, { env: { ...path, ...env }, timeout: HANG_MS }).then((said) => ({ code: 0, ...said }), (error) => error);
  const calls = readdirSync(join(dir, "asked")).sort().map((name) => {
    const read = (file) => readFileSync(join(dir, "asked", name, file), "utf8");
    const words = read("words").split("\n").slice(0, -1);
    return { words, line: words.join(" "), given: readdirSync(join(dir, "asked", name)).includes("given") ? read("given") : undefined };
  });
  return { code: ended.code, stdout: ended.stdout, stderr: ended.stderr, calls };
}
