// The chat in docs/socketio.md, exactly as it is printed there: its page on an origin of
// its own, its server at port 8080, the library as its address has it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { launch } from "./launch.mjs";
import { PATIENCE_MS } from "./person.mjs";

const DOC = readFileSync(new URL("../../docs/socketio.md", import.meta.url), "utf8");
const CLIENTS = fileURLToPath(new URL("../socketio", import.meta.url));

function printed() {
  const [, page] = /```html\n(.*?)```/s.exec(DOC);
  const [, version] = /cdn\.socket\.io\/([\d.]+)\/socket\.io\.min\.js/.exec(page);
  assert.ok(page.trimEnd().split("\n").length <= 20);
  return { page, version };
}

// The library's file for browsers, of that very version.
function library(version) {
  const [made, named] = [`${CLIENTS}/node_modules/.package-lock.json`, `${CLIENTS}/package-lock.json`];
  if (!existsSync(made) || statSync(made).mtimeMs <= statSync(named).mtimeMs) {
    execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: CLIENTS });
    utimesSync(made, new Date(), new Date());
  }
  const dir = `${CLIENTS}/node_modules/socket.io-client`;
  assert.equal(JSON.parse(readFileSync(`${dir}/package.json`, "utf8")).version, version);
  return readFileSync(`${dir}/dist/socket.io.min.js`, "utf8");
}

async function open(browser, site, name, script) {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(error.stack));
  page.on("dialog", (dialog) => dialog.accept(name));
  await page.route("https://cdn.socket.io/**", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
  await page.goto(site);
  return page;
}

// What these people said; the room may hold what others said before.
const lines = async (page) => (await page.locator("#log li").allTextContents()).filter((line) => / 20: /.test(line));

async function says(page, text) {
  await page.locator("#text").fill(text);
  await page.locator("#text").press("Enter");
}

export default [
  [
    "the chat in docs/socketio.md",
    async ({ server }) => {
      const { page, version } = printed();
      const script = library(version);
      const files = createServer((_, response) => response.setHeader("Content-Type", "text/html").end(page));
      await new Promise((resolve) => files.listen(new URL(server.site).port, "localhost", resolve));
      const browser = await launch(`--host-resolver-rules=MAP localhost:8080 127.0.0.1:${server.port}`);
      try {
        const ana = await open(browser, server.site, "Ana 20", script);
        const ben = await open(browser, server.site, "Ben 20", script);
        await says(ana, "hello");
        await ben.getByText("Ana 20: hello").waitFor();
        const shown = ana.waitForFunction(() => document.title === "Ben 20 is typing"); // it does not last
        await Promise.all([shown, ben.locator("#text").pressSequentially("hi")]);
        await ben.locator("#text").press("Enter");
        await ana.getByText("Ben 20: hi").waitFor();
        await ana.waitForFunction(() => document.title === "chat");
        await server.kill(); // whoever comes back is shown what was missed, and nothing twice
        await server.start();
        await says(ana, "still there?");
        await ben.getByText("Ana 20: still there?").waitFor();
        await ana.getByText("Ana 20: still there?").waitFor();
        const said = ["Ana 20: hello", "Ben 20: hi", "Ana 20: still there?"];
        assert.deepEqual([await lines(ana), await lines(ben)], [said, said]);
        const cleo = await open(browser, server.site, "Cleo 20", script);
        await cleo.getByText("still there?").waitFor();
        assert.deepEqual(await lines(cleo), said);
        assert.deepEqual([ana, ben, cleo].flatMap(({ complaints }) => complaints), []);
      } finally {
        await browser.close();
        files.close();
        files.closeAllConnections();
      }
    },
  ],
];
