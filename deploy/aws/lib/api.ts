// What both WebSocket APIs of API Gateway have: routes that the program itself guards, the right to its connections, a stage
// with limits and an access log, and perhaps a domain.
import { Aws, CfnCondition, CfnDeletionPolicy, Fn } from "aws-cdk-lib";
import { CfnAccount } from "aws-cdk-lib/aws-apigateway";
import { CfnApi, CfnApiMapping, CfnDomainName, CfnRoute, CfnRouteResponse, CfnStage } from "aws-cdk-lib/aws-apigatewayv2";
import type { CfnIntegration, CfnRouteProps } from "aws-cdk-lib/aws-apigatewayv2";
import { CfnRole } from "aws-cdk-lib/aws-iam";
import { CfnRecordSet } from "aws-cdk-lib/aws-route53";
import type { CfnParameter } from "aws-cdk-lib";
import type { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import { accept, trusts } from "./stack";
import type { PlainStack } from "./stack";

const ACCESS = ["requestId", "requestTime", "eventType", "routeKey", "status", "connectionId", "integrationLatency", "integrationErrorMessage"];

export function arnOfApi(rest: string): string {
  return Fn.sub(`arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/\${StageName}/${rest}`);
}

export function webSocketApi(stack: PlainStack): CfnApi {
  return new CfnApi(stack, "Api", { name: Aws.STACK_NAME, protocolType: "WEBSOCKET", routeSelectionExpression: "$request.body.action" });
}

// NAMERoute; and NAMEAnswer, a route response, if what the integration answers is to reach the client.
export function apiRoute(stack: PlainStack, name: string, answers: boolean, props: Omit<CfnRouteProps, "target">, integration: CfnIntegration): void {
  const route = new CfnRoute(stack, `${name}Route`, {
    ...props,
    authorizationType: "NONE",
    target: Fn.join("/", ["integrations", integration.ref]),
    ...(answers && { routeResponseSelectionExpression: "$default" }),
  });
  accept(route, { APIG4: "The program itself asks for a token: at $connect, or as a connection's first command. A route behind $connect cannot have an authorizer." });
  if (answers) new CfnRouteResponse(stack, `${name}Answer`, { apiId: props.apiId, routeId: route.ref, routeResponseKey: "$default" });
}

const USED = ["POST", "DELETE"]; // of @connections

export function connectionRights() {
  return { Sid: "Connections", Effect: "Allow", Action: "execute-api:ManageConnections", Resource: USED.map((method) => arnOfApi(`${method}/@connections/*`)) };
}

// What cdk-nag finds in rights on connections, with the reason (accept).
export const OF_CONNECTIONS = Object.fromEntries(
  USED.map((method) => [
    `IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<Api>/<StageName>/${method}/@connections/*]`,
    "A connection's id is made by API Gateway; the API and the stage are these alone.",
  ]),
);

// API Gateway writes logs by a role that is set once for an account and region. Returns whose it is: the stage's
// description, so that the stage is made behind it, if it is made here.
function accountLog(stack: PlainStack): string {
  const flag = stack.flag("AccountLogRole", "Sets the role by which API Gateway writes logs in this region. false: the account has one.", true);
  const wanted = stack.isTrue(flag);
  const role = new CfnRole(stack, "AccountLogRoleMade", {
    assumeRolePolicyDocument: trusts("apigateway.amazonaws.com"),
    managedPolicyArns: [Fn.sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs")],
  });
  accept(role, {
    "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]":
      "API Gateway asks for the rights of this policy when the role is set; it is the whole account's.",
  });
  const account = new CfnAccount(stack, "Account", { cloudWatchRoleArn: role.attrArn });
  for (const one of [role, account]) {
    one.cfnOptions.condition = wanted;
    one.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN; // other APIs of the account write by it
    one.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  }
  return Fn.conditionIf(wanted.logicalId, Fn.sub("Logs by the role of ${Account}"), "Logs by the account's role").toString();
}

export function apiStage(stack: PlainStack, api: CfnApi, name: CfnParameter, log: CfnLogGroup): CfnStage {
  const rate = stack.number("Rate", "Messages a second of all clients; those beyond are refused.", 1000, 1, 10_000);
  const burst = stack.number("Burst", "Of these, how many at once.", 500, 1, 5000);
  const stage = new CfnStage(stack, "Stage", {
    apiId: api.ref,
    stageName: name.valueAsString,
    autoDeploy: true,
    description: accountLog(stack),
    defaultRouteSettings: {
      detailedMetricsEnabled: true,
      throttlingRateLimit: rate.valueAsNumber,
      throttlingBurstLimit: burst.valueAsNumber,
    },
    accessLogSettings: {
      destinationArn: Fn.sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Log}", { Log: log.ref }),
      format: JSON.stringify(Object.fromEntries(ACCESS.map((field) => [field, `$context.${field}`]))),
    },
  });
  return stage;
}

// The stage's name stays in the path, since the program answers at https://DOMAIN/STAGE/@connections.
export function apiDomain(stack: PlainStack, api: CfnApi, stage: CfnStage, name: CfnParameter): void {
  const domain = stack.text("DomainName", "Besides API Gateway's own address: wss://DOMAIN/STAGE.", { default: "" });
  const certificate = stack.text("CertificateArn", "The domain's certificate (ACM, in this region).", { default: "" });
  const zone = stack.text("HostedZoneId", "The zone of Route 53 in which the domain's record is made, if it is there.", { default: "" });
  const has = stack.isSet(domain);
  const hasZone = new CfnCondition(stack, "HasRecord", { expression: Fn.conditionAnd(has, Fn.conditionNot(Fn.conditionEquals(zone.valueAsString, ""))) });
  const made = new CfnDomainName(stack, "Domain", {
    domainName: domain.valueAsString,
    domainNameConfigurations: [{ certificateArn: certificate.valueAsString, endpointType: "REGIONAL", securityPolicy: "TLS_1_2" }],
  });
  const mapping = new CfnApiMapping(stack, "DomainMapping", {
    apiId: api.ref,
    domainName: made.ref,
    stage: stage.ref,
    apiMappingKey: name.valueAsString,
  });
  const record = new CfnRecordSet(stack, "DomainRecord", {
    hostedZoneId: zone.valueAsString,
    name: domain.valueAsString,
    type: "A",
    aliasTarget: { dnsName: made.attrRegionalDomainName, hostedZoneId: made.attrRegionalHostedZoneId },
  });
  made.cfnOptions.condition = mapping.cfnOptions.condition = has;
  record.cfnOptions.condition = hasZone;
}
