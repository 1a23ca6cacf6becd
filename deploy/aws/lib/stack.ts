// What all stacks have: no bootstrap, and the parameters and conditions that several of them know.
import { CfnCondition, CfnOutput, CfnParameter, CfnResource, Fn, LegacyStackSynthesizer, Stack, Validations } from "aws-cdk-lib";
import type { CfnParameterProps } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

// By a password; and by a name alone, but only where Open says so.
export const LOGIN = "password,name";

export class PlainStack extends Stack {
  constructor(scope: IConstruct, id: string, description: string) {
    super(scope, id, { description, synthesizer: new LegacyStackSynthesizer() });
  }

  text(name: string, description: string, more: CfnParameterProps = {}): CfnParameter {
    return new CfnParameter(this, name, { type: "String", description, ...more });
  }

  number(name: string, description: string, byDefault: number, min: number, max: number): CfnParameter {
    return new CfnParameter(this, name, { type: "Number", description, default: byDefault, minValue: min, maxValue: max });
  }

  // "true" or "false".
  flag(name: string, description: string, byDefault: boolean): CfnParameter {
    return this.text(name, description, { default: String(byDefault), allowedValues: ["true", "false"] });
  }

  // The owner's way in, a link or a code, is in the log.
  open(way: string): CfnParameter {
    return this.flag("Open", `People may log in by a name alone, which protects nothing. The owner's ${way} is in the log.`, false);
  }

  isSet(parameter: CfnParameter): CfnCondition {
    return new CfnCondition(this, `Has${parameter.node.id}`, {
      expression: Fn.conditionNot(Fn.conditionEquals(parameter.valueAsString, "")),
    });
  }

  isTrue(parameter: CfnParameter): CfnCondition {
    return new CfnCondition(this, `Is${parameter.node.id}`, {
      expression: Fn.conditionEquals(parameter.valueAsString, "true"),
    });
  }

  // Whatever make makes of this stack is there only where the condition holds.
  under<T>(condition: CfnCondition, make: () => T): T {
    const before = new Set(this.node.findAll());
    const made = make();
    for (const one of this.node.findAll().filter((child) => !before.has(child))) {
      if (one instanceof CfnResource) one.cfnOptions.condition ??= condition;
      if (one instanceof CfnOutput) one.condition ??= condition;
    }
    return made;
  }

  // How long logs are kept; what CloudWatch allows, as far as chats want it.
  logDays(): CfnParameter {
    return new CfnParameter(this, "LogDays", {
      type: "Number",
      description: "How many days logs are kept.",
      default: "30",
      allowedValues: ["1", "3", "7", "14", "30", "60", "90", "180", "365"],
    });
  }
}

// Findings that are as they should be, each with its reason: of cdk-nag, or of CDK's own look at templates (E0000, W0000).
export function accept(on: IConstruct, findings: Record<string, string>): void {
  Validations.of(on).acknowledge(...Object.entries(findings).map(([id, reason]) => ({ id: /^[EW]\d/.test(id) ? `CloudFormation-Validate::${id}` : `AwsSolutions-${id}`, reason })));
}

// In the policy of a resource: nobody reaches it by plain HTTP.
export function tlsOnly(action: string, resource: string | string[]) {
  return { Sid: "TlsOnly", Effect: "Deny", Principal: "*", Action: action, Resource: resource, Condition: { Bool: { "aws:SecureTransport": "false" } } };
}

// Who may take a role: a service of AWS.
export function trusts(service: string) {
  return {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
  };
}
