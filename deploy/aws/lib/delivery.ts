// Delivery by the stream of the log table, where the parameter Fanout asks for it: the function is given which rooms were
// appended to, and posts to their followers. A batch that fails is halved and tried again; what is given up is named in a
// queue.
import { CfnCondition, Fn } from "aws-cdk-lib";
import { CfnPolicy } from "aws-cdk-lib/aws-iam";
import type { CfnRole } from "aws-cdk-lib/aws-iam";
import { CfnEventSourceMapping } from "aws-cdk-lib/aws-lambda";
import type { CfnFunction } from "aws-cdk-lib/aws-lambda";
import { CfnQueue, CfnQueuePolicy } from "aws-cdk-lib/aws-sqs";
import type { CfnParameter } from "aws-cdk-lib";
import type { Alarms } from "./alarms";
import { accept, tlsOnly } from "./stack";
import type { PlainStack } from "./stack";
import type { Tables } from "./tables";

// What docs/serverless.md asks for.
const BATCH = 100;
const ATTEMPTS = 10;
const KEPT_S = 14 * 86_400; // as long as SQS keeps anything

export function fanoutParameter(stack: PlainStack): CfnParameter {
  return stack.text("Fanout", "Who sends a message to its readers: who has stored it, or the function on the stream of the log table.", {
    default: "direct",
    allowedValues: ["direct", "stream"],
  });
}

function undelivered(stack: PlainStack): [CfnQueue, CfnQueuePolicy] {
  const queue = new CfnQueue(stack, "Undelivered", { sqsManagedSseEnabled: true, messageRetentionPeriod: KEPT_S });
  accept(queue, { SQS3: "What could not be delivered ends here: it is such a queue itself." });
  const policy = new CfnQueuePolicy(stack, "UndeliveredPolicy", {
    queues: [queue.ref],
    policyDocument: { Version: "2012-10-17", Statement: [tlsOnly("sqs:*", queue.attrArn)] },
  });
  return [queue, policy];
}

// Everything but the function's own setting, which is the parameter's value.
export function deliverByStream(stack: PlainStack, fanout: CfnParameter, tables: Tables, chat: CfnFunction, role: CfnRole, alarms: Alarms): void {
  const wanted = new CfnCondition(stack, "IsFanoutStream", { expression: Fn.conditionEquals(fanout.valueAsString, "stream") });
  const stream = tables.stream(wanted);
  const [queue, policy] = undelivered(stack);
  const rights = new CfnPolicy(stack, "DeliveryRights", {
    policyName: "delivery",
    roles: [role.ref],
    policyDocument: {
      Version: "2012-10-17",
      Statement: [
        { Sid: "Stream", Effect: "Allow", Action: ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], Resource: stream },
        { Sid: "Streams", Effect: "Allow", Action: "dynamodb:ListStreams", Resource: "*" },
        { Sid: "Undelivered", Effect: "Allow", Action: "sqs:SendMessage", Resource: queue.attrArn },
      ],
    },
  });
  accept(rights, { "IAM5[Resource::*]": "Listing streams has no resource." });
  const mapping = new CfnEventSourceMapping(stack, "Delivery", {
    functionName: chat.ref,
    eventSourceArn: stream,
    startingPosition: "TRIM_HORIZON", // from the stream's first record on: to deliver a room again does no harm
    batchSize: BATCH,
    bisectBatchOnFunctionError: true,
    maximumRetryAttempts: ATTEMPTS,
    functionResponseTypes: ["ReportBatchItemFailures"],
    destinationConfig: { onFailure: { destination: queue.attrArn } },
  });
  mapping.addResourceDependency(rights);
  const behind = alarms.on("DeliveryBehind", {
    what: "Messages reach their readers more than a minute late: the function fails, or is too slow for them.",
    namespace: "AWS/Lambda",
    dimensions: { FunctionName: chat.ref },
    metric: "IteratorAge",
    statistic: "Maximum",
    above: 60_000,
    minutes: 3,
  });
  const failed = alarms.on("DeliveryFailed", {
    what: "Rooms were not delivered after ten attempts: the queue Undelivered names the records, the function's log says why.",
    namespace: "AWS/SQS",
    dimensions: { QueueName: queue.attrQueueName },
    metric: "ApproximateNumberOfMessagesVisible",
    statistic: "Maximum",
  });
  for (const one of [queue, policy, rights, mapping, behind, failed]) one.cfnOptions.condition = wanted;
}
