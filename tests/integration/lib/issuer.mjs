// A tiny OpenID provider: it describes itself, publishes its keys, and signs whatever
// it is told to. It can rotate its keys, be slow, be wrong, and be down.
import { createHmac, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";

const KINDS = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};

export function part(value) {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}

export class Issuer {
  // tls: its certificate and key; without, it is spoken to by http.
  static async start(path = "", tls = undefined) {
    const issuer = new Issuer();
    issuer.keys = [];
    issuer.audience = "chat";
    issuer.asked = { configuration: 0, keys: 0 };
    issuer.cacheControl = "public, max-age=3600";
    issuer.answer = undefined; // (url) => undefined, or { status, body, delay }
    const serve = (request, response) => void issuer.serve(request, response);
    issuer.http = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
    await new Promise((resolve) => issuer.http.listen(0, "127.0.0.1", resolve));
    issuer.port = issuer.http.address().port;
    issuer.url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${issuer.port}${path}`;
    for (const alg of Object.keys(KINDS)) issuer.add(alg);
    return issuer;
  }

  async serve(request, response) {
    const { pathname } = new URL(request.url, this.url);
    const special = await this.answer?.(pathname);
    if (special?.delay) await new Promise((resolve) => setTimeout(resolve, special.delay).unref());
    const send = (status, body) => {
      response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": this.cacheControl });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    };
    if (pathname.endsWith("/.well-known/openid-configuration")) this.asked.configuration++;
    if (pathname.endsWith("/keys")) this.asked.keys++;
    if (special?.status) send(special.status, special.body ?? "{}");
    else if (pathname.endsWith("/.well-known/openid-configuration"))
      send(200, { issuer: this.url, jwks_uri: `${this.url}/keys`, scopes_supported: ["openid"] });
    else if (pathname.endsWith("/keys")) send(200, this.published);
    else send(404, {});
  }

  get published() {
    return { keys: this.keys.map(({ jwk }) => jwk) };
  }

  // Another key, which is published from now on.
  add(alg, kid = `${alg}-${randomUUID()}`) {
    const { publicKey, privateKey } = KINDS[alg]();
    const jwk = { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" };
    const key = { alg, kid, publicKey, privateKey, jwk };
    this.keys.push(key);
    return key;
  }

  key(alg) {
    return this.keys.findLast((key) => key.alg === alg);
  }

  // Keys of before are not published any more.
  rotate() {
    this.keys = [];
    for (const alg of Object.keys(KINDS)) this.add(alg);
  }

  claims(more = {}) {
    const now = Math.floor(Date.now() / 1000);
    return { iss: this.url, aud: this.audience, sub: "s-1", iat: now, exp: now + 600, ...more };
  }

  // A token; header and claims are added to what there is, undefined takes away.
  token(claims = {}, { alg = "RS256", key = this.key(alg), header = {} } = {}) {
    const input = `${part({ alg, kid: key.kid, typ: "JWT", ...header })}.${part(this.claims(claims))}`;
    return `${input}.${signature(input, alg, key.privateKey)}`;
  }

  // Another certificate, for connections to come; those that live end.
  certified(tls) {
    this.http.setSecureContext(tls);
    this.http.closeAllConnections();
  }

  async stop() {
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  // On the same port again.
  async again() {
    await new Promise((resolve) => this.http.listen(this.port, "127.0.0.1", resolve));
  }
}

export function signature(input, alg, key) {
  const data = Buffer.from(input);
  if (alg === "HS256") return createHmac("sha256", key).update(data).digest("base64url");
  if (alg === "EdDSA") return sign(null, data, key).toString("base64url");
  return sign("sha256", data, { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
}
