// The stacks as CloudFormation templates: node app.cjs DIRECTORY. A template has no assets, so
// that it is deployed with the AWS CLI alone, in an account that was never bootstrapped.
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { BlueGreen } from "./lib/blue-green";
import { Ec2 } from "./lib/ec2";
import { Ec2S3 } from "./lib/ec2-s3";
import { EcsEc2 } from "./lib/ecs-ec2";
import { Firewall } from "./lib/firewall";
import { Pipeline } from "./lib/pipeline";
import { Regions } from "./lib/regions";
import { Serverless } from "./lib/serverless";

// What CDK finds wrong with a template ends the synthesis too.
const STRICT = { "@aws-cdk/core:validateAgainstDefaultRules": true };

const app = new App({ analyticsReporting: false, treeMetadata: false, context: STRICT, ...(process.argv[2] && { outdir: process.argv[2] }) });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
new BlueGreen(app, "blue-green");
new Ec2(app, "ec2");
new Ec2S3(app, "ec2-s3");
new EcsEc2(app, "ecs-ec2");
new Firewall(app, "firewall");
new Pipeline(app, "pipeline");
new Regions(app, "regions");
new Serverless(app, "serverless");
app.synth();
