// HTTPS and WSS: versions, certificates that change while connections live on.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes, X509Certificate } from "node:crypto";
import { closeSync, copyFileSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { connect } from "node:tls";
import { Client } from "./lib/client.mjs";
import { Raw } from "./lib/raw.mjs";
import { freePort, temporary } from "./lib/server.mjs";
import { sleep, test, testWorkers, until } from "./lib/suite.mjs";

// A key and a certificate of one's own in dir: <name>.key, <name>.crt.
function certify(t, dir, name) {
  const files = { key: join(dir, `${name}.key`), cert: join(dir, `${name}.crt`) };
  const args =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -addext subjectAltName=DNS:localhost".split(
      " ",
    );
  try {
    execFileSync("openssl", [...args, "-subj", `/CN=${name}`, "-keyout", files.key, "-out", files.cert], {
      stdio: "ignore",
    });
  } catch (error) {
    if (error.code === "ENOENT") t.skip("openssl is missing");
    throw error;
  }
  return files;
}

async function start(t, flags = {}) {
  const server = await t.start({ workers: t.workers }, { ready: false });
  await server.stop("SIGKILL");
  const { key, cert } = certify(t, server.dir, "one");
  server.tlsPort = await freePort();
  Object.assign(server.flags, {
    "tls-listen": `127.0.0.1:${server.tlsPort}`,
    "tls-key": key,
    "tls-cert": cert,
    ...flags,
  });
  await server.spawn();
  await server.ready();
  return server;
}

const TRUST = { rejectUnauthorized: false, servername: "localhost" };

// The name on the certificate that a new connection is shown, and its version.
function shown(server, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: server.tlsPort, host: "127.0.0.1", ...TRUST, ...options }, () => {
      resolve({ name: socket.getPeerCertificate().subject.CN, version: socket.getProtocol() });
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

testWorkers("https and wss carry what http and ws do", async (t) => {
  const server = await start(t);
  assert.match(server.out, new RegExp(`https://localhost:${server.tlsPort}`));
  const { token, user } = await server.login("ana");
  const ana = await Client.connect(`wss://localhost:${server.tlsPort}/ws?token=${token}`, {
    ...TRUST,
    perMessageDeflate: true,
  });
  t.after(() => ana.kill());
  const bob = await t.person("bob", { server });
  for (const who of [ana, bob]) await who.call("join", { room: "r" });
  for (let i = 0; i < 50; i++)
    await (i % 2 ? ana : bob).call("send", { room: "r", text: `${i} ${"x".repeat(i * 60)}` });
  for (const who of [ana, bob]) {
    const texts = (await who.events({ event: "message" }, 50)).map(({ text }) => parseInt(text));
    assert.deepEqual(
      texts,
      Array.from({ length: 50 }, (_, i) => i),
    );
  }
  await Promise.all(
    Array.from({ length: 500 }, (_, i) => ana.call("send", { room: "r", text: `${i}${"y".repeat(3900)}` })),
  );
  await bob.events(({ text }) => text?.endsWith("y"), 500);
  assert.equal((await ana.close()).code, 1000);
  const answer = await new Promise((resolve, reject) => {
    const options = {
      ...TRUST,
      method: "POST",
      host: "127.0.0.1",
      port: server.tlsPort,
      path: "/api/v1/login",
      headers: { "Content-Type": "application/json" },
    };
    const asked = request(options, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ cookie: response.headers["set-cookie"][0], body: JSON.parse(text) });
    });
    asked.on("error", reject).end('{"name":"ANA"}');
  });
  assert.deepEqual(answer.body.user, user);
  assert.match(answer.cookie, /; Secure/);
  await until(
    "handshakes are counted",
    async () => (await server.metrics())("polylog_tls_handshakes_total") >= 2,
  );
  assert.equal(await server.stop(), 0);
});

test("only TLS 1.2 and 1.3 are spoken", async (t) => {
  const server = await start(t);
  assert.equal((await shown(server)).version, "TLSv1.3");
  assert.equal((await shown(server, { maxVersion: "TLSv1.2" })).version, "TLSv1.2");
  const weak = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };
  await assert.rejects(shown(server, weak));
  await assert.rejects(
    shown(server, { maxVersion: "TLSv1.2", ciphers: "AES128-SHA:@SECLEVEL=0" }),
    "without forward secrecy",
  );
  await until(
    "failures are counted",
    async () => (await server.metrics())("polylog_tls_failures_total") >= 1,
  );
});

test("what is not TLS on its port is closed, and hinders nobody", async (t) => {
  const server = await start(t, { "head-timeout": "500ms" });
  for (const bytes of [
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "\x16\x03\x01\x00\x05hello",
    "\x00".repeat(100),
    "\x16",
  ]) {
    const raw = await Raw.connect(server.tlsPort);
    t.after(() => raw.kill());
    raw.write(Buffer.from(bytes, "latin1"));
    await raw.rest();
  }
  const cut = connect({ port: server.tlsPort, host: "127.0.0.1", ...TRUST });
  cut.on("error", () => undefined);
  await sleep(1);
  cut.destroy();
  assert.equal((await shown(server)).name, "one");
});

testWorkers("a new certificate is taken on SIGHUP, and connections live on", async (t) => {
  const server = await start(t);
  const { token } = await server.login("ana");
  const ana = await Client.connect(`wss://localhost:${server.tlsPort}/ws?token=${token}`, TRUST);
  t.after(() => ana.kill());
  await ana.call("join", { room: "r" });
  const two = certify(t, server.dir, "two");
  copyFileSync(two.key, server.flags["tls-key"]);
  copyFileSync(two.cert, server.flags["tls-cert"]);
  server.child.kill("SIGHUP");
  await until("the new one is shown", async () => (await shown(server)).name === "two");
  for (let i = 0; i < 4; i++) assert.equal((await shown(server)).name, "two");
  await ana.call("send", { room: "r", text: "still here" });
  await ana.event({ text: "still here" });
  // one that is no good is not taken, and nothing ends
  copyFileSync(join(server.dir, "one.crt"), join(server.dir, "keep.crt"));
  execFileSync("sh", ["-c", `echo broken > '${server.flags["tls-cert"]}'`]);
  server.child.kill("SIGHUP");
  await until("it is said", () => /"level":"(error|warn)"/.test(server.log));
  assert.equal((await shown(server)).name, "two");
  await ana.call("ping");
  assert.equal(await server.stop(), 0);
});

test("no connection waits while a certificate is read", async (t) => {
  const server = await start(t);
  const { token } = await server.login("ana");
  const ana = await Client.connect(`wss://localhost:${server.tlsPort}/ws?token=${token}`, TRUST);
  t.after(() => ana.kill());
  const cert = server.flags["tls-cert"];
  rmSync(cert);
  execFileSync("mkfifo", [cert]); // a disk that does not answer
  for (let i = 0; i < 10; i++) {
    server.child.kill("SIGHUP");
    await ana.call("ping");
    assert.equal((await shown(server)).name, "one");
    await sleep(20);
  }
  assert.equal(server.log.includes('"event":"reload"'), false);
  // it answers with what is no certificate, and then, as asked for meanwhile, with one
  const answer = openSync(cert, "w");
  const two = certify(t, server.dir, "two");
  renameSync(two.key, server.flags["tls-key"]);
  renameSync(two.cert, cert);
  writeSync(answer, "broken");
  closeSync(answer);
  await until("the first is refused", () => server.log.includes('"event":"reload","worker":0,"error"'));
  await until("the second is shown", async () => (await shown(server)).name === "two");
  await ana.call("ping");
});

// One connection; the session, and whether it resumed the one given.
async function visit(server, session) {
  const options = { port: server.tlsPort, host: "127.0.0.1", maxVersion: "TLSv1.2", ...TRUST, session };
  const socket = connect(options);
  socket.end("GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").resume();
  const closed = new Promise((resolve) => socket.on("close", resolve));
  await new Promise((resolve, reject) => socket.on("secureConnect", resolve).on("error", reject));
  const seen = { resumed: socket.isSessionReused(), session: socket.getSession() };
  await closed;
  return seen;
}

test("sessions are resumed by every node with the same ticket key", async (t) => {
  const file = join(temporary("ticket-"), "ticket.key");
  writeFileSync(file, randomBytes(48));
  const nodes = [];
  for (const flags of [{ "tls-ticket-key": file }, { "tls-ticket-key": file }, {}])
    nodes.push(await start(t, { workers: 2, ...flags }));
  const first = await visit(nodes[0]);
  assert.equal(first.resumed, false);
  for (let i = 0; i < 4; i++) assert.equal((await visit(nodes[0], first.session)).resumed, true);
  assert.equal((await visit(nodes[1], first.session)).resumed, true);
  assert.equal((await visit(nodes[2], first.session)).resumed, false);
  const own = await visit(nodes[2]);
  for (let i = 0; i < 4; i++) assert.equal((await visit(nodes[2], own.session)).resumed, true);
  const metrics = await until("it is counted", async () => {
    const now = await nodes[0].metrics();
    return now("polylog_tls_resumed_total") === 4 && now;
  });
  const { validTo } = new X509Certificate(readFileSync(nodes[0].flags["tls-cert"]));
  assert.equal(metrics("polylog_tls_certificate_expires_seconds"), Date.parse(validTo) / 1000);
});

test("a certificate that cannot be read ends with 1 and one line", async (t) => {
  const server = await t.start({}, { ready: false });
  await server.stop("SIGKILL");
  server.log = "";
  const { key, cert } = certify(t, server.dir, "one");
  const other = certify(t, server.dir, "other");
  const short = join(server.dir, "short.key");
  writeFileSync(short, "x".repeat(31));
  for (const [k, c, ticket] of [
    [key, "/nowhere.crt"],
    ["/nowhere.key", cert],
    [other.key, cert],
    [key, cert, "/nowhere.key"],
    [key, cert, short],
  ]) {
    Object.assign(server.flags, { "tls-listen": "127.0.0.1:0", "tls-key": k, "tls-cert": c });
    if (ticket !== undefined) server.flags["tls-ticket-key"] = ticket;
    server.log = "";
    await server.spawn();
    assert.equal(await server.ended, 1);
    assert.equal(server.log.trim().split("\n").length, 1, server.log);
    assert.match(server.log, /tls-(cert|key)|nowhere|certificate|key/);
  }
});
