// An Application Load Balancer at a domain of one's own: HTTPS only, by a certificate that DNS validates.
import { CfnDeletionPolicy, Fn, Aws } from "aws-cdk-lib";
import { CfnCertificate } from "aws-cdk-lib/aws-certificatemanager";
import { CfnListener, CfnLoadBalancer, CfnTargetGroup } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { CfnRecordSet } from "aws-cdk-lib/aws-route53";
import { CfnBucketPolicy } from "aws-cdk-lib/aws-s3";
import type { CfnParameter } from "aws-cdk-lib";
import type { CfnSecurityGroup } from "aws-cdk-lib/aws-ec2";
import type { Alarms } from "./alarms";
import { bucketByTls, privateBucket } from "./site";
import { accept } from "./stack";
import type { Network } from "./network";
import type { PlainStack } from "./stack";

// A node that goes away has DRAIN_S for its clients to move; the balancer leaves their connections open for longer, and
// what stops the program waits for longer (docs/deploy.md).
export const DRAIN_S = 90;
export const DEREGISTER_S = 120;
export const STOP_S = 115; // at least DRAIN_S + 22
export const PORT = 8080;

export const attributes = (all: Record<string, string>) => Object.entries(all).map(([key, value]) => ({ key, value }));

// The check is for /health: who drains stays healthy, and keeps its connections. Whom new connections go to is decided by
// registering. No stickiness: who moves must not come back to the node that asked it to go.
export function targetGroup(stack: PlainStack, id: string, network: Network, targetType: "instance" | "ip", port = PORT): CfnTargetGroup {
  return new CfnTargetGroup(stack, id, {
    vpcId: network.vpc.ref,
    port,
    protocol: "HTTP",
    targetType,
    healthCheckPath: "/health",
    healthCheckPort: "traffic-port",
    healthCheckIntervalSeconds: 10,
    healthyThresholdCount: 2,
    unhealthyThresholdCount: 3,
    matcher: { httpCode: "200" },
    targetGroupAttributes: attributes({ "deregistration_delay.timeout_seconds": String(DEREGISTER_S), "stickiness.enabled": "false" }),
  });
}

// Who came, in a bucket, for so many days.
export function accessLogs(stack: PlainStack, days: CfnParameter) {
  const bucket = privateBucket(stack, "BalancerLogs");
  bucket.lifecycleConfiguration = { rules: [{ status: "Enabled", expirationInDays: days.valueAsNumber }] };
  bucket.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE;
  accept(bucket, { S1: "The bucket holds access logs itself." });
  const policy = new CfnBucketPolicy(stack, "BalancerLogsPolicy", {
    bucket: bucket.ref,
    policyDocument: {
      Version: "2012-10-17",
      Statement: [
        bucketByTls(bucket),
        {
          Sid: "Balancer",
          Effect: "Allow",
          Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
          Action: "s3:PutObject",
          Resource: Fn.join("", [bucket.attrArn, "/AWSLogs/", Aws.ACCOUNT_ID, "/*"]),
          Condition: { ArnLike: { "aws:SourceArn": Fn.sub("arn:${AWS::Partition}:elasticloadbalancing:${AWS::Region}:${AWS::AccountId}:loadbalancer/*") } },
        },
      ],
    },
  });
  return { bucket, policy };
}

export class Balancer {
  readonly group: CfnSecurityGroup;
  readonly domain: CfnParameter;
  readonly zone: CfnParameter;
  readonly targets: CfnTargetGroup;
  readonly https: CfnListener;
  private readonly made: CfnLoadBalancer;

  // port: of the nodes; isOptional: the balancer may not be there, and then the domain need not be given.
  constructor(stack: PlainStack, network: Network, days: CfnParameter, port = PORT, isOptional = false) {
    const given = (allowedPattern: string) => (isOptional ? { default: "", allowedPattern: `(${allowedPattern})?` } : { allowedPattern });
    this.domain = stack.text("DomainName", "Where people reach it: https://DOMAIN.", given("[a-z0-9.-]{3,253}"));
    this.zone = stack.text("HostedZoneId", "The zone of Route 53 that the domain is in.", given("[A-Z0-9]+"));
    const certificate = new CfnCertificate(stack, "Certificate", {
      domainName: this.domain.valueAsString,
      validationMethod: "DNS",
      domainValidationOptions: [{ domainName: this.domain.valueAsString, hostedZoneId: this.zone.valueAsString }],
    });
    this.group = network.group("BalancerGroup", "The balancer", false);
    network.open("Https", this.group, 443);
    network.open("Http", this.group, 80);
    const logs = accessLogs(stack, days);
    this.made = new CfnLoadBalancer(stack, "Balancer", {
      type: "application",
      scheme: "internet-facing",
      subnets: network.subnets,
      securityGroups: [this.group.attrGroupId],
      loadBalancerAttributes: attributes({
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": logs.bucket.ref,
        "idle_timeout.timeout_seconds": "120", // clients are pinged after 25 s of silence
        "routing.http.drop_invalid_header_fields.enabled": "true",
      }),
    });
    this.made.addResourceDependency(logs.policy);
    this.made.addResourceDependency(network.gateway);
    this.targets = targetGroup(stack, "Targets", network, "instance", port);
    this.https = new CfnListener(stack, "HttpsListener", {
      loadBalancerArn: this.made.ref,
      port: 443,
      protocol: "HTTPS",
      sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      certificates: [{ certificateArn: certificate.ref }],
      defaultActions: [{ type: "forward", targetGroupArn: this.targets.ref }],
    });
    new CfnListener(stack, "HttpListener", {
      loadBalancerArn: this.made.ref,
      port: 80,
      protocol: "HTTP",
      defaultActions: [{ type: "redirect", redirectConfig: { protocol: "HTTPS", port: "443", statusCode: "HTTP_301" } }],
    });
    new CfnRecordSet(stack, "DomainRecord", {
      hostedZoneId: this.zone.valueAsString,
      name: this.domain.valueAsString,
      type: "A",
      aliasTarget: { dnsName: this.made.attrDnsName, hostedZoneId: this.made.attrCanonicalHostedZoneId },
    });
  }

  get url(): string {
    return Fn.join("", ["https://", this.domain.valueAsString]);
  }

  watch(alarms: Alarms): void {
    const balancer = { namespace: "AWS/ApplicationELB", dimensions: { LoadBalancer: this.made.attrLoadBalancerFullName } };
    const targets = { namespace: balancer.namespace, dimensions: { ...balancer.dimensions, TargetGroup: this.targets.attrTargetGroupFullName } };
    alarms.on("NodesUnhealthy", { ...targets, what: "A node does not answer /health.", metric: "UnHealthyHostCount", statistic: "Maximum", minutes: 3 });
    alarms.on("NodesFailed", { ...targets, what: "Nodes answer with errors of their own.", metric: "HTTPCode_Target_5XX_Count", statistic: "Sum", above: 5 });
    alarms.on("NodesMissing", { ...balancer, what: "The balancer has nobody to pass requests to.", metric: "HTTPCode_ELB_503_Count", statistic: "Sum", above: 5 });
  }
}
