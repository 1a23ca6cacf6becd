// Containers on instances of one's own, behind an Application Load Balancer: an auto scaling group of two or more.
import { Aws, CfnOutput, Fn } from "aws-cdk-lib";
import { CfnAutoScalingGroup, CfnScalingPolicy } from "aws-cdk-lib/aws-autoscaling";
import { CfnLaunchTemplate } from "aws-cdk-lib/aws-ec2";
import { CfnInstanceProfile, CfnPolicy, CfnRole } from "aws-cdk-lib/aws-iam";
import type { CfnSecret } from "aws-cdk-lib/aws-secretsmanager";
import type { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import type { IConstruct } from "constructs";
import { readFileSync } from "node:fs";
import { DEREGISTER_S, PORT, STOP_S } from "./balancer";
import { InstancesStack } from "./instances";
import { logGroup, logRights, ofLog } from "./logs";
import { launchData } from "./machine";
import { OF_REGISTRY, tokenSecret } from "./registry";
import { accept, trusts } from "./stack";

const HOOK = "drain";
const HOOK_S = DEREGISTER_S + STOP_S + 60;
const AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

export class Ec2 extends InstancesStack {
  constructor(scope: IConstruct, id: string) {
    super(scope, id, "Polylog in containers on instances of EC2, behind an Application Load Balancer.", "The nodes", [PORT, PORT]);
    const secret = tokenSecret(this);
    const log = logGroup(this, "NodesLog", this.days);
    const profile = this.profile(secret, log);
    this.scale(this.template(secret, log, profile));
    this.watch();
  }

  private profile(secret: CfnSecret, log: CfnLogGroup): CfnInstanceProfile {
    const role = new CfnRole(this, "NodeRole", { assumeRolePolicyDocument: trusts("ec2.amazonaws.com") });
    const group = Fn.sub("arn:${AWS::Partition}:autoscaling:${AWS::Region}:${AWS::AccountId}:autoScalingGroup:*:autoScalingGroupName/${AWS::StackName}");
    const policy = new CfnPolicy(this, "NodeRights", {
      policyName: "node",
      roles: [role.ref],
      policyDocument: {
        Version: "2012-10-17",
        Statement: [
          this.tables.rights().toStatementJson(),
          this.bus.rights,
          ...this.registry.rights,
          { Sid: "Secret", Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: secret.ref },
          logRights(log),
          { Sid: "Drained", Effect: "Allow", Action: "autoscaling:CompleteLifecycleAction", Resource: group },
        ],
      },
    });
    accept(policy, {
      ...OF_REGISTRY,
      ...ofLog(log),
      "IAM5[Resource::arn:<AWS::Partition>:autoscaling:<AWS::Region>:<AWS::AccountId>:autoScalingGroup:*:autoScalingGroupName/<AWS::StackName>]":
        "EC2 gives the group an id besides its name; the name is this one.",
    });
    return new CfnInstanceProfile(this, "NodeProfile", { roles: [role.ref] });
  }

  private template(secret: CfnSecret, log: CfnLogGroup, profile: CfnInstanceProfile): CfnLaunchTemplate {
    const settings = this.settings();
    const type = this.text("InstanceType", "Of a node, of the kind that the image is for.", { default: "t3.small" });
    const machine = this.text("MachineImage", "Amazon Linux 2023, of the kind that the image is for.", { type: "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", default: AL2023 });
    const script = Fn.sub(readFileSync("lib/ec2-node.sh", "utf8"), {
      Settings: Fn.join("\n", Object.entries(settings).map(([name, value]) => Fn.join("=", [name, value]))),
      Image: this.image.image,
      Registry: Fn.select(0, Fn.split("/", this.registry.repository.attrRepositoryUri)),
      Secret: secret.ref,
      Log: log.ref,
      Hook: HOOK,
      StopS: String(STOP_S),
      Port: String(PORT),
    });
    return new CfnLaunchTemplate(this, "NodeTemplate", {
      launchTemplateData: {
        ...launchData({ image: machine, type, profile, hops: 2, group: this.nodes, disk: ["/dev/xvda", 10], userData: Fn.base64(script) }),
        monitoring: { enabled: true },
      },
    });
  }

  private scale(template: CfnLaunchTemplate): void {
    const least = this.number("NodesMin", "How many nodes there are at least.", 2, 1, 50);
    const most = this.number("NodesMax", "How many nodes there are at most.", 4, 1, 50);
    const ifImage = (n: string) => Fn.conditionIf(this.image.hasTag.logicalId, n, "0").toString();
    const group = new CfnAutoScalingGroup(this, "Nodes", {
      autoScalingGroupName: Aws.STACK_NAME,
      vpcZoneIdentifier: this.network.subnets,
      minSize: ifImage(least.valueAsString),
      maxSize: ifImage(most.valueAsString),
      launchTemplate: { launchTemplateId: template.ref, version: template.attrLatestVersionNumber },
      targetGroupArns: [this.balancer.targets.ref],
      healthCheckType: "ELB",
      healthCheckGracePeriod: 300,
      lifecycleHookSpecificationList: [
        {
          lifecycleHookName: HOOK,
          lifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING",
          heartbeatTimeout: HOOK_S,
          defaultResult: "CONTINUE",
        },
      ],
      tags: [{ key: "Name", value: Aws.STACK_NAME, propagateAtLaunch: true }],
    });
    group.addResourceDependency(this.balancer.https);
    accept(group, { AS3: "What matters is told by the alarms: nodes that do not answer, and none at all." });
    new CfnScalingPolicy(this, "NodesByCpu", {
      autoScalingGroupName: group.ref,
      policyType: "TargetTrackingScaling",
      targetTrackingConfiguration: { predefinedMetricSpecification: { predefinedMetricType: "ASGAverageCPUUtilization" }, targetValue: 50 },
    });
    new CfnOutput(this, "Group", { value: group.ref, description: "The auto scaling group, for an instance refresh." });
  }
}
