// A proxy with its configuration from docs/proxy.md: only ports, name, certificate and
// what would leave its directory are replaced.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { temporary } from "../integration/lib/server.mjs";
import { until } from "../integration/lib/suite.mjs";

export const NAME = "chat.example.org";
const START_MS = 60_000;

// The fenced block of that language in docs/proxy.md.
export function documented(language) {
  const text = readFileSync(new URL("../../docs/proxy.md", import.meta.url), "utf8");
  const block = text.match(new RegExp("```" + language + "\n([^]*?)```"));
  if (block === null) throw new Error(`docs/proxy.md has no block of ${language}`);
  return block[1];
}

// Each replacement must change something: the document and the test stay alike.
function replaced(text, changes) {
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`docs/proxy.md does not have ${JSON.stringify(from)}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

function program(name) {
  return [name, `/usr/sbin/${name}`].find((path) => path.startsWith("/") && existsSync(path)) ?? name;
}

const KINDS = {
  nginx: {
    config: (text, { port, upstream, cert, key, dir }) => `
      daemon off; master_process off; error_log stderr warn; pid ${dir}/pid;
      events { worker_connections 512; }
      http {
        access_log off;
        ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((what) => `${what}_temp_path ${dir}/${what};`).join("\n")}
        ${replaced(text, [
          ["listen 443 ", `listen 127.0.0.1:${port} `],
          ["127.0.0.1:8080", `127.0.0.1:${upstream}`],
          ["/etc/ssl/chat.example.org.pem", cert],
          ["/etc/ssl/chat.example.org.key", key],
        ])}
      }`,
    command: (file, dir) => [program("nginx"), "-p", dir, "-c", file],
  },
  caddy: {
    language: "caddyfile",
    config: (text, { port, upstream, cert, key }) => `
      {
        admin off
        auto_https disable_redirects
        https_port ${port}
      }
      ${replaced(text, [
        [`${NAME} {`, `${NAME} {\n    bind 127.0.0.1\n    tls ${cert} ${key}`],
        ["127.0.0.1:8080", `127.0.0.1:${upstream}`],
      ])}`,
    command: (file) => [program("caddy"), "run", "--config", file, "--adapter", "caddyfile"],
  },
  haproxy: {
    config: (text, { port, upstream, dir }) =>
      replaced(text, [
        ["bind :443 ", `bind 127.0.0.1:${port} `],
        ["127.0.0.1:8080", `127.0.0.1:${upstream}`],
        ["/etc/haproxy/chat.example.org.pem", `${dir}/both.pem`],
      ]).replaceAll("/run/haproxy/", `${dir}/`),
    command: (file) => [program("haproxy"), "-db", "-f", file],
  },
};

export const PROXIES = Object.keys(KINDS);

// Does the port take connections?
function takes(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => (socket.destroy(), resolve(true)));
    socket.once("error", () => resolve(false));
  });
}

export class Proxy {
  // text: the configuration, if it is not the document's.
  static async start(kind, port, upstream, { cert, key }, text) {
    const { config, command, language = kind } = KINDS[kind];
    const proxy = new Proxy();
    const dir = (proxy.dir = temporary(`${kind}-`));
    proxy.port = port;
    proxy.origin = `https://${NAME}:${port}`;
    writeFileSync(join(dir, "both.pem"), readFileSync(cert, "utf8") + readFileSync(key, "utf8"), { mode: 0o600 });
    const file = join(dir, "config");
    writeFileSync(file, config(text ?? documented(language), { port: proxy.port, upstream, cert, key, dir }));
    const [name, ...args] = command(file, dir);
    proxy.log = "";
    proxy.child = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, HOME: dir, XDG_DATA_HOME: dir } });
    proxy.ended = new Promise((resolve) => {
      proxy.child.once("close", (code, signal) => resolve((proxy.exit = signal ?? code)));
      proxy.child.once("error", (error) => resolve((proxy.exit = error.message)));
    });
    for (const stream of [proxy.child.stdout, proxy.child.stderr]) stream.on("data", (chunk) => (proxy.log += chunk));
    try {
      await until(`${kind} listens`, async () => {
        if (proxy.exit !== undefined) throw new Error(`${kind} ended: ${proxy.exit}\n${proxy.log}`);
        return takes(proxy.port);
      }, START_MS);
    } catch (error) {
      await proxy.close();
      throw error;
    }
    return proxy;
  }

  async close() {
    if (this.exit === undefined) this.child.kill("SIGKILL");
    await this.ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
