// The program as a service of systemd on one instance, and the web app in a public bucket; by parameters two instances
// behind an Application Load Balancer, and the bucket behind CloudFront.
import { Aws, CfnCondition, CfnOutput, CfnRule, Fn } from "aws-cdk-lib";
import { CfnEIP, CfnInstance, CfnLaunchTemplate, CfnSecurityGroupEgress, CfnSecurityGroupIngress } from "aws-cdk-lib/aws-ec2";
import { CfnInstanceProfile, CfnPolicy, CfnRole } from "aws-cdk-lib/aws-iam";
import type { CfnParameter } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import { readFileSync } from "node:fs";
import { Alarms } from "./alarms";
import { Balancer } from "./balancer";
import { Bus } from "./bus";
import { logGroup, logRights, ofLog } from "./logs";
import { launchData } from "./machine";
import { CIDR, Network } from "./network";
import { settingsOfNode } from "./registry";
import { Site } from "./site";
import { LOGIN, PlainStack, accept, trusts } from "./stack";
import { Tables } from "./tables";
import { Website } from "./website";

const PORT = 8000;
const SSH = 22;
const UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id";
const SOME = "((\\d{1,3}\\.){3}\\d{1,3}/([89]|[12]\\d|3[0-2]))?"; // a range of addresses, which is not nearly all
const READY = "PT15M"; // for an instance's first start

// The units of systemd, then what starts them (ec2-s3/service.sh).
function serviceScript(): string {
  const units = ["service", "socket"].map((kind) => {
    const unit = readFileSync(`../systemd/polylog.${kind}`, "utf8").replace(/^#.*\n/gm, "");
    return `cat >/etc/systemd/system/polylog.${kind} <<'UNIT'\n${unit}UNIT\n`;
  });
  return units.join("") + readFileSync("ec2-s3/service.sh", "utf8");
}

const lines = (settings: Record<string, string>) => Fn.join("\n", Object.entries(settings).map(([name, value]) => Fn.join("=", [name, value])));

export class Ec2S3 extends PlainStack {
  private readonly days = this.logDays();
  private readonly flags = {
    balanced: this.flag("Balanced", "Two instances behind a balancer at a domain, and a cache by which they hear of each other; else one instance.", false),
    cloudFront: this.flag("CloudFront", "CloudFront serves the web app from a private bucket, by HTTPS; else a public bucket does, by HTTP.", false),
  };
  private readonly balanced = this.isTrue(this.flags.balanced);
  private readonly alone = new CfnCondition(this, "IsAlone", { expression: Fn.conditionNot(this.balanced) });
  private readonly alarms = new Alarms(this);
  private readonly tables = new Tables(this);
  private readonly network = new Network(this, this.tables, logGroup(this, "FlowLog", this.days));
  private readonly balancer = this.under(this.balanced, () => new Balancer(this, this.network, this.days, PORT, true));
  private readonly nodes = this.network.group("NodesGroup", "The instances", true);
  private readonly bus = this.under(this.balanced, () => new Bus(this, this.network, this.nodes));
  private readonly log = logGroup(this, "NodesLog", this.days);
  private readonly code = {
    bucket: this.text("CodeBucket", "The bucket, in this region, with the program.", { allowedPattern: "[a-z0-9.-]{3,63}" }),
    key: this.text("CodeKey", "The program in it, as make lambda makes it; another key replaces the instances.", { default: "polylog-lambda.zip", allowedPattern: "[A-Za-z0-9_./-]+" }),
  };

  constructor(scope: IConstruct, id: string) {
    super(scope, id, "Polylog as a service of systemd on an instance of EC2, or on two behind a balancer; the web app in a bucket of S3.");
    this.rules();
    this.doors();
    const address = this.under(this.alone, () => new CfnEIP(this, "Address", { domain: "vpc" }));
    const servers = this.servers(this.website());
    address.instanceId = (servers[0] as CfnInstance).ref;
    this.balancer.targets.targets = servers.map(({ ref }) => ({ id: ref, port: PORT }));
    this.watch(servers);
    const url = (id: string, value: string) => new CfnOutput(this, id, { value, description: "The server's address, which config.js names." });
    this.under(this.balanced, () => url("Url", this.balancer.url));
    this.under(this.alone, () => url("PlainUrl", Fn.join("", ["http://", address.ref, ":", String(PORT)])));
  }

  // What is refused before anything is made.
  private rules(): void {
    const { balanced, cloudFront } = this.flags;
    const is = (flag: CfnParameter) => Fn.conditionEquals(flag.valueAsString, "true");
    const missing = (value: CfnParameter) => Fn.conditionEquals(value.valueAsString, "");
    const { domain, zone } = this.balancer;
    new CfnRule(this, "BalancedHasDomain", {
      ruleCondition: is(balanced),
      assertions: [{ assert: Fn.conditionNot(Fn.conditionOr(missing(domain), missing(zone))), assertDescription: "With Balanced=true a DomainName and its HostedZoneId are needed." }],
    });
    new CfnRule(this, "HttpsToHttps", {
      ruleCondition: is(cloudFront),
      assertions: [{ assert: is(balanced), assertDescription: "Browsers let a page that came by HTTPS ask no server without it: CloudFront=true needs Balanced=true." }],
    });
  }

  // Who gets at the instances, and what they get by plain HTTP.
  private doors(): void {
    this.under(this.alone, () => this.network.open("Chat", this.nodes, PORT, "People come from everywhere, and there is no balancer: this is the server's port."));
    this.under(this.balanced, () => this.network.allow("BalancerToNodes", this.balancer.group, this.nodes, PORT));
    const from = this.text("SshFrom", "The addresses that may come by SSH, such as 203.0.113.7/32; without it none may.", { default: "", allowedPattern: SOME });
    const common = { ipProtocol: "tcp", groupId: this.nodes.attrGroupId };
    const ssh = this.under(this.isSet(from), () => new CfnSecurityGroupIngress(this, "Ssh", { ...common, fromPort: SSH, toPort: SSH, cidrIp: from.valueAsString, description: "Ssh" }));
    accept(ssh, { EC23: "From whom is a parameter, whose pattern refuses everybody." });
    new CfnSecurityGroupEgress(this, "Updates", { ...common, fromPort: 80, toPort: 80, cidrIp: "0.0.0.0/0", description: "Packages of Ubuntu, which are signed" });
  }

  // The bucket of the web app, public or behind CloudFront. Returns the web app's address.
  private website(): string {
    const hidden = this.isTrue(this.flags.cloudFront);
    const open = new CfnCondition(this, "IsWebsite", { expression: Fn.conditionNot(hidden) });
    const site = this.under(hidden, () => new Site(this, this.balancer.url));
    const website = this.under(open, () => new Website(this));
    return Fn.conditionIf(hidden.logicalId, Fn.join("", ["https://", site.distribution.attrDomainName]), website.bucket.attrWebsiteUrl).toString();
  }

  // Two instances, of which the second is there only behind a balancer. site: the web app's address.
  private servers(site: string): CfnInstance[] {
    const open = this.open("link");
    const type = this.text("InstanceType", "Of an instance, of the kind that the program is for.", { default: "t3.micro" });
    const machine = this.text("MachineImage", "Ubuntu 24.04, of the kind that the program is for.", { type: "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", default: UBUNTU });
    const among = Fn.join("", ["\n", lines({ ...this.bus.settings, POLYLOG_TRUSTED_PROXIES: CIDR })]);
    const settings = Fn.join("", [
      lines({ ...settingsOfNode(this.tables), POLYLOG_LOGIN: LOGIN, POLYLOG_OPEN: open.valueAsString, POLYLOG_ORIGINS: site }),
      Fn.conditionIf(this.balanced.logicalId, Fn.join("", [",", this.balancer.url, among]), "").toString(),
    ]);
    const [profile, rights] = this.profile();
    const given = { CodeBucket: this.code.bucket.valueAsString, CodeKey: this.code.key.valueAsString, Settings: settings, Service: serviceScript(), Log: this.log.ref };
    return ["Server", "SecondServer"].map((name, i) => {
      const make = () => this.server(name, this.network.subnets[i] as string, [type, machine], profile, { ...given, Name: name });
      const server = i === 0 ? make() : this.under(this.balanced, make);
      server.addResourceDependency(rights);
      server.addResourceDependency(this.network.route);
      return server;
    });
  }

  private server(name: string, subnetId: string, [type, machine]: [CfnParameter, CfnParameter], profile: CfnInstanceProfile, given: Record<string, string>): CfnInstance {
    const template = new CfnLaunchTemplate(this, `${name}Template`, {
      launchTemplateData: launchData({
        image: machine,
        type,
        profile,
        hops: 1,
        group: this.nodes,
        disk: ["/dev/sda1", 10],
        userData: Fn.base64(Fn.sub(readFileSync("lib/ec2-s3-node.sh", "utf8"), given)),
      }),
    });
    const server = new CfnInstance(this, name, {
      launchTemplate: { launchTemplateId: template.ref, version: template.attrLatestVersionNumber },
      subnetId,
      monitoring: true,
      tags: [{ key: "Name", value: Aws.STACK_NAME }],
    });
    server.cfnOptions.creationPolicy = { resourceSignal: { count: 1, timeout: READY } };
    accept(server, { EC29: "An instance holds nothing: an update replaces it, and EC2 starts it anew where its machine fails." });
    return server;
  }

  private profile(): [CfnInstanceProfile, CfnPolicy] {
    const role = new CfnRole(this, "NodeRole", { assumeRolePolicyDocument: trusts("ec2.amazonaws.com") });
    const policy = new CfnPolicy(this, "NodeRights", {
      policyName: "node",
      roles: [role.ref],
      policyDocument: {
        Version: "2012-10-17",
        Statement: [
          this.tables.rights().toStatementJson(),
          { Sid: "Code", Effect: "Allow", Action: "s3:GetObject", Resource: Fn.sub("arn:${AWS::Partition}:s3:::${CodeBucket}/${CodeKey}") },
          logRights(this.log),
          { Sid: "Started", Effect: "Allow", Action: "cloudformation:SignalResource", Resource: Aws.STACK_ID },
        ],
      },
    });
    accept(policy, ofLog(this.log));
    this.under(this.balanced, () => new CfnPolicy(this, "BusRights", { policyName: "bus", roles: [role.ref], policyDocument: { Version: "2012-10-17", Statement: [this.bus.rights] } }));
    return [new CfnInstanceProfile(this, "NodeProfile", { roles: [role.ref] }), policy];
  }

  private watch(servers: CfnInstance[]): void {
    const failed = (server: CfnInstance) =>
      this.alarms.on(`${server.node.id}Failed`, {
        what: "An instance, or the machine under it, does not work.",
        namespace: "AWS/EC2",
        dimensions: { InstanceId: server.ref },
        metric: "StatusCheckFailed",
        statistic: "Maximum",
        minutes: 3,
      });
    servers.forEach((server, i) => (i === 0 ? failed(server) : this.under(this.balanced, () => failed(server))));
    this.under(this.balanced, () => this.balancer.watch(this.alarms));
    for (const table of this.tables.all) this.alarms.onTable(table.node.id, table);
  }
}
