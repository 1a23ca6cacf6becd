// What nodes tell of themselves, if that is wanted: CloudWatch makes metrics of what they write to standard output
// (docs/observe.md), and shows them as deploy/observe/cloudwatch.json says.
import { Aws, Fn } from "aws-cdk-lib";
import { CfnDashboard } from "aws-cdk-lib/aws-cloudwatch";
import { bodyOf } from "./dashboard";
import type { PlainStack } from "./stack";

function metrics(stack: PlainStack, whose: string, body: string): Record<string, string> {
  const wanted = stack.isTrue(stack.flag("Metrics", `${whose} CloudWatch their metrics, which it charges for, and a dashboard shows them.`, false));
  const dashboardBody = Fn.sub(bodyOf(body).replaceAll("${Service}", "${AWS::StackName}"));
  new CfnDashboard(stack, "Inside", { dashboardBody }).cfnOptions.condition = wanted;
  return { POLYLOG_METRICS: Fn.conditionIf(wanted.logicalId, "emf", "http").toString(), POLYLOG_METRICS_SERVICE: Aws.STACK_NAME };
}

// Settings of a node.
export const metricsOfNodes = (stack: PlainStack): Record<string, string> => metrics(stack, "Nodes tell", "cloudwatch");

// Variables of a function.
export const metricsOfFunction = (stack: PlainStack): Record<string, string> => metrics(stack, "Instances of the function tell", "cloudwatch-function");
