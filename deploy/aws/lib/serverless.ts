// An API Gateway WebSocket API in front of one function, `polylog lambda`: no server, and nothing to pay for while
// nobody talks.
import { CfnOutput, Fn } from "aws-cdk-lib";
import { CfnIntegration } from "aws-cdk-lib/aws-apigatewayv2";
import type { CfnApi } from "aws-cdk-lib/aws-apigatewayv2";
import { CfnPolicy, CfnRole } from "aws-cdk-lib/aws-iam";
import { CfnFunction, CfnPermission } from "aws-cdk-lib/aws-lambda";
import type { CfnCondition, CfnParameter } from "aws-cdk-lib";
import type { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import type { IConstruct } from "constructs";
import { Alarms } from "./alarms";
import { OF_CONNECTIONS, apiDomain, apiRoute, apiStage, arnOfApi, connectionRights, webSocketApi } from "./api";
import { deliverByStream, fanoutParameter } from "./delivery";
import { metricsOfFunction } from "./inside";
import { logGroup, logRights, ofLog } from "./logs";
import { Site } from "./site";
import { LOGIN, PlainStack, accept, trusts } from "./stack";
import { Tables } from "./tables";

const GATEWAY_WAITS_MS = 29_000;
const FUNCTION_S = 28; // the program answers within 26 s, and keeps 2 for what it still writes
const TUTORIAL = "sendmessage"; // what clients of the usual tutorial say for send

export class Serverless extends PlainStack {
  constructor(scope: IConstruct, id: string) {
    super(scope, id, "Polylog behind an API Gateway WebSocket API: a function, three tables, a website.");
    const stage = this.text("StageName", "The first part of the address's path.", { default: "prod", allowedPattern: "[a-zA-Z0-9_-]{1,128}" });
    const days = this.logDays();
    const alarms = new Alarms(this);
    const tables = new Tables(this, { connections: true });
    const log = logGroup(this, "ChatLog", days);
    const role = new CfnRole(this, "ChatRole", { assumeRolePolicyDocument: trusts("lambda.amazonaws.com") });
    const fanout = fanoutParameter(this);
    const chat = this.chat(tables, log, role, fanout);
    deliverByStream(this, fanout, tables, chat, role, alarms);
    const api = this.api(chat);
    const made = apiStage(this, api, stage, logGroup(this, "AccessLog", days));
    apiDomain(this, api, made, stage);
    this.watch(alarms, api, stage, chat, tables);
    const url = Fn.sub("wss://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${StageName}");
    new Site(this, url);
    new CfnOutput(this, "Url", { value: url, description: "What clients connect to." });
  }

  private chat(tables: Tables, log: CfnLogGroup, role: CfnRole, fanout: CfnParameter): CfnFunction {
    const bucket = this.text("CodeBucket", "The bucket, in this region, with the function's code.");
    const key = this.text("CodeKey", "The code in it: polylog-lambda.zip, or polylog-lambda-arm64.zip.", { default: "polylog-lambda-arm64.zip" });
    const architecture = this.text("Architecture", "What the code was made for.", { default: "arm64", allowedValues: ["arm64", "x86_64"] });
    const open = this.open("code");
    const traced = this.isTrue(this.flag("Traces", "The function tells X-Ray spans of some commands; the account's Transaction Search has to be on.", false));
    const memory = this.number("Memory", "Of the function, in MB; its share of a CPU goes by it.", 512, 128, 3008);
    const chat = new CfnFunction(this, "Chat", {
      description: "polylog lambda: every event of the API.",
      runtime: "provided.al2023",
      architectures: [architecture.valueAsString],
      handler: "bootstrap",
      code: { s3Bucket: bucket.valueAsString, s3Key: key.valueAsString },
      timeout: FUNCTION_S,
      memorySize: memory.valueAsNumber,
      role: role.attrArn,
      loggingConfig: { logGroup: log.ref },
      environment: {
        variables: {
          POLYLOG_DYNAMODB_PREFIX: tables.prefix.valueAsString,
          POLYLOG_CONNECTIONS_TABLE: tables.connections?.name.valueAsString ?? "",
          POLYLOG_LOGIN: LOGIN,
          POLYLOG_OPEN: open.valueAsString,
          POLYLOG_FANOUT: fanout.valueAsString,
          ...metricsOfFunction(this),
          POLYLOG_TRACES: Fn.conditionIf(traced.logicalId, Fn.sub("https://xray.${AWS::Region}.${AWS::URLSuffix}/v1/traces"), "").toString(),
        },
      },
    });
    const policy = new CfnPolicy(this, "ChatRights", {
      policyName: "chat",
      roles: [role.ref],
      policyDocument: {
        Version: "2012-10-17",
        Statement: [
          tables.rights().toStatementJson(),
          tables.rightsOfConnections().toStatementJson(),
          connectionRights(),
          logRights(log),
          // By itself: of a room with many followers, other instances deliver their shares.
          { Sid: "Itself", Effect: "Allow", Action: "lambda:InvokeFunction", Resource: chat.attrArn },
        ],
      },
    });
    accept(policy, { ...ofLog(log), ...OF_CONNECTIONS });
    this.traceRights(role, traced);
    return chat;
  }

  private traceRights(role: CfnRole, traced: CfnCondition): void {
    const policy = new CfnPolicy(this, "TraceRights", {
      policyName: "traces",
      roles: [role.ref],
      policyDocument: {
        Version: "2012-10-17",
        Statement: [{ Sid: "Traces", Effect: "Allow", Action: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], Resource: "*" }],
      },
    });
    policy.cfnOptions.condition = traced;
    accept(policy, { "IAM5[Resource::*]": "X-Ray's rights to write have no resource." });
  }

  private api(chat: CfnFunction): CfnApi {
    const api = webSocketApi(this);
    const integration = new CfnIntegration(this, "ChatIntegration", {
      apiId: api.ref,
      integrationType: "AWS_PROXY",
      integrationUri: Fn.sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Chat.Arn}/invocations"),
      timeoutInMillis: GATEWAY_WAITS_MS,
    });
    new CfnPermission(this, "ChatPermission", {
      action: "lambda:InvokeFunction",
      functionName: chat.ref,
      principal: "apigateway.amazonaws.com",
      sourceArn: arnOfApi("*"),
    });
    const unanswered = ["$connect", "$disconnect"];
    // Every command comes by $default. A route for each would be no faster, and the template would outgrow what
    // CloudFormation takes as it is.
    for (const key of [...unanswered, "$default", TUTORIAL]) {
      const word = key.replace(/^\$/, "");
      const name = word.charAt(0).toUpperCase() + word.slice(1);
      apiRoute(this, name, !unanswered.includes(key), { apiId: api.ref, routeKey: key }, integration);
    }
    return api;
  }

  private watch(alarms: Alarms, api: CfnApi, stage: CfnParameter, chat: CfnFunction, tables: Tables): void {
    const lambda = { namespace: "AWS/Lambda", dimensions: { FunctionName: chat.ref } };
    const gateway = { namespace: "AWS/ApiGateway", dimensions: { ApiId: api.ref, Stage: stage.valueAsString } };
    alarms.on("ChatFailed", { ...lambda, what: "The function failed: its log says why.", metric: "Errors", statistic: "Sum" });
    alarms.on("ChatThrottled", { ...lambda, what: "The account has no instances left for the function.", metric: "Throttles", statistic: "Sum" });
    alarms.on("ChatSlow", { ...lambda, what: "Answers take long: a room with many followers, or the store.", metric: "Duration", statistic: "p99", above: 10_000, minutes: 3 });
    alarms.on("ApiFailed", { ...gateway, what: "The API could not run the function.", metric: "IntegrationError", statistic: "Sum" });
    alarms.on("ApiBroken", { ...gateway, what: "API Gateway itself failed.", metric: "ExecutionError", statistic: "Sum" });
    for (const table of tables.all) alarms.onTable(table.node.id, table);
  }
}
