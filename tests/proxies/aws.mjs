// An Application Load Balancer, and CloudFront in front of it, as AWS documents them: HAProxy is
// set up to do what they do, with shorter times. What each does is said in docs/deploy.md.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createConnection } from "node:net";
import { join } from "node:path";
import { PROGRAM, freePort } from "../integration/lib/server.mjs";
import { Collector } from "../integration/lib/collector.mjs";
import { test, until } from "../integration/lib/suite.mjs";
import { NAME } from "./proxy.mjs";
import { behind, fetched, person, post } from "./visit.mjs";

const HANG_MS = 120_000;

// routing.http.xff_header_processing.mode; the port: routing.http.xff_client_port.enabled.
const XFF = {
  append: [
    "http-request set-header X-Forwarded-For %[req.fhdr(x-forwarded-for)],%[src] if { req.hdr(x-forwarded-for) -m found }",
    "http-request set-header X-Forwarded-For %[src] unless { req.hdr(x-forwarded-for) -m found }",
  ],
  port: [
    "http-request set-header X-Forwarded-For %[req.fhdr(x-forwarded-for)],%[src]:%[src_port] if { req.hdr(x-forwarded-for) -m found }",
    "http-request set-header X-Forwarded-For %[src]:%[src_port] unless { req.hdr(x-forwarded-for) -m found }",
  ],
  remove: ["http-request del-header X-Forwarded-For"],
};

// The balancer: idle is idle_timeout.timeout_seconds for WebSockets; what a slow machine could miss
// is not shortened. Connections to targets are kept and used for whoever comes. An unhealthy target's
// connections may be cut.
function alb({
  bind = ":443 ssl crt /etc/haproxy/chat.example.org.pem alpn h2,http/1.1",
  idle = "60s",
  xff = "append",
  check,
} = {}) {
  return `
frontend alb
  bind ${bind}
  ${XFF[xff].join("\n  ")}
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Port 443
  http-request set-header X-Amzn-Trace-Id Self=1-67891234-12456789abcdef012345678;%[req.fhdr(x-amzn-trace-id)] if { req.hdr(x-amzn-trace-id) -m found }
  http-request set-header X-Amzn-Trace-Id Root=1-67891233-abcdef012345678912345678 unless { req.hdr(x-amzn-trace-id) -m found }
  default_backend targets
backend targets
  timeout tunnel ${idle}
  timeout check 60s
  http-reuse always
  option httpchk
  http-check send meth GET uri ${check ?? "/health"} ver HTTP/1.1 hdr Host 10.0.0.5:8080 hdr User-Agent ELB-HealthChecker/2.0
  http-check expect status 200
  default-server inter 1s fall 3 rise 2 on-marked-down shutdown-sessions pool-purge-delay 60s
  server one 127.0.0.1:8080 ${check ? "check" : ""}
`;
}

const DEFAULTS = `global
  stats socket /run/haproxy/admin.sock mode 600 level admin
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
  timeout http-request 10s
`;

// A distribution in front of a balancer, with the policies CachingDisabled and AllViewer, or
// AllViewerExceptHostHeader: its own hop fields, no compression of WebSockets.
async function cloudfront({ host } = {}) {
  const inner = `127.0.0.1:${await freePort()}`;
  return `${DEFAULTS}
frontend edge
  bind :443 ssl crt /etc/haproxy/chat.example.org.pem alpn h2,http/1.1
  ${XFF.append.join("\n  ")}
  http-request del-header Sec-WebSocket-Extensions
  http-request del-header X-Forwarded-Proto
  http-request set-header Via "2.0 d111111abcdef8.cloudfront.net (CloudFront)"
  http-request set-header X-Amz-Cf-Id %[uuid]
  http-request set-header CloudFront-Forwarded-Proto https
  http-request set-header CloudFront-Viewer-Address %[src]:%[src_port]
  ${host ? `http-request set-header Host ${host}` : ""}
  default_backend origin
backend origin
  server alb ${inner} source 127.0.0.4
${alb({ bind: inner })}`;
}

// A command to HAProxy, and its answer.
function admin(proxy, line) {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = createConnection(join(proxy.dir, "admin.sock"));
    socket.on("data", (chunk) => (text += chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
    socket.end(`${line}\n`);
  });
}

// A figure that HAProxy keeps of the target.
async function figure(proxy, name) {
  const [head, ...rows] = (await admin(proxy, "show stat"))
    .replace(/^# /, "")
    .split("\n")
    .map((line) => line.split(","));
  return rows.find((row) => row[0] === "targets" && row[1] === "one")[head.indexOf(name)];
}

// Until the balancer has asked the target n times more: of its requests, those that are not ours.
async function checked(server, n) {
  const requests = async () => (await server.metrics())("polylog_http_requests_total");
  const first = await requests();
  let ours = 0;
  await until(`${n} checks`, async () => (await requests()) - first - ++ours >= n);
}

const logged = (proxy, text) => until(`the log names ${text}`, () => proxy.server.log.includes(text));

const behindAlb = (t, how, flags) => behind(t, "haproxy", flags, DEFAULTS + alb(how));

// The default of a setting, in seconds.
function byDefault(name) {
  const help = execFileSync(PROGRAM, ["serve", "--help"], { encoding: "utf8" });
  return Number(help.match(new RegExp(`--${name} TIME\n[^\\[]*\\[(\\d+)s\\]`))[1]);
}

test(
  "alb: pings keep a WebSocket that the idle time-out would end",
  async (t) => {
    assert.ok(byDefault("ping-interval") <= 30, "two pings in the balancer's 60 s");
    const idle = "5s";
    const pinged = await person(t, await behindAlb(t, { idle }, { "ping-interval": "100ms" }), "ana");
    const silent = await person(t, await behindAlb(t, { idle }, { "ping-interval": 0, "dead-after": 0 }), "ben");
    await silent.closed;
    assert.equal(pinged.closing, undefined, "it was idle for longer, and is cut");
    await pinged.settle();
  },
  HANG_MS,
);

test(
  "alb: a target does not close first what the balancer keeps",
  async (t) => {
    assert.ok(byDefault("keepalive-timeout") > 60, "longer than the balancer's 60 s");
    const kept = await behindAlb(t, {}, {});
    const closed = await behindAlb(t, {}, { "keepalive-timeout": "1s" });
    // Idle connections to the target.
    const idle = async (proxy) =>
      Number(await figure(proxy, "idle_conn_cur")) + Number(await figure(proxy, "safe_conn_cur"));
    for (const proxy of [kept, closed])
      for (let i = 0; i < 3; i++) assert.equal((await post(proxy, "login", { name: t.name(`p${i}`) })).status, 200);
    const connects = await figure(kept, "connect");
    await until("a target that waits for less than the balancer closes", async () => (await idle(closed)) === 0);
    assert.equal(await idle(kept), 1, "the target closed it");
    assert.equal((await post(kept, "login", { name: t.name("later") })).status, 200);
    assert.equal(await figure(kept, "connect"), connects, "another connection was made");
    assert.ok(Number(await figure(kept, "reuse")) >= 3);
  },
  HANG_MS,
);

for (const xff of ["append", "port"])
  test(
    `alb: the last of X-Forwarded-For is who came, ${xff}`,
    async (t) => {
      const proxy = await behindAlb(t, { xff }, { "connects-per-address": 1, "connects-burst": 5 });
      const from = "127.0.0.2";
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          post(
            proxy,
            "login",
            { name: t.name(`p${i}`) },
            { from, headers: { "X-Forwarded-For": `10.0.0.${i}, 127.0.0.1` } },
          ),
        ),
      );
      assert.ok(
        answers.some(({ status }) => status === 429),
        "who names other addresses is not limited",
      );
      assert.equal((await post(proxy, "login", { name: t.name("other") }, { from: "127.0.0.3" })).status, 200);
      await logged(proxy, '"127.0.0.2"');
      assert.doesNotMatch(proxy.server.log, /10\.0\.0\.\d/);
    },
    HANG_MS,
  );

test(
  "alb: nobody is local behind one that tells no address",
  async (t) => {
    const strangers = await behindAlb(t, { xff: "remove" }, { open: false, "trusted-proxies": null, hosts: NAME });
    const answer = await post(strangers, "login", { name: t.name("eve") });
    assert.equal(answer.status, 403);
    assert.equal(JSON.parse(answer.text).error.code, "login_closed");
  },
  HANG_MS,
);

test(
  "alb: X-Amzn-Trace-Id of clients, whatever it is, hinders nobody",
  async (t) => {
    const proxy = await behindAlb(t);
    for (const id of [
      "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1",
      "Self=1-0-0;Root=",
      ";;;=",
      "x".repeat(4000),
    ]) {
      const headers = { "X-Amzn-Trace-Id": id };
      assert.equal((await post(proxy, "login", { name: t.name("ana") }, { headers })).status, 200, id);
      const who = await person(t, proxy, "ben", { headers });
      await who.settle();
    }
  },
  HANG_MS,
);

test(
  "alb: a command belongs to the trace of X-Amzn-Trace-Id, the balancer's or the client's",
  async (t) => {
    const to = await Collector.start();
    t.after(() => to.close());
    const flags = { traces: to.url };
    const all = await behindAlb(t, {}, { ...flags, "trace-share": 1000 });
    const none = await behindAlb(t, {}, { ...flags, "trace-share": 0 });
    await post(all, "login", { name: t.name("ana") });
    await until("it is told", () => to.named("login", "67891233abcdef012345678912345678").length === 1);
    const headers = { "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1" };
    await post(none, "login", { name: t.name("ben") });
    await post(none, "login", { name: t.name("cleo") }, { headers });
    await until("it is told", () => to.named("login", "5759e988bd862e3fe1be46a994272793").length === 1);
    const [asked] = to.named("login", "5759e988bd862e3fe1be46a994272793");
    assert.equal(asked.parentSpanId, "53995c3f42cd8ad8");
    assert.equal(to.named("login").length, 2, "the balancer's word alone does not have it told");
  },
  HANG_MS,
);

test(
  "alb: who drains stays healthy, and keeps those whom it has",
  async (t) => {
    const proxy = await behindAlb(t, { check: "/health" }, { "drain-ms": "10m" });
    const ana = await person(t, proxy, "ana");
    const room = t.room();
    await ana.call("join", { room });
    await until("it is checked", async () => (await figure(proxy, "check_status")) === "L7OK");
    await admin(proxy, "set server targets/one state drain"); // deregistered
    proxy.server.child.kill("SIGUSR1");
    await until("it drains", async () => (await proxy.server.fetch("/ready")).status === 503);
    await checked(proxy.server, 4);
    assert.equal(await figure(proxy, "chkdown"), "0", "the balancer takes who drains for broken");
    await ana.call("send", { room, text: "still here" });
    assert.equal(
      (await post(proxy, "login", { name: t.name("new") })).status,
      503,
      "who is new comes to a target that was deregistered",
    );
    assert.equal(ana.closing, undefined);
    await admin(proxy, "shutdown sessions server targets/one"); // the deregistration delay is over
    await ana.closed;
  },
  HANG_MS,
);

test(
  "alb: a check of /ready would have those cut whom a draining target has",
  async (t) => {
    const proxy = await behindAlb(t, { check: "/ready" }, { "drain-ms": "10m" });
    const ana = await person(t, proxy, "ana");
    await until("it is checked", async () => (await figure(proxy, "check_status")) === "L7OK");
    proxy.server.child.kill("SIGUSR1");
    await ana.closed;
    assert.equal(await figure(proxy, "chkdown"), "1");
  },
  HANG_MS,
);

const BOTH = { "trusted-proxies": ["127.0.0.1/32", "127.0.0.4/32"] };

test(
  "cloudfront: two talk over WebSocket, and nothing of it is kept for others",
  async (t) => {
    const proxy = await behind(t, "haproxy", BOTH, await cloudfront());
    const [ana, ben] = [await person(t, proxy, "ana", { perMessageDeflate: true }), await person(t, proxy, "ben")];
    assert.equal(ana.socket.extensions, "");
    const room = t.room();
    for (const who of [ana, ben]) await who.call("join", { room });
    await ana.call("send", { room, text: "through the edge" });
    await ben.event({ event: "message", room, text: "through the edge" }, HANG_MS);
    const answers = [
      await post(proxy, "login", { name: t.name("cleo") }),
      await fetched(proxy, "/"),
      await fetched(proxy, "/ready"),
    ];
    for (const { status, headers } of answers) {
      assert.equal(status, 200);
      assert.match(headers["cache-control"], /no-store|no-cache/);
    }
  },
  HANG_MS,
);

test(
  "cloudfront: an origin that is asked by its own name knows the chat's, or refuses",
  async (t) => {
    const host = "alb-1.us-east-1.elb.amazonaws.com";
    const text = await cloudfront({ host });
    const stranger = await behind(t, "haproxy", BOTH, text);
    assert.equal((await post(stranger, "login", { name: t.name("ana") })).status, 421);
    await logged(stranger, host);
    const told = await behind(t, "haproxy", { ...BOTH, hosts: [NAME, host] }, await cloudfront({ host }));
    await (await person(t, told, "ana")).settle();
  },
  HANG_MS,
);

test(
  "cloudfront: the viewer's address is found behind two proxies, and only if both are trusted",
  async (t) => {
    const limits = { "connects-per-address": 1, "connects-burst": 5 };
    const hurry = (proxy, from) =>
      Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          post(proxy, "login", { name: t.name(`p${i}`) }, { from, headers: { "X-Forwarded-For": `10.0.0.${i}` } }),
        ),
      );
    const right = await behind(t, "haproxy", { ...BOTH, ...limits }, await cloudfront());
    assert.ok((await hurry(right, "127.0.0.2")).some(({ status }) => status === 429));
    assert.equal((await post(right, "login", { name: t.name("other") }, { from: "127.0.0.3" })).status, 200);
    await logged(right, '"127.0.0.2"');
    const wrong = await behind(t, "haproxy", limits, await cloudfront());
    assert.ok((await hurry(wrong, "127.0.0.2")).some(({ status }) => status === 429));
    await logged(wrong, '"127.0.0.4"'); // the edge's, for all of them
    assert.doesNotMatch(right.server.log + wrong.server.log, /"10\.0\.0\.\d/);
  },
  HANG_MS,
);
