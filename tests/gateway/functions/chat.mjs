// One function for all routes; it knows who is connected by what is kept in a file.
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";

export async function handler(event, context) {
  const { eventType, connectionId, domainName, stage, authorizer } = event.requestContext;
  if (eventType === "CONNECT") {
    const { token } = event.queryStringParameters;
    if (token === "refuse") return { statusCode: 403 };
    if (token === "throw") throw new Error("as it was asked to");
    return { statusCode: 200, headers: { "Sec-WebSocket-Protocol": "chat" } };
  }
  if (eventType === "DISCONNECT") return { statusCode: 200 };
  const { action, message, to } = JSON.parse(event.body);
  const left = context.getRemainingTimeInMillis();
  if (action === "about")
    return { statusCode: 200, body: JSON.stringify({ authorizer, pid: process.pid, left }) };
  if (action === "meet") await fetch(to);
  if (action === "meet") return { statusCode: 200, body: String(process.pid) };
  if (action === "hang" || action === "late") await new Promise((resolve) => setTimeout(resolve, 200_000));
  if (action === "fail") throw new Error("as it was asked to");
  if (action === "exit") process.exit(3);
  const api = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}` });
  const post = (ConnectionId) => api.send(new PostToConnectionCommand({ ConnectionId, Data: message }));
  await Promise.all([connectionId, ...(to ?? [])].map(post));
  return { statusCode: 200 };
}
