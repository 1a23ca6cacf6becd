// What tasks of ECS have in common: their roles and their container.
import { Aws, Fn } from "aws-cdk-lib";
import { CfnPolicy, CfnRole } from "aws-cdk-lib/aws-iam";
import type { CfnTaskDefinition } from "aws-cdk-lib/aws-ecs";
import type { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import type { CfnSecret } from "aws-cdk-lib/aws-secretsmanager";
import { readFileSync } from "node:fs";
import { STOP_S } from "./balancer";
import type { Bus } from "./bus";
import { logRights, ofLog } from "./logs";
import { OF_REGISTRY } from "./registry";
import type { Registry } from "./registry";
import { accept, trusts } from "./stack";
import type { PlainStack } from "./stack";
import type { Tables } from "./tables";

export const CONTAINER = "polylog";

// What ECS asks of a container itself, since it takes no check from an image: as in the task definition without a template.
const { healthCheck } = JSON.parse(readFileSync("ecs/task-def.json", "utf8")).containerDefinitions[0] as { healthCheck: CfnTaskDefinition.HealthCheckProperty };

// A role of tasks: taken by ECS for tasks of this account and region alone.
function trustsTasks() {
  const trust = trusts("ecs-tasks.amazonaws.com");
  const Condition = {
    StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID },
    ArnLike: { "aws:SourceArn": Fn.sub("arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:*") },
  };
  return { ...trust, Statement: trust.Statement.map((statement) => ({ ...statement, Condition })) };
}

// By which ECS fetches the image and the secrets, and writes the log.
export function executionRole(stack: PlainStack, registry: Registry, secrets: CfnSecret[], log: CfnLogGroup): CfnRole {
  const role = new CfnRole(stack, "ExecutionRole", { assumeRolePolicyDocument: trustsTasks() });
  const [first] = secrets;
  const policy = new CfnPolicy(stack, "ExecutionRights", {
    policyName: "execution",
    roles: [role.ref],
    policyDocument: {
      Version: "2012-10-17",
      Statement: [
        ...registry.rights,
        { Sid: "Secret", Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: secrets.length > 1 ? secrets.map(({ ref }) => ref) : first?.ref },
        logRights(log),
      ],
    },
  });
  accept(policy, { ...OF_REGISTRY, ...ofLog(log) });
  return role;
}

// By which the program serves from the tables, and protects its own task while it drains; and more, with the findings that
// are accepted of that.
export function taskRole(stack: PlainStack, id: string, tables: Tables, bus: Bus, more: object[] = [], accepted: Record<string, string> = {}): CfnRole {
  const role = new CfnRole(stack, id, { assumeRolePolicyDocument: trustsTasks() });
  const tasks = Fn.sub("arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task/${Cluster}/*");
  const protection = { Sid: "Protection", Effect: "Allow", Action: ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"], Resource: tasks };
  const policy = new CfnPolicy(stack, "TaskRights", {
    policyName: "task",
    roles: [role.ref],
    policyDocument: { Version: "2012-10-17", Statement: [tables.rights().toStatementJson(), bus.rights, ...more, protection] },
  });
  accept(policy, {
    ...accepted,
    "IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<Cluster>/*]": "ECS makes the ids of tasks; the cluster is this one.",
  });
  return role;
}

export const pairs = (all: Record<string, string>) => Object.entries(all).map(([name, value]) => ({ name, value }));

export function container(image: string, log: CfnLogGroup, secrets: Record<string, string>): CfnTaskDefinition.ContainerDefinitionProperty {
  return {
    name: CONTAINER,
    image,
    essential: true,
    secrets: Object.entries(secrets).map(([name, valueFrom]) => ({ name, valueFrom })),
    readonlyRootFilesystem: true,
    linuxParameters: { capabilities: { drop: ["ALL"] } },
    ulimits: [{ name: "nofile", softLimit: 1_048_576, hardLimit: 1_048_576 }],
    healthCheck,
    stopTimeout: STOP_S,
    logConfiguration: { logDriver: "awslogs", options: { "awslogs-region": Aws.REGION, "awslogs-group": log.ref, "awslogs-stream-prefix": "polylog" } },
  };
}
