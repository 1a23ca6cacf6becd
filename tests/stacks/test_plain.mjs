// What is used without a template: scripts, and the task definition for the CLI.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Template, names, words } from "./lib/template.mjs";
import { healthOfImage, settingsOf } from "./lib/settings.mjs";

const AWS = fileURLToPath(new URL("../../deploy/aws/", import.meta.url));
const task = () => JSON.parse(readFileSync(`${AWS}ecs/task-def.json`, "utf8"));
const bash = (script) => execFileSync("bash", ["-n"], { input: script, stdio: ["pipe", "pipe", "pipe"] });

// What is wrong with the settings of a task.
function wrong({ containerDefinitions: [container] }) {
  const known = settingsOf("SERVE");
  const drain_s = Number(/^(\d+)s$/.exec(container.environment.find(({ name }) => name === "POLYLOG_DRAIN_MS").value)[1]);
  return [
    ...container.environment.map(({ name }) => name).filter((name) => name !== "AWS_REGION" && !known.has(name)),
    ...(container.stopTimeout >= drain_s + 22 ? [] : ["stopTimeout"]),
    ...(isDeepStrictEqual(container.healthCheck, healthOfImage()) ? [] : ["healthCheck"]),
  ];
}

test("ecs/task-def.json has settings of the program only, is stopped after it has drained, and its health is asked as the image does it", () => {
  assert.deepEqual(wrong(task()), []);
});

test("a fault in ecs/task-def.json is seen", () => {
  const planted = task();
  planted.containerDefinitions[0].environment.push({ name: "POLYLOG_INVENTED", value: "1" });
  planted.containerDefinitions[0].stopTimeout = 30;
  planted.containerDefinitions[0].healthCheck.command = ["CMD-SHELL", "curl -f http://localhost:8080/health"];
  assert.deepEqual(wrong(planted), ["POLYLOG_INVENTED", "stopTimeout", "healthCheck"]);
});

test("ecs/user-data.sh is a script", () => {
  bash(readFileSync(`${AWS}ecs/user-data.sh`, "utf8"));
});

for (const name of names())
  for (const [id, { LaunchTemplateData }] of Template.of(name).resources("AWS::EC2::LaunchTemplate"))
    test(`${name}: ${id} starts its instances by a script`, () => {
      const script = words(LaunchTemplateData.UserData["Fn::Base64"]);
      bash(script);
      assert.throws(() => bash(`${script}\nif`), /syntax error/);
    });
