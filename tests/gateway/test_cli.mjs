// @connections, asked by the AWS CLI: Debian's awscli.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { test } from "../integration/lib/suite.mjs";
import { KEYS, directory, withBackend } from "./lib/gateway.mjs";

// It takes seconds, in which others go on.
function isInstalled() {
  return promisify(execFile)("aws", ["--version"]).then(() => true, () => false);
}

// The CLI in a home of its own, so that nobody's settings count.
function cli(t, gateway, keys = KEYS) {
  const home = directory(t);
  writeFileSync(join(home, "hello"), "hello");
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_PAGER: "",
  };
  if (process.env.PYENV_ROOT) env.PYENV_ROOT = process.env.PYENV_ROOT;
  return (command, id) =>
    new Promise((resolve) => {
      const args = ["apigatewaymanagementapi", command, "--endpoint-url", `http://${gateway.at}`, "--connection-id", id];
      if (command === "post-to-connection") args.push("--data", `fileb://${join(home, "hello")}`);
      execFile("aws", args, { env }, (error, out, err) => resolve({ code: error?.code ?? 0, out, err }));
    });
}

async function connected(t, flags) {
  if (!(await isInstalled())) t.skip("there is no awscli");
  const { backend, gateway } = await withBackend(t, undefined, flags);
  const person = await gateway.person(t, { headers: { "User-Agent": "a test" } });
  return { gateway, person, id: (await backend.event("CONNECT")).headers["x-ws-connection-id"] };
}

test("the AWS CLI posts, gets and deletes", async (t) => {
  const { gateway, person, id } = await connected(t);
  const aws = cli(t, gateway);
  assert.deepEqual(await aws("post-to-connection", id), { code: 0, out: "", err: "" });
  assert.equal(await person.frame(), "hello");
  const got = await aws("get-connection", id);
  assert.equal(got.err, "");
  const { ConnectedAt, Identity, LastActiveAt } = JSON.parse(got.out);
  assert.deepEqual(Identity, { SourceIp: "127.0.0.1", UserAgent: "a test" });
  assert.ok(Date.parse(LastActiveAt) >= Date.parse(ConnectedAt));
  assert.deepEqual(await aws("delete-connection", id), { code: 0, out: "", err: "" });
  assert.deepEqual(await person.closed, { code: 1000, reason: "Connection Closed Normally" });
  for (const [command, operation] of [
    ["post-to-connection", "PostToConnection"],
    ["get-connection", "GetConnection"],
    ["delete-connection", "DeleteConnection"],
  ]) {
    const { code, err } = await aws(command, id);
    assert.notEqual(code, 0, command);
    assert.match(err, new RegExp(`An error occurred \\(GoneException\\) when calling the ${operation} operation`));
  }
});

test("the AWS CLI is refused, and says why", async (t) => {
  const { gateway, person, id } = await connected(t, ["--access-keys", "known:secret,other:too:denied"]);
  const refused = async (accessKeyId, secretAccessKey, says) => {
    const { code, err } = await cli(t, gateway, { accessKeyId, secretAccessKey })("post-to-connection", id);
    assert.notEqual(code, 0);
    assert.match(err, says);
  };
  await refused("other", "too", /\(ForbiddenException\) when calling the PostToConnection operation: Forbidden/);
  await refused("known", "wrong", /\(InvalidSignatureException\).*: The request signature we calculated does not match/);
  await refused("nobody", "x", /\(UnrecognizedClientException\).*: The security token included in the request is invalid/);
  assert.deepEqual(person.frames, []);
});
