// What the roles of the stacks may do: no more, and no less. A line: who, action, resource. Where a resource ends in *,
// or is one, the reason stands behind it.
const API = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/${StageName}";

const ECS = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}";

// What serving needs of the two tables.
const tables = (who) =>
  ["LogTable", "RecordTable"].flatMap((table) =>
    ["GetItem", "PutItem", "UpdateItem", "Query"].map((action) => [who, `dynamodb:${action}`, `\${${table}.Arn}`]),
  );
const bus = (who) =>
  ["replicationgroup", "user"].map((kind) => [who, "elasticache:Connect", `arn:\${AWS::Partition}:elasticache:\${AWS::Region}:\${AWS::AccountId}:${kind}:\${BusName}`]);
const log = (who, group) => ["CreateLogStream", "PutLogEvents"].map((action) => [who, `logs:${action}`, `\${${group}.Arn}`]);
const flows = [...log("FlowRole", "FlowLog"), ["FlowRole", "logs:DescribeLogStreams", "${FlowLog.Arn}"]];
const image = (who) => [
  [who, "ecr:GetAuthorizationToken", "*", "logging in to the registry has no resource"],
  [who, "ecr:BatchGetImage", "${Repository.Arn}"],
  [who, "ecr:GetDownloadUrlForLayer", "${Repository.Arn}"],
];

const connections = (who) =>
  ["POST", "DELETE"].map((method) => [who, "execute-api:ManageConnections", `${API}/${method}/@connections/*`, "API Gateway makes the ids of connections"]);
const protection = (who) =>
  ["GetTaskProtection", "UpdateTaskProtection"].map((action) => [who, `ecs:${action}`, `${ECS}:task/\${Cluster}/*`, "ECS makes the ids of tasks"]);
const accountLog = [
  "AccountLogRoleMade",
  "managed",
  "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
  "API Gateway asks for exactly this policy",
];

const artifacts = (who, ...actions) => actions.map((action) => [who, `s3:${action}`, "${Artifacts.Arn}/*", "the pipeline names its artifacts"]);

const balancer = (action, resource, why) => ["LinearRole", `elasticloadbalancing:${action}`, resource, why];
const linear = [
  ...["DescribeListeners", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth"].map((action) => balancer(action, "*", "looking at balancers has no resource")),
  ...["RegisterTargets", "DeregisterTargets"].flatMap((action) => ["BlueTargets", "GreenTargets"].map((targets) => balancer(action, `\${${targets}}`))),
  balancer("ModifyListener", "${Weights}"),
  balancer("ModifyRule", "${LinearRule}"),
];

export const RIGHTS = {
  "blue-green": [
    ...tables("TaskRole"),
    ...bus("TaskRole"),
    ...connections("TaskRole"),
    ...protection("TaskRole"),
    ...image("ExecutionRole"),
    ...log("ExecutionRole", "NodesLog"),
    ...["TokenSecret", "GatewaySecret"].map((secret) => ["ExecutionRole", "secretsmanager:GetSecretValue", `\${${secret}}`]),
    ...flows,
    ...linear,
    accountLog,
  ],
  ec2: [
    ...tables("NodeRole"),
    ...bus("NodeRole"),
    ...image("NodeRole"),
    ...log("NodeRole", "NodesLog"),
    ...flows,
    ["NodeRole", "secretsmanager:GetSecretValue", "${TokenSecret}"],
    [
      "NodeRole",
      "autoscaling:CompleteLifecycleAction",
      "arn:${AWS::Partition}:autoscaling:${AWS::Region}:${AWS::AccountId}:autoScalingGroup:*:autoScalingGroupName/${AWS::StackName}",
      "EC2 gives a group an id besides its name",
    ],
  ],
  "ec2-s3": [
    ...tables("NodeRole"),
    ["NodeRole", "s3:GetObject", "arn:${AWS::Partition}:s3:::${CodeBucket}/${CodeKey}"],
    ...log("NodeRole", "NodesLog"),
    ["NodeRole", "cloudformation:SignalResource", "${AWS::StackId}"],
    ...bus("NodeRole"),
    ...flows,
  ],
  "ecs-ec2": [
    ...tables("EcsDynamoDBTaskRole"),
    ...bus("EcsDynamoDBTaskRole"),
    ...protection("EcsDynamoDBTaskRole"),
    ...image("ExecutionRole"),
    ...log("ExecutionRole", "NodesLog"),
    ["ExecutionRole", "secretsmanager:GetSecretValue", "${TokenSecret}"],
    ...["RegisterContainerInstance", "DeregisterContainerInstance", "SubmitContainerStateChange", "SubmitTaskStateChange", "SubmitAttachmentStateChanges"].map(
      (action) => ["InstanceRole", `ecs:${action}`, "${Cluster.Arn}"],
    ),
    ...["Poll", "StartTelemetrySession", "UpdateContainerInstancesState"].map((action) => [
      "InstanceRole",
      `ecs:${action}`,
      `${ECS}:container-instance/\${Cluster}/*`,
      "ECS makes the ids of instances",
    ]),
    ["InstanceRole", "ecs:DiscoverPollEndpoint", "*", "where the agent finds ECS has no resource"],
    ...flows,
  ],
  firewall: [],
  pipeline: [
    ...["Build", "Release"].flatMap((project) => [...log(`${project}Role`, "Log"), ...artifacts(`${project}Role`, "GetObject", "GetObjectVersion")]),
    ["BuildRole", "ecr:GetAuthorizationToken", "*", "logging in to the registry has no resource"],
    ...["BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"].map((action) => [
      "BuildRole",
      `ecr:${action}`,
      "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/${RepositoryName}",
    ]),
    ...["DescribeStacks", "UpdateStack", "CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet"].map((action) => [
      "ReleaseRole",
      `cloudformation:${action}`,
      "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/${ChatStack}/*",
      "CloudFormation gives a stack an id besides its name",
    ]),
    ["ReleaseRole", "iam:PassRole", "${DeployRole}"],
    ["ReleaseRole", "elasticloadbalancing:ModifyListener", "${WeightsListener}"],
    ["ReleaseRole", "cloudwatch:DescribeAlarms", "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${ChatStack}-*", "CloudFormation makes the ends of alarms' names"],
    ...["codestar-connections", "codeconnections"].map((service) => ["PipelineRole", `${service}:UseConnection`, "${ConnectionArn}"]),
    ...artifacts("PipelineRole", "GetObject", "GetObjectVersion", "PutObject"),
    ...["GetBucketVersioning", "GetBucketLocation", "GetBucketAcl"].map((action) => ["PipelineRole", `s3:${action}`, "${Artifacts.Arn}"]),
    ...["StartBuild", "BatchGetBuilds"].flatMap((action) => ["Build", "Release"].map((project) => ["PipelineRole", `codebuild:${action}`, `\${${project}.Arn}`])),
  ],
  regions: [["AdministrationRole", "sts:AssumeRole", "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${ExecutionRole}"]],
  serverless: [
    ...tables("ChatRole"),
    ...["GetItem", "PutItem"].map((action) => ["ChatRole", `dynamodb:${action}`, "${ConnectionsTable.Arn}"]),
    ...connections("ChatRole"),
    ...log("ChatRole", "ChatLog"),
    ...["PutTraceSegments", "PutTelemetryRecords"].map((action) => ["ChatRole", `xray:${action}`, "*", "X-Ray's rights to write have no resource"]),
    ["ChatRole", "lambda:InvokeFunction", "${Chat.Arn}"],
    ...["DescribeStream", "GetRecords", "GetShardIterator"].map((action) => ["ChatRole", `dynamodb:${action}`, "${LogTable.StreamArn}"]),
    ["ChatRole", "dynamodb:ListStreams", "*", "listing streams has no resource"],
    ["ChatRole", "sqs:SendMessage", "${Undelivered.Arn}"],
    accountLog,
  ],
};

// Who may be anybody: the policies of resources whose Principal is not one of a service. Denials are no rights.
export const PUBLIC = { "blue-green": [], ec2: [], "ec2-s3": ["WebsiteBucketPolicy"], "ecs-ec2": [], firewall: [], pipeline: [], regions: [], serverless: [] };

// What of a network is open from outside besides a balancer's two ports: group, port, to whom, and the condition under which.
export const OPEN = {
  "ec2-s3": [
    ["NodesGroup", 8000, "0.0.0.0/0", "IsAlone"],
    ["NodesGroup", 22, "${SshFrom}", "HasSshFrom"],
  ],
};
