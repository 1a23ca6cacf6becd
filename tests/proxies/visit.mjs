// Those who come through a proxy, and the certificate that it shows them.
import { execFileSync } from "node:child_process";
import dns from "node:dns";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { Client } from "../integration/lib/client.mjs";
import { freePort, temporary } from "../integration/lib/server.mjs";
import { NAME, Proxy } from "./proxy.mjs";

export const dir = temporary("proxies-");
export const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
execFileSync(
  "openssl",
  [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
    "-subj",
    `/CN=${NAME}`,
    "-addext",
    `subjectAltName=DNS:${NAME}`,
    "-keyout",
    key,
    "-out",
    cert,
  ],
  { stdio: "ignore" },
);
export const ca = readFileSync(cert);

// Every lookup of this process finds this machine: the name is not in any DNS.
dns.lookup = (_, options, done = options) =>
  options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);

// The settings of docs/proxy.md, and the proxy in front; text: its configuration, if it is not
// the document's.
export async function behind(t, kind, flags = {}, text) {
  const port = await freePort();
  const origins = `https://${NAME}:${port}`;
  const server = await t.start({ origins, open: true, "trusted-proxies": "127.0.0.1/32,::1/128", ...flags });
  const proxy = await Proxy.start(kind, port, server.port, { cert, key }, text);
  t.after(() => proxy.close());
  return Object.assign(proxy, { server });
}

export function fetched(proxy, path, { method = "GET", headers = {}, body, from = "127.0.0.1" } = {}) {
  return new Promise((resolve, reject) => {
    const ask = request(
      `${proxy.origin}${path}`,
      { method, agent: false, ca, localAddress: from, headers },
      (answer) => {
        let text = "";
        answer.on("data", (chunk) => (text += chunk));
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
      },
    );
    ask.on("error", reject);
    ask.end(body);
  });
}

export function post(proxy, command, params, options = {}) {
  const headers = { Origin: proxy.origin, "Content-Type": "application/json", ...options.headers };
  return fetched(proxy, `/api/v1/${command}`, { method: "POST", body: JSON.stringify(params), ...options, headers });
}

export async function person(t, proxy, name, options = {}) {
  const { token } = JSON.parse((await post(proxy, "login", { name: t.name(name) })).text);
  const client = await Client.connect(`wss://${NAME}:${proxy.port}/ws`, { ca, origin: proxy.origin, ...options });
  t.after(() => client.kill());
  client.token = token;
  await client.call("auth", { token });
  return client;
}
