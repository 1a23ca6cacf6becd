// The two tables of a store, and one for connections where that is asked for, as `polylog store
// init` makes them and docs/dynamodb.md describes them, and the rights of who serves from them.
import { Aws, CfnDeletionPolicy, Fn } from "aws-cdk-lib";
import { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { CfnCondition, CfnParameter } from "aws-cdk-lib";
import type { PlainStack } from "./stack";

type Key = { name: string; type: "S" | "N" | "B" };

export class Tables {
  readonly prefix: CfnParameter;
  readonly all: [log: CfnTable, record: CfnTable];
  readonly connections?: { name: CfnParameter; table: CfnTable };

  constructor(stack: PlainStack, { connections = false } = {}) {
    this.prefix = stack.text("TablePrefix", "What the names of the two tables begin with: PREFIX-log, PREFIX-record.", {
      default: "polylog",
      allowedPattern: "[a-zA-Z0-9_.-]{1,200}",
    });
    const protection = stack.flag("DeletionProtection", "A table can be deleted only once this is false.", true);
    const isProtected = stack.isTrue(protection);
    const named = (suffix: string) => Fn.join("-", [this.prefix.valueAsString, suffix]);
    const table = (id: string, tableName: string, keys: Key[], ttl?: string) => {
      const made = new CfnTable(stack, id, {
        tableName,
        billingMode: "PAY_PER_REQUEST",
        attributeDefinitions: keys.map(({ name, type }) => ({ attributeName: name, attributeType: type })),
        keySchema: keys.map(({ name }, i) => ({ attributeName: name, keyType: i === 0 ? "HASH" : "RANGE" })),
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        sseSpecification: { sseEnabled: true, sseType: "KMS" },
        deletionProtectionEnabled: Fn.conditionIf(isProtected.logicalId, true, false),
        ...(ttl && { timeToLiveSpecification: { attributeName: ttl, enabled: true } }),
      });
      made.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
      made.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
      return made;
    };
    this.all = [
      table("LogTable", named("log"), [{ name: "room", type: "S" }, { name: "seq", type: "N" }]),
      table("RecordTable", named("record"), [{ name: "pk", type: "S" }, { name: "sk", type: "B" }], "ttl"),
    ];
    if (!connections) return;
    const name = stack.text("ConnectionsName", "The table of those who are connected.", { default: "ActiveConnections", allowedPattern: "[a-zA-Z0-9_.-]{3,128}" });
    this.connections = { name, table: table("ConnectionsTable", name.valueAsString, [{ name: "connectionId", type: "S" }], "ttl") };
  }

  // Where the condition holds the log has a stream, of keys alone. Returns its ARN, which is there only then.
  stream(wanted: CfnCondition): string {
    const [log] = this.all;
    log.streamSpecification = Fn.conditionIf(wanted.logicalId, { StreamViewType: "KEYS_ONLY" }, Aws.NO_VALUE);
    return log.attrStreamArn;
  }

  // What the function needs of the table of connections.
  rightsOfConnections(): PolicyStatement {
    if (this.connections === undefined) throw new Error("there is no table of connections");
    return new PolicyStatement({
      sid: "ActiveConnections",
      actions: ["dynamodb:GetItem", "dynamodb:PutItem"],
      resources: [this.connections.table.attrArn],
    });
  }

  // What serving needs (docs/aws.md); transactions need the rights of what they consist of.
  rights(): PolicyStatement {
    return new PolicyStatement({
      sid: "Chat",
      actions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"],
      resources: this.all.map((table) => table.attrArn),
    });
  }
}
