// A group of logs, which lasts as long as its entries, and the right to write to it.
import { CfnDeletionPolicy } from "aws-cdk-lib";
import { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import type { CfnParameter } from "aws-cdk-lib";
import type { PlainStack } from "./stack";

export function logGroup(stack: PlainStack, id: string, days: CfnParameter): CfnLogGroup {
  const group = new CfnLogGroup(stack, id, { retentionInDays: days.valueAsNumber });
  group.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE;
  group.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  return group;
}

export function logRights(log: CfnLogGroup) {
  return { Sid: "Log", Effect: "Allow", Action: ["logs:CreateLogStream", "logs:PutLogEvents"], Resource: log.attrArn };
}

// What cdk-nag finds in rights on a group, with the reason (accept).
export function ofLog(log: CfnLogGroup): Record<string, string> {
  return { [`IAM5[Resource::<${log.node.id}.Arn>]`]: "A log stream has a name of the service's own; the group is this one alone." };
}
