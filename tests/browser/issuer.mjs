// Log-in by an OpenID provider: a real one, on this machine.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";
import { freePort } from "../integration/lib/ports.mjs";
import { looksRight } from "./look.mjs";
import { Server } from "./server.mjs";

const LOGIN_S = 3600;

// change: what the provider describes itself by, before the page reads it.
async function provider(page, { ttl = LOGIN_S, refresh = true, change = (it) => it } = {}) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  const op = new Provider(url, {
    clients: [
      {
        client_id: "chat",
        token_endpoint_auth_method: "none",
        application_type: "web", // of a native one nothing is given without asking
        redirect_uris: [page],
        post_logout_redirect_uris: [page],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
      },
    ],
    clientBasedCORS: () => true,
    claims: { openid: ["sub"], profile: ["preferred_username"] },
    conformIdTokenClaims: false,
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, preferred_username: sub }) }),
    issueRefreshToken: async () => refresh,
    rotateRefreshToken: true,
    ttl: { IdToken: () => ttl, AccessToken: () => ttl, Session: 3600, Grant: 3600, Interaction: 600, RefreshToken: 3600 },
    jwks: { keys: [{ ...key, alg: "RS256", use: "sig", kid: "one" }] },
    cookies: { keys: ["tests"] },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    pkce: { required: () => true, methods: ["S256"] },
  });
  const tokens = { code: 0, refresh: 0 };
  op.on("grant.success", (ctx) => {
    if (ctx.oidc.params.grant_type === "refresh_token") tokens.refresh++;
    else tokens.code++;
  });
  const serve = op.callback();
  const http = createServer((request, response) => {
    if (request.url !== "/.well-known/openid-configuration" || request.headers.origin === undefined) {
      serve(request, response);
      return;
    }
    void fetch(url + request.url).then(async (answer) => {
      response.writeHead(200, { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*" });
      response.end(JSON.stringify(change(await answer.json())));
    });
  });
  await new Promise((resolve) => http.listen(port, "127.0.0.1", resolve));
  const close = () => {
    http.closeAllConnections();
    http.close();
  };
  return { url, tokens, close };
}

// A server whose people an issuer knows, and somebody in front of it.
async function scene(arrive, name, options, then) {
  const server = await Server.create();
  const issuer = await provider(server.url, options);
  try {
    await server.kill();
    await server.start("--issuer", issuer.url, "--audience", "chat", "--issuer-skew", "0s");
    const ana = await arrive(name, { at: server.url });
    // The provider's own pages want a font from elsewhere: nothing leaves this machine.
    const fonts = "https://fonts.googleapis.com/";
    await ana.context.route(`${fonts}**`, (route) => route.fulfill({ contentType: "text/css", body: "" }));
    ana.also.push(issuer.url, fonts);
    await then({ ana, page: ana.page, server, issuer });
  } finally {
    issuer.close();
    await server.close();
  }
}

const button = (page) => page.getByRole("button", { name: /^Log in by 127\.0\.0\.1:/ });

// What the provider's own pages want.
async function consent(page, login) {
  await page.locator("input[name=login]").fill(login);
  await page.locator("input[name=password]").fill("any");
  await page.locator("button[type=submit]").click();
  await page.getByText("Authorize").first().waitFor();
  await page.locator("button[type=submit]").click();
}

const connected = (page) => page.getByText("Connected", { exact: true }).waitFor({ state: "attached" });

export default [
  [
    "issuer: log in, come back to the room that the link named, log out at the issuer, too",
    ({ arrive }) =>
      scene(arrive, "Ana issued", {}, async ({ ana, page, server, issuer }) => {
        await (await server.robot("Robot")).command("join", { room: "deep" });
        await page.goto(`${server.url}#/deep`);
        await button(page).waitFor();
        await looksRight(ana, "login-issuer");
        await button(page).click();
        await consent(page, "anissa");
        await connected(page);
        await ana.heading("deep");
        assert.equal(page.url(), `${server.url}#/deep`);
        assert.deepEqual(issuer.tokens, { code: 1, refresh: 0 });
        await page.locator(".me-name", { hasText: "anissa" }).waitFor();
        await page.reload();
        await connected(page);
        await page.locator(".me").click();
        await page.getByRole("button", { name: "Log out" }).click();
        await page.locator("button[value=yes]").click();
        await button(page).waitFor();
        await button(page).click();
        await page.locator("input[name=login]").waitFor(); // it does not know Ana any more
      }),
  ],
  [
    "issuer: a token that is about to end is renewed, and nobody notices",
    ({ arrive }) =>
      scene(arrive, "Ana renews", { ttl: 75 }, async ({ ana, page, server, issuer }) => {
        await page.goto(server.url);
        await button(page).click();
        await consent(page, "renata");
        await connected(page);
        await ana.notices();
        const end = Date.now() + 60_000;
        while (issuer.tokens.refresh === 0 && Date.now() < end) await page.waitForTimeout(200);
        assert.ok(issuer.tokens.refresh > 0);
        await ana.say("still here");
        await ana.seesSent("still here");
        assert.equal(await ana.noticed(), false);
      }),
  ],
  [
    "issuer: without a refresh token it is asked again at the end, and nobody has to do anything",
    ({ arrive }) =>
      scene(arrive, "Ana returns", { ttl: 15, refresh: false }, async ({ ana, page, server, issuer }) => {
        await (await server.robot("Robot")).command("join", { room: "deep" });
        await page.goto(`${server.url}#/deep`);
        await button(page).click();
        await consent(page, "ruth");
        await connected(page);
        const end = Date.now() + 90_000;
        while (issuer.tokens.code < 2 && Date.now() < end) await page.waitForTimeout(200);
        assert.ok(issuer.tokens.code >= 2);
        await connected(page);
        await ana.heading("deep");
      }),
  ],
  [
    "issuer: an answer that this tab did not ask for is refused",
    ({ arrive }) =>
      scene(arrive, "Ana asks", {}, async ({ page, server, issuer }) => {
        const stranger = `?code=stolen&state=made-up&iss=${encodeURIComponent(issuer.url)}#https://evil.example/`;
        await page.goto(server.url + stranger);
        await page.getByRole("status").getByText("This tab did not ask for that log-in.").waitFor();
        await button(page).waitFor();
        assert.ok(page.url().startsWith(server.url) && !page.url().includes("stolen"));
        assert.equal(issuer.tokens.code, 0);
        // Under way, with another state.
        await button(page).click();
        await page.locator("input[name=login]").waitFor();
        await page.goto(server.url + stranger);
        await page.getByText("This tab did not ask for that log-in.").waitFor();
        assert.equal(issuer.tokens.code, 0);
      }),
  ],
  [
    "issuer: an answer of another issuer is refused (RFC 9207)",
    ({ arrive }) =>
      scene(arrive, "Ana mixed", {}, async ({ page, server, issuer }) => {
        for (const iss of ["&iss=https%3A%2F%2Fother.example", ""]) {
          await page.goto(server.url);
          await button(page).click();
          await page.locator("input[name=login]").waitFor();
          const { state } = await page.goto(`${server.url}config.js`).then(() =>
            page.evaluate(() => JSON.parse(sessionStorage.getItem("polylog.login"))),
          );
          await page.goto(`${server.url}?code=stolen&state=${state}${iss}`);
          await page.getByText("This answer comes from another provider.").waitFor();
        }
        assert.equal(issuer.tokens.code, 0);
      }),
  ],
  ...[
    ["S256 is not offered", (it) => ({ ...it, code_challenge_methods_supported: ["plain"] }), /lacks PKCE with S256/],
    ["PKCE is not spoken of", ({ code_challenge_methods_supported: _, ...it }) => it, /lacks PKCE with S256/],
    ["it names another issuer", (it) => ({ ...it, issuer: "https://other.example" }), /another provider/],
    ["its tokens come without encryption", (it) => ({ ...it, token_endpoint: "http://other.example/t" }), /something else/],
  ].map(([what, change, says]) => [
    `issuer: nobody is sent there if ${what}`,
    ({ arrive }) =>
      scene(arrive, "Ana stays", { change }, async ({ page, server }) => {
        await page.goto(server.url);
        await button(page).click();
        await page.getByRole("alert").getByText(says).waitFor();
        assert.equal(page.url(), server.url);
      }),
  ]),
  ...["#//evil.example/", "?next=https%3A%2F%2Fevil.example#https://evil.example/", "#/%5C%5Cevil.example"].map((way) => [
    `issuer: the way back leads to the page, and nowhere else: ${way}`,
    ({ arrive }) =>
      scene(arrive, "Ana stays here", {}, async ({ page, server, issuer }) => {
        const been = new Set();
        page.on("framenavigated", (frame) => frame === page.mainFrame() && been.add(new URL(frame.url()).origin));
        await page.goto(server.url + way);
        await button(page).click();
        await consent(page, "stays");
        await connected(page);
        assert.ok(page.url().startsWith(server.url), page.url());
        assert.deepEqual([...been].sort(), [new URL(server.url).origin, issuer.url].sort());
      }),
  ]),
];
