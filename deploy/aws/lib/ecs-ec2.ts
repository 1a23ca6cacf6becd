// A service of ECS on instances of one's own, behind an Application Load Balancer.
import { Aws, CfnOutput, Fn } from "aws-cdk-lib";
import { CfnScalableTarget, CfnScalingPolicy } from "aws-cdk-lib/aws-applicationautoscaling";
import { CfnAutoScalingGroup } from "aws-cdk-lib/aws-autoscaling";
import { CfnUserPool, CfnUserPoolClient } from "aws-cdk-lib/aws-cognito";
import { CfnLaunchTemplate } from "aws-cdk-lib/aws-ec2";
import { CfnCapacityProvider, CfnCluster, CfnClusterCapacityProviderAssociations, CfnService, CfnTaskDefinition } from "aws-cdk-lib/aws-ecs";
import { CfnInstanceProfile, CfnPolicy, CfnRole } from "aws-cdk-lib/aws-iam";
import type { CfnCondition } from "aws-cdk-lib";
import type { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import type { CfnSecret } from "aws-cdk-lib/aws-secretsmanager";
import type { IConstruct } from "constructs";
import { readFileSync } from "node:fs";
import { PORT } from "./balancer";
import { metricsOfNodes } from "./inside";
import { InstancesStack } from "./instances";
import { logGroup } from "./logs";
import { launchData } from "./machine";
import { tokenSecret } from "./registry";
import { accept, trusts } from "./stack";
import { CONTAINER, container, executionRole, pairs, taskRole } from "./tasks";

const LEAST_PORT = 32768; // Docker gives the containers of an instance ports from here on
const MOST_PORT = 60999;
const MEMORY_MB = 300; // two of them fit on an instance, so that a new one starts beside the old
const ECS_AMI = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id";

export class EcsEc2 extends InstancesStack {
  constructor(scope: IConstruct, id: string) {
    super(scope, id, "Polylog as a service of ECS on instances of EC2, behind an Application Load Balancer.", "The instances", [LEAST_PORT, MOST_PORT]);
    const cluster = new CfnCluster(this, "Cluster", { clusterSettings: [{ name: "containerInsights", value: "enhanced" }] });
    const capacity = this.capacity(cluster);
    const task = this.task(cluster, tokenSecret(this), logGroup(this, "NodesLog", this.days));
    this.service(cluster, capacity, task);
    this.watch();
  }

  // Instances of the cluster, as many as its tasks want; what runs on one that goes away moves first.
  private capacity(cluster: CfnCluster): CfnClusterCapacityProviderAssociations {
    const type = this.text("InstanceType", "Of an instance, of the kind that the image is for.", { default: "t3.micro" });
    const machine = this.text("MachineImage", "Amazon Linux 2023 for ECS, of the kind that the image is for.", { type: "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", default: ECS_AMI });
    const most = this.number("InstancesMax", "How many instances there are at most.", 4, 2, 50);
    const template = new CfnLaunchTemplate(this, "InstanceTemplate", {
      launchTemplateData: launchData({
        image: machine,
        type,
        profile: this.profile(cluster),
        hops: 1, // containers have roles of their own, and do not get the instance's
        group: this.nodes,
        disk: ["/dev/xvda", 30],
        userData: Fn.base64(Fn.sub(readFileSync("ecs/user-data.sh", "utf8").replace("ECS_CLUSTER=polylog", "ECS_CLUSTER=${ClusterName}"), { ClusterName: cluster.ref })),
      }),
    });
    const group = new CfnAutoScalingGroup(this, "Instances", {
      vpcZoneIdentifier: this.network.subnets,
      minSize: "2",
      maxSize: most.valueAsString,
      launchTemplate: { launchTemplateId: template.ref, version: template.attrLatestVersionNumber },
      tags: [{ key: "Name", value: Aws.STACK_NAME, propagateAtLaunch: true }],
    });
    group.addResourceDependency(this.network.gateway);
    accept(group, { AS3: "What matters is told by the alarms: nodes that do not answer, and none at all." });
    const provider = new CfnCapacityProvider(this, "Capacity", {
      autoScalingGroupProvider: {
        autoScalingGroupArn: group.ref,
        managedDraining: "ENABLED",
        managedTerminationProtection: "DISABLED",
        managedScaling: { status: "ENABLED", targetCapacity: 100 },
      },
    });
    return new CfnClusterCapacityProviderAssociations(this, "CapacityOfCluster", {
      cluster: cluster.ref,
      capacityProviders: [provider.ref],
      defaultCapacityProviderStrategy: [{ capacityProvider: provider.ref, weight: 1 }],
    });
  }

  // What the agent of ECS asks for; images and logs are the tasks' own affair.
  private profile(cluster: CfnCluster): CfnInstanceProfile {
    const role = new CfnRole(this, "InstanceRole", { assumeRolePolicyDocument: trusts("ec2.amazonaws.com") });
    const instances = Fn.sub("arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:container-instance/${Cluster}/*");
    const onCluster = ["RegisterContainerInstance", "DeregisterContainerInstance", "SubmitContainerStateChange", "SubmitTaskStateChange", "SubmitAttachmentStateChanges"];
    const policy = new CfnPolicy(this, "InstanceRights", {
      policyName: "instance",
      roles: [role.ref],
      policyDocument: {
        Version: "2012-10-17",
        Statement: [
          { Sid: "Cluster", Effect: "Allow", Action: onCluster.map((action) => `ecs:${action}`), Resource: cluster.attrArn },
          { Sid: "Instance", Effect: "Allow", Action: ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"], Resource: instances },
          { Sid: "Where", Effect: "Allow", Action: "ecs:DiscoverPollEndpoint", Resource: "*" },
        ],
      },
    });
    accept(policy, {
      "IAM5[Resource::*]": "Where the agent finds ECS has no resource.",
      "IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:container-instance/<Cluster>/*]": "ECS makes the ids of instances; the cluster is this one.",
    });
    return new CfnInstanceProfile(this, "InstanceProfile", { roles: [role.ref] });
  }

  // People log in at a pool of Cognito's, if there is to be one: settings of a node.
  private cognito(): [CfnCondition, Record<string, string>] {
    const flag = this.flag("Cognito", "Makes a user pool of Cognito, whose tokens are accepted.", false);
    const wanted = this.isTrue(flag);
    const pool = new CfnUserPool(this, "People", {
      autoVerifiedAttributes: ["email"],
      usernameAttributes: ["email"],
      mfaConfiguration: "OPTIONAL",
      enabledMfas: ["SOFTWARE_TOKEN_MFA"],
      policies: { passwordPolicy: { minimumLength: 12, requireLowercase: true, requireUppercase: true, requireNumbers: true, requireSymbols: true } },
      deletionProtection: "ACTIVE",
    });
    accept(pool, {
      COG2: "A second factor is each person's choice.",
      COG3: "Threat protection is a feature that Cognito charges for each person.",
      COG8: "Threat protection is a feature that Cognito charges for each person.",
    });
    const client = new CfnUserPoolClient(this, "Client", {
      userPoolId: pool.ref,
      explicitAuthFlows: ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
      preventUserExistenceErrors: "ENABLED",
      enableTokenRevocation: true,
    });
    pool.cfnOptions.condition = client.cfnOptions.condition = wanted;
    const issuer = Fn.join("", ["https://cognito-idp.", Aws.REGION, ".amazonaws.com/", pool.ref]);
    return [wanted, { POLYLOG_ISSUER: issuer, POLYLOG_AUDIENCE: client.ref }];
  }

  private task(cluster: CfnCluster, secret: CfnSecret, log: CfnLogGroup): CfnTaskDefinition {
    const settings = { ...this.settings(), ...metricsOfNodes(this) };
    const [hasPool, ofPool] = this.cognito();
    const onlyWithPool = pairs(ofPool).map(({ name, value }) => Fn.conditionIf(hasPool.logicalId, { Name: name, Value: value }, Aws.NO_VALUE));
    const task = new CfnTaskDefinition(this, "Task", {
      family: Aws.STACK_NAME,
      networkMode: "bridge",
      requiresCompatibilities: ["EC2"],
      taskRoleArn: taskRole(this, "EcsDynamoDBTaskRole", this.tables, this.bus).attrArn,
      executionRoleArn: executionRole(this, this.registry, [secret], log).attrArn,
      containerDefinitions: [
        {
          ...container(this.image.image, log, { POLYLOG_TOKEN_SECRET: secret.ref }),
          memoryReservation: MEMORY_MB,
          portMappings: [{ containerPort: PORT, hostPort: 0, protocol: "tcp" }],
          environment: [...pairs(settings), ...onlyWithPool] as { name: string; value: string }[],
          dockerSecurityOptions: ["no-new-privileges"],
        },
      ],
    });
    accept(task, { ECS2: "What is given openly is no secret; the key of tokens is." });
    new CfnOutput(this, "ClusterName", { value: cluster.ref, description: "The cluster of ECS." });
    return task;
  }

  private service(cluster: CfnCluster, capacity: CfnClusterCapacityProviderAssociations, task: CfnTaskDefinition): void {
    const least = this.number("NodesMin", "How many tasks there are at least.", 2, 1, 50);
    const most = this.number("NodesMax", "How many tasks there are at most.", 8, 1, 50);
    const service = new CfnService(this, "Service", {
      cluster: cluster.ref,
      taskDefinition: task.ref,
      loadBalancers: [{ containerName: CONTAINER, containerPort: PORT, targetGroupArn: this.balancer.targets.ref }],
      healthCheckGracePeriodSeconds: 60,
      deploymentConfiguration: { minimumHealthyPercent: 100, maximumPercent: 200, deploymentCircuitBreaker: { enable: true, rollback: true } },
      placementStrategies: [{ type: "spread", field: "attribute:ecs.availability-zone" }, { type: "spread", field: "instanceId" }],
      propagateTags: "SERVICE",
    });
    service.addResourceDependency(capacity);
    service.addResourceDependency(this.balancer.https);
    const target = new CfnScalableTarget(this, "Tasks", {
      serviceNamespace: "ecs",
      scalableDimension: "ecs:service:DesiredCount",
      resourceId: Fn.join("/", ["service", cluster.ref, service.attrName]),
      minCapacity: least.valueAsNumber,
      maxCapacity: most.valueAsNumber,
    });
    const policy = new CfnScalingPolicy(this, "TasksByCpu", {
      policyName: "cpu",
      policyType: "TargetTrackingScaling",
      scalingTargetId: target.ref,
      targetTrackingScalingPolicyConfiguration: { predefinedMetricSpecification: { predefinedMetricType: "ECSServiceAverageCPUUtilization" }, targetValue: 50 },
    });
    for (const one of [service, target, policy]) one.cfnOptions.condition = this.image.hasTag;
  }
}
