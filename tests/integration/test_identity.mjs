// Tokens that are signed elsewhere, and own ones signed with a key.
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as jose from "jose";
import { authority } from "./lib/certificate.mjs";
import { Issuer, part, signature } from "./lib/issuer.mjs";
import { Raw } from "./lib/raw.mjs";
import { temporary } from "./lib/server.mjs";
import { refused, revoked, sleep, test, testWorkers, until } from "./lib/suite.mjs";

async function issuerOf(t, path, tls) {
  const issuer = await Issuer.start(path, tls);
  t.after(() => issuer.stop().catch(() => undefined));
  return issuer;
}

// A server that accepts the issuer's tokens, and has its keys unless wait is false.
async function served(t, issuer, flags = {}, wait = true) {
  const server = await t.start({ issuer: issuer.url, audience: "chat", "jwks-again": "200ms", ...flags });
  if (wait) await haveKeys(server, issuer);
  return server;
}

function haveKeys(server, issuer) {
  const token = issuer.token({ sub: "probe", preferred_username: "probe" });
  return until("the server has the keys", () =>
    server.command("rooms", {}, token).then(
      () => true,
      ({ code }) => assert.equal(code, "issuer_unavailable"),
    ),
  );
}

testWorkers("tokens of an issuer, by each algorithm and each way", async (t) => {
  const issuer = await issuerOf(t);
  const server = await served(t, issuer, { workers: t.workers });
  const url = `${server.url.replace("http", "ws")}/ws`;
  const { Client } = await import("./lib/client.mjs");
  for (const alg of ["RS256", "ES256", "EdDSA"]) {
    const token = issuer.token({ sub: alg, preferred_username: `ana ${alg}`, aud: ["x", "chat"] }, { alg });
    // jose agrees that it is right
    const keys = jose.createLocalJWKSet(issuer.published);
    const { payload } = await jose.jwtVerify(token, keys, { issuer: issuer.url, audience: "chat" });
    assert.equal(payload.sub, alg);
    const ana = await server.connect(token);
    assert.equal(ana.me.user.name, `ana ${alg}`);
    assert.equal(ana.me.expires, (payload.exp + 30) * 1000);
    for (const [path, headers] of [
      [`?token=${encodeURIComponent(token)}`, {}],
      ["", { Authorization: `Bearer ${token}` }],
      ["", { Cookie: `polylog_token=${token}` }],
    ]) {
      const client = await Client.connect(url + path, { headers });
      assert.equal((await client.call("auth", { token })).user.id, ana.me.user.id);
      await client.close();
      const response = await server.fetch(`/api/v1/rooms${path}`, {
        method: "POST",
        headers: { ...headers, ...(headers.Cookie && { Origin: server.url }) },
      });
      assert.deepEqual(await response.json(), { rooms: [] });
    }
  }
  // first of all by the upgrade, when nobody knows them yet; and pipelined
  const fresh = issuer.token({ sub: "fresh", preferred_username: "fresh" });
  const client = await Client.connect(`${url}?token=${fresh}`);
  await client.call("rooms");
  await client.close();
  const other = await server.connect();
  other.write({ action: "auth", token: issuer.token({ sub: "other", preferred_username: "other" }) });
  assert.deepEqual((await other.call("rooms")).rooms, []);
  const bad = await server.connect();
  bad.write({ action: "auth", token: `${fresh}x` });
  await refused("unauthenticated", bad.call("rooms"));
});

test("jose's own tokens are accepted", async (t) => {
  const issuer = await issuerOf(t);
  const server = await served(t, issuer);
  for (const alg of ["RS256", "ES256", "EdDSA"]) {
    const key = issuer.key(alg);
    const token = await new jose.SignJWT({ preferred_username: `jo ${alg}` })
      .setProtectedHeader({ alg, kid: key.kid })
      .setIssuer(issuer.url)
      .setAudience("chat")
      .setSubject(`jo ${alg}`)
      .setIssuedAt()
      .setExpirationTime("5m")
      .sign(key.privateKey);
    assert.equal((await server.connect(token)).me.user.name, `jo ${alg}`);
  }
});

test("what does not prove who it is, is refused", async (t) => {
  const issuer = await issuerOf(t);
  const server = await served(t, issuer);
  const [rsa, ec, ed] = ["RS256", "ES256", "EdDSA"].map((alg) => issuer.key(alg));
  const pem = rsa.publicKey.export({ type: "spki", format: "pem" });
  const der = rsa.publicKey.export({ type: "spki", format: "der" });
  const now = Math.floor(Date.now() / 1000);
  const stranger = (await issuerOf(t)).key("RS256");
  const small = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const hmac = (secret, header) => {
    const input = `${part({ alg: "HS256", typ: "JWT", ...header })}.${part(issuer.claims())}`;
    return `${input}.${signature(input, "HS256", secret)}`;
  };
  const good = issuer.token();
  const [header, claims, proof] = good.split(".");
  const derEncoded = (() => {
    const input = `${part({ alg: "ES256", kid: ec.kid })}.${claims}`;
    return `${input}.${sign("sha256", Buffer.from(input), ec.privateKey).toString("base64url")}`;
  })();
  const duplicate = (() => {
    const input = `${header}.${part(JSON.stringify(issuer.claims()).replace("{", '{"sub":"evil",'))}`;
    return `${input}.${signature(input, "RS256", rsa.privateKey)}`;
  })();
  const bad = {
    none: `${part({ alg: "none", kid: rsa.kid })}.${claims}.`,
    "none, with a signature": `${part({ alg: "none", kid: rsa.kid })}.${claims}.${proof}`,
    "HS256 by the public key, PEM": hmac(pem, { kid: rsa.kid }),
    "HS256 by the public key, DER": hmac(der, { kid: rsa.kid }),
    "HS256 by the modulus": hmac(rsa.jwk.n, { kid: rsa.kid }),
    "HS256 without a kid": hmac(pem, {}),
    "another's key": issuer.token({}, { key: { ...stranger, kid: rsa.kid } }),
    "a kid of another algorithm": issuer.token({}, { key: { ...rsa, kid: ec.kid } }),
    "another algorithm's name": issuer.token({}, { header: { alg: "ES256" } }),
    "RS512": issuer.token({}, { header: { alg: "RS512" } }),
    "a small key": issuer.token({}, { key: { privateKey: small.privateKey, kid: rsa.kid } }),
    "a DER signature": derEncoded,
    "crit": issuer.token({}, { header: { crit: ["b64"], b64: false } }),
    "a member twice": duplicate,
    "no signature": `${header}.${claims}.`,
    "two parts": `${header}.${claims}`,
    "four parts": `${good}.x`,
    "a changed claim": `${header}.${part(issuer.claims({ sub: "evil" }))}.${proof}`,
    "another issuer": issuer.token({ iss: `${issuer.url}/` }),
    "no issuer": issuer.token({ iss: undefined }),
    "another audience": issuer.token({ aud: "other" }),
    "no audience": issuer.token({ aud: undefined }),
    "no subject": issuer.token({ sub: undefined }),
    "no end": issuer.token({ exp: undefined }),
    "not yet": issuer.token({ nbf: now + 90 }),
    "a logout token": issuer.token({ events: {} }),
    "huge": issuer.token({ x: "x".repeat(4000) }),
    "huger than a frame": issuer.token({ x: "x".repeat(80_000) }),
    "a JWE": "a.b.c.d.e",
  };
  for (const [what, token] of Object.entries(bad)) {
    const code = what.startsWith("huge") ? /bad_token|too_long/ : /^bad_token$/;
    const response = await server
      .command("auth", { token })
      .then(() => "accepted", (error) => error.code ?? "too_long");
    assert.match(response, what.startsWith("huger") ? /./ : code, what);
    assert.notEqual(response, "accepted", what);
  }
  await refused("expired", server.command("auth", { token: issuer.token({ exp: now - 31 }) }));
  await server.command("auth", { token: issuer.token({ exp: now - 20 }) }); // clocks differ
  const metrics = await until("the refusals are counted", async () => {
    const now = await server.metrics();
    return now('polylog_tokens_refused_total{reason="expired"}') === 1 && now;
  });
  for (const reason of ["algorithm", "signature", "issuer", "audience", "malformed"])
    assert.ok(metrics(`polylog_tokens_refused_total{reason="${reason}"}`) > 0, reason);
  assert.equal(server.log.includes(proof.slice(0, 20)), false, "a token was logged");
  assert.equal(ed.alg, "EdDSA");
});

test("a connection may be refused so many tokens", async (t) => {
  const server = await t.server;
  const client = await server.connect();
  for (let i = 0; i < 16; i++) await refused("bad_token", client.call("auth", { token: `x.y.${i}` }));
  assert.deepEqual(await client.closed, { code: 4429, reason: "too many tokens" });
  const raw = await Raw.connect(server.port);
  t.after(() => raw.kill());
  for (let i = 1; i <= 16; i++) {
    raw.write("POST /api/v1/rooms HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x.y.z\r\nContent-Length: 2\r\n\r\n{}");
    const { status, headers } = await raw.answer();
    assert.deepEqual([status, headers.connection === "close"], [401, i === 16]);
  }
});

test("who leaves while the store is asked who it is does no harm", async (t) => {
  const issuer = await issuerOf(t);
  const server = await served(t, issuer);
  for (let i = 0; i < 60; i++) {
    const raw = await Raw.connect(server.port);
    const token = issuer.token({ sub: `s-${i}`, preferred_username: `n-${i}` }, { alg: "EdDSA" });
    if (i % 3 === 0) {
      await raw.upgrade();
      for (const frame of [{ action: "auth", id: 1, token }, { action: "rooms", id: 2 }, { action: "join", id: 3, room: "r" }])
        raw.send(1, JSON.stringify(frame));
    } else {
      const what = i % 3 === 1 ? "GET /ws" : "POST /api/v1/rooms";
      raw.write(
        `${what} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
      );
    }
    await sleep(i % 4);
    raw.kill();
  }
  const ana = await server.connect(issuer.token({ sub: "s-1" }));
  assert.equal(ana.me.user.name, "n-1");
  // frames that came behind the upgrade, before it was answered
  const raw = await Raw.connect(server.port);
  t.after(() => raw.kill());
  const token = issuer.token({ sub: "early", preferred_username: "early" });
  raw.write(
    `GET /ws?token=${token} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  raw.send(1, JSON.stringify({ action: "rooms", id: 1 }));
  assert.equal((await raw.answer()).status, 101);
  assert.deepEqual(await raw.json(), { id: 1, ok: { rooms: [] } });
  raw.send(1, JSON.stringify({ action: "ping", id: 2 })); // it is still read from
  assert.equal((await raw.json()).id, 2);
  // behind an auth, so many commands wait
  const many = await server.connect();
  many.write({ action: "auth", id: "a", token: issuer.token({ sub: "many", preferred_username: "many" }) });
  const rooms = await Promise.allSettled(Array.from({ length: 70 }, () => many.call("rooms")));
  const codes = rooms.map(({ reason }) => reason?.code ?? "ok");
  assert.equal(codes.filter((code) => code === "ok").length >= 64, true, `${codes}`);
  assert.ok(codes.every((code) => code === "ok" || code === "too_many_commands"), `${codes}`);
});

test("the tokens of Amazon Cognito", async (t) => {
  const issuer = await issuerOf(t, "/eu-west-1_pool");
  issuer.audience = "3n4b5urk1ft4fl3mg5e62d9ado";
  const server = await served(t, issuer, { audience: "3n4b5urk1ft4fl3mg5e62d9ado" });
  const user = {
    sub: "f1b2c3d4-0000-4000-8000-000000000001",
    origin_jti: "o-1",
    event_id: "e",
    auth_time: 1,
    aud: undefined,
  };
  const id = issuer.token({
    ...user,
    aud: issuer.audience,
    token_use: "id",
    jti: "j-1",
    email: "ana@example.org",
    email_verified: true,
    "cognito:username": "ana",
    "cognito:groups": ["a"],
  });
  const access = issuer.token({
    ...user,
    token_use: "access",
    client_id: "3n4b5urk1ft4fl3mg5e62d9ado",
    scope: "openid",
    username: "ana",
    jti: "j-2",
  });
  const ana = await server.connect(id);
  assert.equal(ana.me.user.name, "ana");
  const again = await server.connect(access);
  assert.deepEqual(again.me.user, ana.me.user);
  assert.equal(again.me.session, ana.me.session, "one session, by origin_jti");
  for (const wrong of [
    { token_use: "access", client_id: "other" },
    { token_use: "access" },
    { token_use: "id" },
    { token_use: "refresh", aud: "3n4b5urk1ft4fl3mg5e62d9ado" },
  ])
    await refused("bad_token", server.command("auth", { token: issuer.token({ ...user, ...wrong }) }));
  // whoever comes with an access token first has the same name as by an id token
  const bo = { ...user, sub: "bo", origin_jti: "o-3", token_use: "access", username: "bo", client_id: issuer.audience };
  assert.equal((await server.connect(issuer.token(bo))).me.user.name, "bo");
  // ending it ends what is signed for it later, too
  await ana.call("logout");
  assert.equal((await again.closed).code, 4401);
  const later = issuer.token({ ...user, token_use: "access", client_id: "3n4b5urk1ft4fl3mg5e62d9ado" });
  await revoked(() => server.command("rooms", {}, later));
  const anew = { ...user, origin_jti: "o-2", token_use: "access", client_id: "3n4b5urk1ft4fl3mg5e62d9ado" };
  await server.command("rooms", {}, issuer.token(anew));
});

test("a subject has one name, which is nobody else's", async (t) => {
  const issuer = await issuerOf(t);
  const server = await served(t, issuer);
  await server.login("Bo");
  const bo = await server.connect(issuer.token({ sub: "b", preferred_username: "bo" }));
  assert.equal(bo.me.user.name, "bo-2");
  await refused("login_elsewhere", server.login("BO-2"));
  const [x, y] = [issuer.token({ sub: "b", name: "x" }), issuer.token({ sub: "c", email: "zoë@example.org" })];
  assert.deepEqual((await server.connect(x)).me.user, bo.me.user);
  assert.equal((await server.connect(y)).me.user.name, "zoë");
  const many = issuer.token({ sub: "many", name: "many" });
  const ids = await Promise.all(Array.from({ length: 20 }, () => server.connect(many)));
  assert.equal(new Set(ids.map(({ me }) => me.user.id)).size, 1);
  await server.restart();
  await haveKeys(server, issuer);
  assert.deepEqual((await server.connect(x)).me.user, bo.me.user);
});

test("keys are fetched again when one is unknown, but not all the time", async (t) => {
  const issuer = await issuerOf(t);
  const server = await served(t, issuer, { "jwks-again": "1s", "issuer-skew": "1s" });
  const old = issuer.token({ sub: "a" });
  await sleep(2200); // what was asked for before the first keys came is over
  const before = issuer.asked.keys;
  issuer.rotate();
  const fresh = issuer.token({ sub: "a" });
  const unknown = Date.now();
  const error = await refused("issuer_unavailable", server.command("rooms", {}, fresh));
  assert.ok(error.retry_after_ms > 0);
  await until("the new key is known", () =>
    server.command("rooms", {}, fresh).then(
      () => true,
      () => false,
    ),
  );
  // At most once a second while that lasts; the first may have been on its way before, and the
  // last comes as soon as its second begins. tests/unit/test_issuer.c counts exactly.
  const again = issuer.asked.keys - before;
  assert.ok(again >= 1 && again <= 2 + (Date.now() - unknown) / 1000, `${again}`);
  await refused("bad_token", server.command("rooms", {}, old)); // its key is gone for good
  // unknown keys, many and at once: no more than one fetch a second
  const now = Date.now();
  for (let i = 0; i < 200; i++)
    await refused(
      "issuer_unavailable",
      server.command("auth", {
        token: issuer.token({}, { header: { kid: `no-${i}` } }),
      }),
    );
  await sleep(300);
  assert.ok(issuer.asked.keys <= before + 4 + (Date.now() - now) / 1000, `${issuer.asked.keys}`);
  assert.equal((await (await server.fetch("/health")).json()).degraded, false);
});

test("while the issuer is down its last keys are good", async (t) => {
  const issuer = await issuerOf(t);
  const server = await served(t, issuer, { "jwks-stale": "10m" });
  const token = issuer.token({ sub: "a", preferred_username: "ana" });
  const own = await server.login("bo");
  const ana = await server.connect(token);
  const health = async () => (await (await server.fetch("/health")).json()).degraded;
  await issuer.stop();
  server.child.kill("SIGHUP"); // it asks for the keys
  await until("it is degraded", health);
  await server.command("rooms", {}, token);
  await issuer.again();
  await until("it is whole again", async () => !(await health()));
  await ana.call("rooms");
  await server.command("rooms", {}, own.token);
});

test("stale keys are good for nobody, until there are others", async (t) => {
  const issuer = await issuerOf(t);
  const server = await served(t, issuer, { "jwks-stale": "30s" });
  const token = issuer.token({ sub: "a", preferred_username: "ana" });
  const own = await server.login("bo");
  const ana = await server.connect(token);
  const health = async () => (await (await server.fetch("/health")).json()).degraded;
  await issuer.stop();
  const code = () =>
    server.command("rooms", {}, token).then(
      () => "ok",
      (error) => error.code,
    );
  await until("the keys are stale", async () => (await code()) === "issuer_unavailable");
  await ana.call("rooms"); // who is connected stays so
  await server.command("rooms", {}, own.token);
  await issuer.again();
  await until("they are fetched again", async () => (await code()) === "ok");
  assert.equal(await health(), false);
  const metrics = await server.metrics();
  assert.ok(metrics("polylog_jwks_failures_total") > 0 && metrics("polylog_jwks_fetches_total") > 1);
});

test("an issuer that is wrong, slow or silent at the start does no harm", async (t) => {
  const issuer = await issuerOf(t);
  const configuration = (more) => ({ status: 200, body: { issuer: issuer.url, ...more } });
  const wrongs = [
    (path) => path.endsWith("/keys") && { status: 500 },
    (path) => path.endsWith("/keys") && { status: 200, body: "not JSON" },
    (path) => path.endsWith("/keys") && { status: 200, body: { keys: [] } },
    (path) => path.endsWith("/keys") && { status: 200, body: " ".repeat(70_000) },
    (path) => path.endsWith("/keys") && { status: 200, body: { keys: [issuer.key("EdDSA").privateKey.export({ format: "jwk" })] } },
    (path) => path.endsWith("configuration") && { status: 302 },
    (path) => path.endsWith("configuration") && configuration({ issuer: "https://evil.example.org", jwks_uri: `${issuer.url}/keys` }),
    (path) => path.endsWith("configuration") && configuration({ jwks_uri: "http://192.0.2.1/keys" }),
    (path) => path.endsWith("configuration") && configuration({ jwks_uri: "file:///etc/passwd" }),
    () => ({ delay: 60_000 }),
  ];
  await Promise.all(
    wrongs.map(async (wrong, i) => {
      const one = await issuerOf(t);
      one.answer = (path) => {
        const answer = wrong(path);
        if (answer && typeof answer.body === "object" && answer.body.issuer === issuer.url) answer.body.issuer = one.url;
        return answer || undefined;
      };
      const server = await served(t, one, {}, false);
      await server.login("bo");
      await refused("issuer_unavailable", server.command("rooms", {}, one.token()));
      if (i < wrongs.length - 1)
        await until(`${i}: it is degraded`, async () => (await (await server.fetch("/health")).json()).degraded);
      one.answer = undefined;
      if (i < wrongs.length - 1) await haveKeys(server, one);
      await server.stop();
      assert.equal(server.exit, 0);
    }),
  );
});

test("keys may be in a file, which is read again on SIGHUP", async (t) => {
  const issuer = await issuerOf(t);
  const file = join(temporary("keys-"), "jwks.json");
  writeFileSync(file, JSON.stringify(issuer.published));
  const server = await served(t, issuer, { jwks: file });
  assert.deepEqual(issuer.asked, { configuration: 0, keys: 0 });
  await sleep(1000);
  issuer.rotate();
  const fresh = issuer.token({ sub: "a" });
  await refused("issuer_unavailable", server.command("rooms", {}, fresh));
  writeFileSync(file, JSON.stringify(issuer.published));
  server.child.kill("SIGHUP");
  await until("the file was read", () =>
    server.command("rooms", {}, fresh).then(
      () => true,
      () => false,
    ),
  );
  writeFileSync(file, "{}");
  server.child.kill("SIGHUP");
  await until("the mistake is logged", () => server.log.includes("not a JSON Web Key Set"));
  await server.command("rooms", {}, fresh);
});

test("keys may be at an address of their own", async (t) => {
  const issuer = await issuerOf(t);
  const server = await served(t, issuer, { jwks: `${issuer.url}/keys` });
  assert.equal(issuer.asked.configuration, 0);
  await server.connect(issuer.token());
});

test("keys come by https, from whom somebody trusted vouches for", async (t) => {
  const dir = temporary("ca-");
  const [one, two] = ["one", "two"].map((name) => authority(dir, name));
  const trusted = join(dir, "trusted.pem");
  copyFileSync(one.file, trusted);
  const issuer = await issuerOf(t, "/pool", one.certify("127.0.0.1"));
  const server = await served(t, issuer, { "issuer-ca": trusted, "jwks-again": "100ms" });
  const asked = { ...issuer.asked };
  assert.ok(asked.configuration > 0 && asked.keys > 0);
  const before = issuer.token({ sub: "a" });
  await sleep(1100); // tokens of this second are older than the keys, or as old
  // whoever else answers there is not believed, and what was known stays known
  const failures = async () => (await server.metrics())("polylog_jwks_failures_total");
  const sinceWhen = () => server.log.split("nobody trusted vouches for its certificate").length;
  for (const wrong of [two.certify("127.0.0.1"), one.certify("127.0.0.2")]) {
    issuer.certified(wrong);
    issuer.rotate();
    const [failed, said] = [await failures(), sinceWhen()];
    server.child.kill("SIGHUP");
    await until("it is said", () => sinceWhen() > said);
    await until("it is counted", async () => (await failures()) > failed);
    assert.ok(server.log.includes('"event":"jwks_failed"') && server.log.includes(issuer.url));
    await refused("issuer_unavailable", server.command("rooms", {}, issuer.token({ sub: "a" })));
    await server.command("rooms", {}, before);
    assert.equal((await (await server.fetch("/health")).json()).degraded, true);
  }
  assert.deepEqual(issuer.asked, asked);
  // the file may be written anew
  issuer.certified(two.certify("127.0.0.1"));
  copyFileSync(two.file, trusted);
  await haveKeys(server, issuer);
  assert.equal((await (await server.fetch("/health")).json()).degraded, false);
});

test("an issuer by https whom nobody trusted vouches for has no keys", async (t) => {
  const issuer = await issuerOf(t, "", authority(temporary("ca-"), "one").certify("127.0.0.1"));
  const server = await served(t, issuer, {}, false);
  await until("it is said", () => server.log.includes("nobody trusted vouches for its certificate"));
  await refused("issuer_unavailable", server.command("rooms", {}, issuer.token()));
  assert.deepEqual(issuer.asked, { configuration: 0, keys: 0 });
  await server.login("bo");
});

test("a session of an issuer is announced, renewed, and ends", async (t) => {
  const issuer = await issuerOf(t);
  const server = await served(t, issuer, { "issuer-skew": "0" });
  const now = Math.floor(Date.now() / 1000);
  const token = (exp, more = {}) => issuer.token({ sub: "a", preferred_username: "ana", jti: `${exp}`, exp, ...more });
  const ana = await server.connect(token(now + 10));
  assert.equal((await ana.event({ event: "expiring" })).expires, (now + 10) * 1000);
  const renewed = await ana.call("auth", { token: token(now + 15) });
  assert.equal(renewed.expires, (now + 15) * 1000);
  assert.equal(renewed.user.id, ana.me.user.id);
  assert.equal((await ana.event({ event: "expiring", expires: (now + 15) * 1000 })).event, "expiring");
  await refused("bad_token", ana.call("auth", { token: `${token(now + 600)}x` }));
  await refused("already_authenticated", ana.call("auth", { token: token(now + 600, { sub: "b" }) }));
  assert.deepEqual(await ana.closed, { code: 4440, reason: "expired" });
});

test("own tokens by a key file, which can be replaced without logging anybody out", async (t) => {
  const dir = temporary("keys-");
  const [one, two] = ["one", "two"].map((name) => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const [path, publicPath] = [join(dir, name), join(dir, `${name}.pub`)];
    writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(publicPath, publicKey.export({ type: "spki", format: "pem" }));
    return { path, publicPath, publicKey };
  });
  const server = await t.start({ "token-key": one.path });
  const ana = await server.login("ana");
  const published = async () => (await server.fetch("/.well-known/jwks.json")).json();
  const [jwk] = (await published()).keys;
  assert.equal(jwk.kid, await jose.calculateJwkThumbprint(jwk));
  assert.ok(createPublicKey({ key: jwk, format: "jwk" }).equals(one.publicKey));
  const { payload, protectedHeader } = await jose.jwtVerify(ana.token, jose.createLocalJWKSet(await published()));
  assert.equal(payload.sub, String(ana.user.id));
  assert.equal(protectedHeader.alg, "EdDSA");
  await server.restart({ "token-key": two.path, "token-key-old": one.publicPath });
  assert.equal((await published()).keys.length, 2);
  assert.equal((await server.connect(ana.token)).me.user.id, ana.user.id);
  const again = await server.login("ana");
  await jose.jwtVerify(again.token, two.publicKey);
  await server.restart({ "token-key-old": null });
  await refused("bad_token", server.command("rooms", {}, ana.token));
  await server.command("rooms", {}, again.token);
  // the public key as a secret, and a token by the store's secret
  const claims = { sub: "1", sid: "5", exp: Math.floor(Date.now() / 1000) + 600 };
  const secret = two.publicKey.export({ type: "spki", format: "pem" });
  for (const header of [{ alg: "HS256" }, { alg: "HS256", kid: jwk.kid }]) {
    const input = `${part(header)}.${part(claims)}`;
    await refused("bad_token", server.command("rooms", {}, `${input}.${signature(input, "HS256", secret)}`));
  }
});

test("settings of identity that cannot be right are refused", async (t) => {
  for (const [flags, why] of [
    [{ issuer: "https://a" }, "needs audience"],
    [{ audience: "a" }, "need issuer"],
    [{ "issuer-client": "a" }, "need issuer"],
    [{ issuer: "http://id.example.org", audience: "a" }, "https://"],
    [{ issuer: "https://a", audience: "a", jwks: "http://b/keys" }, "https://"],
    [{ issuer: "https://a", audience: "a", jwks: "/nowhere" }, "/nowhere"],
    [{ "issuer-ca": "/nowhere" }, "need issuer"],
    [{ issuer: "https://a", audience: "a", "issuer-ca": "/nowhere" }, "issuer-ca: /nowhere"],
    [{ "token-key": "/nowhere" }, "/nowhere"],
    [{ "token-key-old": "/nowhere" }, "needs token-key"],
  ]) {
    const server = await t.start(flags, { ready: false });
    assert.notEqual(await server.ended, 0, why);
    assert.ok(server.log.includes(why), `${why}: ${server.log}`);
  }
});

test("a page is told by which issuer people log in, and as which client", async (t) => {
  const plain = await t.server;
  const ask = async (server, method = "GET") => server.fetch("/api/v1/issuer", { method });
  assert.deepEqual(await (await ask(plain)).json(), { issuer: null });
  assert.equal((await ask(plain, "POST")).status, 405);
  const issuer = await Issuer.start("/pool");
  try {
    const more = { issuer: issuer.url, audience: "chat,api" };
    const server = await t.start(more);
    const told = { url: issuer.url, client: "chat", scopes: "openid profile" };
    assert.deepEqual(await (await ask(server)).json(), { issuer: told });
    await server.restart({ "issuer-client": "page", "issuer-scopes": "openid email" });
    const other = { url: issuer.url, client: "page", scopes: "openid email" };
    assert.deepEqual(await (await ask(server)).json(), { issuer: other });
  } finally {
    issuer.http?.close();
  }
});
