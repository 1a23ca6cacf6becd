// What nodes tell of themselves, if that is wanted: CloudWatch makes metrics of what they write to standard output
// (docs/observe.md), and shows them as deploy/observe/cloudwatch.json says.
import { Aws, Fn } from "aws-cdk-lib";
import { CfnDashboard } from "aws-cdk-lib/aws-cloudwatch";
import { bodyOf } from "./dashboard";
import type { PlainStack } from "./stack";

const BODY = bodyOf("cloudwatch").replaceAll("${Service}", "${AWS::StackName}");

// Settings of a node.
export function metricsOfNodes(stack: PlainStack): Record<string, string> {
  const wanted = stack.isTrue(stack.flag("Metrics", "Nodes tell CloudWatch their metrics, which it charges for, and a dashboard shows them.", false));
  new CfnDashboard(stack, "Inside", { dashboardBody: Fn.sub(BODY) }).cfnOptions.condition = wanted;
  return { POLYLOG_METRICS: Fn.conditionIf(wanted.logicalId, "emf", "http").toString(), POLYLOG_METRICS_SERVICE: Aws.STACK_NAME };
}
