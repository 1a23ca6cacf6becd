// Descriptions of an API: a template, a short file, and wrong ones.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "../integration/lib/suite.mjs";
import { Backend, Gateway, file } from "./lib/gateway.mjs";

// Runs it to its end.
async function run(t, flags) {
  const gateway = new Gateway(flags, {});
  t.after(() => gateway.stop());
  await gateway.exited;
  return gateway;
}

const TEMPLATE = `
Parameters:
  Color: {Type: String, AllowedValues: [blue, green]}
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.type}
  Balancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties: {Type: network}
  Link:
    Type: AWS::ApiGateway::VpcLink
    Properties: {Name: link, TargetArns: [!Ref Balancer]}
  Say:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: HTTP_PROXY
      IntegrationMethod: PUT
      IntegrationUri: !Sub http://\${Balancer.DNSName}/say/\${!stageVariables.color}
      ConnectionType: VPC_LINK
      ConnectionId: !Ref Link
      RequestParameters:
        integration.request.header.connectionId: context.connectionId
        integration.request.header.stage: context.stage
  SayRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: say, RouteResponseSelectionExpression: $default, Target: !Sub "integrations/\${Say}"}
  SayResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref SayRoute, RouteResponseKey: $default}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: live, AutoDeploy: true, StageVariables: {color: !Ref Color}}
`;

test("an API is what its template says", async (t) => {
  const backend = await Backend.start(t, () => ({ text: "said" }));
  const path = file(t, "template.yaml", TEMPLATE);
  const at = `Balancer.DNSName=${backend.url.slice("http://".length)}`;
  const gateway = await Gateway.start(t, [path, "--parameter", "Color=green", "--parameter", at]);
  assert.match(gateway.url, /\/live$/);
  const person = await gateway.person(t);
  person.say({ type: "say", text: "hi" });
  assert.equal(await person.frame(), "said");
  const [request] = backend.requests;
  assert.equal(`${request.method} ${request.url}`, "PUT /say/green");
  assert.equal(request.headers.stage, "live");
  assert.match(request.headers.connectionid, /=$/);
});

test("an API is what its short file says", async (t) => {
  const backend = await Backend.start(t);
  const text = `stage: dev\nvariables: {host: ${backend.url.slice("http://".length)}}\nroutes:\n  $default: "http://\${stageVariables.host}/gw"\n  ping: {mock: 200, response: '{"you": "$context.connectionId"}'}\n`;
  const gateway = await Gateway.start(t, [file(t, "chat.yaml", text), "--route", `$connect=${backend.url}/connect`]);
  assert.match(gateway.url, /\/dev$/);
  const person = await gateway.person(t);
  person.say("hello");
  const message = await backend.event("MESSAGE");
  assert.equal(message.body, "hello");
  assert.equal(message.headers["x-ws-stage"], "dev");
  assert.equal((await backend.event("CONNECT")).url, "/connect");
  person.say({ action: "ping" });
  assert.equal(JSON.parse(await person.frame()).you, message.headers["x-ws-connection-id"]);
});

test("what is wrong with a description is said, all of it", async (t) => {
  const path = file(t, "wrong.yaml", TEMPLATE.replace("HTTP_PROXY", "HTTP_PROXI").replace("!Ref Link", "!Ref Lonk"));
  const gateway = await run(t, [path, "--parameter", "Color=red"]);
  assert.equal(gateway.code, 1);
  assert.match(gateway.log, /wrong\.yaml:3:3: error: "red" is not one of the AllowedValues of Color \[bad_parameter\]/);
  assert.match(gateway.log, /wrong\.yaml:18:7: error: Say: IntegrationType must be one of .* \[bad_value\]/);
  assert.equal(gateway.out, "");
  const none = await run(t, [join(path, "none.yaml")]);
  assert.equal(none.code, 1);
  assert.match(none.log, /none\.yaml: error: the file cannot be read: .* \[unreadable\]/);
});

test("--check shows what was read, and ends", async (t) => {
  const path = file(t, "template.yaml", TEMPLATE);
  const gateway = await run(t, ["--check", path, "--parameter", "Color=blue"]);
  assert.equal(gateway.code, 0);
  assert.match(gateway.out, /API chat, Api: routes by \$request\.body\.type\nStage live: color=blue\n/);
  assert.match(gateway.out, /say +HTTP_PROXY http:\/\/Balancer\.DNSName\/say/);
  assert.match(gateway.log, /warning: Balancer\.DNSName is known in AWS only/);
  assert.equal((await run(t, ["--check", path])).code, 1, "Color has no value");
  assert.equal((await run(t, ["--check"])).code, 64);
});

test("what of Velocity is not evaluated is refused at the start", async (t) => {
  const set = `{mock: '#set($x = 1) {"statusCode": 200}'}`;
  const text = `routes:\n  ping: ${set}\n  pong: {mock: 200, response: 'hi $input.params()'}\n`;
  const gateway = await run(t, [file(t, "velocity.yaml", text)]);
  assert.equal(gateway.code, 1);
  assert.match(gateway.log, /velocity\.yaml:2:3: error: ping: the template "\$default" is not evaluated here from "#set\(\$x = 1\) /);
  assert.match(gateway.log, /from "\$input\.params\(\)" on; .* \[bad_template\]/);
});

test("stage variables whose values have commas", async (t) => {
  const text = "variables: {hosts: none}\nroutes:\n  ping: {mock: 200, response: '$stageVariables.hosts|$stageVariables.more'}\n";
  const path = file(t, "variables.yaml", text);
  const gateway = await Gateway.start(t, [path, "--variable", "hosts=a,b:1,c", "--variable", "more=x=y"]);
  const person = await gateway.person(t);
  person.say({ action: "ping" });
  assert.equal(await person.frame(), "a,b:1,c|x=y");
  const wrong = await run(t, [path, "--variable", "hosts"]);
  assert.equal(wrong.code, 64);
  assert.match(wrong.log, /--variable hosts: write NAME=VALUE/);
});
