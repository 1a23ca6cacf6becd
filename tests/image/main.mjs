// The image, as the Dockerfile makes it.
//   node main.mjs [-v] [substring of the tests to run]
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../integration/lib/ports.mjs";
import { temporary } from "../integration/lib/program.mjs";
import { options, runAll, sum, test, until } from "../integration/lib/suite.mjs";

const SOURCES = fileURLToPath(new URL("../..", import.meta.url));
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "polylog");
const STORE = join(CACHE, "images");
const BYTES_MAX = 60 * 1024 * 1024;
const BUILD_MS = 1_800_000;
const VERSION = readFileSync(join(SOURCES, "src/main.c"), "utf8").match(/^#define VERSION "(.*)"$/m)[1];

function sh(script, env = {}) {
  return execFileSync("sh", ["-ec", script], {
    encoding: "utf8", cwd: SOURCES, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28,
  });
}

function works(command, ...args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

// Where overlays cannot be mounted, each layer is a copy.
let driver;
function buildah(...args) {
  driver ??= works("buildah", "--root", `${STORE}/overlay`, "--runroot", `${STORE}/run-overlay`, "--storage-driver", "overlay", "from", "--name", `try-${process.pid}`, "scratch") &&
    works("buildah", "--root", `${STORE}/overlay`, "--runroot", `${STORE}/run-overlay`, "--storage-driver", "overlay", "mount", `try-${process.pid}`) ? "overlay" : "vfs";
  const said = spawnSync("buildah", ["--root", `${STORE}/${driver}`, "--runroot", `${STORE}/run-${driver}`, "--storage-driver", driver, ...args], {
    encoding: "utf8", cwd: SOURCES, maxBuffer: 1 << 28,
  });
  if (said.status !== 0) throw new Error(`buildah ${args.join(" ")}: ${said.error ?? said.status}\n${(said.stdout + said.stderr).slice(-3000)}`);
  return said.stdout.trim();
}

function isImage(name) {
  return buildah("images", "--format", "{{.Name}}").split("\n").includes(name);
}

// An image that has the files below dir, but for what a slim one leaves out, and these settings.
function makeImage(name, dir, ...settings) {
  const container = buildah("from", "scratch");
  const tar = join(STORE, `${process.pid}.tar`);
  try {
    const left = ["var/cache/apt/*", "var/lib/apt/lists/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/doc/*/changelog*"];
    sh(`tar -C ${dir} ${left.map((path) => `--exclude='./${path}'`).join(" ")} -cf ${tar} .`);
    buildah("add", "-q", container, tar, "/");
    buildah("config", "--cmd", "bash", ...settings, container);
    buildah("commit", "-q", container, name);
  } finally {
    rmSync(tar, { force: true });
    buildah("rm", container);
  }
}

// Debian 13 as debootstrap makes it; to build in, it also trusts whom this machine trusts.
function makeBases() {
  mkdirSync(STORE, { recursive: true });
  if (isImage("localhost/polylog-base") && isImage("localhost/polylog-build-base")) return;
  const root = join(CACHE, "trixie-base");
  sh(`tools/setup long && tools/debian-root trixie ${root} base-files`);
  makeImage("localhost/polylog-base", root);
  const certificates = "/usr/local/lib/host.crt";
  const at = join(root, certificates);
  sh(`cp /etc/ssl/certs/ca-certificates.crt ${at}`);
  makeImage("localhost/polylog-build-base", root, "--env", `NODE_EXTRA_CA_CERTS=${certificates}`);
  rmSync(at);
}

// The image is built, and mounted. Of two architectures buildah 1.28 does not find the one to build on: it is told only which
// it builds for.
function build(arch, base, t) {
  const name = `localhost/polylog-${arch}`;
  buildah("bud", "-q", "--isolation", "chroot", "--layers", "--pull-never", "--format", "docker", "--build-arg", `TARGETARCH=${arch}`,
    "--build-arg", `BASE=${base}`, "--build-arg", "BUILD_BASE=localhost/polylog-build-base", "-t", name, ".");
  const container = buildah("from", "--pull-never", name);
  t.after(() => buildah("rm", container));
  const { Docker } = JSON.parse(buildah("inspect", "--type", "image", name));
  return { name, root: buildah("mount", container), config: Docker.config, arch: Docker.architecture };
}

function compressed(name) {
  const dir = temporary("layers-");
  try {
    buildah("push", "-q", "--compression-format", "gzip", name, `dir:${dir}`);
    return readdirSync(dir).reduce((bytes, file) => bytes + statSync(join(dir, file)).size, 0);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function checkConfig({ config }) {
  assert.deepEqual(config.Entrypoint, ["/usr/local/bin/polylog"]);
  assert.deepEqual(config.Cmd, ["serve"]);
  assert.equal(config.User, "10001:10001");
  assert.equal(config.WorkingDir, "/data");
  assert.deepEqual(Object.keys(config.ExposedPorts), ["8080/tcp"]);
  assert.deepEqual(Object.keys(config.Volumes), ["/data"]);
  assert.equal(config.StopSignal, "SIGTERM");
  assert.deepEqual(config.Healthcheck.Test, ["CMD", "/usr/local/bin/polylog", "health"]);
  assert.equal(config.Labels["org.opencontainers.image.licenses"], "Apache-2.0");
  assert.equal(config.Labels["org.opencontainers.image.version"], VERSION);
  assert.equal(config.Labels["org.opencontainers.image.title"], "Polylog");
}

// "name version" of each package in dpkg's list.
function installed(root) {
  const stanzas = readFileSync(join(root, "var/lib/dpkg/status"), "utf8").split(/\n\n+/);
  const of = (stanza, field) => stanza.match(new RegExp(`^${field}: (.*)$`, "m"))?.[1];
  return stanzas.filter((one) => of(one, "Status") === "install ok installed").map((one) => `${of(one, "Package")} ${of(one, "Version")}`);
}

// SPDX 2.3, clauses 6 to 11: what must be there, and that names lead somewhere.
function checkSbom(root) {
  const sbom = JSON.parse(readFileSync(join(root, "usr/share/doc/polylog/sbom.spdx.json"), "utf8"));
  assert.deepEqual([sbom.spdxVersion, sbom.dataLicense, sbom.SPDXID], ["SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"]);
  assert.match(sbom.documentNamespace, /^https:\/\/[^#\s]+$/);
  assert.match(sbom.creationInfo.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(sbom.creationInfo.creators.every((creator) => /^(Tool|Person|Organization): \S/.test(creator)) && sbom.creationInfo.creators.length > 0);
  const ids = new Set(sbom.packages.map(({ SPDXID }) => SPDXID));
  assert.equal(ids.size, sbom.packages.length);
  for (const one of sbom.packages) {
    assert.match(one.SPDXID, /^SPDXRef-[A-Za-z0-9.-]+$/);
    assert.ok(one.name && one.versionInfo && one.downloadLocation && one.filesAnalyzed === false, JSON.stringify(one));
    assert.match(one.supplier, /^(Person|Organization): \S|^NOASSERTION$/);
    for (const { referenceLocator } of one.externalRefs ?? []) assert.match(referenceLocator, /^pkg:deb\/debian\/[^@/]+@[^?]+\?arch=\w+&distro=debian-13$/);
  }
  for (const { spdxElementId, relatedSpdxElement } of sbom.relationships)
    for (const id of [spdxElementId, relatedSpdxElement]) assert.ok(id === sbom.SPDXID || ids.has(id), id);
  const contained = sbom.relationships.filter(({ relationshipType }) => relationshipType === "CONTAINS").length;
  assert.equal(contained, sbom.packages.length - 1);
  const listed = sbom.packages.filter(({ externalRefs }) => externalRefs).map(({ name, versionInfo }) => `${name} ${versionInfo}`);
  assert.deepEqual(listed.sort(), installed(root).sort());
  assert.ok(listed.some((line) => line.startsWith("libssl3t64 ")));
}

// What the program is linked with, all the way, is in the image; returns how many libraries.
function checkLibraries(root, triple) {
  const found = new Set();
  const look = (file) => {
    for (const [, name] of sh(`objdump -p ${file}`).matchAll(/^ +NEEDED +(.*)$/gm)) {
      if (found.has(name)) continue;
      const at = [`usr/lib/${triple}`, "usr/lib", "usr/lib64"].map((dir) => join(root, dir, name)).find(existsSync);
      assert.ok(at, `${name}, which ${file} needs, is not in the image`);
      found.add(name);
      look(at);
    }
  };
  look(join(root, "usr/local/bin/polylog"));
  return found.size;
}

async function talk(url) {
  const post = async (action, params, token) => {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    const response = await fetch(`${url}/api/v1/${action}`, { method: "POST", headers, body: JSON.stringify(params) });
    assert.equal(response.status, 200, action);
    return response.json();
  };
  const [ana, ben] = [await post("login", { name: "ana" }), await post("login", { name: "ben" })];
  await post("join", { room: "general" }, ana.token);
  await post("send", { room: "general", text: "hello" }, ana.token);
  await post("join", { room: "general" }, ben.token);
  const { entries } = await post("history", { room: "general" }, ben.token);
  assert.ok(entries.some(({ text }) => text === "hello"));
  assert.match(await (await fetch(`${url}/`)).text(), /<html/i);
}

// Runs until the test's end; resolves once it is ready.
async function start(t, command, args, env, url) {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += chunk));
  const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code)));
  t.after(() => (child.kill("SIGKILL"), ended));
  await until("the image's server is ready", async () => {
    assert.ok(child.exitCode === null && child.signalCode === null, log);
    return fetch(`${url}/ready`).then(({ status }) => status === 200, () => false);
  });
  return { stop: () => (child.kill("SIGTERM"), ended), log: () => log };
}

// The command in namespaces of its own, with the image as a root that cannot be written but for the volume.
const CONTAINED = `mount --bind "$0" "$0"; mount --bind "$1" "$0/data"; mount -t proc proc "$0/proc"; mount -o remount,bind,ro "$0"
  root=$0; shift; exec chroot --userspec=10001:10001 "$root" "$@"`;

test("the image for this machine: what it says of itself, its size, its list; it serves, and says that it is well", async (t) => {
  if (process.getuid() !== 0) t.skip("only root can make the base with debootstrap, and mount an image");
  if (!works("unshare", "-m", "true")) t.skip("the kernel does not give this process a namespace of mounts");
  makeBases();
  const arch = sh("dpkg --print-architecture").trim();
  const image = build(arch, "localhost/polylog-base", t);
  assert.equal(image.arch, arch);
  checkConfig(image);
  checkSbom(image.root);
  assert.ok(checkLibraries(image.root, arch === "amd64" ? "x86_64-linux-gnu" : "aarch64-linux-gnu") >= 10);
  const bytes = compressed(image.name);
  console.log(`# ${image.name}: ${bytes} bytes compressed, of ${BYTES_MAX}`);
  assert.ok(bytes <= BYTES_MAX && bytes > 10_000_000, `${bytes}`);
  for (const absent of ["usr/bin/curl", "usr/bin/gcc", "usr/bin/node", "src"]) assert.ok(!existsSync(join(image.root, absent)), absent);
  assert.deepEqual([statSync(join(image.root, "data")).uid, statSync(join(image.root, "data")).mode & 0o777], [10001, 0o700]);

  const data = temporary("data-");
  t.after(() => rmSync(data, { recursive: true, force: true }));
  sh(`chown 10001:10001 ${data}`);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = { ...Object.fromEntries(image.config.Env.map((line) => line.split(/=(.*)/).slice(0, 2))), POLYLOG_LISTEN: `127.0.0.1:${port}`, POLYLOG_LOGIN: "name" };
  const inside = (...command) => ["-m", "sh", "-ec", CONTAINED, image.root, data, ...command];
  const server = await start(t, "unshare", inside(...image.config.Entrypoint, ...image.config.Cmd), env, url);
  await talk(url);
  const [, ...check] = image.config.Healthcheck.Test;
  const well = spawnSync("unshare", inside(...check), { env, encoding: "utf8" });
  assert.deepEqual([well.status, JSON.parse(well.stdout).status], [0, "ok"], well.stderr);
  const written = spawnSync("unshare", inside("/bin/sh", "-c", "id -u; : >/data/x && ! touch /tmp/x"), { env, encoding: "utf8" });
  assert.deepEqual([written.status, written.stdout], [0, "10001\n"], written.stderr);
  assert.match(written.stderr, /read-only/i);
  assert.equal(await server.stop(), 0, server.log());
  assert.ok(existsSync(join(data, "polylog.db")));
  assert.equal(spawnSync("unshare", inside(...check), { env }).status, 1);
}, BUILD_MS);

const counts = await runAll({ get: () => undefined }, { ...options(), atOnce: 1 });
console.log(sum(counts));
process.exit(counts.failed === 0 && counts.passed + counts.skipped > 0 ? 0 : 1);
