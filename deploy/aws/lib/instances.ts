// What both stacks of nodes on instances of EC2 begin with: a network, a balancer at a domain, the cache, the image, and the
// alarms of these.
import { CfnOutput } from "aws-cdk-lib";
import type { CfnParameter } from "aws-cdk-lib";
import type { CfnSecurityGroup } from "aws-cdk-lib/aws-ec2";
import type { IConstruct } from "constructs";
import { Alarms } from "./alarms";
import { Balancer } from "./balancer";
import { Bus } from "./bus";
import { logGroup } from "./logs";
import { CIDR, Network } from "./network";
import { Registry, settingsOfNode } from "./registry";
import type { Image } from "./registry";
import { LOGIN, PlainStack } from "./stack";
import { Tables } from "./tables";

export abstract class InstancesStack extends PlainStack {
  protected readonly days: CfnParameter;
  protected readonly tables: Tables;
  protected readonly network: Network;
  protected readonly balancer: Balancer;
  protected readonly nodes: CfnSecurityGroup; // of the instances
  protected readonly bus: Bus;
  protected readonly registry: Registry;
  protected readonly image: Image;
  private readonly alarms: Alarms;

  // group: what the instances' security group says of itself; ports: from the balancer to them, the first and the last.
  constructor(scope: IConstruct, id: string, description: string, group: string, ports: [number, number]) {
    super(scope, id, description);
    this.days = this.logDays();
    this.alarms = new Alarms(this);
    this.tables = new Tables(this);
    this.network = new Network(this, this.tables, logGroup(this, "FlowLog", this.days));
    this.balancer = new Balancer(this, this.network, this.days);
    new CfnOutput(this, "Url", { value: this.balancer.url, description: "Where people reach it." });
    this.nodes = this.network.group("NodesGroup", group, true);
    this.network.allow("BalancerToNodes", this.balancer.group, this.nodes, ...ports);
    this.bus = new Bus(this, this.network, this.nodes);
    this.registry = new Registry(this);
    this.image = this.registry.image("ImageTag");
  }

  // What a node is told; makes the parameter Open.
  protected settings(): Record<string, string> {
    return {
      ...settingsOfNode(this.tables, this.bus),
      POLYLOG_ORIGINS: this.balancer.url,
      POLYLOG_TRUSTED_PROXIES: CIDR,
      POLYLOG_LOGIN: LOGIN,
      POLYLOG_OPEN: this.open("link").valueAsString,
    };
  }

  protected watch(): void {
    this.balancer.watch(this.alarms);
    for (const table of this.tables.all) this.alarms.onTable(table.node.id, table);
  }
}
