// Builds the web app into web/dist: files named after their content, each also
// compressed with gzip and brotli where that makes it smaller.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const web = dirname(fileURLToPath(import.meta.url));
const dist = join(web, "dist");

async function bundle(entry, format) {
  const result = await build({
    entryPoints: [join(web, entry)],
    bundle: true,
    minify: true,
    write: false,
    format,
    target: ["chrome111", "firefox113", "safari16.4"],
    outdir: dist,
    legalComments: "none",
    logLevel: "warning",
  });
  return Buffer.from(result.outputFiles[0].contents);
}

// The file under a name that changes with its content.
function hashed(stem, ext, bytes) {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
  return { name: `${stem}.${hash}.${ext}`, bytes };
}

function compressed({ name, bytes }) {
  const brotli = brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  const gzip = gzipSync(bytes, { level: 9 });
  return [
    { name: `${name}.br`, bytes: brotli },
    { name: `${name}.gz`, bytes: gzip },
  ].filter((file) => file.bytes.length < bytes.length);
}

const app = hashed("app", "js", await bundle("src/app/main.ts", "esm"));
const theme = hashed("theme", "js", await bundle("src/app/theme-early.ts", "iife"));
const css = hashed("app", "css", await bundle("src/styles/main.css"));
const html = readFileSync(join(web, "index.html"), "utf8")
  .replace("src/app/theme-early.ts", theme.name)
  .replace("src/app/main.ts", app.name)
  .replace("src/styles/main.css", css.name);
const files = [app, theme, css];
for (const name of readdirSync(join(web, "public")).sort()) {
  files.push({ name, bytes: readFileSync(join(web, "public", name)) });
}
// Last: it is what make looks at.
files.push({ name: "index.html", bytes: Buffer.from(html) });

// What a browser that has nothing yet loads to show the page, in brotli. It was 32.4 kB when the
// bound was set, and may grow by 60 kB from there.
const FIRST_LOAD_MAX = 92_000;
const small = (file) => Math.min(...[file, ...compressed(file)].map(({ bytes }) => bytes.length));
const firstLoad = files.reduce((sum, file) => sum + small(file), 0);
if (process.argv.includes("--size")) console.log(`${firstLoad} of at most ${FIRST_LOAD_MAX} bytes`);
if (firstLoad > FIRST_LOAD_MAX) {
  console.error(`the first load of the page has ${firstLoad} bytes, more than ${FIRST_LOAD_MAX}`);
  process.exit(1);
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const file of files.flatMap((f) => [...compressed(f), f])) {
  writeFileSync(join(dist, file.name), file.bytes);
}
