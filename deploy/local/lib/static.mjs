import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { STORE, files, polylog, shared } from "./parts.mjs";
import { ROOT, run } from "./stage.mjs";

const DIST = join(ROOT, "web/dist");

const about = {
  name: "static",
  usage: `deploy/local/static: the web app on an origin of its own, two servers

The files are served as S3 would; the page is told which server to use, remembers it, and can
be told another in its settings. Tokens are signed with a secret that both servers have, so
that each accepts the other's; limits are on, and shared. Logs are in build/local/static.`,
  options: {
    port: { value: "8000", least: 0, most: 65535, what: "Of the static files, on 127.0.0.1; 0: any" },
    seconds: { value: "0", least: 0, most: 86400, what: "How long; 0: until Ctrl-C" },
    store: STORE,
  },
  needs: [join(DIST, "index.html")],
};

await run(about, async (stage) => {
  const { flags, env, servers: n } = await shared(stage);
  const site = await files(stage, DIST);
  const secret = { POLYLOG_TOKEN_SECRET: randomBytes(32).toString("hex") };
  const servers = [];
  for (const name of ["a", "b"].slice(0, n)) {
    const own = { ...flags, open: true, origins: [site.url, `http://127.0.0.1:${site.port}`] };
    servers.push(await polylog(stage, name, own, { ...env, ...secret }));
  }
  stage.watch();
  for (const { name, url } of servers) {
    stage.say(`open ${site.url}/?server=${encodeURIComponent(url)} (server ${name})`);
  }
});
