const { ApiGatewayManagementApiClient, PostToConnectionCommand } = require("@aws-sdk/client-apigatewaymanagementapi");
const { DynamoDBClient } = require("@aws-sdk/client-dynamodb");
const { DynamoDBDocumentClient, ScanCommand, DeleteCommand } = require("@aws-sdk/lib-dynamodb");

const ddb = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const { TABLE_NAME } = process.env;

exports.handler = async (event) => {
  const { domainName, stage } = event.requestContext;
  const api = new ApiGatewayManagementApiClient({ endpoint: "https://" + domainName + "/" + stage });
  const { Items } = await ddb.send(new ScanCommand({ TableName: TABLE_NAME, ProjectionExpression: "connectionId" }));
  const { message } = JSON.parse(event.body);
  await Promise.all(
    Items.map(async ({ connectionId }) => {
      try {
        await api.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: message }));
      } catch (e) {
        if (e.$metadata && e.$metadata.httpStatusCode === 410)
          await ddb.send(new DeleteCommand({ TableName: TABLE_NAME, Key: { connectionId } }));
        else throw e;
      }
    }),
  );
  return { statusCode: 200, body: "Data sent." };
};
