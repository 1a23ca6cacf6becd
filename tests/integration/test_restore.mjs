// A backup that is put back: what was given after it was taken is nobody else's.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { refused, test, until } from "./lib/suite.mjs";

// Of the server that has stopped.
function copy(server, to, from) {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}

for (const before of [0, 1, 40])
  test(`a restored store gives nobody another's number or session, after ${before} people`, async (t) => {
    const server = await t.start();
    const { data } = server.flags;
    const kept = join(server.dir, "kept");
    const old = [];
    for (let i = 0; i < before; i++) old.push(await server.login(`old ${i}`));
    await server.stop();
    copy(server, kept, data);
    await server.spawn();
    const ana = await server.login("ana");
    const lost = await server.login("lost");
    await server.stop();
    copy(server, data, kept);
    await server.spawn();
    // as many as the lost ones, and more
    const people = [];
    for (let i = 0; i < 20; i++) people.push(await server.login(`new ${i}`));
    const ids = [...old, ana, lost, ...people].map(({ user }) => user.id);
    assert.equal(new Set(ids).size, ids.length, `a number was given again: ${ids}`);
    assert.ok(ids.every(Number.isSafeInteger));
    for (const { token } of [ana, lost]) {
      await refused("revoked", server.command("rooms", {}, token));
      await refused("revoked", server.connect(token));
    }
    const again = await server.login("ana");
    assert.notEqual(again.user.id, ana.user.id);
    // what the backup holds goes on
    for (const { token, user } of old) assert.deepEqual((await server.connect(token)).me.user, user);
  });

// Tokens of an earlier version name no start.
test("a token that names no start is good while its session is there", async (t) => {
  const secret = "0123456789abcdef0123456789abcdef";
  const server = await t.start({ "token-secret": secret });
  const { token, user } = await server.login("ana");
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const sign = (claims) => {
    const input = `${part({ alg: "HS256" })}.${part(claims)}`;
    return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
  };
  const { run, ...claims } = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
  assert.match(run, /^[0-9a-f]{16}$/);
  for (const one of [claims, { ...claims, run: "another" }]) {
    assert.deepEqual((await server.connect(sign(one))).me.user, user);
    await server.command("rooms", {}, sign(one)); // it is remembered, or read again
    for (const other of [{ sid: "77" }, { sub: "78" }])
      await refused("revoked", server.command("rooms", {}, sign({ ...one, ...other })));
  }
  await server.command("logout", {}, token);
  for (const one of [claims, { ...claims, run: "another" }])
    await until("each worker knows that it ended", () =>
      server.command("rooms", {}, sign(one)).then(
        () => false,
        ({ code }) => code === "revoked",
      ),
    );
});
