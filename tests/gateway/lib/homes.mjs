// The chat server behind the gateway: people who connect to the gateway, nodes that are told of
// them at --gateway-path.
import { freePort, Server } from "../../integration/lib/server.mjs";
import { Client } from "../../integration/lib/client.mjs";
import { file, Gateway } from "./gateway.mjs";

export const SECRET = "a secret that the API and the server share";
export const KEYS = { AWS_ACCESS_KEY_ID: "AKIDTEST", AWS_SECRET_ACCESS_KEY: "a-secret-of-the-tests", AWS_REGION: "us-east-1" };

// The routes of an API whose backend is at that address.
export function routes(url, secret = SECRET, more = {}) {
  const to = (what, rest = {}) => ({
    url: `${url}/gw/${what}`,
    headers: { "X-Ws-Secret": `'${secret}'`, ...more[what] },
    ...rest,
  });
  return {
    routes: {
      $connect: to("connect"),
      $disconnect: to("disconnect"),
      $default: to("message", { answers: true }),
    },
  };
}

// What a node needs to be behind the gateway at that port.
export function behind(port, more = {}) {
  return { "gateway-path": "/gw", "gateway-secret": SECRET, "gateway-callback": `http://127.0.0.1:${port}/prod`, ...more };
}

export async function startNode(t, port, flags = {}) {
  const server = await Server.start({ ...behind(port), ...flags }, { env: KEYS });
  t.after(() => server.close());
  t.after(() => process.env.SHOW && console.log(server.log, server.exit));
  return server;
}

// A gateway at that port, with a short file.
export function startGateway(t, port, api, flags = []) {
  const path = file(t, "api.json", JSON.stringify(api));
  return Gateway.start(t, [path, "--listen", `127.0.0.1:${port}`, ...flags], KEYS);
}

// One node, and the gateway before it.
export async function scene(t, { node = {}, api = {}, gateway = [] } = {}) {
  const port = await freePort();
  const server = await startNode(t, port, node);
  const front = await startGateway(t, port, { ...routes(server.url), ...api }, gateway);
  return { server, gateway: front };
}

// A WebSocket to the gateway; with a name, that person's.
export async function come(t, { server, gateway }, name, { query = "", said = {}, ...options } = {}) {
  const client = await Client.connect(gateway.url + query, options);
  t.after(() => client.kill());
  if (name === undefined) return client;
  const { token, user } = await server.login(t.name(name));
  client.me = await client.call("auth", { token, ...said });
  return Object.assign(client, { token, user });
}
