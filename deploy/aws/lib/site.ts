// The web app: a private bucket that CloudFront alone reads (OAC), over HTTPS only.
import { Aws, CfnDeletionPolicy, CfnOutput, Fn } from "aws-cdk-lib";
import { CfnDistribution, CfnOriginAccessControl } from "aws-cdk-lib/aws-cloudfront";
import { CfnBucket, CfnBucketPolicy } from "aws-cdk-lib/aws-s3";
import { accept, tlsOnly } from "./stack";
import type { PlainStack } from "./stack";

// Of CloudFront itself: CachingOptimized, SecurityHeadersPolicy.
const CACHED = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const SECURITY_HEADERS = "67f7725c-6f97-4210-82d7-5512b31e9d03";

// A bucket that nobody reaches without TLS, or from outside; statements are allowed besides.
export function privateBucket(stack: PlainStack, id: string): CfnBucket {
  const bucket = new CfnBucket(stack, id, {
    bucketEncryption: { serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
    ownershipControls: { rules: [{ objectOwnership: "BucketOwnerEnforced" }] },
    publicAccessBlockConfiguration: {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
  });
  bucket.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
  bucket.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  return bucket;
}

export function bucketByTls(bucket: CfnBucket) {
  return tlsOnly("s3:*", [bucket.attrArn, Fn.join("", [bucket.attrArn, "/*"])]);
}

export class Site {
  readonly bucket: CfnBucket;
  readonly distribution: CfnDistribution;

  // server: the address of the chat, which the link to the page names; firewall: the ARN of a web ACL.
  constructor(stack: PlainStack, server: string, firewall?: string) {
    this.bucket = privateBucket(stack, "SiteBucket");
    accept(this.bucket, { S1: "The bucket holds the files of a public web page, and CloudFront alone reads it." });
    const control = new CfnOriginAccessControl(stack, "SiteAccess", {
      originAccessControlConfig: {
        name: Fn.join("-", [Aws.STACK_NAME, Aws.REGION, "site"]),
        originAccessControlOriginType: "s3",
        signingBehavior: "always",
        signingProtocol: "sigv4",
      },
    });
    this.distribution = new CfnDistribution(stack, "Site", {
      distributionConfig: {
        enabled: true,
        httpVersion: "http2and3",
        ipv6Enabled: true,
        defaultRootObject: "index.html",
        priceClass: "PriceClass_100",
        ...(firewall && { webAclId: firewall }),
        origins: [
          {
            id: "bucket",
            domainName: this.bucket.attrRegionalDomainName,
            originAccessControlId: control.attrId,
            s3OriginConfig: { originAccessIdentity: "" },
          },
        ],
        defaultCacheBehavior: {
          targetOriginId: "bucket",
          viewerProtocolPolicy: "redirect-to-https",
          compress: true,
          cachePolicyId: CACHED,
          responseHeadersPolicyId: SECURITY_HEADERS,
        },
      },
    });
    accept(this.distribution, {
      CFR1: "A chat may be used from everywhere; who wants it otherwise adds a restriction.",
      CFR2: "The distribution serves the files of a web page, which cost a bucket little: no firewall pays here.",
      CFR3: "Who fetches the page's files is not recorded; who talks is, by the API's access log.",
      CFR4: "With CloudFront's own name and certificate no other policy can be chosen; browsers use TLS 1.3 anyway.",
    });
    new CfnBucketPolicy(stack, "SiteBucketPolicy", {
      bucket: this.bucket.ref,
      policyDocument: {
        Version: "2012-10-17",
        Statement: [
          bucketByTls(this.bucket),
          {
            Sid: "CloudFront",
            Effect: "Allow",
            Principal: { Service: "cloudfront.amazonaws.com" },
            Action: "s3:GetObject",
            Resource: Fn.join("", [this.bucket.attrArn, "/*"]),
            Condition: {
              StringEquals: {
                "AWS:SourceArn": Fn.sub("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Site}"),
              },
            },
          },
        ],
      },
    });
    new CfnOutput(stack, "SiteBucketName", { value: this.bucket.ref, description: "Where the files of the web app go." });
    new CfnOutput(stack, "SiteUrl", { value: Fn.join("", ["https://", this.distribution.attrDomainName, "/?server=", server]), description: "The web app, and which server it asks." });
  }
}
