// `polylog store adopt`: a copy that was put back is a store of its own. Nothing that the
// store before it gave out after the copy, or before, means anything in it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM } from "./lib/server.mjs";
import { refused, test } from "./lib/suite.mjs";

function copy(to, from) {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}

// {code, out, err} of `polylog store adopt` on the server's data.
function adopt(server) {
  return new Promise((resolve) => {
    const args = ["store", "adopt", "--store=sqlite", `--data=${server.flags.data}`, "--patience=0"];
    execFile(PROGRAM, args, { timeout: 60_000 }, (error, out, err) => resolve({ code: error?.code ?? 0, out, err }));
  });
}

for (const key of [{}, { "token-secret": "0123456789abcdef0123456789abcdef" }])
  test(`an adopted copy gives nothing twice${key["token-secret"] ? ", with a secret of the settings" : ""}`, async (t) => {
    const server = await t.start(key);
    const { data } = server.flags;
    const kept = join(server.dir, "kept");
    const before = await server.login("ana");
    let ana = await server.connect(before.token);
    const { room } = await ana.call("join", { room: "general" });
    for (let i = 0; i < 3; i++) await ana.call("send", { room: "general", text: `${i}` });
    await server.stop();
    copy(kept, data);

    // After the copy: more messages, a session that ends, somebody new.
    await server.spawn();
    const second = await server.login("ana");
    await server.command("logout", {}, second.token);
    const ben = await server.login("ben");
    ana = await server.connect(before.token);
    await ana.call("join", { room: "general" });
    for (let i = 3; i < 8; i++) await ana.call("send", { room: "general", text: `${i}` });
    const { room: last } = await ana.call("join", { room: "general" });
    assert.equal(last.epoch, room.epoch);
    await server.stop();
    copy(data, kept);

    const done = await adopt(server);
    assert.equal(done.code, 0, done.err);
    assert.match(done.out, /numbers of users[^]*tokens and sessions[^]*`reset`[^]*one of its own/);
    await server.spawn();
    for (const { token } of [before, second, ben])
      await refused(key["token-secret"] ? "revoked" : "bad_token", server.command("rooms", {}, token));
    const again = await server.login("ana");
    assert.equal(again.user.id, before.user.id);
    const ids = [before.user.id, ben.user.id];
    for (let i = 0; i < 40; i++) ids.push((await server.login(`new ${i}`)).user.id);
    assert.equal(new Set(ids).size, ids.length, `a number was given again: ${ids}`);

    // The log goes on past where the client had been.
    const cat = await server.connect(again.token);
    const { room: now } = await cat.call("join", { room: "general" });
    assert.equal(now.head.seq, last.head.seq - 5);
    assert.notEqual(now.epoch, room.epoch);
    for (let i = 0; i < 12; i++) await cat.call("send", { room: "general", text: `new ${i}` });
    const back = await server.connect(again.token);
    const { rooms } = await back.call("resume", { rooms: { general: [last.epoch, last.head.seq] } });
    assert.equal(rooms.general.reset, true);
    assert.equal(rooms.general.epoch, now.epoch);
    const other = await back.call("join", { room: "general", after: last.head.seq, epoch: last.epoch });
    assert.equal(other.reset, true);
    // and the epoch stays from now on
    await server.restart();
    const later = await server.connect(again.token);
    assert.equal((await later.call("join", { room: "general" })).room.epoch, now.epoch);
    const same = { general: [now.epoch, now.head.seq + 12] };
    assert.deepEqual((await later.call("resume", { rooms: same })).rooms, {});
    assert.doesNotMatch(server.log, /store_left/); // it ended in order
  });

test("adopting again makes it another once more, and a store in use is refused", async (t) => {
  const server = await t.start();
  const ana = await server.login("ana");
  const inUse = await adopt(server);
  assert.equal(inUse.code, 1);
  assert.match(inUse.err, /polylog store: .*(another process|a node runs)/);
  await server.stop();
  const epochs = new Set();
  for (let i = 0; i < 3; i++) {
    assert.equal((await adopt(server)).code, 0);
    await server.spawn();
    const { token, user } = await server.login("ana");
    assert.equal(user.id, ana.user.id);
    await refused("bad_token", server.command("rooms", {}, ana.token));
    const client = await server.connect(token);
    epochs.add((await client.call("join", { room: "general" })).room.epoch);
    await client.call("send", { room: "general", text: "x" });
    await server.stop();
  }
  assert.ok(epochs.size === 3, [...epochs].join());
  server.flags.data += "-none";
  const none = await adopt(server);
  assert.equal(none.code, 1);
  assert.match(none.err, /there is no database/);
});
