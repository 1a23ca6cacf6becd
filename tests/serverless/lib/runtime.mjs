// Lambda's runtime API, for one function process: it is given events, one at a time.
import { once } from "node:events";
import { createServer } from "node:http";

export class RuntimeApi {
  static async start(t) {
    const api = new RuntimeApi();
    api.server.listen(0, "127.0.0.1");
    await once(api.server, "listening");
    t.after(() => {
      api.server.close();
      api.server.closeAllConnections();
    });
    return api;
  }

  constructor() {
    this.id = 0;
    this.asked = new Promise((resolve) => (this.wasAsked = resolve)); // for the first time
    this.server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      if (request.url.endsWith("/invocation/next")) {
        this.wasAsked();
        this.waiting = response;
        this.give();
        return;
      }
      response.writeHead(202).end();
      this.pending?.answer({ failed: request.url.endsWith("/error"), body: JSON.parse(body) });
      this.pending = undefined;
    });
  }

  get address() {
    return `127.0.0.1:${this.server.address().port}`;
  }

  give() {
    if (this.waiting === undefined || this.pending === undefined || this.pending.given) return;
    this.pending.given = true;
    const head = {
      "Lambda-Runtime-Aws-Request-Id": `request-${++this.id}`,
      "Lambda-Runtime-Deadline-Ms": String(Date.now() + 600_000),
      "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:chat",
      ...this.pending.head,
    };
    this.waiting.writeHead(200, head).end(JSON.stringify(this.pending.event));
    this.waiting = undefined;
  }

  // What the function answers to the event, of an invocation with those headers besides.
  invoke(event, head = {}) {
    return new Promise((answer) => {
      this.pending = { event, head, answer };
      this.give();
    });
  }
}

// An event as API Gateway makes it.
export function event(eventType, connectionId, more = {}) {
  const requestContext = { eventType, connectionId, routeKey: "$default", domainName: "localhost:9", stage: "prod", connectedAt: Date.now() };
  return { requestContext, isBase64Encoded: false, ...more };
}
