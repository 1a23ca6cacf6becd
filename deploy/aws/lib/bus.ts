// How nodes tell each other of new messages: a Valkey of ElastiCache, by TLS, with a user who logs in by IAM and has the
// rights of docs/redis.md. It holds nothing: while it is gone, messages come later.
import { Aws, CfnCondition, Fn } from "aws-cdk-lib";
import { CfnReplicationGroup, CfnSubnetGroup, CfnUser, CfnUserGroup } from "aws-cdk-lib/aws-elasticache";
import type { CfnParameter } from "aws-cdk-lib";
import type { CfnSecurityGroup } from "aws-cdk-lib/aws-ec2";
import { accept } from "./stack";
import type { Network } from "./network";
import type { PlainStack } from "./stack";

const PORT = 6379;
const SHARDS_MAX = 64; // to which a node of the chat keeps connections
const COMMANDS = ["auth", "hello", "select", "ping", "role", "publish", "subscribe", "unsubscribe", "spublish", "ssubscribe", "sunsubscribe", "cluster|slots"];

export class Bus {
  readonly name: CfnParameter;
  private readonly cache: CfnReplicationGroup;
  private readonly cluster: CfnCondition;

  constructor(stack: PlainStack, network: Network, nodes: CfnSecurityGroup) {
    this.name = stack.text("BusName", "What the cache, by which nodes hear of each other, its user and group are called.", {
      default: "polylog",
      allowedPattern: "[a-z][a-z0-9-]{0,38}[a-z0-9]",
    });
    const type = stack.text("BusType", "Of the cache's node.", { default: "cache.t4g.micro" });
    const standby = stack.isTrue(stack.flag("BusStandby", "A second node of the cache in the other zone, which takes over within a minute.", false));
    const shards = stack.number("BusShards", "Primaries that share the cache's work: with more than one cluster mode is on.", 1, 1, SHARDS_MAX);
    this.cluster = new CfnCondition(stack, "IsBusCluster", { expression: Fn.conditionNot(Fn.conditionEquals(shards.valueAsString, "1")) });
    const ifStandby = (yes: unknown, no: unknown) => Fn.conditionIf(standby.logicalId, yes, no) as never;
    const ifCluster = (yes: unknown, no: unknown) => Fn.conditionIf(this.cluster.logicalId, yes, no) as never;
    const group = network.group("BusGroup", "The bus", false);
    network.allow("NodesToBus", nodes, group, PORT);
    const user = new CfnUser(stack, "BusUser", {
      engine: "valkey",
      userId: this.name.valueAsString,
      userName: this.name.valueAsString,
      authenticationMode: { Type: "iam" },
      accessString: `on resetchannels &* -@all ${COMMANDS.map((command) => `+${command}`).join(" ")}`,
    });
    const users = new CfnUserGroup(stack, "BusUsers", { engine: "valkey", userGroupId: this.name.valueAsString, userIds: [user.ref] });
    const subnets = new CfnSubnetGroup(stack, "BusSubnets", { description: "The bus", subnetIds: network.subnets });
    this.cache = new CfnReplicationGroup(stack, "Bus", {
      replicationGroupId: this.name.valueAsString,
      replicationGroupDescription: "Nodes tell each other of new messages",
      engine: "valkey",
      engineVersion: "8.0",
      cacheNodeType: type.valueAsString,
      cacheParameterGroupName: ifCluster("default.valkey8.cluster.on", "default.valkey8"),
      numCacheClusters: ifCluster(Aws.NO_VALUE, ifStandby(2, 1)),
      numNodeGroups: ifCluster(shards.valueAsNumber, Aws.NO_VALUE),
      replicasPerNodeGroup: ifCluster(ifStandby(1, 0), Aws.NO_VALUE),
      automaticFailoverEnabled: ifCluster(true, ifStandby(true, false)), // cluster mode asks for it
      multiAzEnabled: ifStandby(true, false),
      cacheSubnetGroupName: subnets.ref,
      securityGroupIds: [group.attrGroupId],
      userGroupIds: [users.ref],
      transitEncryptionEnabled: true,
      transitEncryptionMode: "required",
      atRestEncryptionEnabled: true,
      port: PORT,
    });
    this.cache.cfnOptions.updatePolicy = { useOnlineResharding: true };
    accept(this.cache, {
      AEC4: "A parameter says so. It holds nothing: while it is gone, nodes look into the store, and messages come later.",
      AEC5: "The port is reached from the nodes' group alone.",
      AEC6: "Its user logs in by IAM, with a signature for 15 minutes, and has no password.",
    });
  }

  // Settings of a node.
  get settings(): Record<string, string> {
    const { cache } = this;
    const of = (cluster: string, one: string) => Fn.conditionIf(this.cluster.logicalId, cluster, one).toString();
    const host = of(cache.attrConfigurationEndPointAddress, cache.attrPrimaryEndPointAddress);
    const port = of(cache.attrConfigurationEndPointPort, cache.attrPrimaryEndPointPort);
    const url = Fn.join("", ["rediss://", this.name.valueAsString, "@", host, ":", port]);
    return { POLYLOG_BUS: url, POLYLOG_BUS_IAM: this.name.valueAsString };
  }

  get rights() {
    const arn = (kind: string) => Fn.sub(`arn:\${AWS::Partition}:elasticache:\${AWS::Region}:\${AWS::AccountId}:${kind}:\${BusName}`);
    return { Sid: "Bus", Effect: "Allow", Action: "elasticache:Connect", Resource: [arn("replicationgroup"), arn("user")] };
  }
}
