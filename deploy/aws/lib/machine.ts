// What an instance of EC2 starts from, in each stack that has instances: credentials by IMDSv2 alone, and an encrypted disk.
import type { CfnParameter } from "aws-cdk-lib";
import type { CfnLaunchTemplate, CfnSecurityGroup } from "aws-cdk-lib/aws-ec2";
import type { CfnInstanceProfile } from "aws-cdk-lib/aws-iam";

export interface Machine {
  image: CfnParameter;
  type: CfnParameter;
  profile: CfnInstanceProfile;
  hops: number; // as far as IMDS answers: 2 for containers that use the instance's role, else 1
  group: CfnSecurityGroup;
  disk: [device: string, gigabytes: number];
  userData: string;
}

export function launchData({ image, type, profile, hops, group, disk: [deviceName, volumeSize], userData }: Machine): CfnLaunchTemplate.LaunchTemplateDataProperty {
  return {
    imageId: image.valueAsString,
    instanceType: type.valueAsString,
    iamInstanceProfile: { arn: profile.attrArn },
    metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: hops, httpEndpoint: "enabled" },
    securityGroupIds: [group.attrGroupId],
    blockDeviceMappings: [{ deviceName, ebs: { encrypted: true, volumeType: "gp3", volumeSize, deleteOnTermination: true } }],
    userData,
  };
}
