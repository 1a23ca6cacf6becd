// A network over two zones. Its subnets are public: instances have addresses of their own, so that no NAT has to be paid
// for, and security groups let in the balancer alone. DynamoDB is reached by a gateway endpoint, which costs nothing.
import { Aws, Fn } from "aws-cdk-lib";
import {
  CfnEIP,
  CfnFlowLog,
  CfnInternetGateway,
  CfnNatGateway,
  CfnRoute,
  CfnRouteTable,
  CfnSecurityGroup,
  CfnSecurityGroupEgress,
  CfnSecurityGroupIngress,
  CfnSubnet,
  CfnSubnetRouteTableAssociation,
  CfnVPC,
  CfnVPCEndpoint,
  CfnVPCGatewayAttachment,
} from "aws-cdk-lib/aws-ec2";
import { CfnRole } from "aws-cdk-lib/aws-iam";
import type { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import { ofLog } from "./logs";
import { accept, trusts } from "./stack";
import type { PlainStack } from "./stack";
import type { Tables } from "./tables";

export const CIDR = "10.0.0.0/16";
const ZONES = ["A", "B"];
const anybody = { cidrIp: "0.0.0.0/0" };

export class Network {
  readonly vpc: CfnVPC;
  readonly subnets: string[]; // where nodes are
  readonly gateway: CfnVPCGatewayAttachment;
  readonly route: CfnRoute; // out of the public subnets

  // isPrivate: nodes have no addresses of their own, and a NAT leads out.
  constructor(private readonly stack: PlainStack, tables: Tables, log: CfnLogGroup, isPrivate = false) {
    this.vpc = new CfnVPC(stack, "Vpc", { cidrBlock: CIDR, enableDnsHostnames: true, enableDnsSupport: true, tags: [{ key: "Name", value: Aws.STACK_NAME }] });
    const internet = new CfnInternetGateway(stack, "Internet");
    this.gateway = new CfnVPCGatewayAttachment(stack, "InternetAttached", { vpcId: this.vpc.ref, internetGatewayId: internet.ref });
    const routes = new CfnRouteTable(stack, "Routes", { vpcId: this.vpc.ref });
    this.route = new CfnRoute(stack, "RouteOut", { routeTableId: routes.ref, destinationCidrBlock: anybody.cidrIp, gatewayId: internet.ref });
    this.route.addResourceDependency(this.gateway);
    const open = ZONES.map((zone, i) => this.subnet(`Subnet${zone}`, i, routes, true));
    const tablesOfRoutes = isPrivate ? this.inner(open) : [routes];
    this.subnets = isPrivate ? ZONES.map((zone, i) => this.subnet(`Inner${zone}`, ZONES.length + i, tablesOfRoutes[i] as CfnRouteTable, false)) : open;
    const actions = ["GetItem", "PutItem", "UpdateItem", "Query"].map((action) => `dynamodb:${action}`);
    new CfnVPCEndpoint(stack, "DynamoDB", {
      vpcId: this.vpc.ref,
      serviceName: Fn.sub("com.amazonaws.${AWS::Region}.dynamodb"),
      vpcEndpointType: "Gateway",
      routeTableIds: tablesOfRoutes.map(({ ref }) => ref),
      policyDocument: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: "*", Action: actions, Resource: tables.all.map((table) => table.attrArn) }],
      },
    });
    this.flows(log);
  }

  private subnet(id: string, i: number, routes: CfnRouteTable, isOpen: boolean): string {
    const subnet = new CfnSubnet(this.stack, id, {
      vpcId: this.vpc.ref,
      cidrBlock: `10.0.${i * 16}.0/20`,
      availabilityZone: Fn.select(i % ZONES.length, Fn.getAzs()),
      mapPublicIpOnLaunch: isOpen,
    });
    new CfnSubnetRouteTableAssociation(this.stack, `${id}Routes`, { subnetId: subnet.ref, routeTableId: routes.ref });
    return subnet.ref;
  }

  // The routes of the inner subnets: out by a NAT, which they share unless each zone is to have one; to S3, where layers of
  // images are, by an endpoint.
  private inner(open: string[]): CfnRouteTable[] {
    const { stack } = this;
    const each = stack.isTrue(stack.flag("NatPerZone", "Each zone has a NAT of its own, and does not depend on the other's.", false));
    const nats = ZONES.map((zone, i) => {
      const address = new CfnEIP(stack, `Nat${zone}Address`, { domain: "vpc" });
      const nat = new CfnNatGateway(stack, `Nat${zone}`, { subnetId: open[i] as string, allocationId: address.attrAllocationId });
      address.addResourceDependency(this.gateway);
      if (i > 0) address.cfnOptions.condition = nat.cfnOptions.condition = each;
      return nat.ref;
    });
    const routes = ZONES.map((zone) => new CfnRouteTable(stack, `Inner${zone}RouteTable`, { vpcId: this.vpc.ref }));
    routes.forEach((table, i) => {
      const natGatewayId = i === 0 ? (nats[0] as string) : Fn.conditionIf(each.logicalId, nats[i], nats[0]).toString();
      new CfnRoute(stack, `Inner${ZONES[i]}Out`, { routeTableId: table.ref, destinationCidrBlock: anybody.cidrIp, natGatewayId });
    });
    const layers = Fn.sub("arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*");
    new CfnVPCEndpoint(stack, "S3", {
      vpcId: this.vpc.ref,
      serviceName: Fn.sub("com.amazonaws.${AWS::Region}.s3"),
      vpcEndpointType: "Gateway",
      routeTableIds: routes.map(({ ref }) => ref),
      policyDocument: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: layers }] },
    });
    return routes;
  }

  private flows(log: CfnLogGroup): void {
    const role = new CfnRole(this.stack, "FlowRole", {
      assumeRolePolicyDocument: trusts("vpc-flow-logs.amazonaws.com"),
      policies: [
        {
          policyName: "flows",
          policyDocument: {
            Version: "2012-10-17",
            Statement: [{ Effect: "Allow", Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"], Resource: log.attrArn }],
          },
        },
      ],
    });
    accept(role, ofLog(log));
    new CfnFlowLog(this.stack, "Flows", {
      resourceId: this.vpc.ref,
      resourceType: "VPC",
      trafficType: "REJECT",
      logDestinationType: "cloud-watch-logs",
      logGroupName: log.ref,
      deliverLogsPermissionArn: role.attrArn,
    });
  }

  // A group that lets nothing in, and out by HTTPS where it is told so.
  group(id: string, what: string, outByHttps: boolean): CfnSecurityGroup {
    const group = new CfnSecurityGroup(this.stack, id, {
      groupDescription: what,
      vpcId: this.vpc.ref,
      securityGroupEgress: outByHttps
        ? [{ ...anybody, ipProtocol: "tcp", fromPort: 443, toPort: 443, description: "AWS, and packages" }]
        : [{ cidrIp: "127.0.0.1/32", ipProtocol: "-1", description: "nothing but what is allowed apart" }],
    });
    return group;
  }

  // From one group to another, at a port: both sides.
  allow(id: string, from: CfnSecurityGroup, to: CfnSecurityGroup, port: number, toPort = port): void {
    const common = { ipProtocol: "tcp", fromPort: port, toPort };
    new CfnSecurityGroupEgress(this.stack, `${id}Out`, { ...common, groupId: from.attrGroupId, destinationSecurityGroupId: to.attrGroupId, description: id });
    new CfnSecurityGroupIngress(this.stack, `${id}In`, { ...common, groupId: to.attrGroupId, sourceSecurityGroupId: from.attrGroupId, description: id });
  }

  // Anybody, at a port: of a balancer, or why else.
  open(id: string, to: CfnSecurityGroup, port: number, why = "People come from everywhere: this is the balancer, at its public ports."): void {
    const made = new CfnSecurityGroupIngress(this.stack, id, { ...anybody, ipProtocol: "tcp", fromPort: port, toPort: port, groupId: to.attrGroupId, description: id });
    accept(made, { EC23: why });
  }
}
