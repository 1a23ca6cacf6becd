import { join } from "node:path";
import { files, gateway, tables } from "./parts.mjs";
import { PROGRAM, ROOT, run } from "./stage.mjs";

const DIST = join(ROOT, "web/dist");

const about = {
  name: "serverless",
  usage: `deploy/local/serverless: API Gateway, a function, a table, and a page from elsewhere

polylog gateway stands for API Gateway and Lambda, polylog lambda is the function, DynamoDB
Local stands for DynamoDB, a server of static files for S3. No server of the chat runs: what
keeps a connection is a row in the table. Logs are in build/local/serverless.`,
  options: {
    port: { value: "8000", least: 0, most: 65535, what: "Of the static files, on 127.0.0.1; 0: any" },
    gateway: { value: "3001", least: 0, most: 65535, what: "The gateway's port; 0: any" },
    functions: { value: "4", least: 1, most: 100, what: "How many invocations at a time" },
    seconds: { value: "0", least: 0, most: 86400, what: "How long; 0: until Ctrl-C" },
  },
  needs: [join(DIST, "index.html")],
};

await run(about, async (stage) => {
  const env = await tables(stage);
  const site = await files(stage, DIST);
  const chat = {
    command: `exec ${PROGRAM} lambda`,
    environment: { POLYLOG_OPEN: "true", POLYLOG_LOGIN: "name" },
    timeout_s: 30,
    concurrency: stage.args.functions,
  };
  const lambda = "chat";
  const routes = { $connect: { lambda }, $disconnect: { lambda }, $default: { lambda, answers: true } };
  const api = { name: "chat", stage: "prod", functions: { chat }, routes };
  const { url } = await gateway(stage, api, { port: await stage.port("gateway"), env });
  stage.watch();
  stage.say(`open ${site.url}/?server=${encodeURIComponent(url)}`);
});
