// The scripts of the stack ec2-s3: the web app into its bucket, the same by plain commands, and an instance's first start.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../integration/lib/ports.mjs";
import { until } from "../integration/lib/suite.mjs";
import { PROGRAM } from "../serverless/lib/function.mjs";
import { programs, runWithCli } from "./lib/cli.mjs";
import { Template, words } from "./lib/template.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HANG_MS = 600_000;

function temporary(t) {
  const dir = mkdtempSync(join(tmpdir(), "polylog-site-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

// A tree with the scripts, a program and a page in it.
function tree(t) {
  const dir = temporary(t);
  for (const part of ["deploy/aws/site.sh", "deploy/aws/ec2-s3", "deploy/systemd"]) cpSync(join(ROOT, part), join(dir, part), { recursive: true });
  for (const part of ["build", "web/dist"]) mkdirSync(join(dir, part), { recursive: true });
  writeFileSync(join(dir, "build/polylog-lambda.zip"), "");
  writeFileSync(join(dir, "web/dist/index.html"), "");
  return dir;
}

const STACK = `
case "$*" in
*"OutputKey=='WebsiteBucketName'"*) echo chat-bucket ;;
*"OutputKey=='PlainUrl'"*) echo http://192.0.2.1:8000 ;;
esac
`;

// What the page gets to know of config.js.
function serverOf({ calls }) {
  const window = {};
  runInNewContext(calls.find(({ line }) => line.includes("config.js --")).given, { window });
  return window.POLYLOG_SERVER;
}

const site = (dir, args, answers = STACK) => runWithCli(dir, join(dir, "deploy/aws/site.sh"), args, answers);

test("site.sh puts the page last, and config.js with the server's address before it", async (t) => {
  const ran = await site(tree(t), ["chat"]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(ran.stdout, "config.js: http://192.0.2.1:8000\n");
  assert.equal(serverOf(ran), "http://192.0.2.1:8000");
  const [named, config, page, ...more] = ran.calls.filter(({ words: [service] }) => service === "s3");
  assert.deepEqual(more, []);
  for (const { line } of [named, config, page]) assert.match(line, /s3:\/\/chat-bucket/);
  assert.match(named.line, /--exclude \* --include app\.\* --include theme\.\* .*--cache-control public, max-age=31536000, immutable$/);
  assert.match(page.line, /--exclude app\.\* --exclude theme\.\* --exclude config\.js .*--cache-control no-cache$/);
  assert.match(config.line, /--content-type text\/javascript --cache-control no-cache$/);
});

test("site.sh takes a bucket and an address, too", async (t) => {
  const ran = await site(tree(t), ["other", "wss://chat.example.org/prod"], 'case "$1" in s3) ;; *) exit 1 ;; esac');
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(serverOf(ran), "wss://chat.example.org/prod");
});

test("site.sh writes nothing for a stack without a page, by an address that is none, or without a page to put", async (t) => {
  const refused = async (args, says, { answers, dir = tree(t) } = {}) => {
    const ran = await site(dir, args, answers);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, says);
    assert.deepEqual(ran.calls.filter(({ words: [service] }) => service === "s3"), []);
  };
  await refused(["chat"], /no address of a server/, { answers: "echo None\n" });
  await refused(["chat"], /chat has no bucket/, { answers: STACK.replace("chat-bucket", "None") });
  for (const server of ["chat.example.org", 'http://a";alert(1);"', "http://a</script>"]) await refused(["other", server], /no address of a server/);
  const bare = tree(t);
  rmSync(join(bare, "web"), { recursive: true });
  await refused(["chat"], /make web/, { dir: bare });
  assert.equal((await site(tree(t), [])).code, 2);
});

const ACCOUNT = `
case "$*" in
*get-caller-identity*) echo 123456789012 ;;
"configure get region") echo "$REGION_IS" ;;
*create-security-group*) echo sg-1 ;;
*run-instances*) echo i-1 ;;
*allocate-address*) printf '192.0.2.1\\teipalloc-1\\n' ;;
*describe-instances*) echo i-1 ;;
*describe-addresses*) echo eipalloc-1 ;;
*describe-security-groups*) echo sg-1 ;;
esac
`;
const plain = (dir, script, args, region = "eu-central-1") => runWithCli(dir, join(dir, "deploy/aws/ec2-s3", script), args, ACCOUNT, { REGION_IS: region });

test("up.sh makes what the template makes: a public website, an instance, an address", async (t) => {
  const ran = await plain(tree(t), "up.sh", ["chat", "203.0.113.7/32"]);
  assert.equal(ran.code, 0, ran.stderr);
  const call = (part) => ran.calls.find(({ line }) => line.includes(part));
  const template = Template.of("ec2-s3");
  const [{ Action, Principal, Effect, Resource }] = template.get("WebsiteBucketPolicy").Properties.PolicyDocument.Statement;
  assert.deepEqual(JSON.parse(call("put-bucket-policy").given).Statement, [
    { Sid: "PublicRead", Effect, Principal, Action, Resource: words(Resource).replace("${WebsiteBucket.Arn}", "arn:aws:s3:::chat-123456789012") },
  ]);
  const block = template.get("WebsiteBucket").Properties.PublicAccessBlockConfiguration;
  assert.equal(
    call("put-public-access-block").words.at(-1),
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"].map((name) => `${name}=${block[name]}`).join(),
  );
  const opened = ran.calls.filter(({ line }) => line.includes("authorize-security-group-ingress")).map(({ words: w }) => `${w[w.indexOf("--port") + 1]} ${w.at(-1)}`);
  assert.deepEqual(opened, ["8000 0.0.0.0/0", "22 203.0.113.7/32"]);
  const run = call("run-instances");
  assert.match(run.line, /HttpTokens=required.*Encrypted=true/);
  assert.ok(run.words.includes(`resolve:ssm:${template.json.Parameters.MachineImage.Default}`));
  assert.match(call("associate-address").line, /--instance-id i-1 --allocation-id eipalloc-1$/);
  assert.equal(serverOf(ran), "http://192.0.2.1:8000");
  assert.match(ran.stdout, /http:\/\/chat-123456789012\.s3-website\.eu-central-1\.amazonaws\.com\n/);
});

test("up.sh starts the instance by a script with the same service as the template's", async (t) => {
  const ran = await plain(tree(t), "up.sh", ["chat", "203.0.113.7/32"], "us-east-1");
  const { given } = ran.calls.find(({ line }) => line.includes("run-instances"));
  execFileSync("bash", ["-n"], { input: given });
  const [, values] = Template.of("ec2-s3").get("ServerTemplate").Properties.LaunchTemplateData.UserData["Fn::Base64"]["Fn::Sub"];
  assert.ok(given.endsWith(values.Service));
  assert.match(given, /^echo POLYLOG_ORIGINS=http:\/\/chat-123456789012\.s3-website-us-east-1\.amazonaws\.com >\/etc\/polylog\.env$/m);
  assert.match(given, /https:\/\/chat-123456789012\.s3\.us-east-1\.amazonaws\.com\/polylog\.zip$/m);
});

test("up.sh makes nothing without a program, without a region, or with SSH for everybody", async (t) => {
  const made = ({ calls }) => calls.filter(({ words: [service] }) => ["s3", "s3api", "ec2"].includes(service));
  const bare = tree(t);
  rmSync(join(bare, "build/polylog-lambda.zip"));
  for (const [code, ran] of [
    [1, await plain(bare, "up.sh", ["chat", "203.0.113.7/32"])],
    [1, await plain(tree(t), "up.sh", ["chat", "203.0.113.7/32"], "")],
    [2, await plain(tree(t), "up.sh", ["chat", "0.0.0.0/0"])],
    [2, await plain(tree(t), "up.sh", ["chat"])],
  ]) {
    assert.equal(ran.code, code);
    assert.deepEqual(made(ran), []);
  }
});

test("down.sh takes away what up.sh made, and waits for the instance before its group", async (t) => {
  const ran = await plain(tree(t), "down.sh", ["chat"]);
  assert.equal(ran.code, 0, ran.stderr);
  const did = ran.calls.map(({ line }) => line).filter((line) => !/describe|identity/.test(line));
  assert.deepEqual(did, [
    "ec2 terminate-instances --instance-ids i-1",
    "ec2 wait instance-terminated --instance-ids i-1",
    "ec2 release-address --allocation-id eipalloc-1",
    "ec2 delete-security-group --group-id sg-1",
    "s3 rb --force s3://chat-123456789012",
  ]);
  const asked = ran.calls.filter(({ line }) => /describe-/.test(line));
  assert.equal(asked.length, 3);
  for (const { words: all } of asked) assert.ok(all.includes("Name=tag:polylog,Values=chat"));
});

// A zip whose loader says how it was called.
function talkative(zip, dir) {
  mkdirSync(join(dir, "zip/lib"), { recursive: true });
  writeFileSync(join(dir, "zip/lib/ld-linux-x.so.2"), '#!/bin/sh\necho "$@"\n');
  writeFileSync(join(dir, "zip/polylog"), "");
  execFileSync("python3", ["-m", "zipfile", "-c", zip, "lib", "polylog"], { cwd: join(dir, "zip"), timeout: HANG_MS });
}

// The first start, in a directory instead of /; make makes the zip.
function start(t, make = talkative) {
  const dir = temporary(t);
  for (const part of ["etc/systemd/system", "etc/logrotate.d", "usr/local/bin", "tmp"]) mkdirSync(join(dir, part), { recursive: true });
  make(join(dir, "tmp/polylog.zip"), dir);
  const [, { Service }] = Template.of("ec2-s3").get("ServerTemplate").Properties.LaunchTemplateData.UserData["Fn::Base64"]["Fn::Sub"];
  const script = Service.replace(/(?<![\w/.])\/(?=(?:etc|opt|tmp|usr\/local\/bin|var)\/)/g, `${dir}/`);
  const says = `echo "$(basename "$0") $*" >>${dir}/asked\n`;
  execFileSync("bash", ["-eu"], { input: script, env: programs(dir, { systemctl: says, curl: says }), timeout: HANG_MS });
  return { dir, asked: readFileSync(join(dir, "asked"), "utf8").split("\n") };
}

test("an instance's first start installs the program and starts it, and waits until it is ready", (t) => {
  const { dir, asked } = start(t);
  assert.deepEqual(asked.slice(0, 2), ["systemctl daemon-reload", "systemctl enable --now polylog.socket polylog.service"]);
  assert.match(asked[2], /^curl .*-m 10 .*--retry 30 .*http:\/\/127\.0\.0\.1:8000\/ready$/);
  const opt = join(dir, "opt/polylog");
  const said = execFileSync(join(dir, "usr/local/bin/polylog"), ["serve"], { encoding: "utf8", timeout: HANG_MS });
  assert.equal(said, `--library-path ${opt}/lib ${opt}/polylog serve\n`);
  const unit = (file) => readFileSync(join(dir, "etc/systemd/system", file), "utf8");
  const bare = (file) => readFileSync(join(ROOT, "deploy/systemd", file), "utf8").replace(/^#.*\n/gm, "");
  assert.equal(unit("polylog.socket"), bare("polylog.socket"));
  assert.equal(unit("polylog.service"), bare("polylog.service").replaceAll("/usr/local/bin/", `${dir}/usr/local/bin/`).replaceAll("/etc/polylog", `${dir}/etc/polylog`));
  assert.match(unit("polylog.service.d/aws.conf"), /^StandardError=append:\S+\/var\/log\/polylog\/polylog\.log$/m);
  assert.ok(existsSync(join(dir, "var/log/polylog")));
});

test("what make lambda builds serves on such an instance", async (t) => {
  const { dir } = start(t, (zip) => {
    execFileSync(join(ROOT, "tools/make-lambda"), [PROGRAM], { stdio: "ignore", timeout: HANG_MS });
    cpSync(join(ROOT, `build/polylog-lambda${process.arch === "arm64" ? "-arm64" : ""}.zip`), zip);
  });
  const port = await freePort();
  const env = { PATH: process.env.PATH, POLYLOG_LISTEN: `127.0.0.1:${port}`, POLYLOG_DATA: join(dir, "data") };
  const child = spawn(join(dir, "usr/local/bin/polylog"), ["serve"], { cwd: dir, stdio: "ignore", env });
  const ended = once(child, "close");
  t.after(() => child.kill("SIGKILL"));
  const isReady = () => fetch(`http://127.0.0.1:${port}/ready`).then(({ ok }) => ok, () => false);
  await Promise.race([until("the server is ready", isReady), ended.then(([code]) => Promise.reject(new Error(`it ended: ${code}`)))]);
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
});

test("systemd has nothing to say against the service as an instance has it", { skip: !existsSync("/usr/bin/systemd-analyze") && "systemd is not here" }, (t) => {
  const { dir } = start(t);
  const units = ["service", "socket"].map((kind) => join(dir, `etc/systemd/system/polylog.${kind}`));
  const says = () => spawnSync("systemd-analyze", ["verify", "--man=no", "--generators=no", ...units], { encoding: "utf8", timeout: HANG_MS });
  const { status, stderr } = says();
  assert.deepEqual([status, stderr], [0, ""]);
  appendFileSync(join(dir, "etc/systemd/system/polylog.service.d/aws.conf"), "TimeoutStop=115\n");
  assert.match(says().stderr, /aws\.conf:\d+: Unknown key/);
});
