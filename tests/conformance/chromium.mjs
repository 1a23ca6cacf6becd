// Chromium's own WebSocket: a page that sends, compares, and reports by a POST.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const LIMIT_MS = 60_000;

// Runs in the page.
async function inThePage(url) {
  const make = (n, f) => Uint8Array.from({ length: n }, (_, i) => f(i));
  const list = ["", "a", "κόσμε 🎉", "line ".repeat(100_000), make(0, () => 0),
    make(65536, (i) => i * i), make(1 << 20, (i) => i >> 8), new Uint8Array(16 << 20)];
  const same = (a, b) => typeof a === "string" ? a === b
    : a.length === b.byteLength && new Uint8Array(b).every((byte, i) => byte === a[i]);
  return new Promise((resolve) => {
    const c = new WebSocket(url);
    let at = 0;
    c.binaryType = "arraybuffer";
    c.onopen = () => list.forEach((one) => c.send(one));
    c.onmessage = (e) => {
      if (!same(list[at++], e.data)) resolve(`echo ${at - 1} differs`);
      if (at === list.length) c.close(4321, "done");
    };
    c.onclose = (e) => {
      if (at < list.length || e.code !== 4321 || !e.wasClean)
        resolve(`closed with ${e.code} after ${at} echoes, clean: ${e.wasClean}`);
      else resolve(c.extensions.includes("permessage-deflate") ? "OK" : "not compressed");
    };
  });
}

export async function browse(port) {
  const page = `<script>(${inThePage})("ws://127.0.0.1:${port}/").then((said) =>
    fetch("/", { method: "POST", body: said }))</script>`;
  let told;
  const answer = new Promise((resolve) => (told = resolve));
  const server = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    if (request.method !== "POST") return response.end(request.url === "/" ? page : "");
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => told(body) ?? response.end());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const profile = mkdtempSync(join(tmpdir(), "polylog-conformance-"));
  const child = spawn(CHROMIUM, ["--headless", "--no-sandbox", "--disable-gpu",
    "--disable-background-networking", `--user-data-dir=${profile}`,
    `http://127.0.0.1:${server.address().port}/`], { stdio: "ignore", detached: true });
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.once("error", (e) => told(e.message));
  const timer = setTimeout(() => told("nothing"), LIMIT_MS);
  const said = await answer;
  clearTimeout(timer);
  if (child.pid !== undefined) {
    try {
      process.kill(-child.pid, "SIGKILL"); // with all that it started
    } catch {} // it had ended
    await ended;
  }
  server.closeAllConnections();
  server.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  return said;
}
