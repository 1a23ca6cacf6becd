// From a commit to green, and from green to blue: source, build, the registry, a change set, and 10, 50 and 90 of 100 requests,
// each watched by the alarms of the release (release.sh).
import { Fn } from "aws-cdk-lib";
import type { CfnParameter } from "aws-cdk-lib";
import { CfnProject } from "aws-cdk-lib/aws-codebuild";
import { CfnPipeline } from "aws-cdk-lib/aws-codepipeline";
import { CfnPolicy, CfnRole } from "aws-cdk-lib/aws-iam";
import type { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import { CfnBucketPolicy } from "aws-cdk-lib/aws-s3";
import type { CfnBucket } from "aws-cdk-lib/aws-s3";
import type { IConstruct } from "constructs";
import { logGroup, logRights, ofLog } from "./logs";
import { OF_REGISTRY } from "./registry";
import { bucketByTls, privateBucket } from "./site";
import { PlainStack, accept, trusts } from "./stack";

const KEEP_DAYS = 30;
const WAITS_MIN = 120; // at a share, at most
const DEPLOY_MIN = 180;
const IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0";
const STEPS = { ChangeSet: "new", Ten: "10", Half: "50", Ninety: "90", Done: "done" };

const BUILD = {
  version: "0.2",
  env: { shell: "bash", "exported-variables": ["TAG"] },
  phases: {
    pre_build: { commands: ['aws ecr get-login-password | docker login --username AWS --password-stdin "${URI%%/*}"'] },
    build: { commands: ["TAG=${CODEBUILD_RESOLVED_SOURCE_VERSION:0:12}", 'docker build -t "$URI:$TAG" .', 'docker push "$URI:$TAG"'] },
  },
};
const RELEASE = { version: "0.2", phases: { build: { commands: ['deploy/aws/release.sh "$STACK" "$STEP" "$TAG"'] } } };

const allow = (sid: string, actions: string[], resource: string | string[], more: object = {}) => ({ Sid: sid, Effect: "Allow", Action: actions, Resource: resource, ...more });

interface Work {
  minutes: number;
  spec: object;
  docker: boolean;
  variables: Record<string, string>;
}

export class Pipeline extends PlainStack {
  private readonly artifacts: CfnBucket;
  private readonly log: CfnLogGroup;
  private readonly chat: CfnParameter;

  constructor(scope: IConstruct, id: string) {
    super(scope, id, "From a commit to a stack of blue-green.json: image, change set, and 10, 50, 90 of 100 requests, with alarms as gates.");
    const connection = this.text("ConnectionArn", "A connection of CodeConnections to where the source is.", { allowedPattern: "arn:.+" });
    const source = this.text("Source", "The source's repository: OWNER/NAME.", { allowedPattern: "[^/]+/.+" });
    const branch = this.text("Branch", "Each commit of this branch is released.", { default: "main" });
    this.chat = this.text("ChatStack", "The name of the stack of blue-green.json.", { default: "chat", allowedPattern: "[a-zA-Z][a-zA-Z0-9-]{0,127}" });
    this.log = logGroup(this, "Log", this.logDays());
    this.artifacts = this.bucket();
    const build = this.build();
    const release = this.release();
    const pipeline = new CfnPipeline(this, "Pipeline", {
      pipelineType: "V2",
      executionMode: "QUEUED",
      roleArn: this.role(connection, build, release).attrArn,
      artifactStore: { type: "S3", location: this.artifacts.ref },
      stages: [
        {
          name: "Source",
          actions: [
            {
              name: "Source",
              actionTypeId: { category: "Source", owner: "AWS", provider: "CodeStarSourceConnection", version: "1" },
              configuration: { ConnectionArn: connection.valueAsString, FullRepositoryId: source.valueAsString, BranchName: branch.valueAsString },
              outputArtifacts: [{ name: "Source" }],
            },
          ],
        },
        this.stage("Build", build),
        ...Object.entries(STEPS).map(([name, step]) => this.stage(name, release, step)),
      ],
    });
    pipeline.node.addDependency(build, release);
  }

  private stage(name: string, project: CfnProject, step?: string): CfnPipeline.StageDeclarationProperty {
    const variables = [{ name: "STEP", value: step, type: "PLAINTEXT" }, { name: "TAG", value: "#{Built.TAG}", type: "PLAINTEXT" }];
    return {
      name,
      actions: [
        {
          name,
          actionTypeId: { category: "Build", owner: "AWS", provider: "CodeBuild", version: "1" },
          configuration: { ProjectName: project.ref, ...(step && { EnvironmentVariables: JSON.stringify(variables) }) },
          inputArtifacts: [{ name: "Source" }],
          ...(!step && { namespace: "Built" }),
        },
      ],
    };
  }

  private bucket(): CfnBucket {
    const bucket = privateBucket(this, "Artifacts");
    bucket.lifecycleConfiguration = { rules: [{ status: "Enabled", expirationInDays: KEEP_DAYS }] };
    accept(bucket, { S1: "The bucket holds the source between stages; who takes it is in the pipeline's history." });
    new CfnBucketPolicy(this, "ArtifactsPolicy", { bucket: bucket.ref, policyDocument: { Version: "2012-10-17", Statement: [bucketByTls(bucket)] } });
    return bucket;
  }

  // A role's rights besides, and what cdk-nag finds in them.
  private rights(id: string, role: CfnRole, statements: object[], accepted: Record<string, string>): CfnPolicy {
    const policy = new CfnPolicy(this, id, { policyName: "pipeline", roles: [role.ref], policyDocument: { Version: "2012-10-17", Statement: statements } });
    accept(policy, { "IAM5[Resource::<Artifacts.Arn>/*]": "The pipeline names its artifacts; the bucket is its own.", ...accepted });
    return policy;
  }

  private objects(): string {
    return Fn.join("", [this.artifacts.attrArn, "/*"]);
  }

  // A project of CodeBuild, whose role reads the source, writes the log, and has those rights besides.
  private project(id: string, work: Work, statements: object[], accepted: Record<string, string>): CfnProject {
    const role = new CfnRole(this, `${id}Role`, { assumeRolePolicyDocument: trusts("codebuild.amazonaws.com") });
    const policy = this.rights(`${id}Rights`, role, [logRights(this.log), allow("Source", ["s3:GetObject", "s3:GetObjectVersion"], this.objects()), ...statements], { ...ofLog(this.log), ...accepted });
    const project = new CfnProject(this, id, {
      serviceRole: role.attrArn,
      timeoutInMinutes: work.minutes,
      encryptionKey: Fn.sub("arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:alias/aws/s3"),
      artifacts: { type: "CODEPIPELINE" },
      source: { type: "CODEPIPELINE", buildSpec: JSON.stringify(work.spec) },
      logsConfig: { cloudWatchLogs: { status: "ENABLED", groupName: this.log.ref } },
      environment: {
        type: "LINUX_CONTAINER",
        computeType: "BUILD_GENERAL1_SMALL",
        image: IMAGE,
        privilegedMode: work.docker,
        environmentVariables: Object.entries(work.variables).map(([name, value]) => ({ name, value })),
      },
    });
    project.addResourceDependency(policy);
    return project;
  }

  private build(): CfnProject {
    const repository = this.text("RepositoryName", "The repository of the chat's stack: what RepositoryUri ends in.", { allowedPattern: "[a-z0-9._/-]+" });
    const arn = Fn.join("", [Fn.sub("arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/"), repository.valueAsString]);
    const uri = Fn.join("", [Fn.sub("${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/"), repository.valueAsString]);
    const push = ["BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"].map((action) => `ecr:${action}`);
    const project = this.project(
      "Build",
      { minutes: 60, spec: BUILD, docker: true, variables: { URI: uri } },
      [allow("Login", ["ecr:GetAuthorizationToken"], "*"), allow("Push", push, arn)],
      OF_REGISTRY,
    );
    accept(project, { CB3: "Docker builds the image, which needs it; what is built is the branch's own Dockerfile." });
    return project;
  }

  private release(): CfnProject {
    const listener = this.text("WeightsListener", "The output WeightsListener of the chat's stack.", { allowedPattern: "arn:.+" });
    const deployer = this.text("DeployRole", "The ARN of the role by which CloudFormation changes the chat's stack.", { allowedPattern: "arn:.+" });
    const minutes = this.number("Minutes", "How long each share of requests is watched.", 10, 0, WAITS_MIN);
    const stack = Fn.sub("arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/${ChatStack}/*");
    const alarms = Fn.sub("arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${ChatStack}-*");
    const actions = ["DescribeStacks", "UpdateStack", "CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet"].map((action) => `cloudformation:${action}`);
    return this.project(
      "Release",
      { minutes: DEPLOY_MIN, spec: RELEASE, docker: false, variables: { STACK: this.chat.valueAsString, ROLE: deployer.valueAsString, MINUTES: minutes.valueAsString } },
      [
        allow("Stack", actions, stack),
        allow("Deployer", ["iam:PassRole"], deployer.valueAsString, { Condition: { StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" } } }),
        allow("Weights", ["elasticloadbalancing:ModifyListener"], listener.valueAsString),
        allow("Gate", ["cloudwatch:DescribeAlarms"], alarms),
      ],
      {
        "IAM5[Resource::arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/<ChatStack>/*]": "CloudFormation gives a stack an id besides its name.",
        "IAM5[Resource::arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:<ChatStack>-*]": "CloudFormation makes the names of alarms; they begin with the stack's.",
      },
    );
  }

  private role(connection: CfnParameter, ...projects: CfnProject[]): CfnRole {
    const role = new CfnRole(this, "PipelineRole", { assumeRolePolicyDocument: trusts("codepipeline.amazonaws.com") });
    this.rights(
      "PipelineRights",
      role,
      [
        allow("Source", ["codestar-connections:UseConnection", "codeconnections:UseConnection"], connection.valueAsString),
        allow("Artifacts", ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], this.objects()),
        allow("Bucket", ["s3:GetBucketVersioning", "s3:GetBucketLocation", "s3:GetBucketAcl"], this.artifacts.attrArn),
        allow("Work", ["codebuild:StartBuild", "codebuild:BatchGetBuilds"], projects.map(({ attrArn }) => attrArn)),
      ],
      {},
    );
    return role;
  }
}

