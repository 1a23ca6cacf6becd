// BlueGreen in several regions, by a StackSet of this account: each region has a chat of its own, with tables of its own.
import { Aws, CfnParameter, CfnStackSet, Fn } from "aws-cdk-lib";
import { CfnPolicy, CfnRole } from "aws-cdk-lib/aws-iam";
import type { IConstruct } from "constructs";
import { PlainStack, trusts } from "./stack";

export class Regions extends PlainStack {
  constructor(scope: IConstruct, id: string) {
    super(scope, id, "The stack of blue-green.json in several regions, changed one after another. Each is a chat of its own.");
    const regions = new CfnParameter(this, "Regions", { type: "CommaDelimitedList", description: "The regions, in the order in which they are changed." });
    const url = this.text("TemplateUrl", "Where blue-green.json is: the https address of an object of S3.", { allowedPattern: "https://.+" });
    const executor = this.text("ExecutionRole", "The name of the account's role by which CloudFormation makes the stacks.", {
      default: "AWSCloudFormationStackSetExecutionRole",
      allowedPattern: "[\\w+=,.@-]{1,64}",
    });
    const role = this.administrator();
    const rights = new CfnPolicy(this, "AdministrationRights", {
      policyName: "stacks",
      roles: [role.ref],
      policyDocument: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: ["sts:AssumeRole"], Resource: Fn.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${ExecutionRole}") }] },
    });
    const chats = new CfnStackSet(this, "Chats", {
      stackSetName: Aws.STACK_NAME,
      description: "Polylog in several regions",
      permissionModel: "SELF_MANAGED",
      administrationRoleArn: role.attrArn,
      executionRoleName: executor.valueAsString,
      templateUrl: url.valueAsString,
      capabilities: ["CAPABILITY_IAM"],
      parameters: this.passed().map((parameter) => ({ parameterKey: parameter.node.id, parameterValue: parameter.valueAsString })),
      managedExecution: { Active: true },
      operationPreferences: { regionConcurrencyType: "SEQUENTIAL", regionOrder: regions.valueAsList, failureToleranceCount: 0, maxConcurrentCount: 1 },
      stackInstancesGroup: [{ deploymentTargets: { accounts: [Aws.ACCOUNT_ID] }, regions: regions.valueAsList }],
    });
    chats.addResourceDependency(rights);
  }

  // Of blue-green.json, and the same in every region.
  private passed(): CfnParameter[] {
    const tag = { default: "", allowedPattern: "[A-Za-z0-9_.-]*" };
    return [
      this.text("BlueTag", "The tag of blue's image in the repository of each region's stack.", tag),
      this.text("GreenTag", "The tag of green's image in the repository of each region's stack.", tag),
      this.number("BlueWeight", "The share of requests that blue gets in each region.", 100, 0, 999),
      this.number("GreenWeight", "The share of requests that green gets in each region.", 0, 0, 999),
      this.text("TablePrefix", "What the names of the tables begin with in each region.", { default: "polylog", allowedPattern: "[a-zA-Z0-9_.-]{1,200}" }),
      this.text("BusName", "What the cache of each region is called.", { default: "polylog", allowedPattern: "[a-z][a-z0-9-]{0,38}[a-z0-9]" }),
    ];
  }

  // Taken by CloudFormation for StackSets of this account; may do nothing but take the role that makes the stacks.
  private administrator(): CfnRole {
    const trust = trusts("cloudformation.amazonaws.com");
    const Condition = {
      StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID },
      ArnLike: { "aws:SourceArn": Fn.sub("arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stackset/*") },
    };
    return new CfnRole(this, "AdministrationRole", {
      assumeRolePolicyDocument: { ...trust, Statement: trust.Statement.map((statement) => ({ ...statement, Condition })) },
    });
  }
}
