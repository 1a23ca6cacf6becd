/* Descriptions that are wrong: each is refused, or warned of, with its code at its place. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateway/api_load.h"
#include "io/file.h"
#include "lib/check.h"

#define P(type, properties) "{Type: AWS::" type ", Properties: {" properties "}}\n"
#define API                                                             \
    "Resources:\n"                                                      \
    "  A: " P("ApiGatewayV2::Api", "Name: a, ProtocolType: WEBSOCKET, " \
                                   "RouteSelectionExpression: $request.body.action")
#define STAGE "  S: " P("ApiGatewayV2::Stage", "ApiId: !Ref A, StageName: s, AutoDeploy: true")
#define MOCK "  I: " P("ApiGatewayV2::Integration", "ApiId: !Ref A, IntegrationType: MOCK")
#define ROUTE                                                                                \
    "  R: " P("ApiGatewayV2::Route", "ApiId: !Ref A, RouteKey: $default, Target: !Join [/, " \
                                     "[integrations, !Ref I]]")
/* Lines 1 to 5; what follows begins in line 6. */
#define GOOD API STAGE MOCK ROUTE
#define IN "  X: "
#define INTEGRATION(more)                                                                      \
    GOOD "  X:\n    Type: AWS::ApiGatewayV2::Integration\n    Properties:\n      ApiId: !Ref " \
         "A\n" more
#define PROXY                                                                         \
    INTEGRATION("      IntegrationType: HTTP_PROXY\n      IntegrationUri: http://h\n" \
                "      RequestParameters: {integration.request.header.c: "            \
                "context.connectionId}\n")
#define FUNCTION "  F: " P("Lambda::Function", "Runtime: python3.12, Handler: h.h, Code: dir")
#define CALL                                                                     \
    "  C: " P("ApiGatewayV2::Integration",                                       \
              "ApiId: !Ref A, IntegrationType: AWS_PROXY, IntegrationUri: !Sub " \
              "'arn:aws:apigateway:r:lambda:path/2015-03-31/functions/${F.Arn}/invocations'")
#define SHORT "routes:\n  ping: {mock: 200}\n"

struct wrong {
    const char *text;
    enum note_code code;
    unsigned line, column;
    const char *says;
};

static const struct wrong files[] = {
    {"", NOTE_not_an_api, 1, 1, "empty"},
    {"# nothing\n", NOTE_not_an_api, 1, 1, "empty"},
    {"a: 1\n", NOTE_not_an_api, 1, 1, "neither"},
    {"just a text", NOTE_not_an_api, 1, 1, "neither"},
    {"[]", NOTE_not_an_api, 1, 1, "neither"},
    {"service: chat\nprovider: {name: aws}\n", NOTE_not_an_api, 1, 1, "serverless package"},
    {"a: b: c\n", NOTE_syntax, 1, 5, "not allowed in this context"},
    {"a: [1, 2\nb: 3\n", NOTE_syntax, 2, 2, "flow sequence"},
    {"a:\n\t- b\n", NOTE_syntax, 2, 1, "cannot start any token"},
    {"a: 1\n---\nb: 2\n", NOTE_syntax, 2, 1, "second document"},
    {"{a, b}: c\n", NOTE_syntax, 1, 2, "JSON"},
    {"? [a]\n: c\n", NOTE_syntax, 1, 3, "a key must be a text"},
    {"!Ref a: b\n", NOTE_syntax, 1, 1, "a key cannot be"},
    {"{\"a\": 1,}", NOTE_syntax, 1, 9, "JSON"},
    {"{\n  \"a\": 01\n}", NOTE_syntax, 2, 8, "number"},
    {"{\"a\": \"\\ud800\"}", NOTE_bad_text, 1, 14, "UTF-8"},
    {"{\"a\":\n \"b\\u0000c\"}", NOTE_bad_text, 2, 2, "zero byte"},
    {"{\"a\\u0000\": 1}", NOTE_bad_text, 1, 2, "zero byte"},
    {"a: \"b\\0c\"\n", NOTE_bad_text, 1, 4, "zero byte"},
    {"a: \xff\n", NOTE_bad_text, 1, 1, "UTF-8"},
    {"a: &x [1]\nb: *x\n", NOTE_alias, 2, 4, "write the value out"},
    {"a: 1\nb: 2\na: 3\n", NOTE_duplicate_key, 3, 1, "already in line 1"},
    {"{\"a\": 1, \"a\": 2}", NOTE_duplicate_key, 1, 10, "already in line 1"},
    {"a: !Reff b\n", NOTE_unknown_tag, 1, 4, "!Reff"},
    {"a: !<tag:example.org,2000:x> b\n", NOTE_unknown_tag, 1, 4, "example.org"},
};

static const struct wrong values[] = {
    {"Resources: []\n", NOTE_no_api, 1, 1, "Resources"},
    {"Resources: {X: 1}\n", NOTE_missing, 1, 13, "no Type"},
    {"Resources: {}\n", NOTE_no_api, 1, 1, "WEBSOCKET"},
    {"Resources:\n" IN P("ApiGatewayV2::Api", "ProtocolType: WS"), NOTE_bad_value, 2, 50, "WS"},
    {GOOD IN P("ApiGatewayV2::Route", "ApiId: !Ref A"), NOTE_missing, 6, 3, "RouteKey"},
    {GOOD IN P("ApiGatewayV2::Route", "RouteKey: x"), NOTE_missing, 6, 3, "ApiId"},
    {GOOD IN P("ApiGatewayV2::Route", "ApiId: !Ref A, RouteKey: [x]"), NOTE_wrong_kind, 6, 77,
     "a text is expected, and this is a list"},
    {GOOD IN "{Type: AWS::ApiGatewayV2::Route, Properties: []}\n", NOTE_wrong_kind, 6, 51, "map"},
    {PROXY "      IntegrationTyp: x\n", NOTE_unknown_property, 13, 7, "IntegrationType is meant"},
    {PROXY "      Color: x\n", NOTE_unknown_property, 13, 7, "Color"},
    {PROXY "      PassthroughBehavior: never\n", NOTE_bad_value, 13, 7, "WHEN_NO_MATCH"},
    {PROXY "      TimeoutInMillis: soon\n", NOTE_bad_value, 13, 7, "whole number"},
    {PROXY "      RequestTemplates: none\n", NOTE_wrong_kind, 13, 7, "must be a map"},
    {PROXY "      TlsConfig: {}\n", NOTE_not_websocket, 13, 7, "HTTP APIs only"},
    {GOOD IN P("Lambda::Function", "Runtime: python3.12, Handler: h, Code: d, Colour: red"),
     NOTE_ignored_property, 6, 91, "Colour"},
    {GOOD IN P("ApiGatewayV2::Stage", "ApiId: !Ref A, StageName: t, AutoDeploy: maybe"),
     NOTE_several_stages, 6, 3, "only the stage s"},
    {GOOD IN P("Lambda::Function", "Runtime: java21, Handler: h, Code: d"), NOTE_runtime, 6, 49,
     "java21"},
    {GOOD IN P("Lambda::Url", ""), NOTE_ignored_resource, 6, 3, "AWS::Lambda::Url"},
    {GOOD IN P("CloudFormation::Stack", ""), NOTE_ignored_resource, 6, 3, "not read"},
};

#define NAME(value)                                                                           \
    "Resources:\n" IN "{Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET, " \
    "RouteSelectionExpression: a, Name: " value "}}\n"
#define WITH(section, value) section NAME(value)

static const struct wrong functions[] = {
    {NAME("!Ref Nothing"), NOTE_unresolved, 2, 110, "\"Nothing\""},
    {NAME("!Ref AWS::Nothing"), NOTE_unresolved, 2, 110, "AWS::Nothing"},
    {NAME("!GetAtt Nothing.Arn"), NOTE_unresolved, 2, 110, "Nothing.Arn"},
    {NAME("!Sub '${Nothing}'"), NOTE_unresolved, 2, 110, "Nothing"},
    {NAME("!Sub '${X'"), NOTE_bad_function, 2, 110, "not closed"},
    {NAME("!Sub [a, b, c]"), NOTE_bad_function, 2, 110, "Fn::Sub"},
    {NAME("!GetAtt Nothing"), NOTE_bad_function, 2, 110, "Fn::GetAtt"},
    {NAME("!Ref [X]"), NOTE_bad_function, 2, 110, "Ref"},
    {NAME("!Join [a]"), NOTE_bad_function, 2, 110, "Fn::Join"},
    {NAME("!Select [2, [a, b]]"), NOTE_bad_function, 2, 110, "not within"},
    {NAME("!Select [a]"), NOTE_bad_function, 2, 110, "Fn::Select"},
    {NAME("!Select [0, !Split ['', a]]"), NOTE_bad_function, 2, 122, "empty"},
    {NAME("!Split [a, b]"), NOTE_wrong_kind, 2, 110, "gives a list"},
    {NAME("!If [a]"), NOTE_bad_function, 2, 110, "Fn::If"},
    {NAME("!If [None, a, b]"), NOTE_unresolved, 2, 115, "condition \"None\""},
    {NAME("!FindInMap [a]"), NOTE_bad_function, 2, 110, "Fn::FindInMap"},
    {NAME("!FindInMap [a, b, c]"), NOTE_unresolved, 2, 110, "finds nothing"},
    {NAME("!Cidr [a]"), NOTE_unknown_function, 2, 110, "Fn::Cidr"},
    {NAME("{Fn::Nothing: x}"), NOTE_unknown_function, 2, 110, "Fn::Nothing"},
    {NAME("!ImportValue other"), NOTE_unknown_here, 2, 110, "other"},
    {NAME("!Ref X"), NOTE_no_stage, 2, 75, "no stage"},
    {WITH("Parameters: {P: {Type: String}}\n", "!Ref P"), NOTE_no_parameter_value, 1, 14,
     "P=VALUE"},
    {WITH("Parameters: {P: {Default: a, AllowedValues: [b]}}\n", "!Ref P"), NOTE_bad_parameter, 1,
     14, "AllowedValues"},
    {WITH("Parameters: {P: {Type: 'AWS::SSM::Parameter::Value<String>', Default: a}}\n", "!Ref P"),
     NOTE_unknown_here, 1, 14, "SSM"},
    {WITH("Conditions: {C: x}\n", "!If [C, a, b]"), NOTE_bad_function, 1, 17, "a condition is"},
    {WITH("Conditions: {C: !Equals [a]}\n", "!If [C, a, b]"), NOTE_bad_function, 1, 17, "Equals"},
    {WITH("Conditions: {C: !Not a}\n", "!If [C, a, b]"), NOTE_bad_function, 1, 17, "Not"},
    {WITH("Conditions: {C: !And [a]}\n", "!If [C, a, b]"), NOTE_bad_function, 1, 17, "And"},
    {WITH("Conditions: {C: !Condition D}\n", "!If [C, a, b]"), NOTE_unresolved, 1, 17, "\"D\""},
    {WITH("Conditions: {C: !Condition C}\n", "!If [C, a, b]"), NOTE_circle, 1, 17, "circle"},
    {GOOD IN P("Lambda::Function", "FunctionName: !Ref X"), NOTE_circle, 6, 63, "circle"},
    {GOOD IN "{Type: AWS::SNS::Topic, DependsOn: [A, Y]}\n", NOTE_unresolved, 6, 45,
     "depends on Y"},
    {GOOD "  Fn::ForEach::X: [a, [b], {}]\n", NOTE_unknown_function, 6, 3, "ForEach"},
};

static const struct wrong apis[] = {
    {API, NOTE_no_stage, 2, 84, "no stage"},
    {API STAGE, NOTE_no_routes, 2, 84, "no route"},
    {GOOD IN P("ApiGatewayV2::Api", "Name: b, ProtocolType: WEBSOCKET"), NOTE_several_apis, 6, 3,
     "A and X"},
    {"Resources:\n" IN P("ApiGatewayV2::Api", "Name: b, ProtocolType: WEBSOCKET"),
     NOTE_no_selection, 2, 3, "$request.body.action"},
    {"Resources:\n" IN P("ApiGatewayV2::Api", "Name: b, ProtocolType: WEBSOCKET, "
                                              "RouteSelectionExpression: $body.action"),
     NOTE_no_selection, 2, 84, "$request.body.action"},
    {API "  S: " P("ApiGatewayV2::Stage", "ApiId: !Ref A, StageName: s"), NOTE_no_deployment, 3, 3,
     "AutoDeploy"},
    {GOOD IN P("ApiGatewayV2::Deployment", "ApiId: !Ref A"), NOTE_deployment_order, 6, 3,
     "DependsOn"},
    {GOOD IN P("ApiGatewayV2::Route", "ApiId: !Ref A, RouteKey: $default, Target: !Sub "
                                      "'integrations/${I}'"),
     NOTE_duplicate_route, 6, 3, "$default"},
    {GOOD IN P("ApiGatewayV2::Route", "ApiId: !Ref A, RouteKey: $other, Target: !Sub "
                                      "'integrations/${I}'"),
     NOTE_bad_route, 6, 3, "$other"},
    {GOOD IN P("ApiGatewayV2::Route", "ApiId: !Ref A, RouteKey: x"), NOTE_no_target, 6, 3,
     "no integration"},
    {GOOD IN P("ApiGatewayV2::Route", "ApiId: !Ref A, RouteKey: x, Target: integrations/Y"),
     NOTE_no_target, 6, 3, "integrations/Y"},
    {GOOD IN P("ApiGatewayV2::Route", "ApiId: !Ref A, RouteKey: x, Target: !Ref I"), NOTE_no_target,
     6, 3, "\"I\""},
    {GOOD IN P("ApiGatewayV2::Route", "ApiId: !Ref A, RouteKey: x, Target: !Sub "
                                      "'integrations/${I}', AuthorizationType: AWS_IAM"),
     NOTE_bad_authorizer, 6, 3, "only $connect"},
    {GOOD IN P("ApiGatewayV2::Route", "ApiId: !Ref A, RouteKey: $connect, "
                                      "AuthorizationType: CUSTOM"),
     NOTE_bad_authorizer, 6, 3, "no authorizer"},
    {GOOD IN P("ApiGatewayV2::Route", "ApiId: !Ref A, RouteKey: $connect, AuthorizationType: JWT"),
     NOTE_not_websocket, 6, 87, "JWT"},
    {GOOD IN P("ApiGatewayV2::Authorizer", "ApiId: !Ref A, Name: a, AuthorizerType: JWT"),
     NOTE_bad_authorizer, 6, 81, "REQUEST"},
    {GOOD IN P("ApiGatewayV2::Authorizer", "ApiId: !Ref A, Name: a, AuthorizerType: REQUEST, "
                                           "AuthorizerUri: x"),
     NOTE_bad_integration, 6, 106, "invocations"},
    {GOOD IN P("ApiGatewayV2::RouteResponse", "ApiId: !Ref A, RouteId: !Ref R, "
                                              "RouteResponseKey: x"),
     NOTE_bad_value, 6, 92, "$default"},
    {GOOD IN P("ApiGatewayV2::RouteResponse", "ApiId: !Ref A, RouteId: R, "
                                              "RouteResponseKey: $default"),
     NOTE_no_answer, 6, 3, "RouteResponseSelectionExpression"},
    {GOOD IN P("ApiGatewayV2::RouteResponse", "ApiId: !Ref A, RouteId: Q, "
                                              "RouteResponseKey: $default"),
     NOTE_unresolved, 6, 75, "no route Q"},
    {GOOD IN P("ApiGatewayV2::Stage", "ApiId: !Ref A"), NOTE_missing, 6, 3, "StageName"},
    {API "  S: " P("ApiGatewayV2::Stage", "ApiId: !Ref A, StageName: s, AutoDeploy: true, "
                                          "RouteSettings: {x: {}}"),
     NOTE_unresolved, 3, 115, "\"x\""},
    {GOOD IN P("ApiGateway::ApiKey", "Enabled: true"), NOTE_unknown_here, 6, 3, "API key"},
};

static const struct wrong integrations[] = {
    {INTEGRATION("      IntegrationType: MOCKED\n"), NOTE_bad_value, 10, 7, "AWS_PROXY"},
    {INTEGRATION("      IntegrationType: AWS\n"), NOTE_bad_integration, 10, 7, "AWS_PROXY"},
    {INTEGRATION("      IntegrationType: AWS_PROXY\n"), NOTE_missing, 6, 3, "IntegrationUri"},
    {INTEGRATION("      IntegrationType: AWS_PROXY\n      IntegrationUri: !Sub x${A}\n"),
     NOTE_bad_integration, 11, 7, "invocations"},
    {GOOD IN P("ApiGatewayV2::Integration", "ApiId: !Ref A, IntegrationType: AWS_PROXY, "
                                            "IntegrationMethod: GET, IntegrationUri: x"),
     NOTE_bad_integration, 6, 101, "POST"},
    {INTEGRATION("      IntegrationType: HTTP\n      IntegrationUri: ftp://x\n"),
     NOTE_bad_integration, 6, 3, "http://"},
    {INTEGRATION("      IntegrationType: HTTP_PROXY\n      IntegrationUri: http://h\n"),
     NOTE_no_connection_id, 6, 3, "context.connectionId"},
    {PROXY "      IntegrationMethod: ANY\n", NOTE_any_method, 13, 7, "POST is sent"},
    {PROXY "      IntegrationMethod: post\n", NOTE_bad_value, 13, 7, "PATCH"},
    {PROXY "      TimeoutInMillis: 29001\n", NOTE_bad_timeout, 6, 3, "29001"},
    {PROXY "      TimeoutInMillis: 49\n", NOTE_bad_timeout, 6, 3, "49 ms"},
    {PROXY "      ConnectionType: VPC_LINK\n", NOTE_vpc_link, 13, 7, "ConnectionId"},
    {PROXY "      ConnectionType: VPC_LINK\n      ConnectionId: !Ref L\n  L: " P(
         "ApiGatewayV2::VpcLink", "Name: l"),
     NOTE_vpc_link, 14, 7, "version 2"},
    {PROXY "      ConnectionType: VPC_LINK\n      ConnectionId: !Ref L\n  L: " P(
         "ApiGateway::VpcLink", "TargetArns: [!Ref B]") "  B: " P("ElasticLoadBalancingV2::"
                                                                  "LoadBalancer",
                                                                  ""),
     NOTE_vpc_link, 14, 7, "no network load balancer"},
    {INTEGRATION("      IntegrationType: MOCK\n      RequestParameters: {a: context.b}\n"),
     NOTE_bad_mapping, 6, 3, "maps a"},
    {INTEGRATION("      IntegrationType: MOCK\n"
                 "      RequestParameters: {integration.request.header.a: b}\n"),
     NOTE_bad_mapping, 6, 3, "to b"},
    {INTEGRATION("      IntegrationType: MOCK\n"
                 "      RequestTemplates: {a: '{\"x\": #if($context.stage) 1 #end}'}\n"),
     NOTE_bad_template, 6, 3, "from \"#if($context.stage) 1 #end}\" on"},
    {INTEGRATION("      IntegrationType: MOCK\n"
                 "      TemplateSelectionExpression: $request.header.x\n"),
     NOTE_bad_template, 6, 3, "$request.header.x"},
    {GOOD "  X: " P("ApiGatewayV2::IntegrationResponse",
                    "ApiId: !Ref A, IntegrationId: !Ref I, IntegrationResponseKey: $default, "
                    "ResponseTemplates: {a: $method.request}"),
     NOTE_bad_template, 4, 3, "$method.request"},
    {GOOD IN P("ApiGatewayV2::Route", "ApiId: !Ref A, RouteKey: $connect, RequestParameters: "
                                      "{route.request.path.x: {Required: true}}"),
     NOTE_bad_mapping, 6, 3, "route.request.querystring.NAME"},
    {GOOD IN P("ApiGatewayV2::Route",
               "ApiId: !Ref A, RouteKey: x, Target: !Sub 'integrations/${I}', "
               "RequestParameters: {route.request.header.x: {Required: true}}"),
     NOTE_ignored_property, 6, 3, "at $connect only"},
    {GOOD CALL, NOTE_unresolved, 6, 117, "F.Arn"},
    {GOOD FUNCTION CALL, NOTE_no_permission, 6, 3, "invoke F"},
    {GOOD "  F: " P("Lambda::Function", "Runtime: python3.12, Handler: h, Code: {S3Bucket: b, "
                                        "S3Key: k}") CALL,
     NOTE_no_code, 6, 3, "F.CodeUri=DIR"},
    {GOOD "  F: " P("Lambda::Function", "Runtime: python3.12, Handler: h, Code: d, Timeout: 60")
         CALL,
     NOTE_slow_function, 6, 3, "60 s"},
};

static const struct wrong short_files[] = {
    {"routes: {}\n", NOTE_no_routes, 1, 1, "no route"},
    {SHORT "colour: red\n", NOTE_unknown_property, 3, 1, "colour"},
    {SHORT "  x: [a]\n", NOTE_wrong_kind, 3, 6, "a URL, or a map"},
    {SHORT "  x: {}\n", NOTE_bad_integration, 3, 3, "url, lambda and mock"},
    {SHORT "  x: {mock: 200, url: http://x}\n", NOTE_bad_integration, 3, 3, "one of"},
    {SHORT "  x: ftp://x\n", NOTE_bad_integration, 3, 3, "http://"},
    {SHORT "  x: {url: 'http://x', method: 'G T'}\n", NOTE_bad_value, 3, 24, "PATCH"},
    {SHORT "  x: {lambda: f}\n", NOTE_no_function, 3, 3, "\"f\""},
    {SHORT "functions:\n  f: {}\n", NOTE_missing, 4, 3, "command"},
    {SHORT "functions:\n  f: x\n", NOTE_wrong_kind, 4, 6, "map"},
    {SHORT "  $x: {mock: 200}\n", NOTE_bad_route, 3, 3, "$x"},
    {SHORT "authorizer: {lambda: f}\n", NOTE_no_function, 3, 1, "\"f\""},
    {SHORT "authorizer: {lambda: f, sources: [x]}\n", NOTE_bad_authorizer, 3, 1, "identity source"},
    {SHORT "  x: {mock: 200, access: iam}\n", NOTE_bad_authorizer, 3, 3, "only $connect"},
    {SHORT "  $connect: {mock: 200, access: authorizer}\n", NOTE_bad_authorizer, 3, 3,
     "no authorizer"},
    {SHORT "  x: {mock: 200, key: true}\n", NOTE_ignored_property, 3, 3, "API keys"},
    {SHORT "  $connect: {mock: 200, response: x}\n", NOTE_no_answer, 3, 3, "$connect"},
};

/* The codes that were seen. */
static bool seen[NOTES_CODES_N];

/* Reads a text; what it says is in ns, which the caller frees. */
static struct notes *say(struct str text, const struct api_load_options *o)
{
    struct notes *ns = mem_zeroed(1, sizeof(*ns));
    struct api *api = NULL;
    int r;

    notes_init(ns);
    r = api_load_text(text, "dir/file", o, &api, ns);
    assert_int_equal(r, ns->errors > 0 ? -22 : 0);
    assert_true((api != NULL) == (r == 0));
    for (size_t i = 0; i < ns->n; i++)
        seen[ns->at[i].code] = true;
    api_free(api);
    return ns;
}

static bool has(const struct notes *ns, const struct wrong *w)
{
    for (size_t i = 0; i < ns->n; i++)
        if (ns->at[i].code == w->code && ns->at[i].place.line == w->line &&
            ns->at[i].place.column == w->column && strstr(ns->at[i].text, w->says) != NULL)
            return true;
    return false;
}

static void are_said(const struct wrong *list, size_t n)
{
    unsigned failed = 0;

    for (size_t i = 0; i < n; i++) {
        struct notes *ns = say(str_of(list[i].text), NULL);

        if (!has(ns, &list[i])) {
            struct buf out CLEANUP(buf_fini);

            buf_init(&out, 1 << 20);
            notes_print(ns, "-", &out);
            print_message("%s\n wants %u:%u %s \"%s\", says\n%.*s\n", list[i].text, list[i].line,
                          list[i].column, notes_code(list[i].code), list[i].says,
                          STR_ARGS(buf_peek(&out)));
            failed++;
        }
        free(ns);
    }
    assert_int_equal(failed, 0);
}

#define TABLE(test, list)              \
    static void test(void **state)     \
    {                                  \
        (void)state;                   \
        are_said(list, COUNTOF(list)); \
    }

TABLE(files_are_refused, files)
TABLE(values_are_checked, values)
TABLE(functions_are_checked, functions)
TABLE(apis_are_checked, apis)
TABLE(integrations_are_checked, integrations)
TABLE(short_files_are_checked, short_files)

/* Appends a text n times. */
static void repeat(struct buf *b, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_append(b, str_of(text));
}

static void is_refused(struct buf *b, enum note_code code)
{
    struct notes *ns;

    assert_false(b->failed);
    ns = say(buf_peek(b), NULL);
    assert_non_null(notes_error(ns));
    assert_string_equal(notes_code(notes_error(ns)->code), notes_code(code));
    free(ns);
    buf_clear(b);
}

static void sizes_are_bounded(void **state)
{
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 8 << 20);
    repeat(&b, "[", 33);
    repeat(&b, "]", 33);
    is_refused(&b, NOTE_too_deep);
    repeat(&b, "a: ", 1);
    repeat(&b, "[", 100 * 1000);
    is_refused(&b, NOTE_too_deep);
    repeat(&b, "- ", 100 * 1000);
    is_refused(&b, NOTE_too_deep);
    repeat(&b, "- a\n", 100 * 1000 + 1);
    is_refused(&b, NOTE_too_big);
    buf_append(&b, STR("[1"));
    repeat(&b, ",1", 100 * 1000);
    buf_append(&b, STR("]"));
    is_refused(&b, NOTE_too_big);
    for (unsigned i = 0; i < 1001; i++)
        buf_printf(&b, "k%u: 1\n", i);
    is_refused(&b, NOTE_too_big);
    buf_append(&b, STR("routes:\n"));
    for (unsigned i = 0; i < 301; i++)
        buf_printf(&b, "  k%u: {mock: 200}\n", i);
    is_refused(&b, NOTE_too_many);
    buf_append(&b, STR(GOOD));
    for (unsigned i = 0; i < 501; i++)
        buf_printf(&b, "  T%u: {Type: AWS::DynamoDB::Table}\n", i);
    is_refused(&b, NOTE_too_many);
    buf_append(&b, STR(GOOD "  T: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: "));
    repeat(&b, "k", 64 * 1024);
    buf_append(&b, STR("}}\n"));
    is_refused(&b, NOTE_too_big);
}

/* Each level holds the one below ten times: a text of 10^9 letters, or of none. */
static void nested(struct buf *b, const char *innermost)
{
    buf_append(b, STR("Resources: {X: {Type: AWS::ApiGatewayV2::Api, Properties: "
                      "{ProtocolType: WEBSOCKET, RouteSelectionExpression: a, Name: "));
    repeat(b, "{Fn::Sub: ['${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}', {a: ", 9);
    buf_append(b, str_of(innermost));
    repeat(b, "}]}", 9);
    buf_append(b, STR("}}}"));
}

static void work_is_bounded(void **state)
{
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 8 << 20);
    nested(&b, "x");
    is_refused(&b, NOTE_circle);
    nested(&b, "''");
    is_refused(&b, NOTE_circle);
    buf_append(&b, STR("Resources: {X: {Type: AWS::ApiGatewayV2::Api, Properties: "
                       "{ProtocolType: WEBSOCKET, RouteSelectionExpression: a, "
                       "Name: !Sub ['"));
    repeat(&b, "${a}", 100);
    buf_append(&b, STR("', {a: '"));
    repeat(&b, "x", 100 * 1000);
    buf_append(&b, STR("'}]}}}"));
    is_refused(&b, NOTE_too_big);
}

static void files_are_bounded(void **state)
{
    struct notes ns;
    struct api *api;

    (void)state;
    notes_init(&ns);
    assert_int_equal(api_load("tests/gateway/templates/none.yaml", NULL, &api, &ns), -2);
    assert_int_equal(notes_error(&ns)->code, NOTE_unreadable);
    seen[NOTE_unreadable] = true;
    notes_init(&ns);
    assert_int_equal(api_load("/dev/zero", NULL, &api, &ns), -27);
    assert_int_equal(notes_error(&ns)->code, NOTE_too_big);
}

static void notes_are_bounded(void **state)
{
    struct buf b CLEANUP(buf_fini), out CLEANUP(buf_fini);
    struct notes *ns;

    (void)state;
    buf_init(&b, 1 << 20);
    buf_init(&out, 1 << 20);
    buf_append(&b, STR("Resources:\n"));
    for (unsigned i = 0; i < 150; i++)
        buf_printf(&b, "  U%u: {Type: AWS::Lambda::Url}\n", i);
    ns = say(buf_peek(&b), NULL);
    assert_int_equal(ns->n, NOTES_MAX);
    assert_int_equal(ns->warnings, 150);
    assert_int_equal(notes_error(ns)->code, NOTE_no_api);
    notes_print(ns, "f", &out);
    buf_append_byte(&out, 0);
    assert_non_null(strstr((const char *)out.bytes, "f: and 51 more\n"));
    assert_non_null(strstr((const char *)out.bytes, "f:1:1: error: there is no WebSocket API"));
    free(ns);
}

static void parameters_are_checked(void **state)
{
    struct api_pairs given = {0};
    struct api_load_options o = {.parameters = &given};
    struct notes *ns;

    (void)state;
    api_pairs_add(&given, STR("Color"), STR("red"));
    ns = say(STR(GOOD), &o);
    assert_int_equal(notes_error(ns)->code, NOTE_bad_parameter);
    assert_non_null(strstr(notes_error(ns)->text, "Color"));
    free(ns);
    free(given.at[0].name);
    free(given.at[0].value);
    free(given.at);
    o = (struct api_load_options){.stage = "other"};
    ns = say(STR(GOOD), &o);
    assert_int_equal(notes_error(ns)->code, NOTE_no_stage);
    free(ns);
    o = (struct api_load_options){.api = "B"};
    ns = say(STR(GOOD), &o);
    assert_int_equal(notes_error(ns)->code, NOTE_no_api);
    free(ns);
    ns = say(STR(GOOD), NULL);
    assert_int_equal(ns->n, 0);
    free(ns);
}

static void each_code_is_tested_and_explained(void **state)
{
    struct buf text CLEANUP(buf_fini);
    unsigned missing = 0;
    char row[64];

    (void)state;
    buf_init(&text, 1 << 20);
    assert_int_equal(file_read("docs/gateway_file.md", &text), 0);
    buf_append_byte(&text, 0);
    for (unsigned i = 0; i < NOTES_CODES_N; i++) {
        (void)snprintf(row, sizeof(row), "| `%s` |", notes_code((enum note_code)i));
        if (strstr((const char *)text.bytes, row) == NULL ||
            strstr((const char *)text.bytes, notes_what((enum note_code)i)) == NULL) {
            print_message("docs/gateway_file.md does not say: %s %s |\n", row,
                          notes_what((enum note_code)i));
            missing++;
        }
        if (!seen[i]) {
            print_message("nothing above gives %s\n", notes_code((enum note_code)i));
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

CHECK_MAIN(cmocka_unit_test(files_are_refused), cmocka_unit_test(values_are_checked),
           cmocka_unit_test(functions_are_checked), cmocka_unit_test(apis_are_checked),
           cmocka_unit_test(integrations_are_checked), cmocka_unit_test(short_files_are_checked),
           cmocka_unit_test(sizes_are_bounded), cmocka_unit_test(work_is_bounded),
           cmocka_unit_test(files_are_bounded), cmocka_unit_test(notes_are_bounded),
           cmocka_unit_test(parameters_are_checked),
           cmocka_unit_test(each_code_is_tested_and_explained))
