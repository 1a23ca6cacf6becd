// docs/bots.md: its blocks marked `sh` are run, in order, in one shell.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { PROGRAM } from "./lib/server.mjs";
import { test } from "./lib/suite.mjs";

const document = readFileSync(new URL("../../docs/bots.md", import.meta.url), "utf8");

test("docs/bots.md does what it says", async (t) => {
  const server = await t.start({ login: "password", "password-memory": "8k" });
  const [, code] = server.out.match(/#owner=([0-9a-f]+)/);
  const blocks = [...document.matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block);
  assert.equal(blocks.length, 6);
  const script = blocks
    .join("\n")
    .replaceAll("localhost:8080", `127.0.0.1:${server.port}`)
    .replace("the-code-of-the-link", code);
  const child = spawn("sh", ["-ec", script], {
    cwd: server.dir,
    env: { ...process.env, PATH: `${dirname(PROGRAM)}:${process.env.PATH}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (said.out += chunk));
  child.stderr.on("data", (chunk) => (said.err += chunk));
  const exit = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(exit, 0, said.err);
  assert.match(said.out, /"duplicate":true/);
  assert.ok(said.out.endsWith("cron: The backup is done.\n"), said.out);
});

test("over HTTP, rooms right after join has the room", async (t) => {
  const server = await t.server;
  const { token } = await server.login(t.name("bot"));
  for (let i = 0; i < 20; i++) {
    const room = t.room();
    await server.command("join", { room }, token);
    const { rooms } = await server.command("rooms", {}, token);
    assert.ok(rooms.some(({ id }) => id === room), `${room} is not listed`);
  }
});
