// A website of S3: a bucket whose objects everybody may read, over plain HTTP too, since S3's websites speak nothing else.
import { CfnDeletionPolicy, CfnOutput, Fn } from "aws-cdk-lib";
import { CfnBucket, CfnBucketPolicy } from "aws-cdk-lib/aws-s3";
import { accept } from "./stack";
import type { PlainStack } from "./stack";

const PUBLIC = "The bucket is a public website: its policy lets everybody read objects, and nothing else.";
const HTTP = "Websites of S3 speak plain HTTP; whatever does more than read an object needs TLS.";

export class Website {
  readonly bucket: CfnBucket;

  constructor(stack: PlainStack) {
    this.bucket = new CfnBucket(stack, "WebsiteBucket", {
      bucketEncryption: { serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
      ownershipControls: { rules: [{ objectOwnership: "BucketOwnerEnforced" }] },
      publicAccessBlockConfiguration: { blockPublicAcls: true, ignorePublicAcls: true, blockPublicPolicy: false, restrictPublicBuckets: false },
      websiteConfiguration: { indexDocument: "index.html" },
    });
    this.bucket.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
    this.bucket.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
    accept(this.bucket, { S1: "The bucket holds the files of a public web page.", S2: PUBLIC, S5: PUBLIC, S10: HTTP });
    const objects = Fn.join("", [this.bucket.attrArn, "/*"]);
    const policy = new CfnBucketPolicy(stack, "WebsiteBucketPolicy", {
      bucket: this.bucket.ref,
      policyDocument: {
        Version: "2012-10-17",
        Statement: [
          { Sid: "PublicRead", Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: objects },
          {
            Sid: "TlsForTheRest",
            Effect: "Deny",
            Principal: "*",
            NotAction: "s3:GetObject",
            Resource: [this.bucket.attrArn, objects],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
      },
    });
    accept(policy, { S10: HTTP });
    new CfnOutput(stack, "WebsiteBucketName", { value: this.bucket.ref, description: "Where the files of the web app go." });
    new CfnOutput(stack, "WebsiteUrl", { value: this.bucket.attrWebsiteUrl, description: "The web app." });
  }
}
