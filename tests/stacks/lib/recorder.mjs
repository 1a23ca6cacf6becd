// In front of what stands for AWS here: passes on what the program asks, and writes down which right each request needs.
import { createServer as plain, request } from "node:http";
import { createServer as secure } from "node:https";

// The right that an action of a transaction needs, by its name there.
const IN_TRANSACTION = { Put: "PutItem", Update: "UpdateItem", Delete: "DeleteItem", ConditionCheck: "ConditionCheckItem", Get: "GetItem" };

// [action, resource] of a request to DynamoDB; the resource is a table's name.
function ofDynamo(operation, body) {
  if (!/^Transact/.test(operation)) return [[`dynamodb:${operation}`, body.TableName]];
  return body.TransactItems.flatMap((item) =>
    Object.entries(item).map(([name, { TableName }]) => [`dynamodb:${IN_TRANSACTION[name] ?? name}`, TableName]),
  );
}

// What else the program asks, by method and path; the ids in it are left out.
const ROUTES = [
  [/^(POST|DELETE|GET) \/[^/]+\/(?:@|%40)connections\/[^/]+$/, ([, method]) => ["execute-api:ManageConnections", `${method}/@connections/*`]],
  [/^POST \/2015-03-31\/functions\/([^/]+)\/invocations$/, () => ["lambda:InvokeFunction", "itself"]],
  [/^PUT \/agent\/task-protection\/v1\/state$/, () => ["ecs:UpdateTaskProtection", "itself"]],
  [/^GET \/agent\/task-protection\/v1\/state$/, () => ["ecs:GetTaskProtection", "itself"]],
  [/^GET \/metadata\/task$/, () => undefined], // asks for no right
];

// The rights that a request needs; one that nobody knows is a right that no policy has.
export function rightsOf({ method, url, headers }, body) {
  const operation = /^DynamoDB_20120810\.(\w+)$/.exec(headers["x-amz-target"] ?? "")?.[1];
  if (operation) return ofDynamo(operation, JSON.parse(body));
  for (const [pattern, right] of ROUTES) {
    const found = pattern.exec(`${method} ${url}`);
    if (found) return [right(found)].filter(Boolean);
  }
  return [["unknown", `${method} ${url}`]];
}

export class Recorder {
  rights = new Map(); // of "action resource": how often

  // port: whom it passes requests on to; without it answer(request) says [status, body]. tls: a key and a certificate.
  static async open(t, { port, answer, tls }) {
    const recorder = new Recorder();
    const take = (asked, response) => recorder.take(asked, response, { port, answer });
    const server = tls ? secure(tls, take) : plain(take);
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    recorder.at = `127.0.0.1:${server.address().port}`;
    return recorder;
  }

  async take(asked, response, { port, answer }) {
    const chunks = [];
    for await (const chunk of asked) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    for (const right of rightsOf(asked, body)) this.rights.set(right.join(" "), (this.rights.get(right.join(" ")) ?? 0) + 1);
    if (port === undefined) {
      const [status, text] = answer(asked, body);
      response.writeHead(status, { "Content-Type": "application/json" }).end(text);
      return;
    }
    const { method, url, headers } = asked;
    const onward = request({ host: "127.0.0.1", port, method, path: url, headers }, (got) => {
      response.writeHead(got.statusCode, got.headers);
      got.pipe(response);
    });
    onward.on("error", () => response.destroy());
    onward.end(body);
  }
}
