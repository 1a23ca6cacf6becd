// shift.sh, rollback.sh and release.sh against an AWS CLI that writes down what it is asked.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "node:test";
import { rightsOf } from "./lib/rules.mjs";
import { Template } from "./lib/template.mjs";

const AWS = fileURLToPath(new URL("../../deploy/aws/", import.meta.url));
const HANG_MS = 600_000;
const PARAMETERS = Object.keys(Template.of("blue-green").json.Parameters);

// Answers as CloudFormation does of a stack with these outputs; $UPDATE is what an update fails with.
const CLI = (dir) => `#!/bin/sh
printf '%s\\n' "$@" end >>${dir}/asked
case "$*" in
*WeightsListener*) echo arn:listener ;;
*BlueTargetGroup*) echo arn:blue ;;
*GreenTargetGroup*) echo arn:green ;;
*Parameters*ParameterKey*--output*) printf '${PARAMETERS.join("\\t")}\\n' ;;
*ReleaseAlarms*) echo chat-GreenFailed chat-ApiFailed ;;
*describe-alarms*) [ "$(grep -c describe-alarms ${dir}/asked)" -le "$QUIET" ] || echo chat-GreenFailed ;;
*update-stack*) [ -z "$UPDATE" ] || { echo "$UPDATE" >&2; exit 254; } ;;
esac
`;

async function run(t, script, args, { update = "", cli = CLI, more = {} } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "polylog-shift-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, "aws"), cli(dir));
  writeFileSync(join(dir, "asked"), "");
  writeFileSync(join(dir, "sleep"), `#!/bin/sh\nprintf 'sleep\\n%s\\nend\\n' "$1" >>${dir}/asked\n`);
  for (const name of ["aws", "sleep"]) chmodSync(join(dir, name), 0o755);
  const env = { PATH: `${dir}:${process.env.PATH}`, UPDATE: update, QUIET: "100", ...more };
  const ended = await promisify(execFile)(join(AWS, script), args, { env, timeout: HANG_MS }).then((said) => ({ code: 0, ...said }), (error) => error);
  const asked = readFileSync(join(dir, "asked"), "utf8").split("\nend\n").map((call) => call.split("\n"));
  return { ...ended, code: ended.code, asked, call: (word) => asked.find((call) => call.includes(word)) };
}

const weightsOf = ({ call }) => {
  const [{ ForwardConfig }] = JSON.parse(call("modify-listener").at(-1));
  return ForwardConfig.TargetGroups.map(({ TargetGroupArn, Weight }) => `${TargetGroupArn} ${Weight}`);
};

test("shift.sh sets the weights at once, then tells the stack, and leaves its other parameters", async (t) => {
  const ran = await run(t, "shift.sh", ["chat", "50"]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(ran.stdout, "blue 50, green 50\n");
  assert.deepEqual(weightsOf(ran), ["arn:blue 50", "arn:green 50"]);
  const told = ran.call("update-stack").filter((word) => word.startsWith("ParameterKey="));
  assert.deepEqual(
    told,
    PARAMETERS.map((name) => `ParameterKey=${name},${/Weight$/.test(name) ? "ParameterValue=50" : "UsePreviousValue=true"}`),
  );
  assert.ok(ran.call("wait"));
});

test("rollback.sh gives blue everything", async (t) => {
  const ran = await run(t, "rollback.sh", ["chat"]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.deepEqual(weightsOf(ran), ["arn:blue 100", "arn:green 0"]);
});

test("shift.sh is content with a stack that has these weights already", async (t) => {
  const ran = await run(t, "shift.sh", ["chat", "0"], { update: "An error occurred: No updates are to be performed." });
  assert.equal(ran.code, 0, ran.stderr);
});

test("shift.sh fails if the stack could not be told, and says that the weights are set", async (t) => {
  const ran = await run(t, "shift.sh", ["chat", "10"], { update: "AccessDenied" });
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /the weights are set, but .*AccessDenied/);
});

test("shift.sh changes nothing of a stack of another kind, or by a share that is none", async (t) => {
  const other = await run(t, "shift.sh", ["chat", "10"], { cli: () => "#!/bin/sh\necho None\n" });
  assert.equal(other.code, 1);
  assert.match(other.stderr, /is not a stack of blue-green/);
  for (const share of ["101", "-1", "half", ""]) {
    const ran = await run(t, "shift.sh", ["chat", share]);
    assert.equal(ran.code, 2, share);
    assert.deepEqual(ran.asked, [[""]]);
  }
});

const ROLE = "arn:aws:iam::123456789012:role/deployer";
const release = (t, step, more = {}) => run(t, "release.sh", ["chat", step, "abc"], { more: { ROLE, MINUTES: "2", ...more } });
const shares = ({ asked }) => asked.filter((call) => call.includes("modify-listener")).map((call) => JSON.parse(call.at(-1))[0].ForwardConfig.TargetGroups[1].Weight);
const given = (call) => call.filter((word) => word.startsWith("ParameterKey="));
const set = (name, tag) => PARAMETERS.map((one) => `ParameterKey=${one},${one === name ? `ParameterValue=${tag}` : "UsePreviousValue=true"}`);

test("release.sh new: green gets the image by a change set of the committed template, and no requests", async (t) => {
  const ran = await release(t, "new");
  assert.equal(ran.code, 0, ran.stderr);
  const made = ran.call("create-change-set");
  assert.deepEqual(given(made), set("GreenTag", "abc"));
  assert.equal(made[made.indexOf("--role-arn") + 1], ROLE);
  assert.match(made[made.indexOf("--template-body") + 1], /^file:.*\/templates\/blue-green\.json$/);
  const steps = ["create-change-set", "change-set-create-complete", "execute-change-set", "stack-update-complete"];
  assert.deepEqual(ran.asked.flatMap((call) => steps.filter((step) => call.includes(step))), steps);
  assert.deepEqual(shares(ran), []);
});

test("release.sh 10: green gets ten, and its alarms are looked at for as long as is said", async (t) => {
  const ran = await release(t, "10");
  assert.equal(ran.code, 0, ran.stderr);
  assert.deepEqual(shares(ran), [10]);
  const looks = ran.asked.filter((call) => call.includes("describe-alarms"));
  assert.equal(looks.length, 3);
  for (const look of looks) assert.deepEqual(look.slice(look.indexOf("--alarm-names") + 1, look.indexOf("--state-value")), ["chat-GreenFailed", "chat-ApiFailed"]);
  assert.deepEqual(ran.asked.filter(([word]) => word === "sleep"), [["sleep", "60"], ["sleep", "60"]]);
});

test("release.sh 50: an alarm that rises gives blue everything again, and fails the step", async (t) => {
  const ran = await release(t, "50", { QUIET: "1" });
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /taken back because of chat-GreenFailed/);
  assert.deepEqual(shares(ran), [50, 0]);
});

test("release.sh takes back what nobody can watch", async (t) => {
  const cli = (dir) => CLI(dir).replace(/^\*describe-alarms.*$/m, "*describe-alarms*) exit 254 ;;");
  const ran = await run(t, "release.sh", ["chat", "10", "abc"], { cli, more: { MINUTES: "2" } });
  assert.equal(ran.code, 1);
  assert.deepEqual(shares(ran), [10, 0]);
  const nameless = await run(t, "release.sh", ["chat", "10", "abc"], { cli: (dir) => CLI(dir).replace(/^\*ReleaseAlarms.*$/m, "*ReleaseAlarms*) echo None ;;") });
  assert.equal(nameless.code, 1);
  assert.match(nameless.stderr, /names no alarms/);
});

test("release.sh done: green has every request while blue gets the image, then blue has", async (t) => {
  const ran = await release(t, "done");
  assert.equal(ran.code, 0, ran.stderr);
  assert.deepEqual(shares(ran), [100, 0]);
  assert.deepEqual(given(ran.call("create-change-set")), set("BlueTag", "abc"));
  const order = ran.asked.flatMap((call) => ["modify-listener", "execute-change-set"].filter((word) => call.includes(word)));
  assert.deepEqual(order, ["modify-listener", "execute-change-set", "modify-listener"]);
});

// The actions that a call of the AWS CLI asks for.
const WAITED = { "change-set-create-complete": "DescribeChangeSet", "stack-update-complete": "DescribeStacks" };
function actionsOf([service, command, waited, ...more]) {
  if (!/^[a-z]/.test(service) || service === "sleep") return [];
  const name = (text) => text.split("-").map((word) => word[0].toUpperCase() + word.slice(1)).join("");
  const prefix = service === "elbv2" ? "elasticloadbalancing" : service;
  return [`${prefix}:${command === "wait" ? WAITED[waited] : name(command)}`, ...(more.includes("--role-arn") ? ["iam:PassRole"] : [])];
}

test("pipeline: what release.sh asks of AWS its role may, and nothing that its role may is never asked, but the log and the source", async (t) => {
  const asked = new Set();
  for (const step of ["new", "10", "done"]) for (const call of (await release(t, step)).asked) actionsOf(call).forEach((action) => asked.add(action));
  const given = (template) => [...new Set(rightsOf(template).filter(([who, action]) => who === "ReleaseRole" && !/^(logs|s3):/.test(action)).map(([, action]) => action))].sort();
  const template = Template.of("pipeline");
  assert.deepEqual([...asked].sort(), given(template));
  template.get("ReleaseRights").Properties.PolicyDocument.Statement.forEach(({ Action }) => Action.includes("iam:PassRole") && Action.pop());
  assert.notDeepEqual([...asked].sort(), given(template));
});
