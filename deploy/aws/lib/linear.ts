// How a new version comes to the nodes: by the weights of two services, which shift.sh sets, or by ECS itself, which moves
// the requests of one service from one group of targets to the other in equal steps, and back if an alarm says so.
import { Aws, CfnCondition, CfnOutput, Fn } from "aws-cdk-lib";
import type { CfnAlarm } from "aws-cdk-lib/aws-cloudwatch";
import type { CfnService } from "aws-cdk-lib/aws-ecs";
import { CfnListenerRule } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import type { CfnListener, CfnTargetGroup } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { CfnRole } from "aws-cdk-lib/aws-iam";
import type { CfnParameter } from "aws-cdk-lib";
import { accept, trusts } from "./stack";
import type { PlainStack } from "./stack";

export const COLOURS = ["Blue", "Green"] as const;
export type Colour = (typeof COLOURS)[number];

export interface Weighted {
  listener: CfnListener;
  targets: Record<Colour, CfnTargetGroup>;
}

export class Linear {
  readonly advanced: never; // of the service's target group
  private readonly isLinear: CfnCondition;
  private readonly percent: CfnParameter;
  private readonly minutes: CfnParameter;

  constructor(private readonly stack: PlainStack, weighted: Weighted) {
    const how = stack.text("Deployment", "How a version comes: weights, of two services, by shift.sh; or linear, to blue alone, by steps of ECS.", {
      default: "weights",
      allowedValues: ["weights", "linear"],
    });
    this.percent = stack.number("StepPercent", "Of a linear deployment: how many requests of 100 a step moves.", 10, 3, 100);
    this.minutes = stack.number("StepMinutes", "Of a linear deployment: how long each step, and the last, is watched.", 3, 0, 1440);
    this.isLinear = new CfnCondition(stack, "IsLinear", { expression: Fn.conditionEquals(how.valueAsString, "linear") });
    const rule = this.rule(weighted);
    this.advanced = this.ifLinear({
      AlternateTargetGroupArn: weighted.targets.Green.ref,
      ProductionListenerRule: rule.ref,
      RoleArn: this.role(weighted, rule).attrArn,
    });
    this.outputs(weighted);
  }

  private ifLinear(yes: unknown, no: unknown = Aws.NO_VALUE) {
    return Fn.conditionIf(this.isLinear.logicalId, yes, no) as never;
  }

  // ECS sets the weights of a rule, which takes all requests; they begin as blue's.
  private rule({ listener, targets }: Weighted): CfnListenerRule {
    const rule = new CfnListenerRule(this.stack, "LinearRule", {
      listenerArn: listener.ref,
      priority: 1,
      conditions: [{ field: "path-pattern", pathPatternConfig: { values: ["*"] } }],
      actions: listener.defaultActions as CfnListenerRule.ActionProperty[],
    });
    rule.cfnOptions.condition = this.isLinear;
    rule.addResourceDependency(targets.Green);
    return rule;
  }

  // By which ECS moves requests: the rights of AWS' policy AmazonECSInfrastructureRolePolicyForLoadBalancers, on this
  // balancer alone.
  private role({ listener, targets }: Weighted, rule: CfnListenerRule): CfnRole {
    const on = (sid: string, actions: string[], resource: string | string[]) => ({
      Sid: sid,
      Effect: "Allow",
      Action: actions.map((action) => `elasticloadbalancing:${action}`),
      Resource: resource,
    });
    const role = new CfnRole(this.stack, "LinearRole", {
      assumeRolePolicyDocument: trusts("ecs.amazonaws.com"),
      policies: [
        {
          policyName: "linear",
          policyDocument: {
            Version: "2012-10-17",
            Statement: [
              on("Look", ["DescribeListeners", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth"], "*"),
              on("Targets", ["RegisterTargets", "DeregisterTargets"], COLOURS.map((colour) => targets[colour].ref)),
              on("Listener", ["ModifyListener"], listener.ref),
              on("Rule", ["ModifyRule"], rule.ref),
            ],
          },
        },
      ],
    });
    accept(role, { "IAM5[Resource::*]": "Looking at balancers has no resource." });
    role.cfnOptions.condition = this.isLinear;
    return role;
  }

  // Where ECS shifts, shift.sh finds nothing that it could set.
  private outputs({ listener, targets }: Weighted): void {
    const byWeights = new CfnCondition(this.stack, "IsByWeights", { expression: Fn.conditionNot(this.isLinear) });
    const output = (id: string, value: string, description: string) => (new CfnOutput(this.stack, id, { value, description }).condition = byWeights);
    output("WeightsListener", listener.ref, "The listener whose weights shift.sh sets.");
    for (const colour of COLOURS) output(`${colour}TargetGroup`, targets[colour].ref, `The targets of ${colour.toLowerCase()}.`);
  }

  // Says how a colour's service is deployed. ECS takes back what fails: in a linear deployment by alarms alone.
  deploy(service: CfnService, colour: Colour, rollback: Record<Colour, CfnAlarm[]>): void {
    const alarms = (all: CfnAlarm[]) => ({ Alarms: { AlarmNames: all.map(({ ref }) => ref), Enable: true, Rollback: true } });
    const share = { MinimumHealthyPercent: 100, MaximumPercent: 200 };
    const rolling = { ...share, DeploymentCircuitBreaker: { Enable: true, Rollback: true }, ...alarms(rollback[colour]) };
    const minutes = this.minutes.valueAsNumber;
    const linear = {
      ...share,
      Strategy: "LINEAR",
      LinearConfiguration: { StepPercent: this.percent.valueAsNumber, StepBakeTimeInMinutes: minutes },
      BakeTimeInMinutes: minutes,
      ...alarms([...rollback.Blue, ...rollback.Green]),
    };
    service.addPropertyOverride("DeploymentConfiguration", colour === "Blue" ? this.ifLinear(linear, rolling) : rolling);
  }

  // Holds where green has a service: if its tag is given, and ECS does not shift.
  besides(hasTag: CfnCondition): CfnCondition {
    return new CfnCondition(this.stack, "HasGreen", { expression: Fn.conditionAnd(hasTag, Fn.conditionNot(this.isLinear)) });
  }
}
