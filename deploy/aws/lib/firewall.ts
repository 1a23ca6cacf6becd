// A firewall for the website of another stack, which CloudFront takes from us-east-1 alone. It sees requests for the page's
// files; messages are limited by the program and by API Gateway.
import { Aws, CfnOutput, Fn } from "aws-cdk-lib";
import { CfnWebACL } from "aws-cdk-lib/aws-wafv2";
import type { IConstruct } from "constructs";
import { PlainStack } from "./stack";

export class Firewall extends PlainStack {
  constructor(scope: IConstruct, id: string) {
    super(scope, id, "A firewall before the website of Polylog, for us-east-1.");
    const rate = this.number("RateLimit", "Requests of one address in five minutes; those beyond are refused.", 2000, 10, 2_000_000);
    const seen = (metricName: string) => ({ cloudWatchMetricsEnabled: true, sampledRequestsEnabled: true, metricName });
    const managed = (name: string, priority: number) => ({
      name,
      priority,
      overrideAction: { none: {} },
      statement: { managedRuleGroupStatement: { vendorName: "AWS", name } },
      visibilityConfig: seen(name),
    });
    const acl = new CfnWebACL(this, "WebAcl", {
      name: Fn.join("-", [Aws.STACK_NAME, "website"]),
      scope: "CLOUDFRONT",
      defaultAction: { allow: {} },
      visibilityConfig: seen("Website"),
      rules: [
        {
          name: "OneAddress",
          priority: 0,
          action: { block: {} },
          statement: { rateBasedStatement: { aggregateKeyType: "IP", limit: rate.valueAsNumber } },
          visibilityConfig: seen("OneAddress"),
        },
        managed("AWSManagedRulesAmazonIpReputationList", 1),
        managed("AWSManagedRulesCommonRuleSet", 2),
      ],
    });
    new CfnOutput(this, "WebAclArn", { value: acl.attrArn, description: "What the other stack is given as WebAclArn." });
  }
}
