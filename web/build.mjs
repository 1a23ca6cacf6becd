// Builds the web app into web/dist: files named after their content, each also
// compressed with gzip and brotli where that makes it smaller.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const web = dirname(fileURLToPath(import.meta.url));
const dist = join(web, "dist");
const TARGET = ["chrome111", "firefox113", "safari16.4"];

async function bundle(entry, format) {
  const result = await build({
    entryPoints: [join(web, entry)],
    bundle: true,
    minify: true,
    write: false,
    format,
    target: TARGET,
    outdir: dist,
    legalComments: "none",
    logLevel: "warning",
  });
  return Buffer.from(result.outputFiles[0].contents);
}

// The app's script in files: what every page needs, in two parts that load side by side, and what
// is loaded on demand (src/app/later.ts). The names change with their content.
async function script() {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(web, "src/app/main.ts")],
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    target: TARGET,
    absWorkingDir: web,
    outdir: dist,
    entryNames: "app.[hash]",
    chunkNames: "app.[hash]",
    legalComments: "none",
    logLevel: "warning",
  });
  const files = outputFiles.map(({ path, contents }) => ({ name: basename(path), bytes: Buffer.from(contents) }));
  const outputs = Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]);
  const [entry, { imports }] = outputs.find(([, { entryPoint }]) => entryPoint === "src/app/main.ts");
  // Those that the entry needs at once, and those that they need.
  const first = new Set();
  const follow = (imported) => {
    for (const { path, kind } of imported) {
      if (kind !== "import-statement" || first.has(basename(path))) continue;
      first.add(basename(path));
      follow(metafile.outputs[path].imports);
    }
  };
  follow(imports);
  return { files, entry, first: [...first] };
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

const app = await script();
const theme = hashed("theme", "js", await bundle("src/app/theme-early.ts", "iife"));
const css = hashed("app", "css", await bundle("src/styles/main.css"));
const preload = (name) => `<link rel="modulepreload" href="${name}">\n    `;
const html = readFileSync(join(web, "index.html"), "utf8")
  .replace("src/app/theme-early.ts", theme.name)
  .replace("src/app/main.ts", app.entry)
  .replace("src/styles/main.css", css.name)
  .replace('<script type="module"', `${app.first.map(preload).join("")}<script type="module"`);
const files = [...app.files, theme, css];
for (const name of readdirSync(join(web, "public")).sort()) {
  files.push({ name, bytes: readFileSync(join(web, "public", name)) });
}
// Last: it is what make looks at.
files.push({ name: "index.html", bytes: Buffer.from(html) });

// What a browser that has nothing yet loads to show the page, in brotli. It was 32.4 kB when the
// bound was set, and may grow by 60 kB from there.
const FIRST_LOAD_MAX = 92_000;
const small = (file) => Math.min(...[file, ...compressed(file)].map(({ bytes }) => bytes.length));
const isLater = ({ name }) => app.files.some((file) => file.name === name) && ![app.entry, ...app.first].includes(name);
const firstLoad = files.filter((file) => !isLater(file)).reduce((sum, file) => sum + small(file), 0);
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
