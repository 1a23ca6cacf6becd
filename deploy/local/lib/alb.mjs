import { STORE, balancer, polylog, shared } from "./parts.mjs";
import { answers, run, until } from "./stage.mjs";

const about = {
  name: "alb",
  usage: `deploy/local/alb: a balancer with TLS, two servers, one table

HAProxy stands for the Application Load Balancer, DynamoDB Local for DynamoDB, Redis for
ElastiCache. Logs are in build/local/alb.`,
  options: {
    port: { value: "8443", least: 0, most: 65535, what: "Of the balancer, on 127.0.0.1; 0: any" },
    seconds: { value: "0", least: 0, most: 86400, what: "How long; 0: until Ctrl-C" },
    store: STORE,
  },
};

await run(about, async (stage) => {
  const { flags, env, servers: n } = await shared(stage);
  const servers = [];
  for (const name of ["a", "b"].slice(0, n)) {
    const own = { ...flags, open: true, "trusted-proxies": "127.0.0.1", "drain-ms": "30s" };
    servers.push(await polylog(stage, name, own, env));
  }
  const { port, cert } = await balancer(stage, { servers, tls: true });
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; // our own certificate, on this machine
  process.removeAllListeners("warning");
  await until("the way through the balancer", () => answers(`https://127.0.0.1:${port}/ready`));
  stage.watch();
  stage.say(`open https://localhost:${port}/ (its certificate is signed by itself: ${cert})`);
});
