// The package of Debian, in a root of Debian 13, or of the releases that $RELEASES names; and with
// ARM64=1 that of arm64, made by a cross-compiler for this release.
//   RELEASES="bookworm trixie" ARM64=1 node main.mjs [-v] [substring of the tests to run]
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../integration/lib/ports.mjs";
import { options, runAll, sum, test, until } from "../integration/lib/suite.mjs";

const SOURCES = fileURLToPath(new URL("../..", import.meta.url));
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "polylog");
const MAKE_MS = 1_800_000; // a root, and the program in it
const PACKAGES = `gcc libc6-dev make libsqlite3-dev libssl-dev libsodium-dev zlib1g-dev libutf8proc-dev
  libcurl4-openssl-dev libhiredis-dev libyaml-dev debhelper`.split(/\s+/);
const ENV = { PATH: "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" };

function sh(script, env = process.env) {
  return execFileSync("sh", ["-ec", script], { encoding: "utf8", cwd: SOURCES, env, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 26 });
}

// A root of the release, in which commands run; what they are given of systemctl is written down.
class Root {
  constructor(release, t) {
    this.dir = process.env[release.toUpperCase()] || join(CACHE, release);
    sh(`tools/setup long && tools/debian-root ${release} ${this.dir} ${PACKAGES.join(" ")}`);
    this.asked = join(this.dir, "tmp/systemctl");
    this.systemctl = join(this.dir, "usr/local/sbin/systemctl");
    t.after(() => this.clean());
    this.clean();
  }

  // As it was before: without the package, and without what stands for systemd.
  clean() {
    this.sh("dpkg --purge polylog");
    for (const path of [this.systemctl, this.asked, join(this.dir, "run/systemd/system"), join(this.dir, "var/lib/polylog")])
      rmSync(path, { recursive: true, force: true });
  }

  sh(script) {
    return execFileSync("unshare", ["-m", "sh", "-ec", 'mount -t proc proc "$0/proc"; exec chroot "$0" sh -ec "$1"', this.dir, script], {
      encoding: "utf8", env: ENV, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 26,
    });
  }

  // Its scripts find what stands for systemctl first.
  apt(what) {
    return this.sh(`apt-get -y -q -o DPkg::Path=${ENV.PATH} ${what}`);
  }

  read(path) {
    return readFileSync(join(this.dir, path), "utf8");
  }

  // systemd does not run in a root: the scripts of the package believe it does. Links are made all the same.
  pretendSystemd() {
    mkdirSync(join(this.dir, "run/systemd/system"), { recursive: true });
    writeFileSync(this.systemctl, '#!/bin/sh\necho "$*" >>/tmp/systemctl\ncase $* in\n*is-enabled*) echo enabled ;;\n*preset*) SYSTEMD_OFFLINE=1 exec /usr/bin/systemctl "$@" ;;\nesac\n');
    chmodSync(this.systemctl, 0o755);
  }

  // What systemctl was told to start, stop and restart since the last call.
  told() {
    const lines = existsSync(this.asked) ? readFileSync(this.asked, "utf8").split("\n") : [];
    rmSync(this.asked, { force: true });
    return lines.flatMap((line) => line.match(/\b(?:try-)?(?:re)?(?:start|stop)\b.*/) ?? []).map((line) => line.replace(/\s+/g, " ").trim());
  }
}

// The sources in the root, with the web app as it was built here; the package in the root's /tmp.
function build(root, release, t) {
  const tree = join(root.dir, `tree/package-${process.pid}`);
  const assets = "build/cc-O2-werror/gen/assets.gen.inc";
  t.after(() => rmSync(tree, { recursive: true, force: true }));
  mkdirSync(join(tree, "web/node_modules"), { recursive: true });
  sh(`make -s ${assets} WERROR=1
    tar -c --exclude=./build --exclude=node_modules --exclude=./.git --exclude=./data . | tar -x -C ${tree}
    touch ${tree}/web/node_modules/.package-lock.json ${tree}/web/dist/index.html
    mkdir -p ${tree}/${assets.replace(/[^/]*$/, "")} && cp ${assets} ${tree}/${assets}`);
  root.sh(`cd /tree/package-${process.pid} && make -s -j$(nproc) deb WERROR=1`);
  const deb = sh(`ls ${tree}/build/deb/polylog_*.deb`).trim();
  cpSync(deb, join(root.dir, "tmp/polylog.deb"));
}

// The service as its unit says, at an address of the socket.
class Service {
  constructor(url) {
    this.url = url;
    this.log = "";
  }

  // Its command, which runs as the child.
  async serves(child, t) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (this.log += chunk));
    this.ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code)));
    t.after(() => child.kill("SIGKILL"));
    await until(`it is ready at ${this.url}`, async () => {
      assert.equal(child.exitCode, null, this.log);
      return fetch(`${this.url}/ready`).then(({ status }) => status === 200, () => false);
    });
    return this;
  }

  static async start(root, t) {
    const unit = root.sh("cat /usr/lib/systemd/system/polylog.service /lib/systemd/system/polylog.service 2>/dev/null || cat /lib/systemd/system/polylog.service");
    const of = (name) => [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value.replaceAll("%S", "/var/lib"));
    const [user, state, command] = [of("User")[0], `/var/lib/${of("StateDirectory")[0]}`, of("ExecStart")[0]];
    assert.equal(user, "polylog");
    assert.deepEqual(of("DynamicUser"), []);
    root.sh(`install -d -m ${of("StateDirectoryMode")[0]} -o ${user} -g ${user} ${state}`);
    const file = of("EnvironmentFile")[0].replace(/^-/, "");
    const listener = createServer().listen(0, "127.0.0.1");
    await until("the socket listens", () => listener.listening);
    const service = new Service(`http://127.0.0.1:${listener.address().port}`);
    const lines = root.read(file).split("\n").filter((line) => /^[A-Z_]+=/.test(line));
    const child = spawn("unshare", ["-m", "sh", "-ec", 'mount -t proc proc "$0/proc"; exec chroot --userspec="$1:$1" "$0" sh -c "cd $2 && exec $3"', root.dir, user, state, command], {
      env: Object.fromEntries([...of("Environment"), ...lines].map((line) => line.split(/=(.*)/).slice(0, 2))),
      stdio: ["ignore", "pipe", "pipe", listener._handle.fd],
    });
    listener.close();
    return service.serves(child, t);
  }

  async post(action, params, token) {
    const response = await fetch(`${this.url}/api/v1/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
      body: JSON.stringify(params),
    });
    return { status: response.status, ...(await response.json()) };
  }

  stop() {
    this.child.kill("SIGTERM");
    return this.ended;
  }
}

const NUMBERS = { bookworm: 12, trixie: 13 };

for (const release of (process.env.RELEASES || "trixie").split(" "))
  test(`Debian ${NUMBERS[release]}: the package is built, installed, started, upgraded and removed`, async (t) => {
    if (process.getuid() !== 0) t.skip("only root can make and enter a root of Debian");
    const root = new Root(release, t);
    build(root, release, t);
    root.pretendSystemd();

    root.apt("install --no-install-recommends /tmp/polylog.deb");
    assert.deepEqual(root.told(), ["start polylog.socket", "start polylog.service"]);
    assert.match(root.sh("polylog version"), /^polylog \d/);
    assert.match(root.sh("getent passwd polylog"), /^polylog:x:\d+:\d+:.*:\/var\/lib\/polylog:.*nologin$/m);
    const settings = join(root.dir, "etc/polylog.env");
    assert.deepEqual([statSync(settings).mode & 0o777, statSync(settings).uid], [0o600, 0]);
    assert.ok(root.sh("zcat /usr/share/man/man1/polylog.1.gz").includes(".TH POLYLOG 1"));
    for (const unit of ["sockets.target.wants/polylog.socket", "multi-user.target.wants/polylog.service"])
      assert.ok(root.sh(`readlink /etc/systemd/system/${unit}`).includes("polylog."), unit);

    appendFileSync(settings, "POLYLOG_TEXT_MAX=5\n");
    const first = await Service.start(root, t);
    const { token } = await first.post("signup", { name: "ana", password: "correct horse" });
    await first.post("join", { room: "general" }, token);
    assert.equal((await first.post("send", { room: "general", text: "123456" }, token)).status, 413);
    assert.equal((await first.post("send", { room: "general", text: "12345" }, token)).status, 200);
    assert.equal(JSON.parse(root.sh(`polylog health --at ${first.url}`)).status, "ok");
    assert.equal(await first.stop(), 0, first.log);

    root.sh(`cd /tmp && rm -rf next && dpkg-deb -R polylog.deb next && sed -i 's/^Version: .*/&+next/' next/DEBIAN/control &&
      dpkg-deb --root-owner-group -b next polylog.deb && rm -rf next`);
    root.apt("install --no-install-recommends /tmp/polylog.deb");
    // A socket that is there is not opened anew by its start.
    assert.deepEqual(root.told(), ["start polylog.socket", "restart polylog.service"]);
    assert.match(root.sh("dpkg-query -W polylog"), /\+next$/m);
    assert.ok(root.read("etc/polylog.env").endsWith("POLYLOG_TEXT_MAX=5\n"));
    const second = await Service.start(root, t);
    const { entries } = await second.post("history", { room: "general" }, token);
    assert.equal(entries.at(-1).text, "12345");
    assert.equal(await second.stop(), 0, second.log);

    root.apt("remove polylog");
    assert.deepEqual(root.told().sort(), ["stop polylog.service", "stop polylog.socket"]);
    assert.ok(!existsSync(join(root.dir, "usr/bin/polylog")));
    assert.ok(existsSync(settings));
    assert.match(root.sh("dpkg --purge polylog"), /kept in \/var\/lib\/polylog/);
    assert.ok(!existsSync(settings));
    assert.ok(existsSync(join(root.dir, "var/lib/polylog/polylog.db")));
  }, MAKE_MS);

if (process.env.ARM64)
  test("arm64: the package is built, names its libraries, and its program serves", async (t) => {
    sh("tools/setup long && make -s -j$(nproc) deb-arm64");
    const deb = sh("ls build/deb/polylog_*_arm64.deb").trim();
    assert.equal(sh(`dpkg-deb -f ${deb} Architecture`).trim(), "arm64");
    const depends = sh(`dpkg-deb -f ${deb} Depends`);
    for (const library of ["libc6", "libcurl4", "libhiredis", "libsodium", "libsqlite3-0", "libssl3", "libutf8proc", "libyaml-0-2"])
      assert.ok(depends.includes(library), `${library} in ${depends}`);
    const root = mkdtempSync(join(tmpdir(), "polylog-arm64-"));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    sh(`dpkg-deb -x ${deb} ${root}`);
    const listen = `127.0.0.1:${await freePort()}`;
    const service = await new Service(`http://${listen}`).serves(
      spawn("qemu-aarch64-static", ["-L", join(SOURCES, "build/arm64"), join(root, "usr/bin/polylog"), "serve", "--listen", listen, "--data", join(root, "data")], {
        stdio: ["ignore", "pipe", "pipe"],
      }),
      t,
    );
    const { token } = await service.post("signup", { name: "ana", password: "correct horse" });
    await service.post("join", { room: "general" }, token);
    assert.equal((await service.post("send", { room: "general", text: "from afar" }, token)).status, 200);
    const { entries } = await service.post("history", { room: "general" }, token);
    assert.equal(entries.at(-1).text, "from afar");
    assert.equal(await service.stop(), 0, service.log);
  }, MAKE_MS);

const counts = await runAll({ get: () => undefined }, { ...options(), atOnce: 1 });
console.log(sum(counts));
process.exit(counts.failed === 0 && counts.passed + counts.skipped > 0 ? 0 : 1);
