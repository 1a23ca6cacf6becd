// Two Fargate services behind an API Gateway WebSocket API, which divide its requests by weights. API Gateway reaches a
// network by a VPC link of the first kind alone, which leads to a Network Load Balancer; the weights are those of the
// Application Load Balancer behind it.
import { Aws, CfnOutput, Fn } from "aws-cdk-lib";
import { CfnVpcLink } from "aws-cdk-lib/aws-apigateway";
import { CfnIntegration } from "aws-cdk-lib/aws-apigatewayv2";
import type { CfnApi } from "aws-cdk-lib/aws-apigatewayv2";
import { CfnScalableTarget, CfnScalingPolicy } from "aws-cdk-lib/aws-applicationautoscaling";
import { CfnDashboard } from "aws-cdk-lib/aws-cloudwatch";
import type { CfnAlarm } from "aws-cdk-lib/aws-cloudwatch";
import { CfnCluster, CfnService, CfnTaskDefinition } from "aws-cdk-lib/aws-ecs";
import { CfnListener, CfnLoadBalancer, CfnTargetGroup } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import type { CfnParameter } from "aws-cdk-lib";
import type { CfnSecurityGroup } from "aws-cdk-lib/aws-ec2";
import type { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import type { CfnSecret } from "aws-cdk-lib/aws-secretsmanager";
import type { IConstruct } from "constructs";
import { Alarms } from "./alarms";
import { OF_CONNECTIONS, apiDomain, apiRoute, apiStage, connectionRights, webSocketApi } from "./api";
import { PORT, accessLogs, attributes, targetGroup } from "./balancer";
import { Bus } from "./bus";
import { bodyOf } from "./dashboard";
import { COLOURS, Linear } from "./linear";
import type { Colour, Weighted } from "./linear";
import { logGroup } from "./logs";
import { CIDR, Network } from "./network";
import { Registry, madeSecret, settingsOfNode, tokenSecret } from "./registry";
import { Site } from "./site";
import { LOGIN, PlainStack, accept } from "./stack";
import { Tables } from "./tables";
import { CONTAINER, container, executionRole, pairs, taskRole } from "./tasks";

const PATH = "/gw";
const WAITS_MS = 29_000;
const HTTP = 80; // within the network; API Gateway speaks TLS with clients

// What the program must be told of each event (docs/serverless.md); the secret beside it.
const TOLD = {
  "X-Ws-Connection-Id": "context.connectionId",
  "X-Ws-Domain": "context.domainName",
  "X-Ws-Stage": "context.stage",
  "X-Ws-Source-Ip": "context.identity.sourceIp",
  "X-Ws-Connected-At": "context.connectedAt",
};
const TOLD_AT_CONNECT = {
  "X-Ws-Token": "route.request.querystring.token",
  "X-Ws-Origin": "route.request.header.Origin",
  "X-Ws-Protocol": "route.request.header.Sec-WebSocket-Protocol",
};

interface Balancers extends Weighted {
  group: CfnSecurityGroup; // of the inner one, which nodes let in
  outer: CfnLoadBalancer;
  inner: CfnLoadBalancer;
}

interface Nodes {
  cluster: CfnCluster;
  network: Network;
  group: CfnSecurityGroup;
  balancers: Balancers;
  registry: Registry;
  linear: Linear;
  rollback: Record<Colour, CfnAlarm[]>;
}

export class BlueGreen extends PlainStack {
  constructor(scope: IConstruct, id: string) {
    super(scope, id, "Polylog as two services of Fargate behind an API Gateway WebSocket API, which share its requests by weights.");
    const stage = this.text("StageName", "The first part of the address's path.", { default: "prod", allowedPattern: "[a-zA-Z0-9_-]{1,128}" });
    const days = this.logDays();
    const alarms = new Alarms(this);
    const tables = new Tables(this);
    const network = new Network(this, tables, logGroup(this, "FlowLog", days), true);
    const group = network.group("NodesGroup", "The nodes", true);
    const balancers = this.balancers(network, days);
    network.allow("BalancerToNodes", balancers.group, group, PORT);
    const secret = madeSecret(this, "GatewaySecret", "What API Gateway names itself by to Polylog", "API Gateway and the nodes are given another one together, on purpose only.");
    const api = this.api(balancers, secret);
    apiDomain(this, api, apiStage(this, api, stage, logGroup(this, "AccessLog", days)), stage);
    const url = Fn.sub("wss://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${StageName}");
    const site = new Site(this, url, this.firewall());
    const cluster = new CfnCluster(this, "Cluster", { clusterSettings: [{ name: "containerInsights", value: "enhanced" }] });
    const bus = new Bus(this, network, group);
    const registry = new Registry(this);
    const task = this.tasks(tables, bus, registry, balancers, site, secret, logGroup(this, "NodesLog", days));
    const linear = new Linear(this, balancers);
    const rollback = this.watchColours(alarms, balancers);
    for (const colour of COLOURS) this.service(colour, { cluster, network, group, balancers, registry, linear, rollback }, task);
    const failed = this.watch(alarms, api, stage, tables);
    new CfnOutput(this, "ReleaseAlarms", { value: Fn.join(" ", [...rollback.Green, failed].map(({ ref }) => ref)), description: "What release.sh looks at." });
    this.dashboard(balancers);
    new CfnOutput(this, "Url", { value: url, description: "What clients connect to." });
  }

  // A firewall of CloudFront is made in us-east-1 alone, wherever the rest is.
  private firewall(): string {
    const acl = this.text("WebAclArn", "A web ACL of WAF for CloudFront (made in us-east-1) before the website.", { default: "" });
    return Fn.conditionIf(this.isSet(acl).logicalId, acl.valueAsString, Aws.NO_VALUE).toString();
  }

  private balancers(network: Network, days: CfnParameter): Balancers {
    const blue = this.number("BlueWeight", "The share of requests that blue gets; shift.sh sets both.", 100, 0, 999);
    const green = this.number("GreenWeight", "The share of requests that green gets.", 0, 0, 999);
    const door = network.group("LinkGroup", "The balancer that the VPC link leads to", false);
    const group = network.group("BalancerGroup", "The balancer that has the weights", false);
    network.allow("LinkToBalancer", door, group, HTTP);
    const logs = accessLogs(this, days);
    const inner = new CfnLoadBalancer(this, "Balancer", {
      type: "application",
      scheme: "internal",
      subnets: network.subnets,
      securityGroups: [group.attrGroupId],
      loadBalancerAttributes: attributes({
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": logs.bucket.ref,
        "routing.http.drop_invalid_header_fields.enabled": "true",
      }),
    });
    inner.addResourceDependency(logs.policy);
    const targets = { Blue: targetGroup(this, "BlueTargets", network, "ip"), Green: targetGroup(this, "GreenTargets", network, "ip") };
    const weighted = { Blue: blue, Green: green };
    const listener = new CfnListener(this, "Weights", {
      loadBalancerArn: inner.ref,
      port: HTTP,
      protocol: "HTTP",
      defaultActions: [
        { type: "forward", forwardConfig: { targetGroups: COLOURS.map((colour) => ({ targetGroupArn: targets[colour].ref, weight: weighted[colour].valueAsNumber })) } },
      ],
    });
    const outer = new CfnLoadBalancer(this, "LinkBalancer", {
      type: "network",
      scheme: "internal",
      subnets: network.subnets,
      securityGroups: [door.attrGroupId],
      enforceSecurityGroupInboundRulesOnPrivateLinkTraffic: "off", // a VPC link comes by PrivateLink
      loadBalancerAttributes: attributes({ "load_balancing.cross_zone.enabled": "true" }),
    });
    accept(outer, { ELB2: "What comes here is recorded by the API's access log and by the balancer behind it." });
    const through = new CfnTargetGroup(this, "LinkTargets", {
      vpcId: network.vpc.ref,
      port: HTTP,
      protocol: "TCP",
      targetType: "alb",
      targets: [{ id: inner.ref, port: HTTP }],
      healthCheckPath: "/health",
      healthCheckProtocol: "HTTP",
    });
    through.addResourceDependency(listener);
    new CfnListener(this, "LinkListener", { loadBalancerArn: outer.ref, port: HTTP, protocol: "TCP", defaultActions: [{ type: "forward", targetGroupArn: through.ref }] });
    return { group, outer, inner, targets, listener };
  }

  private api(balancers: Balancers, secret: CfnSecret): CfnApi {
    const api = webSocketApi(this);
    const link = new CfnVpcLink(this, "Link", { name: Aws.STACK_NAME, targetArns: [balancers.outer.ref] });
    const named = Fn.join("", ["'{{resolve:secretsmanager:", secret.ref, "}}'"]);
    const routes = { $connect: "connect", $disconnect: "disconnect", $default: "message" };
    for (const [key, what] of Object.entries(routes)) {
      const isConnect = key === "$connect";
      const told = { ...TOLD, "X-Ws-Secret": named, ...(isConnect && TOLD_AT_CONNECT) };
      const name = what.charAt(0).toUpperCase() + what.slice(1);
      const integration = new CfnIntegration(this, `${name}Integration`, {
        apiId: api.ref,
        integrationType: "HTTP_PROXY",
        integrationMethod: "POST",
        integrationUri: Fn.join("", ["http://", balancers.outer.attrDnsName, PATH, "/", what]),
        connectionType: "VPC_LINK",
        connectionId: link.ref,
        timeoutInMillis: WAITS_MS,
        requestParameters: Object.fromEntries(Object.entries(told).map(([header, from]) => [`integration.request.header.${header}`, from])),
      });
      const asked = isConnect && { requestParameters: Object.fromEntries(Object.values(TOLD_AT_CONNECT).map((from) => [from, { Required: false }])) };
      apiRoute(this, name, key === "$default", { apiId: api.ref, routeKey: key, ...asked }, integration);
    }
    return api;
  }

  // Makes the task definition of an image.
  private tasks(tables: Tables, bus: Bus, registry: Registry, balancers: Balancers, site: Site, secret: CfnSecret, log: CfnLogGroup): (colour: Colour, image: string) => CfnTaskDefinition {
    const open = this.open("link");
    const architecture = this.text("Architecture", "What the images were made for.", { default: "X86_64", allowedValues: ["X86_64", "ARM64"] });
    const token = tokenSecret(this);
    const roles = { taskRoleArn: taskRole(this, "TaskRole", tables, bus, [connectionRights()], OF_CONNECTIONS).attrArn, executionRoleArn: executionRole(this, registry, [token, secret], log).attrArn };
    const settings = {
      ...settingsOfNode(tables, bus),
      POLYLOG_GATEWAY_PATH: PATH,
      POLYLOG_GATEWAY_CALLBACK: Fn.sub("https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${StageName}"),
      POLYLOG_ORIGINS: Fn.join("", ["https://", site.distribution.attrDomainName]),
      POLYLOG_HOSTS: balancers.outer.attrDnsName,
      POLYLOG_TRUSTED_PROXIES: CIDR,
      POLYLOG_LOGIN: LOGIN,
      POLYLOG_OPEN: open.valueAsString,
    };
    return (colour, image) => {
      const task = new CfnTaskDefinition(this, `${colour}Task`, {
        family: Fn.join("-", [Aws.STACK_NAME, colour.toLowerCase()]),
        networkMode: "awsvpc",
        requiresCompatibilities: ["FARGATE"],
        cpu: "256",
        memory: "512",
        runtimePlatform: { cpuArchitecture: architecture.valueAsString, operatingSystemFamily: "LINUX" },
        ...roles,
        containerDefinitions: [
          {
            ...container(image, log, { POLYLOG_TOKEN_SECRET: token.ref, POLYLOG_GATEWAY_SECRET: secret.ref }),
            portMappings: [{ containerPort: PORT, protocol: "tcp" }],
            environment: pairs(settings),
          },
        ],
      });
      accept(task, { ECS2: "What is given openly is no secret; the keys are." });
      return task;
    };
  }

  private service(colour: Colour, { cluster, network, group, balancers, registry, linear, rollback }: Nodes, task: (colour: Colour, image: string) => CfnTaskDefinition): void {
    const { image, hasTag } = registry.image(`${colour}Tag`);
    const least = this.number(`${colour}Min`, `How many tasks of ${colour.toLowerCase()} there are at least.`, 2, 1, 50);
    const most = this.number(`${colour}Max`, `How many tasks of ${colour.toLowerCase()} there are at most.`, 8, 1, 50);
    const service = new CfnService(this, `${colour}Service`, {
      cluster: cluster.ref,
      launchType: "FARGATE",
      taskDefinition: task(colour, image).ref,
      loadBalancers: [{ containerName: CONTAINER, containerPort: PORT, targetGroupArn: balancers.targets[colour].ref, ...(colour === "Blue" && { advancedConfiguration: linear.advanced }) }],
      networkConfiguration: { awsvpcConfiguration: { subnets: network.subnets, securityGroups: [group.attrGroupId], assignPublicIp: "DISABLED" } },
      healthCheckGracePeriodSeconds: 60,
      propagateTags: "SERVICE",
    });
    linear.deploy(service, colour, rollback);
    service.addResourceDependency(balancers.listener);
    const target = new CfnScalableTarget(this, `${colour}Tasks`, {
      serviceNamespace: "ecs",
      scalableDimension: "ecs:service:DesiredCount",
      resourceId: Fn.join("/", ["service", cluster.ref, service.attrName]),
      minCapacity: least.valueAsNumber,
      maxCapacity: most.valueAsNumber,
    });
    const policy = new CfnScalingPolicy(this, `${colour}ByCpu`, {
      policyName: Fn.join("-", [Aws.STACK_NAME, colour.toLowerCase()]),
      policyType: "TargetTrackingScaling",
      scalingTargetId: target.ref,
      targetTrackingScalingPolicyConfiguration: { predefinedMetricSpecification: { predefinedMetricType: "ECSServiceAverageCPUUtilization" }, targetValue: 50 },
    });
    const there = colour === "Blue" ? hasTag : linear.besides(hasTag);
    for (const one of [service, target, policy]) one.cfnOptions.condition = there;
  }

  // Of each colour: the alarms by which a version of it is taken back.
  private watchColours(alarms: Alarms, balancers: Balancers): Record<Colour, CfnAlarm[]> {
    const namespace = "AWS/ApplicationELB";
    const watched = (colour: Colour) => {
      const dimensions = { LoadBalancer: balancers.inner.attrLoadBalancerFullName, TargetGroup: balancers.targets[colour].attrTargetGroupFullName };
      const name = colour.toLowerCase();
      const failed = alarms.on(`${colour}Failed`, { namespace, dimensions, what: `Nodes of ${name} answer with errors of their own: rollback.sh, if they are new.`, metric: "HTTPCode_Target_5XX_Count", statistic: "Sum", above: 5 });
      const unhealthy = alarms.on(`${colour}Unhealthy`, { namespace, dimensions, what: `A node of ${name} does not answer /health: rollback.sh, if it is new.`, metric: "UnHealthyHostCount", statistic: "Maximum", minutes: 3 });
      return [failed, unhealthy];
    };
    return { Blue: watched("Blue"), Green: watched("Green") };
  }

  private watch(alarms: Alarms, api: CfnApi, stage: CfnParameter, tables: Tables): CfnAlarm {
    const gateway = { namespace: "AWS/ApiGateway", dimensions: { ApiId: api.ref, Stage: stage.valueAsString } };
    const failed = alarms.on("ApiFailed", { ...gateway, what: "The API does not reach the nodes.", metric: "IntegrationError", statistic: "Sum" });
    alarms.on("ApiBroken", { ...gateway, what: "API Gateway itself failed.", metric: "ExecutionError", statistic: "Sum" });
    for (const table of tables.all) alarms.onTable(table.node.id, table);
    return failed;
  }

  // Who gets the requests, how they are answered, and how fast.
  private dashboard(balancers: Balancers): void {
    new CfnDashboard(this, "Dashboard", {
      dashboardBody: Fn.sub(bodyOf("cloudwatch-colours"), {
        Inner: balancers.inner.attrLoadBalancerFullName,
        Blue: balancers.targets.Blue.attrTargetGroupFullName,
        Green: balancers.targets.Green.attrTargetGroupFullName,
      }),
    });
  }
}
