// What must hold of every template. A rule: its name; on(template), what it looks at; wrong(one, template), what is wrong
// with one of them, or nothing; plant(template), which does something wrong that the rule must see.
import { OPEN, PUBLIC, RIGHTS } from "./rights.mjs";
import { accessString, dashboards, healthOfImage, optionsOf, settingsOf, told } from "./settings.mjs";
import { Template, list, words } from "./template.mjs";

const FUNCTION = "AWS::Lambda::Function";
const TASK = "AWS::ECS::TaskDefinition";
const TEMPLATE = "AWS::EC2::LaunchTemplate";
const OF_AWS = new Set(["AWS_REGION"]);
const QUEUE = "AWS::SQS::Queue";
const MAPPING = "AWS::Lambda::EventSourceMapping";
const INTEGRATION = "AWS::ApiGatewayV2::Integration";
const ROUTE = "AWS::ApiGatewayV2::Route";
const BODY_MAX = 51_200; // of a template that is given to CloudFormation as it is
const WAITS_S = 29; // API Gateway

const of = (...types) => (template) => template.resources(...types);
const byFunction = (template) => template.resources(FUNCTION).length > 0;

// [who, action, resource] of all that roles may do.
export function rightsOf(template) {
  const rights = [];
  const add = (who, document) => {
    for (const { Effect, Action, NotAction, Resource, NotResource } of list(document.Statement)) {
      if (Effect !== "Allow") continue;
      if (NotAction || NotResource) rights.push([who, "all but", words(NotAction ?? NotResource)]);
      for (const action of list(Action)) for (const resource of list(Resource)) rights.push([who, action, words(resource)]);
    }
  };
  for (const [id, role] of template.resources("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")) {
    for (const { PolicyDocument } of list(role.Policies)) add(id, PolicyDocument);
    for (const arn of list(role.ManagedPolicyArns)) rights.push([id, "managed", words(arn)]);
  }
  for (const [, policy] of template.resources("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"))
    for (const role of list(policy.Roles)) add(role.Ref ?? role, policy.PolicyDocument);
  return rights;
}

function targetOf(template, route) {
  const found = /^integrations\/\$\{(\w+)\}$/.exec(words(route.Target ?? ""));
  return found && template.get(found[1])?.Type === INTEGRATION ? template.get(found[1]).Properties : undefined;
}

// Does a policy deny plain HTTP to the resource? Given with the policy's type: its property that says whose it is; but: what
// is not denied.
function tlsOnly(template, id, [type, property], action, resources, but) {
  return template
    .resources(type)
    .filter(([, policy]) => list(policy[property]).some(({ Ref }) => Ref === id))
    .flatMap(([, { PolicyDocument }]) => PolicyDocument.Statement)
    .some(
      ({ Effect, Principal, Action, NotAction, Resource, Condition }) =>
        Effect === "Deny" &&
        (Principal === "*" || Principal?.AWS === "*") &&
        Action === action &&
        NotAction === but &&
        list(Resource).map(words).sort().join() === resources.join() &&
        words(Condition?.Bool?.["aws:SecureTransport"]) === "false",
    );
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// The script by which a launch template's instances start: its text, and what is put into it.
export function scriptOf({ LaunchTemplateData }) {
  const [text, given] = LaunchTemplateData.UserData["Fn::Base64"]["Fn::Sub"];
  return { text, given, all: words({ "Fn::Sub": [text, given] }) };
}

function inScript(t, change) {
  const sub = t.first(TEMPLATE).LaunchTemplateData.UserData["Fn::Base64"]["Fn::Sub"];
  sub[0] = change(sub[0]);
}

const containers = (t) => t.resources(TASK).flatMap(([id, { ContainerDefinitions }]) => ContainerDefinitions.map((one) => [`${id}.${one.Name}`, one]));

// [id, the program's command, name] of each variable that the program gets.
function settings(t) {
  return [
    ...t.resources(FUNCTION).flatMap(([id, { Environment }]) => Object.keys(Environment?.Variables ?? {}).map((name) => [id, "LAMBDA", name])),
    ...t.resources(TEMPLATE).flatMap(([id, template]) =>
      [...scriptOf(template).all.matchAll(/^(?:printf ')?((?:POLYLOG|AWS)_[A-Z_]+)=/gm)].map(([, name]) => [id, "SERVE", name]),
    ),
    ...containers(t).flatMap(([id, { Environment, Secrets }]) =>
      [...list(Environment), ...list(Secrets)].map((one) => [id, "SERVE", (one["Fn::If"]?.[1] ?? one).Name]),
    ),
  ];
}

function drainOf(t) {
  const task = containers(t).flatMap(([, { Environment }]) => Environment.map(({ Name, Value }) => `${Name}=${words(Value ?? "")}`));
  const scripts = t.resources(TEMPLATE).map(([, template]) => scriptOf(template).all);
  return Number(/POLYLOG_DRAIN_MS=(\d+)s/.exec([...task, ...scripts].join("\n"))?.[1]);
}

const deployments = (d) => d["Fn::If"]?.slice(1) ?? [d];
const takesBack = (by) => Boolean(by?.Enable && by.Rollback);
const runsDocker = ([, template]) => scriptOf(template).all.includes("docker run");
const runsService = ([, template]) => scriptOf(template).all.includes("systemctl enable --now polylog.socket");
const attribute = (list, key) => list?.find(({ Key }) => Key === key)?.Value;
const attributeOf = (list, key) => list.find(({ Key }) => Key === key);
const sorted = (text) => text.split(/\s+/).sort().join(" ");
const serves = (t) => t.resources("AWS::ElasticLoadBalancingV2::TargetGroup").filter(([, { TargetType }]) => TargetType !== "alb");

export const RULES = [
  {
    name: "is given to CloudFormation as it is",
    on: (t) => [[t.name, t.json]],
    wrong: ([, json], t) => {
      const size = t.bytes ?? Buffer.byteLength(JSON.stringify(json));
      if (size > BODY_MAX) return `${size} bytes are more than ${BODY_MAX}`;
      if (json.Parameters?.BootstrapVersion || json.Rules?.CheckBootstrapVersion) return "it asks for a bootstrapped account";
      return /AssetParameters|cdk-hnb659fds|"Custom::|AWS::CloudFormation::CustomResource/.exec(JSON.stringify(json))?.[0];
    },
    plant: (t) => (t.json.Parameters.BootstrapVersion = { Type: "String", Default: "x" }),
  },
  {
    name: "every parameter and output says what it is",
    on: (t) => [...Object.entries(t.json.Parameters), ...Object.entries(t.json.Outputs ?? {})],
    wrong: ([, { Description }]) => !/^[A-Z].{9,}\.$/.test(Description ?? "") && "no sentence",
    plant: (t) => delete Object.values(t.json.Parameters)[0].Description,
  },
  {
    name: "the program is given no setting but its own",
    on: (t) => settings(t).map(([id, command, name]) => [`${id}.${name}`, command, name]),
    wrong: ([, command, name]) => !OF_AWS.has(name) && !settingsOf(command).has(name) && `polylog ${command.toLowerCase()} has no such setting`,
    plant: (t) => {
      if (t.resources(FUNCTION).length > 0) t.first(FUNCTION).Environment.Variables.POLYLOG_INVENTED = "1";
      else if (t.resources(TASK).length > 0) t.first(TASK).ContainerDefinitions[0].Environment.push({ Name: "POLYLOG_INVENTED", Value: "1" });
      else inScript(t, (script) => `${script}\nPOLYLOG_INVENTED=1`);
    },
  },
  {
    name: "a function is the program, and ends before API Gateway gives up",
    on: of(FUNCTION),
    wrong: ([, { Timeout, Runtime, Architectures }], t) =>
      !(Timeout <= WAITS_S && Runtime === "provided.al2023" && t.json.Parameters[Architectures[0].Ref]?.Default === "arm64") && `${Timeout} s, ${Runtime}`,
    plant: (t) => (t.first(FUNCTION).Timeout = 30),
  },
  {
    name: "an integration waits 50 ms to 29 s",
    on: of(INTEGRATION),
    wrong: ([, { TimeoutInMillis }]) => !(TimeoutInMillis >= 50 && TimeoutInMillis <= WAITS_S * 1000) && `${TimeoutInMillis} ms`,
    plant: (t) => (t.first(INTEGRATION).TimeoutInMillis = 29_001),
  },
  {
    name: "a route has a target that is there",
    on: of(ROUTE),
    wrong: ([, route], t) => !targetOf(t, route) && "no target",
    plant: (t) => (t.first(ROUTE).Target = "integrations/gone"),
  },
  {
    name: "$connect, $disconnect, $default and sendmessage are routes",
    on: (t) => (byFunction(t) ? ["$connect", "$disconnect", "$default", "sendmessage"].map((key) => [key, t]) : []),
    wrong: ([key, t]) => t.resources(ROUTE).filter(([, { RouteKey }]) => RouteKey === key).length !== 1 && "not one route",
    plant: (t) => (t.get("SendmessageRoute").Properties.RouteKey = "sent"),
  },
  {
    name: "a route answers the client, but for $connect and $disconnect",
    on: (t) => t.resources(ROUTE).filter(([, { RouteKey }]) => !["$connect", "$disconnect"].includes(RouteKey)),
    wrong: ([id, route], t) =>
      !(
        route.RouteResponseSelectionExpression === "$default" &&
        t.resources("AWS::ApiGatewayV2::RouteResponse").some(([, { RouteId, RouteResponseKey }]) => RouteId.Ref === id && RouteResponseKey === "$default")
      ) && "no route response",
    plant: (t) => delete t.json.Resources[t.resources("AWS::ApiGatewayV2::RouteResponse")[0][0]],
  },
  {
    name: "a function that a route leads to may be invoked by this API's stage alone",
    on: (t) => t.resources(INTEGRATION).filter(([, { IntegrationType }]) => IntegrationType === "AWS_PROXY"),
    wrong: ([, { IntegrationUri }], t) => {
      const name = /functions\/\$\{(\w+)\.Arn\}/.exec(words(IntegrationUri))?.[1];
      const given = t.resources("AWS::Lambda::Permission").filter(([, { FunctionName }]) => [FunctionName.Ref, FunctionName["Fn::GetAtt"]?.[0]].includes(name));
      const fine = given.filter(([, { Principal, SourceArn }]) => Principal === "apigateway.amazonaws.com" && /:\$\{Api\}\/\$\{StageName\}\/\*$/.test(words(SourceArn ?? "")));
      return !(given.length > 0 && fine.length === given.length) && `${fine.length} of ${given.length} permissions name the stage`;
    },
    plant: (t) => delete t.first("AWS::Lambda::Permission").SourceArn,
  },
  {
    name: "a stage throttles, and logs who came",
    on: of("AWS::ApiGatewayV2::Stage"),
    wrong: ([, { DefaultRouteSettings: r, AccessLogSettings: log }]) =>
      !(r?.ThrottlingRateLimit && r.ThrottlingBurstLimit && log?.DestinationArn && log.Format.includes("$context.requestId")) && "not both",
    plant: (t) => delete t.first("AWS::ApiGatewayV2::Stage").DefaultRouteSettings.ThrottlingRateLimit,
  },
  {
    name: "roles may do what is listed, and nothing else",
    on: rightsOf,
    wrong: ([who, action, resource], t) => !RIGHTS[t.name].some((right) => same(right.slice(0, 3), [who, action, resource])) && "not listed",
    plant: (t) => t.first("AWS::IAM::Policy").PolicyDocument.Statement[0].Action.push("dynamodb:Scan"),
  },
  {
    name: "what is listed is given to somebody",
    on: (t) => RIGHTS[t.name],
    wrong: (right, t) => !rightsOf(t).some((given) => same(given, right.slice(0, 3))) && "nobody has it",
    plant: (t) => t.first("AWS::IAM::Policy").PolicyDocument.Statement[0].Action.pop(),
  },
  {
    name: "no right is for everything, but with a reason",
    on: rightsOf,
    wrong: ([who, action, resource], t) =>
      (/\*/.test(action) || action === "all but" || action === "managed" || /\*/.test(resource)) &&
      !RIGHTS[t.name].some((right) => same(right.slice(0, 3), [who, action, resource]) && right[3]) &&
      "no reason is written",
    plant: (t) => (t.first("AWS::IAM::Policy").PolicyDocument.Statement[0].Resource = "*"),
  },
  {
    name: "what has a policy of its own lets in services only",
    on: (t) =>
      t.resources("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy").flatMap(([id, { PolicyDocument }]) =>
        PolicyDocument.Statement.filter(({ Effect }) => Effect === "Allow").map((statement) => [id, statement]),
      ),
    wrong: ([id, { Principal, Action, Condition }], t) => {
      if (PUBLIC[t.name].includes(id)) return undefined;
      if (!Principal.Service || Principal.AWS) return "not a service";
      if (list(Action).some((action) => action.includes("*"))) return "every action";
      return !/"aws:sourcearn"/i.test(JSON.stringify(Condition ?? {})) && "no SourceArn";
    },
    plant: (t) => (t.first("AWS::S3::BucketPolicy").PolicyDocument.Statement[1].Principal = "*"),
  },
  {
    name: "a service's role is of that service alone",
    on: of("AWS::IAM::Role"),
    wrong: ([, { AssumeRolePolicyDocument: d }]) =>
      d.Statement.some(({ Principal, Action }) => !Principal?.Service || Principal.AWS || Action !== "sts:AssumeRole") && "somebody else too",
    plant: (t) => (t.first("AWS::IAM::Role").AssumeRolePolicyDocument.Statement[0].Principal = { AWS: "*" }),
  },
  {
    name: "a bucket is encrypted and not public",
    on: (t) => t.resources("AWS::S3::Bucket").filter(([id]) => !PUBLIC[t.name].includes(`${id}Policy`)),
    wrong: ([, { BucketEncryption, PublicAccessBlockConfiguration: b }]) =>
      !(BucketEncryption && b?.BlockPublicAcls && b.BlockPublicPolicy && b.IgnorePublicAcls && b.RestrictPublicBuckets) && "not all four, or no encryption",
    plant: (t) => (t.first("AWS::S3::Bucket").PublicAccessBlockConfiguration.BlockPublicPolicy = false),
  },
  {
    name: "a public bucket is a website whose objects everybody reads; the rest is closed to ACLs and to plain HTTP, and it goes behind CloudFront",
    on: (t) => t.resources("AWS::S3::Bucket").filter(([id]) => PUBLIC[t.name].includes(`${id}Policy`)),
    wrong: ([id, { BucketEncryption, PublicAccessBlockConfiguration: b, WebsiteConfiguration }, { Condition }], t) => {
      const policy = t.get(`${id}Policy`);
      if (!(BucketEncryption && b.BlockPublicAcls && b.IgnorePublicAcls && WebsiteConfiguration)) return "not a website's";
      const allowed = policy.Properties.PolicyDocument.Statement.filter(({ Effect }) => Effect === "Allow");
      if (!same(allowed.map(({ Action, Resource }) => [Action, words(Resource)]), [["s3:GetObject", `\${${id}.Arn}/*`]])) return "more than reading";
      if (!tlsOnly(t, id, ["AWS::S3::BucketPolicy", "Bucket"], undefined, [`\${${id}.Arn}`, `\${${id}.Arn}/*`], "s3:GetObject")) return "plain HTTP does more than read";
      const elsewhere = { "Fn::Not": [{ Condition: "IsCloudFront" }] };
      return !(Condition === policy.Condition && same(t.json.Conditions[Condition], elsewhere)) && "it is there for nothing";
    },
    plant: (t) => t.get("WebsiteBucketPolicy").Properties.PolicyDocument.Statement.push({ Effect: "Allow", Principal: "*", Action: "s3:ListBucket", Resource: "*" }),
  },
  {
    name: "a bucket is reached by TLS only",
    on: (t) => t.resources("AWS::S3::Bucket").filter(([id]) => !PUBLIC[t.name].includes(`${id}Policy`)),
    wrong: ([id], t) =>
      !tlsOnly(t, id, ["AWS::S3::BucketPolicy", "Bucket"], "s3:*", [`\${${id}.Arn}`, `\${${id}.Arn}/*`]) && "plain HTTP is not denied",
    plant: (t) => t.first("AWS::S3::BucketPolicy").PolicyDocument.Statement.shift(),
  },
  {
    name: "a queue is encrypted, and reached by TLS only",
    on: of(QUEUE),
    wrong: ([id, { SqsManagedSseEnabled }], t) =>
      !(SqsManagedSseEnabled && tlsOnly(t, id, ["AWS::SQS::QueuePolicy", "Queues"], "sqs:*", [`\${${id}.Arn}`])) && "not both",
    plant: (t) => t.first("AWS::SQS::QueuePolicy").PolicyDocument.Statement.shift(),
  },
  {
    name: "a stream's batch is halved, tried again ten times, answered record by record, and what is given up is kept",
    on: of(MAPPING),
    wrong: ([, m], t) => {
      const queue = m.DestinationConfig?.OnFailure?.Destination?.["Fn::GetAtt"];
      if (!(m.BatchSize <= 100 && m.BisectBatchOnFunctionError && m.MaximumRetryAttempts === 10)) return "not so";
      if (!same(m.FunctionResponseTypes, ["ReportBatchItemFailures"])) return "one record fails all";
      return !(queue?.[1] === "Arn" && t.get(queue[0])?.Type === QUEUE) && "it is lost";
    },
    plant: (t) => delete t.first(MAPPING).DestinationConfig,
  },
  {
    name: "a stream is the log's, of keys alone, there whenever it is read, and read behind the right to",
    on: of(MAPPING),
    wrong: ([, m, { Condition, DependsOn }], t) => {
      const [wanted, stream, none] = t.get("LogTable").Properties.StreamSpecification?.["Fn::If"] ?? [];
      if (words(m.EventSourceArn) !== "${LogTable.StreamArn}") return "not the log's";
      if (!same([wanted, stream, words(none)], [Condition, { StreamViewType: "KEYS_ONLY" }, "${AWS::NoValue}"])) return "not there";
      return !list(DependsOn).some((id) => t.get(id).Type === "AWS::IAM::Policy" && t.get(id).Condition === Condition) && "it may be too early";
    },
    plant: (t) => (t.get("LogTable").Properties.StreamSpecification["Fn::If"][1].StreamViewType = "KEYS"),
  },
  {
    name: "whoever stores a message leaves it to the stream only where that is read",
    on: (t) => t.resources(FUNCTION).filter(() => t.resources(MAPPING).length > 0),
    wrong: ([id, { Environment }], t) => {
      const [[, mapping, { Condition }]] = t.resources(MAPPING);
      const fanout = Environment.Variables.POLYLOG_FANOUT?.Ref;
      if (!same(t.json.Parameters[fanout]?.AllowedValues, optionsOf("lambda_fanout"))) return "not the program's values";
      if (!same(t.json.Conditions[Condition], { "Fn::Equals": [{ Ref: fanout }, "stream"] })) return "read at other times";
      return mapping.FunctionName.Ref !== id && "by another function";
    },
    plant: (t) => (t.first(FUNCTION).Environment.Variables.POLYLOG_FANOUT = "stream"),
  },
  {
    name: "a table is encrypted, recoverable, protected, and kept",
    on: of("AWS::DynamoDB::Table"),
    wrong: ([, p, resource]) => {
      if (!p.SSESpecification?.SSEEnabled) return "not encrypted";
      if (!p.PointInTimeRecoverySpecification?.PointInTimeRecoveryEnabled) return "no recovery";
      if (!p.DeletionProtectionEnabled) return "can be deleted";
      if (p.BillingMode !== "PAY_PER_REQUEST") return "its size is fixed";
      return (resource.DeletionPolicy !== "Retain" || resource.UpdateReplacePolicy !== "Retain") && "goes with the stack";
    },
    plant: (t) => (t.first("AWS::DynamoDB::Table").PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled = false),
  },
  {
    name: "the items of the record table, and of connections, expire",
    on: (t) => t.resources("AWS::DynamoDB::Table").filter(([id]) => /^(Record|Connections)/.test(id)),
    wrong: ([, { TimeToLiveSpecification: ttl }]) => !(ttl?.Enabled && ttl.AttributeName === "ttl") && "they do not",
    plant: (t) => delete t.get("RecordTable").Properties.TimeToLiveSpecification,
  },
  {
    name: "the tables have the names that the program is given",
    on: of("AWS::DynamoDB::Table"),
    wrong: ([, { TableName }]) => !/^\$\{(TablePrefix\}-(log|record)|ConnectionsName\})$/.test(words(TableName)) && words(TableName),
    plant: (t) => (t.first("AWS::DynamoDB::Table").TableName = "chat-log"),
  },
  {
    name: "logs end",
    on: of("AWS::Logs::LogGroup"),
    wrong: ([, { RetentionInDays }]) => !RetentionInDays && "they are kept for ever",
    plant: (t) => delete t.first("AWS::Logs::LogGroup").RetentionInDays,
  },
  {
    name: "a function writes to a log of the stack",
    on: of(FUNCTION),
    wrong: ([, { LoggingConfig }], t) => t.get(LoggingConfig?.LogGroup?.Ref)?.Type !== "AWS::Logs::LogGroup" && "to one that has no end",
    plant: (t) => delete t.first(FUNCTION).LoggingConfig,
  },
  {
    name: "an alarm says what it means, and tells the topic",
    on: of("AWS::CloudWatch::Alarm"),
    wrong: ([, { AlarmDescription, AlarmActions, Dimensions }]) =>
      !(AlarmDescription?.endsWith(".") && words(list(AlarmActions)[0]).includes("${AlarmTopic}") && Dimensions.length > 0) && "not all three",
    plant: (t) => delete t.first("AWS::CloudWatch::Alarm").AlarmActions,
  },
  {
    name: "a dashboard is one of deploy/observe's, and has all that it names",
    on: of("AWS::CloudWatch::Dashboard"),
    wrong: ([, { DashboardBody }]) => {
      const [text, given] = [DashboardBody["Fn::Sub"]].flat();
      if (!dashboards().includes(text)) return "its source is elsewhere";
      return [...text.matchAll(/\$\{(?!AWS::)(\w+)\}/g)].find(([, name]) => !(name in (given ?? {})))?.[0];
    },
    plant: (t) => {
      const body = t.first("AWS::CloudWatch::Dashboard").DashboardBody;
      body["Fn::Sub"] = JSON.parse(JSON.stringify(body["Fn::Sub"]).replace(/"title\\":\\"\w+/, '"title\\":\\"Things'));
    },
  },
  {
    name: "a target is left open for longer than it drains, is checked at /health, and is not stuck to",
    on: serves,
    wrong: ([, { TargetGroupAttributes: a, HealthCheckPath }], t) => {
      const delay = Number(attribute(a, "deregistration_delay.timeout_seconds"));
      if (!(delay > drainOf(t))) return `${delay} s, and drains for ${drainOf(t)}`;
      return !(HealthCheckPath === "/health" && attribute(a, "stickiness.enabled") === "false") && "not so";
    },
    plant: (t) => (attributeOf(serves(t)[0][1].TargetGroupAttributes, "deregistration_delay.timeout_seconds").Value = "90"),
  },
  {
    name: "a task is stopped 22 s after it has drained, at the earliest",
    on: containers,
    wrong: ([, { StopTimeout }], t) => !(StopTimeout >= drainOf(t) + 22 && StopTimeout <= 120) && `${StopTimeout} s`,
    plant: (t) => (t.first(TASK).ContainerDefinitions[0].StopTimeout = 111),
  },
  {
    name: "a container's health is asked of the program, as the image does it: ECS takes no check from an image",
    on: containers,
    wrong: ([, { HealthCheck: h }]) => {
      const said = h && { command: h.Command, interval: h.Interval, timeout: h.Timeout, retries: h.Retries, startPeriod: h.StartPeriod };
      return !same(said, healthOfImage()) && (JSON.stringify(h) ?? "not asked");
    },
    plant: (t) => delete t.first(TASK).ContainerDefinitions[0].HealthCheck,
  },
  {
    name: "a service waits for as long as a container may be starting",
    on: of("AWS::ECS::Service"),
    wrong: ([, { HealthCheckGracePeriodSeconds: s }]) => !(s >= healthOfImage().startPeriod) && `${s} s`,
    plant: (t) => (t.first("AWS::ECS::Service").HealthCheckGracePeriodSeconds = 10),
  },
  {
    name: "a container cannot write its root, gains no rights, and writes a log of the stack",
    on: containers,
    wrong: ([, c], t) =>
      !(
        c.ReadonlyRootFilesystem &&
        !c.Privileged &&
        same(c.LinuxParameters?.Capabilities?.Drop, ["ALL"]) &&
        t.get(c.LogConfiguration.Options["awslogs-group"].Ref)?.Type === "AWS::Logs::LogGroup"
      ) && "not all of it",
    plant: (t) => (t.first(TASK).ContainerDefinitions[0].ReadonlyRootFilesystem = false),
  },
  {
    name: "a secret is none of a task's open settings",
    on: containers,
    wrong: ([, { Environment, Secrets }]) =>
      !(Environment.every(({ Name }) => !/SECRET|PASSWORD|TOKEN/.test(Name ?? "")) && Secrets.some(({ Name }) => Name === "POLYLOG_TOKEN_SECRET")) && "openly given",
    plant: (t) => t.first(TASK).ContainerDefinitions[0].Environment.push({ Name: "POLYLOG_TOKEN_SECRET", Value: "x" }),
  },
  {
    name: "roles of tasks are taken for this account's tasks alone",
    on: (t) =>
      t.resources("AWS::IAM::Role").filter(([, { AssumeRolePolicyDocument: d }]) => d.Statement.some(({ Principal }) => Principal.Service === "ecs-tasks.amazonaws.com")),
    wrong: ([, { AssumeRolePolicyDocument: d }]) =>
      !d.Statement.every(
        ({ Condition: c }) => words(c?.StringEquals?.["aws:SourceAccount"] ?? "") === "${AWS::AccountId}" && words(c.ArnLike?.["aws:SourceArn"] ?? "").includes(":${AWS::AccountId}:"),
      ) && "no SourceAccount and SourceArn",
    plant: (t) => delete t.get("ExecutionRole").Properties.AssumeRolePolicyDocument.Statement[0].Condition,
  },
  {
    name: "a deployment that fails is taken back, and takes no node away before",
    on: of("AWS::ECS::Service"),
    wrong: ([, { DeploymentConfiguration: d }]) =>
      !deployments(d).every(
        ({ Strategy, DeploymentCircuitBreaker: b, Alarms: a, MinimumHealthyPercent }) =>
          (Strategy === "LINEAR" ? takesBack(a) : takesBack(b)) && MinimumHealthyPercent >= 100,
      ) && "not so",
    plant: (t) => (deployments(t.first("AWS::ECS::Service").DeploymentConfiguration)[0].MinimumHealthyPercent = 50),
  },
  {
    name: "each colour is taken back by its alarms, and a linear deployment by both colours'",
    on: (t) => t.resources("AWS::ECS::Service").filter(([id]) => /^(Blue|Green)/.test(id)).flatMap(([id, { DeploymentConfiguration: d }]) => deployments(d).map((one) => [id, one])),
    wrong: ([id, { Strategy, Alarms }], t) => {
      const colours = Strategy === "LINEAR" ? ["Blue", "Green"] : [/^(Blue|Green)/.exec(id)[1]];
      const named = list(Alarms?.AlarmNames).map(({ Ref }) => Ref);
      if (!same(named, colours.flatMap((colour) => [`${colour}Failed`, `${colour}Unhealthy`]))) return `by ${named}`;
      return !(takesBack(Alarms) && named.every((name) => t.get(name)?.Type === "AWS::CloudWatch::Alarm")) && "not taken back";
    },
    plant: (t) => deployments(t.get("BlueService").Properties.DeploymentConfiguration)[0].Alarms.AlarmNames.pop(),
  },
  {
    name: "ECS shifts one service alone, by a rule that takes every request, between the two groups of targets",
    on: (t) => t.resources("AWS::ECS::Service").filter(([, { LoadBalancers: [b] }]) => b.AdvancedConfiguration),
    wrong: ([, { LoadBalancers: [b], DeploymentConfiguration: d }], t) => {
      const [linear, a, none] = b.AdvancedConfiguration["Fn::If"];
      if (!(d["Fn::If"][0] === linear && words(none) === "${AWS::NoValue}")) return "not where it is linear";
      const rule = t.get(a.ProductionListenerRule.Ref);
      const groups = rule.Properties.Actions[0].ForwardConfig.TargetGroups.map(({ TargetGroupArn }) => TargetGroupArn.Ref);
      if (!same(groups, [b.TargetGroupArn.Ref, a.AlternateTargetGroupArn.Ref])) return `between ${groups}`;
      if (!(rule.Condition === linear && same(rule.Properties.Conditions[0].PathPatternConfig.Values, ["*"]))) return "not every request";
      const { [t.get("GreenService").Condition]: green } = t.json.Conditions;
      return !JSON.stringify(green).includes(`{"Fn::Not":[{"Condition":"${linear}"}]}`) && "green is there too";
    },
    plant: (t) => (t.get("LinearRule").Properties.Conditions[0].PathPatternConfig.Values = ["/gw/*"]),
  },
  {
    name: "an instance of ECS is drained before it goes",
    on: of("AWS::ECS::CapacityProvider"),
    wrong: ([, { AutoScalingGroupProvider: p }]) => p.ManagedDraining !== "ENABLED" && "it is not",
    plant: (t) => (t.first("AWS::ECS::CapacityProvider").AutoScalingGroupProvider.ManagedDraining = "DISABLED"),
  },
  {
    name: "what stops the program waits until it has drained, and 22 s more",
    on: (t) => t.resources(TEMPLATE).filter(runsDocker),
    wrong: ([, template], t) => {
      const { all } = scriptOf(template);
      const times = [...all.matchAll(/(?:--stop-timeout|docker stop --time) (\d+)/g)].map(([, s]) => Number(s));
      const hook = t.first("AWS::AutoScaling::AutoScalingGroup").LifecycleHookSpecificationList[0];
      if (times.length !== 2 || !times.every((s) => s >= drainOf(t) + 22)) return `${times.join(" and ")} s`;
      return !(hook.LifecycleTransition === "autoscaling:EC2_INSTANCE_TERMINATING" && hook.HeartbeatTimeout > times[1]) && "the hook ends before it";
    },
    plant: (t) => (scriptOf(t.first(TEMPLATE)).given.StopS = "111"),
  },
  {
    name: "what stops a service waits until it has drained, and 22 s more; it listens where it is asked for",
    on: (t) => t.resources(TEMPLATE).filter(runsService),
    wrong: ([, template], t) => {
      const { all } = scriptOf(template);
      const s = Number(/^TimeoutStopSec=(\d+)$/m.exec(all.slice(all.indexOf("polylog.service.d/aws.conf <<")))?.[1]);
      if (!(s >= drainOf(t) + 22)) return `${s} s`;
      return !all.includes(`\nListenStream=\nListenStream=0.0.0.0:${t.get("Targets").Properties.Port}\n`) && "elsewhere";
    },
    plant: (t) => {
      const { given } = scriptOf(t.first(TEMPLATE));
      given.Service = given.Service.replace("TimeoutStopSec=115", "TimeoutStopSec=111");
    },
  },
  {
    name: "an instance asks its metadata by IMDSv2 (containers too, where they have no role of their own), and has no SSH key",
    on: of(TEMPLATE),
    wrong: ([id, { LaunchTemplateData: d }]) =>
      !(
        d.MetadataOptions?.HttpTokens === "required" &&
        d.MetadataOptions.HttpPutResponseHopLimit === (runsDocker([id, { LaunchTemplateData: d }]) ? 2 : 1) &&
        !d.KeyName &&
        d.BlockDeviceMappings.every(({ Ebs }) => Ebs.Encrypted)
      ) && "not all of it",
    plant: (t) => (t.first(TEMPLATE).LaunchTemplateData.MetadataOptions.HttpTokens = "optional"),
  },
  {
    name: "a script names nothing that is not put into it",
    on: of(TEMPLATE),
    wrong: ([, template]) => /\$\{(?!AWS::)(\w+)\}/.exec(Object.keys(scriptOf(template).given).reduce((s, name) => s.replaceAll(`\${${name}}`, ""), scriptOf(template).text))?.[0],
    plant: (t) => inScript(t, (script) => `${script}\necho \${Nothing}`),
  },
  {
    name: "there are two nodes at least",
    on: (t) => Object.entries(t.json.Parameters).filter(([name]) => /Min$/.test(name)),
    wrong: ([, { Default }]) => !(Default >= 2) && `${Default}`,
    plant: (t) => (Object.entries(t.json.Parameters).find(([name]) => /Min$/.test(name))[1].Default = 1),
  },
  {
    name: "from outside the balancer's two ports are open, and nothing else that is not listed",
    on: (t) => [
      ...t.resources("AWS::EC2::SecurityGroupIngress"),
      ...t.resources("AWS::EC2::SecurityGroup").flatMap(([id, { SecurityGroupIngress }]) => list(SecurityGroupIngress).map((rule) => [id, rule])),
    ],
    wrong: ([, { CidrIp, CidrIpv6, SourceSecurityGroupId, GroupId, FromPort, ToPort }, resource], t) => {
      if (SourceSecurityGroupId && !CidrIp && !CidrIpv6) return undefined;
      const opened = [words(GroupId ?? "").replace(/^\$\{(\w+)\.GroupId\}$/, "$1"), FromPort, words(CidrIp ?? ""), resource?.Condition];
      if (FromPort === ToPort && OPEN[t.name]?.some((one) => same(one, opened))) return undefined;
      return !(words(GroupId) === "${BalancerGroup.GroupId}" && [80, 443].includes(FromPort) && FromPort === ToPort) && `${FromPort} of ${words(GroupId ?? "")}`;
    },
    plant: (t) =>
      (t.json.Resources.Ssh = { Type: "AWS::EC2::SecurityGroupIngress", Properties: { CidrIp: "0.0.0.0/0", FromPort: 22, ToPort: 22, GroupId: { "Fn::GetAtt": ["NodesGroup", "GroupId"] } } }),
  },
  {
    name: "what is listed as open is so",
    on: (t) => OPEN[t.name] ?? [],
    wrong: ([group, port, from, condition], t) =>
      !t
        .resources("AWS::EC2::SecurityGroupIngress")
        .some(([, p, { Condition }]) => same([words(p.GroupId), p.FromPort, words(p.CidrIp ?? ""), Condition], [`\${${group}.GroupId}`, port, from, condition])) && `${group} ${port}`,
    plant: (t) => delete t.json.Resources.Ssh,
  },
  {
    name: "nobody comes by SSH unless it is said who, and not everybody",
    on: (t) => Object.entries(t.json.Parameters).filter(([name]) => name === "SshFrom"),
    wrong: ([, { Default, AllowedPattern }]) => {
      const fits = (text) => new RegExp(`^(?:${AllowedPattern})$`).test(text);
      if (Default !== "") return "somebody does";
      return !(["", "203.0.113.7/32", "198.51.100.0/24"].every(fits) && !["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/7", "203.0.113.7", "::/0"].some(fits)) && AllowedPattern;
    },
    plant: (t) => (t.json.Parameters.SshFrom.AllowedPattern = "[0-9./]*"),
  },
  {
    name: "instances that are targets by name are two, each in a zone of its own, and an update waits until each is ready",
    on: (t) => serves(t).filter(([, { Targets }]) => Targets),
    wrong: ([, { Targets, Port }, { Condition }], t) => {
      const instances = Targets.map(({ Id }) => t.get(Id.Ref));
      const zones = new Set(instances.map(({ Properties: { SubnetId } }) => words(t.get(SubnetId.Ref).Properties.AvailabilityZone)));
      if (!(Targets.length === 2 && zones.size === 2)) return `${zones.size} zones`;
      if (!Targets.every((target) => target.Port === Port)) return "at another port";
      const signals = instances.every(({ Properties: { LaunchTemplate }, CreationPolicy }, i) => {
        const { all } = scriptOf(t.get(LaunchTemplate.LaunchTemplateId.Ref).Properties);
        return CreationPolicy?.ResourceSignal?.Count === 1 && all.includes(`--logical-resource-id ${Targets[i].Id.Ref} `);
      });
      if (!signals) return "nobody waits";
      const second = t.get(Targets[1].Id.Ref).Condition;
      return !(second === Condition && t.get(Targets[0].Id.Ref).Condition === undefined) && "the second is there at other times";
    },
    plant: (t) => delete t.get("SecondServer").CreationPolicy,
  },
  {
    name: "what is refused at once: a balancer without a domain, and a page by HTTPS with a server that has none",
    on: (t) => Object.entries(t.json.Rules ?? {}).map(([name, rule]) => [name, rule]),
    wrong: ([, { RuleCondition, Assertions }], t) => {
      const { Ref: flag } = RuleCondition["Fn::Equals"][0];
      const named = [...JSON.stringify(Assertions).matchAll(/"Ref":"(\w+)"/g)].map(([, name]) => name).sort();
      const known = { Balanced: ["DomainName", "HostedZoneId"], CloudFront: ["Balanced"] };
      return !(same(named, known[flag]) && Object.keys(t.json.Rules).length === 2) && `${flag}: ${named}`;
    },
    plant: (t) => delete t.json.Rules.HttpsToHttps,
  },
  {
    name: "a public listener is HTTPS by TLS 1.2 or later, or sends there",
    on: (t) => t.resources("AWS::ElasticLoadBalancingV2::Listener").filter(([, { LoadBalancerArn }]) => t.get(LoadBalancerArn.Ref).Properties.Scheme === "internet-facing"),
    wrong: ([, { Protocol, SslPolicy, DefaultActions }]) =>
      !(Protocol === "HTTPS"
        ? SslPolicy.startsWith("ELBSecurityPolicy-TLS13-1-2")
        : Protocol === "HTTP" && DefaultActions.every(({ RedirectConfig: r }) => r?.Protocol === "HTTPS" && r.StatusCode === "HTTP_301")) && Protocol,
    plant: (t) => (t.get("HttpListener").Properties.DefaultActions = [{ Type: "forward", TargetGroupArn: { Ref: "Targets" } }]),
  },
  {
    name: "weights are no literals",
    on: of("AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"),
    wrong: ([, p]) => /"Weight":\s*\d/.exec(JSON.stringify(p))?.[0],
    plant: (t) => (t.first("AWS::ElasticLoadBalancingV2::Listener").DefaultActions = [{ Type: "forward", ForwardConfig: { TargetGroups: [{ Weight: 90 }] } }]),
  },
  {
    name: "a balancer records who came, and drops malformed headers",
    on: (t) => t.resources("AWS::ElasticLoadBalancingV2::LoadBalancer").filter(([, { Type }]) => Type === "application"),
    wrong: ([, { LoadBalancerAttributes: a }]) =>
      !(attribute(a, "access_logs.s3.enabled") === "true" && attribute(a, "routing.http.drop_invalid_header_fields.enabled") === "true") && "not so",
    plant: (t) => (t.first("AWS::ElasticLoadBalancingV2::LoadBalancer").LoadBalancerAttributes = []),
  },
  {
    name: "the bus speaks TLS, and has users",
    on: of("AWS::ElastiCache::ReplicationGroup"),
    wrong: ([, p]) =>
      !(p.TransitEncryptionEnabled && p.TransitEncryptionMode === "required" && p.AtRestEncryptionEnabled && p.UserGroupIds?.length === 1) && "not so",
    plant: (t) => (t.first("AWS::ElastiCache::ReplicationGroup").TransitEncryptionEnabled = false),
  },
  {
    name: "the user of the bus has the commands of docs/redis.md, and no password",
    on: of("AWS::ElastiCache::User"),
    wrong: ([, { AccessString, AuthenticationMode }]) =>
      !(AuthenticationMode.Type === "iam" && sorted(AccessString) === sorted(accessString())) && AccessString,
    plant: (t) => (t.first("AWS::ElastiCache::User").AccessString += " +@all"),
  },
  {
    name: "the server is told by API Gateway what docs/serverless.md says, and a secret that no template has",
    on: (t) => t.resources(INTEGRATION).filter(([, { IntegrationType }]) => IntegrationType === "HTTP_PROXY"),
    wrong: ([, { RequestParameters: p }]) => {
      const missing = [...told()].filter(([header, from]) => p[`integration.request.header.${header}`] !== from);
      if (missing.length > 0) return `not ${missing.map(([header]) => header)}`;
      return !/^'\{\{resolve:secretsmanager:\$\{GatewaySecret\}\}\}'$/.test(words(p["integration.request.header.X-Ws-Secret"])) && "the secret is open";
    },
    plant: (t) => (t.first(INTEGRATION).RequestParameters["integration.request.header.X-Ws-Secret"] = "'0123456789 0123456789 0123456789'"),
  },
  {
    name: "a VPC link leads to a Network Load Balancer, and that to the balancer with the weights",
    on: of("AWS::ApiGateway::VpcLink"),
    wrong: ([, { TargetArns: [target] }], t) => {
      const first = t.get(target.Ref);
      if (first?.Properties.Type !== "network") return "not to one";
      if (first.Properties.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic !== "off") return "its group keeps the link out";
      const [, listener] = t.resources("AWS::ElasticLoadBalancingV2::Listener").find(([, { LoadBalancerArn }]) => LoadBalancerArn.Ref === target.Ref);
      const through = t.get(listener.DefaultActions[0].TargetGroupArn.Ref).Properties;
      return !(through.TargetType === "alb" && t.get(through.Targets[0].Id.Ref).Properties.Type === "application") && "it leads elsewhere";
    },
    plant: (t) => (t.get("LinkBalancer").Properties.Type = "application"),
  },
  {
    name: "a cache with a standby takes over by itself, in another zone",
    on: of("AWS::ElastiCache::ReplicationGroup"),
    wrong: ([, { NumCacheClusters, AutomaticFailoverEnabled, MultiAZEnabled }]) => {
      const said = [NumCacheClusters, AutomaticFailoverEnabled, MultiAZEnabled].map(words).join("; ");
      const one = "if IsBusCluster: ${AWS::NoValue}, else if IsBusStandby: 2, else 1";
      return said !== `${one}; if IsBusCluster: true, else if IsBusStandby: true, else false; if IsBusStandby: true, else false` && said;
    },
    plant: (t) => (t.first("AWS::ElastiCache::ReplicationGroup").MultiAZEnabled = false),
  },
  {
    name: "a cache of several shards is in cluster mode, and the program is given the cluster's address",
    on: of("AWS::ElastiCache::ReplicationGroup"),
    wrong: ([, { NumNodeGroups, ReplicasPerNodeGroup, CacheParameterGroupName, EngineVersion }], t) => {
      const said = [NumNodeGroups, ReplicasPerNodeGroup].map(words).join("; ");
      if (said !== "if IsBusCluster: ${BusShards}, else ${AWS::NoValue}; if IsBusCluster: if IsBusStandby: 1, else 0, else ${AWS::NoValue}") return said;
      const family = `default.valkey${EngineVersion.split(".")[0]}`;
      if (words(CacheParameterGroupName) !== `if IsBusCluster: ${family}.cluster.on, else ${family}`) return words(CacheParameterGroupName);
      const all = JSON.stringify(t.json.Resources);
      const given = ["Address", "Port"].map((part) =>
        JSON.stringify({ "Fn::If": ["IsBusCluster", { "Fn::GetAtt": ["Bus", `ConfigurationEndPoint.${part}`] }, { "Fn::GetAtt": ["Bus", `PrimaryEndPoint.${part}`] }] }),
      );
      return !given.every((part) => all.includes(part)) && "not its address";
    },
    plant: (t) => (t.first("AWS::ElastiCache::ReplicationGroup").CacheParameterGroupName = "default.valkey8"),
  },
  {
    name: "a firewall limits each address, and is CloudFront's",
    on: of("AWS::WAFv2::WebACL"),
    wrong: ([, { Scope, Rules }]) => !(Scope === "CLOUDFRONT" && Rules.some(({ Action, Statement }) => Action?.Block && Statement.RateBasedStatement?.AggregateKeyType === "IP")) && "not so",
    plant: (t) => t.first("AWS::WAFv2::WebACL").Rules.shift(),
  },
  {
    name: "an image is never replaced, and is looked through",
    on: of("AWS::ECR::Repository"),
    wrong: ([, { ImageTagMutability, ImageScanningConfiguration }]) => !(ImageTagMutability === "IMMUTABLE" && ImageScanningConfiguration?.ScanOnPush) && "not so",
    plant: (t) => (t.first("AWS::ECR::Repository").ImageTagMutability = "MUTABLE"),
  },
  {
    name: "what a network refuses is recorded, and DynamoDB is reached within AWS for these tables only",
    on: of("AWS::EC2::VPC"),
    wrong: ([id], t) => {
      if (!t.resources("AWS::EC2::FlowLog").some(([, { ResourceId }]) => ResourceId.Ref === id)) return "no flow log";
      const [found] = t.resources("AWS::EC2::VPCEndpoint").filter(([, { ServiceName }]) => words(ServiceName).endsWith(".dynamodb"));
      return found?.[1].PolicyDocument.Statement.some(({ Action, Resource }) => /\*/.test(list(Action).join() + list(Resource).map(words).join())) !== false && "an endpoint for all";
    },
    plant: (t) => (t.get("DynamoDB").Properties.PolicyDocument.Statement[0].Resource = "*"),
  },
  {
    name: "a pipeline releases step by step, each by release.sh with the image that was built, one release after another",
    on: of("AWS::CodePipeline::Pipeline"),
    wrong: ([, { Stages, ExecutionMode, PipelineType }], t) => {
      const steps = Stages.flatMap(({ Actions }) => Actions).filter(({ Configuration: c }) => c.ProjectName?.Ref === "Release");
      const said = steps.map(({ Configuration: c }) => Object.fromEntries(JSON.parse(c.EnvironmentVariables).map(({ name, value }) => [name, value])));
      if (!same(said.map(({ STEP }) => STEP), ["new", "10", "50", "90", "done"])) return said.map(({ STEP }) => STEP).join();
      if (!said.every(({ TAG }) => TAG === "#{Built.TAG}")) return "another image";
      if (!(ExecutionMode === "QUEUED" && PipelineType === "V2")) return "several at once";
      const { commands } = JSON.parse(t.get("Release").Properties.Source.BuildSpec).phases.build;
      return !same(commands, ['deploy/aws/release.sh "$STACK" "$STEP" "$TAG"']) && commands.join();
    },
    plant: (t) => t.first("AWS::CodePipeline::Pipeline").Stages.splice(4, 1),
  },
  {
    name: "a role is handed over to CloudFormation alone",
    on: (t) => t.resources("AWS::IAM::Policy").flatMap(([id, { PolicyDocument: d }]) => d.Statement.filter(({ Action }) => list(Action).includes("iam:PassRole")).map((one) => [id, one])),
    wrong: ([, { Condition }]) => Condition?.StringEquals?.["iam:PassedToService"] !== "cloudformation.amazonaws.com" && "to anybody",
    plant: (t) => t.resources("AWS::IAM::Policy").flatMap(([, { PolicyDocument: d }]) => d.Statement).forEach((one) => delete one.Condition),
  },
  {
    name: "stacks of several regions are changed in turn, and get parameters that blue-green has, as it has them",
    on: of("AWS::CloudFormation::StackSet"),
    wrong: ([, { Parameters, OperationPreferences: o }], t) => {
      if (!(o.RegionConcurrencyType === "SEQUENTIAL" && o.FailureToleranceCount === 0 && o.MaxConcurrentCount === 1)) return "at once";
      const { Parameters: known } = Template.of("blue-green").json;
      const rest = ({ Description, ...one }) => one;
      return Parameters.map(({ ParameterKey: name, ParameterValue: { Ref } }) => [name, Ref])
        .filter(([name, from]) => name !== from || !known[name] || !same(rest(known[name]), rest(t.json.Parameters[name])))
        .join();
    },
    plant: (t) => (t.json.Parameters.BusName.Default = "other"),
  },
  {
    name: "browsers reach the website by HTTPS, and it by OAC",
    on: of("AWS::CloudFront::Distribution"),
    wrong: ([, { DistributionConfig: d }]) =>
      !(
        d.DefaultCacheBehavior.ViewerProtocolPolicy === "redirect-to-https" &&
        d.DefaultCacheBehavior.ResponseHeadersPolicyId &&
        d.Origins.every(({ OriginAccessControlId, S3OriginConfig }) => !S3OriginConfig || OriginAccessControlId)
      ) && "not so",
    plant: (t) => (t.first("AWS::CloudFront::Distribution").DistributionConfig.DefaultCacheBehavior.ViewerProtocolPolicy = "allow-all"),
  },
];

// What is wrong with a template by a rule, a line each; and at how much it looked.
export function judge(rule, template) {
  const ones = rule.on(template);
  const wrong = [];
  for (const one of ones) {
    const why = rule.wrong(one, template);
    if (why) wrong.push(`${one.filter((part) => typeof part === "string").join(" ")}: ${why}`);
  }
  return { looked: ones.length, wrong };
}
