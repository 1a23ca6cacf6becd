// The web app on an origin of its own, as from S3: files, and no server behind them.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../../web/dist", import.meta.url));

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

// Runs what with the site up.
async function withSite({ site }, what) {
  const files = createServer(({ url }, response) => {
    const { pathname } = new URL(url, site);
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

async function enter(person) {
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
        await dialog.getByLabel("Address").fill(server.url);
        await dialog.getByRole("button", { name: "Use it" }).click();
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
    "the address of the page may name the server",
    ({ arrive, server }) =>
      withSite(server, async () => {
        const ben = await arrive("Ben site", { at: "http://" });
        await ben.page.goto(`${server.site}/?server=${encodeURIComponent(server.url)}`);
        await enter(ben);
        assert.equal(new URL(ben.page.url()).search, "");
        await ben.page.goto(server.site);
        await ben.page.getByText("Connected", { exact: true }).waitFor({ state: "attached" });
      }),
  ],
];
