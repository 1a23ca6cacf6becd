// Where the image is kept, and what a node is: its image, its settings, its secret.
import { Aws, CfnDeletionPolicy, CfnOutput, Fn } from "aws-cdk-lib";
import { CfnRepository } from "aws-cdk-lib/aws-ecr";
import { CfnSecret } from "aws-cdk-lib/aws-secretsmanager";
import type { CfnCondition } from "aws-cdk-lib";
import { DRAIN_S } from "./balancer";
import type { Bus } from "./bus";
import { accept } from "./stack";
import type { PlainStack } from "./stack";
import type { Tables } from "./tables";

const KEEP = 20;

// What cdk-nag finds in rights on the registry, with the reason (accept).
export const OF_REGISTRY = { "IAM5[Resource::*]": "Logging in to the registry has no resource." };

// An image of the repository: condition hasTag holds if its tag is given.
export interface Image {
  hasTag: CfnCondition;
  image: string;
}

export class Registry {
  readonly repository: CfnRepository;
  private readonly stack: PlainStack;

  constructor(stack: PlainStack) {
    this.stack = stack;
    this.repository = new CfnRepository(stack, "Repository", {
      imageTagMutability: "IMMUTABLE",
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: { encryptionType: "AES256" },
      lifecyclePolicy: {
        lifecyclePolicyText: JSON.stringify({
          rules: [{ rulePriority: 1, selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: KEEP }, action: { type: "expire" } }],
        }),
      },
    });
    this.repository.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
    this.repository.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
    new CfnOutput(stack, "RepositoryUri", { value: this.repository.attrRepositoryUri, description: "Where the image is pushed to." });
  }

  // The image whose tag the parameter says.
  image(parameter: string): Image {
    const tag = this.stack.text(parameter, "The image's tag in the stack's repository; without it no node starts.", {
      default: "",
      allowedPattern: "[A-Za-z0-9_.-]*",
    });
    return { hasTag: this.stack.isSet(tag), image: Fn.join(":", [this.repository.attrRepositoryUri, tag.valueAsString]) };
  }

  // Logging in has no resource; the image is this repository's.
  get rights() {
    return [
      { Sid: "Login", Effect: "Allow", Action: "ecr:GetAuthorizationToken", Resource: "*" },
      { Sid: "Image", Effect: "Allow", Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], Resource: this.repository.attrArn },
    ];
  }
}

// What a node is told by its environment, whatever is in front of it; bus: by which it hears of others, if there are any.
export function settingsOfNode(tables: Tables, bus?: Bus): Record<string, string> {
  return {
    POLYLOG_STORE: "dynamodb",
    POLYLOG_DYNAMODB_PREFIX: tables.prefix.valueAsString,
    ...bus?.settings,
    POLYLOG_DRAIN_MS: `${DRAIN_S}s`,
    AWS_REGION: Aws.REGION,
  };
}

// The key that signs tokens, made once.
export function tokenSecret(stack: PlainStack): CfnSecret {
  return madeSecret(stack, "TokenSecret", "The key that signs the tokens of Polylog", "Another key ends every session: it is changed on purpose only.");
}

export function madeSecret(stack: PlainStack, id: string, description: string, whyKept: string): CfnSecret {
  const secret = new CfnSecret(stack, id, {
    description,
    generateSecretString: { passwordLength: 64, excludePunctuation: true },
  });
  secret.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
  secret.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  accept(secret, { SMG4: whyKept });
  return secret;
}
