// The web app on an origin of its own, as from S3: files, and no server behind them.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../integration/lib/ports.mjs";
import { looksRight } from "./look.mjs";
import { PHONE } from "./person.mjs";
import { withRelay } from "./relay.mjs";
import { Server } from "./server.mjs";

const DIST = fileURLToPath(new URL("../../web/dist", import.meta.url));

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

// Runs what with the site up. config: what config.js says instead of what it says in web/dist.
export async function withSite({ site }, what, config) {
  const files = createServer(({ url }, response) => {
    const { pathname } = new URL(url, site);
    if (config !== undefined && pathname === "/config.js") {
      response.writeHead(200, { "Content-Type": TYPES[".js"] });
      response.end(config);
      return;
    }
    const file = join(DIST, pathname === "/" ? "index.html" : pathname);
    response.writeHead(existsSync(file) ? 200 : 404, { "Content-Type": TYPES[extname(file)] ?? "text/plain" });
    response.end(existsSync(file) ? readFileSync(file) : "");
  });
  await new Promise((resolve) => files.listen(new URL(site).port, "localhost", resolve));
  try {
    await what();
  } finally {
    files.close();
    files.closeAllConnections();
  }
}

// Gives the address until what is waited for comes: the page asks there for so long only, and on
// a slow machine that may be over.
async function give({ page }, address, comes) {
  const dialog = page.getByRole("dialog");
  const alert = dialog.getByRole("alert");
  const use = dialog.getByRole("button", { name: "Use it" });
  await dialog.getByLabel("Address").fill(address);
  for (let is = false; !is; is = await comes(alert)) {
    await use.click();
    await use.or(page.locator("body:not(:has(dialog[open]))")).first().waitFor();
  }
}

// Answers the question for the server's address.
export async function useServer(person, address) {
  const { page } = person;
  await give(person, address, async () => (await page.locator("dialog[open]").count()) === 0);
}

export async function enter(person) {
  await person.page.getByLabel("Your name").fill(person.name);
  await person.page.getByRole("button", { name: "Enter" }).click();
  await person.page.getByText("Connected", { exact: true }).waitFor({ state: "attached" });
}

export default [
  [
    "a page without a server asks for one, remembers it, and can be told another",
    ({ arrive, server }) =>
      withSite(server, async () => {
        const ana = await arrive("Ana site", { at: "http://" });
        await ana.page.goto(server.site);
        const dialog = ana.page.getByRole("dialog");
        await dialog.getByText("No server is behind this page.").waitFor();
        await ana.shot("desktop-which-server");
        await useServer(ana, server.url);
        await ana.page.getByText(`Server: ${new URL(server.url).host}`).waitFor();
        await enter(ana);
        await ana.join("site");
        await ana.say("from elsewhere");
        await ana.seesSent("from elsewhere");
        await ana.page.reload();
        await ana.sees("from elsewhere");
        await ana.page.evaluate(() => localStorage.removeItem("polylog.session"));
        await ana.page.goto(server.site);
        await ana.page.getByRole("button", { name: "Change" }).click();
        assert.equal(await dialog.getByLabel("Address").inputValue(), server.url);
      }),
  ],
  [
    "a page uses the server that config.js names, without a question, and can be told another",
    ({ arrive, server }) =>
      withSite(
        server,
        async () => {
          const ana = await arrive("Ana config", { at: "http://" });
          const remembered = () => ana.page.evaluate(() => localStorage.getItem("polylog.server"));
          await ana.page.goto(server.site);
          await ana.page.getByText(`Server: ${new URL(server.url).host}`).waitFor();
          await enter(ana);
          assert.equal(await remembered(), null);
          await ana.join("config");
          await ana.say("by config.js");
          await ana.seesSent("by config.js");
          const other = await Server.create("--origins", server.site);
          try {
            await ana.page.locator(".me").click();
            await ana.page.getByRole("button", { name: "Change server" }).click();
            await useServer(ana, other.url);
            await enter(ana);
            assert.equal(JSON.parse(await remembered()), other.url);
            await ana.page.locator(".me").click();
            await ana.page.getByRole("button", { name: "Change server" }).click();
            await useServer(ana, "");
            await enter(ana);
            assert.equal(await remembered(), null);
          } finally {
            await other.close();
          }
        },
        `window.POLYLOG_SERVER = ${JSON.stringify(server.url)};`,
      ),
  ],
  [
    "an address where no server answers is not taken, and what is wrong with it is said",
    ({ arrive, server }) =>
      withSite(server, () =>
        withRelay(server, async (relay) => {
          const ana = await arrive("Ana lost", { at: "http://" });
          await ana.page.goto(server.site);
          const dialog = ana.page.getByRole("dialog");
          const address = dialog.getByLabel("Address");
          const says = async (typed, text) => {
            await give(ana, typed, async (alert) => text.test(await alert.textContent()));
          };
          await address.waitFor();
          await looksRight(ana, "desktop-address");
          await says("", /The address is missing/);
          await says("no address", /This is not an address/);
          await says(`ws://localhost:${await freePort()}/prod`, /Nothing answers at localhost:\d+\. Is the name right/);
          await looksRight(ana, "desktop-address-dead");
          await says(server.site, /Is the path right\?|not as Polylog does/);
          await says(relay.url.replace("/prod", "/test"), /Is the path right\?.*--origins/);
          await looksRight(ana, "desktop-address-path");
          relay.down = true;
          await says(relay.url, /answers, but the server behind it does not/);
          assert.equal(await ana.page.evaluate(() => localStorage.getItem("polylog.server")), null);
          relay.down = false;
          await useServer(ana, relay.url);
          await ana.page.getByText(`Server: ${relay.url.replace("ws://", "")}`).waitFor();
          // The browser's own report of an answer that the page may not read.
          ana.complaints = ana.complaints.filter((text) => !/CORS policy|net::ERR_FAILED/.test(text));
        }),
      ),
  ],
  [
    "on a phone the question for the address fits, and its answer can be changed in the settings",
    ({ arrive, server }) =>
      withSite(server, () =>
        withRelay(server, async (relay) => {
          const ana = await arrive("Ana pocket", { at: "http://", ...PHONE });
          await ana.page.goto(server.site);
          const dialog = ana.page.getByRole("dialog");
          await dialog.getByText("No server is behind this page.").waitFor();
          await looksRight(ana, "phone-address");
          const long = `ws://localhost:${await freePort()}/${"production-".repeat(8)}`;
          await give(ana, long, async (alert) => /Nothing answers/.test(await alert.textContent()));
          await looksRight(ana, "phone-address-dead");
          const { x, y, width, height } = await dialog.boundingBox();
          const view = ana.page.viewportSize();
          assert.ok(x >= 0 && x + width <= view.width, `the dialog is ${width} wide, from ${x} on`);
          assert.ok(y >= 0 && y + height <= view.height, `the dialog is ${height} high, from ${y} on`);
          const wide = () => ana.page.evaluate(() => document.documentElement.scrollWidth);
          assert.equal(await wide(), view.width);
          await useServer(ana, relay.url);
          await looksRight(ana, "phone-address-login");
          await enter(ana);
          const stored = () => ana.page.evaluate(() => JSON.parse(localStorage.getItem("polylog.server")));
          assert.equal(await stored(), relay.url);
          await ana.page.getByRole("button", { name: "Rooms", exact: true }).click();
          await ana.page.locator(".me").click();
          await dialog.getByText(`Server: ${relay.url}`).waitFor();
          await dialog.getByRole("button", { name: "Change server" }).click();
          assert.equal(await dialog.getByLabel("Address").inputValue(), relay.url);
          await ana.shot("phone-address-change");
          await useServer(ana, server.url);
          await enter(ana);
          assert.equal(await stored(), server.url);
          while (relay.open.length > 0) await ana.page.waitForTimeout(50);
        }),
      ),
  ],
  [
    "a page that a server brought logs in at another server, which it remembers",
    async ({ arrive, server }) => {
      const other = await Server.create("--origins", new URL(server.url).origin);
      try {
        const ana = await arrive("Ana elsewhere", { at: "http://" });
        await ana.page.goto(server.url);
        await ana.page.getByRole("button", { name: "Change" }).click();
        await useServer(ana, other.url);
        await enter(ana); // over HTTP, as the page's own policy lets it
        await ana.join("elsewhere");
        await ana.say("from next door");
        await ana.seesSent("from next door");
        await ana.page.reload();
        await ana.sees("from next door");
        const { entries } = await (await other.robot("Robot elsewhere")).command("history", { room: "elsewhere" });
        assert.deepEqual(entries.flatMap(({ text }) => text ?? []), ["from next door"]);
      } finally {
        await other.close();
      }
    },
  ],
  [
    "the address of the page may name the server, which is asked about first",
    ({ arrive, server }) =>
      withSite(server, async () => {
        const ben = await arrive("Ben site", { at: "http://" });
        const link = `${server.site}/?server=${encodeURIComponent(server.url)}`;
        const { host } = new URL(server.url);
        const dialog = ben.page.getByRole("dialog", { name: `Use the server ${host}?` });
        const remembered = () => ben.page.evaluate(() => localStorage.getItem("polylog.server"));
        await ben.page.goto(link);
        await dialog.waitFor();
        assert.equal(new URL(ben.page.url()).search, "");
        assert.equal(await remembered(), null);
        await looksRight(ben, "desktop-asks-server");
        await dialog.getByRole("button", { name: "Cancel" }).click();
        await ben.page.reload();
        await ben.page.getByText("No server is behind this page.").waitFor();
        assert.equal(await remembered(), null);
        await ben.page.goto("about:blank");
        await ben.page.goto(link);
        await dialog.getByRole("button", { name: `Use ${host}` }).click();
        await ben.page.getByText(`Server: ${host}`).waitFor();
        await enter(ben);
        assert.equal(JSON.parse(await remembered()), server.url);
        await ben.page.goto(server.site);
        await ben.page.getByText("Connected", { exact: true }).waitFor({ state: "attached" });
      }),
  ],
];
