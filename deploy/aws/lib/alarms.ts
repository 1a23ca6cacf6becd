// Alarms of a stack, told to the topic that the parameter AlarmTopic names, if it names one.
import { Aws, Fn } from "aws-cdk-lib";
import { CfnAlarm } from "aws-cdk-lib/aws-cloudwatch";
import type { CfnCondition, CfnParameter } from "aws-cdk-lib";
import type { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { accept } from "./stack";
import type { PlainStack } from "./stack";

export interface Watched {
  what: string;
  namespace: string;
  metric: string;
  dimensions: Record<string, string>;
  statistic: "Sum" | "Maximum" | "Minimum" | "Average" | "p99";
  above?: number; // by default 0
  minutes?: number; // in a row; by default 1
}

export class Alarms {
  private readonly topic: CfnParameter;
  private readonly hasTopic: CfnCondition;

  constructor(private readonly stack: PlainStack) {
    this.topic = stack.text("AlarmTopic", "The ARN of an SNS topic that hears of alarms; without it they are only shown.", { default: "" });
    this.hasTopic = stack.isSet(this.topic);
  }

  on(id: string, watched: Watched): CfnAlarm {
    const minutes = watched.minutes ?? 1;
    const p99 = watched.statistic === "p99";
    const alarm = new CfnAlarm(this.stack, id, {
      alarmDescription: watched.what,
      namespace: watched.namespace,
      metricName: watched.metric,
      dimensions: Object.entries(watched.dimensions).map(([name, value]) => ({ name, value })),
      ...(p99 ? { extendedStatistic: "p99" } : { statistic: watched.statistic }),
      period: 60,
      evaluationPeriods: minutes,
      threshold: watched.above ?? 0,
      comparisonOperator: "GreaterThanThreshold",
      treatMissingData: "notBreaching",
      alarmActions: [Fn.conditionIf(this.hasTopic.logicalId, this.topic.valueAsString, Aws.NO_VALUE).toString()],
    });
    accept(alarm, { W1030: "Without a topic the list of actions is empty." });
    return alarm;
  }

  onTable(id: string, table: CfnTable): void {
    for (const kind of ["Read", "Write"])
      this.on(`${id}${kind}Throttled`, {
        what: `DynamoDB throttles ${kind.toLowerCase()}s of ${id}: a busy room, or a new table.`,
        namespace: "AWS/DynamoDB",
        metric: `${kind}ThrottleEvents`,
        dimensions: { TableName: table.ref },
        statistic: "Sum",
        above: 10,
        minutes: 3,
      });
  }
}
