// A service that is asked before a message is stored (--check-url), which may be anything but well.
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authority } from "./lib/certificate.mjs";
import { Checker, SECRET } from "./lib/checker.mjs";
import { refused, test, testWorkers, until } from "./lib/suite.mjs";

// "ok", or the code of the error.
const outcome = (promise) => promise.then(() => "ok", (error) => error.code ?? error.message);

async function checked(t, flags = {}, tls = undefined) {
  const checker = await Checker.start(tls);
  t.after(() => checker.close());
  const server = await t.start({ "check-url": checker.url, "check-secret": SECRET, "check-timeout": "1m", workers: t.workers, ...flags });
  const ana = await t.person("ana", { server });
  await ana.call("join", { room: "r" });
  return { checker, server, ana, send: (text, more) => ana.call("send", { room: "r", text, ...more }) };
}

testWorkers("a service is asked before a message is stored, as Standard Webhooks have it", async (t) => {
  const { checker, server, ana, send } = await checked(t);
  const { seq } = await send("hi", { cid: "k1" });
  await ana.event({ event: "message", text: "hi" });
  const [{ id, url, type, timestamp, data }] = checker.asked;
  assert.match(id, /^msg_[0-9a-f]{32}$/);
  assert.deepEqual([url, type, Number.isNaN(Date.parse(timestamp))], ["/check?a=b", "message.send", false]);
  assert.deepEqual(data, { kind: "send", room: "r", user: ana.user, text: "hi", cid: "k1" });
  checker.answer = ({ text }) => ({ verdict: "change", text: text.toUpperCase() });
  assert.equal((await ana.call("edit", { room: "r", target: seq, text: "hey" })).changed, true);
  await ana.event({ event: "edit", text: "HEY" });
  assert.deepEqual([checker.asked[1].data.kind, checker.asked[1].data.target], ["edit", seq]);
  checker.answer = () => ({ verdict: "refuse", reason: "No dogs here." });
  const error = await refused("refused", send("woof"));
  assert.equal(error.detail, "No dogs here.");
  await ana.call("react", { room: "r", target: seq, emoji: "👍" });
  assert.deepEqual([checker.asked.length, checker.faults], [3, []]);
  const metric = await server.metrics();
  for (const result of ["allowed", "changed", "refused"])
    assert.equal(metric(`polylog_checks_total{result="${result}"}`), 1);
  assert.ok(!server.log.includes(SECRET.slice(6)));
});

testWorkers("a service that hangs holds up its room, no other, and not for long", async (t) => {
  const { checker, server, ana, send } = await checked(t, { "check-timeout": "15s" });
  const hung = [];
  checker.answer = ({ room }) => (room === "r" ? (response) => void hung.push(response) : { verdict: "allow" });
  const first = outcome(send("one"));
  const bob = await t.person("bob", { server });
  await bob.call("join", { room: "s", create: true });
  await until("it is asked", () => hung.length === 1);
  for (let i = 0; i < 20; i++) await bob.call("send", { room: "s", text: `${i}` });
  assert.equal(await first, "check_failed");
  assert.deepEqual((await ana.call("history", { room: "r" })).entries, []);
  await until("it is logged", () => server.log.includes("check_failed"));
});

// Each is what a message comes to where what fails is refused; no answer is a verdict.
const NONSENSE = {
  "no JSON": () => "allow",
  "no object": () => "[]",
  "no verdict": () => ({ verdict: "perhaps" }),
  "a text that is too long": () => ({ verdict: "change", text: "x".repeat(4001) }),
  "a text with nothing to see": () => ({ verdict: "change", text: " \u200b" }),
  "half a character": () => '{"verdict":"change","text":"\\ud83d"}',
  "an answer that is too long": () => ({ verdict: "allow", more: "x".repeat(200_000) }),
  "no UTF-8": () => (r) => void r.writeHead(200, { "Content-Type": "application/json" }).end(Buffer.from([0x7b, 0xff, 0x7d])),
  "a page": () => (r) => void r.writeHead(200, { "Content-Type": "text/html" }).end('{"verdict":"allow"}'),
  "another place": () => (r) => void r.writeHead(302, { Location: "/yes", "Content-Type": "application/json" }).end('{"verdict":"allow"}'),
  "nothing to say": () => (r) => void r.writeHead(204).end(),
  "a refusal of its own": () => (r) => void r.writeHead(401, { "Content-Type": "application/json" }).end("{}"),
};

test("a service that answers nonsense allows nothing, and everything with --check-fail open", async (t) => {
  const closed = await checked(t, { "check-fail": "closed" });
  const open = await checked(t, { "check-fail": "open" });
  for (const [what, answer] of Object.entries(NONSENSE)) {
    for (const { checker } of [closed, open]) checker.answer = answer;
    const asked = closed.checker.asked.length;
    assert.equal(await outcome(closed.send(what)), "check_failed", what);
    assert.equal(closed.checker.asked.length, asked + 1, `${what}: asked once, and nowhere else`);
    assert.equal(await outcome(open.send(what)), "ok", what);
  }
  const n = Object.keys(NONSENSE).length;
  for (const { server } of [closed, open]) assert.equal((await server.metrics())('polylog_checks_total{result="failed"}'), n);
  const { entries } = await open.ana.call("history", { room: "r" });
  assert.deepEqual(entries.map(({ text }) => text), Object.keys(NONSENSE));
});

test("a service that fails for a moment is asked again under the same id", async (t) => {
  const { checker, send } = await checked(t);
  checker.answer = (_, n) => (n === 1 ? (r) => void r.socket.destroy() : n === 2 ? (r) => void r.writeHead(503).end() : { verdict: "allow" });
  await send("hi");
  assert.equal(checker.asked.length, 3);
  assert.equal(new Set(checker.asked.map(({ id }) => id)).size, 1);
  assert.deepEqual(checker.faults, []);
});

test("a service is believed if somebody trusted vouches for its certificate", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "polylog-checks-"));
  const [good, bad] = [authority(dir, "good"), authority(dir, "bad")];
  const trusting = await checked(t, { "check-ca": good.file }, good.certify("127.0.0.1"));
  await trusting.send("hi");
  const deceived = await checked(t, { "check-ca": bad.file }, good.certify("127.0.0.1"));
  await refused("check_failed", deceived.send("hi"));
  assert.equal(deceived.checker.asked.length, 0);
});

test("a server does not start with a service that cannot be meant", async (t) => {
  for (const [url, secret, why] of [
    ["ftp://127.0.0.1/", SECRET, /check-url must be an address/],
    ["http://ana:secret@127.0.0.1/", SECRET, /must not have a name or a password/],
    ["http://127.0.0.1/", "whsec_AAAA", /check-url needs check-secret/],
    ["http://127.0.0.1/", "", /check-url needs check-secret/],
    ["", SECRET, /need check-url/],
  ]) {
    const server = await t.start({ "check-url": url, "check-secret": secret }, { ready: false });
    await until("it has ended", () => server.exit !== undefined);
    assert.match(server.log, why);
    assert.ok(!server.log.includes("ana:secret") && !server.log.includes(SECRET));
  }
});
