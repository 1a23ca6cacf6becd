#include "gateway/template.h"

#include "base/str.h"
#include "gateway/template_function.h"
#include "gateway/template_integration.h"
#include "gateway/template_route.h"
#include "gateway/template_sam.h"
#include "gateway/template_table.h"

#include <stdlib.h>

#define API "Name ProtocolType RouteSelectionExpression ApiKeySelectionExpression"
#define API_IGNORED                                                                             \
    "Description DisableExecuteApiEndpoint DisableSchemaValidation Version Tags IpAddressType " \
    "FailOnWarnings"
#define API_HTTP "Body BodyS3Location CorsConfiguration CredentialsArn RouteKey Target BasePath"

/* A function for each resource of a type. */
struct reader {
    const char *type;
    void (*read)(struct template *t, const struct doc_value *resource);
};

/* Calls f for each resource of a type, whose condition holds. */
static void each(struct template *t, const char *type,
                 void (*f)(struct template *t, const struct doc_value *resource))
{
    for (const struct doc_value *r = t->eval.resources->first; r != NULL; r = r->next)
        if (str_eq(template_eval_type(r), str_of(type)) &&
            template_eval_resource(&t->eval, r->key) != NULL)
            f(t, r);
}

/* Whether it is a WebSocket API, and not an HTTP API. */
static bool is_api(struct template *t, const struct doc_value *r)
{
    static const char *const protocols[] = {"WEBSOCKET", "HTTP"};
    struct template_part p;

    if (template_eval_resource(&t->eval, r->key) == NULL)
        return false;
    if (str_eq(template_eval_type(r), STR("AWS::Serverless::WebSocketApi")))
        return true;
    if (!str_eq(template_eval_type(r), STR("AWS::ApiGatewayV2::Api")))
        return false;
    p = template_part_of(t, r);
    return template_part_choice(&p, "ProtocolType", protocols, COUNTOF(protocols), 1) == 0;
}

/* Finds the API that is to be read. */
static bool find_api(struct template *t)
{
    const char *wanted = t->options->api;
    struct note_place at = t->eval.resources->key_at;

    for (const struct doc_value *r = t->eval.resources->first; r != NULL; r = r->next) {
        if (!is_api(t, r) || (wanted != NULL && !str_eq(r->key, str_of(wanted))))
            continue;
        if (t->api != NULL) {
            notes_add(t->notes, NOTE_several_apis, r->key_at,
                      "there are several WebSocket APIs, %.*s and %.*s; say which",
                      STR_ARGS(t->api->key), STR_ARGS(r->key));
            return false;
        }
        t->api = r;
    }
    if (t->api == NULL)
        notes_add(t->notes, NOTE_no_api, at,
                  "there is no WebSocket API%s%s: an AWS::ApiGatewayV2::Api with ProtocolType: "
                  "WEBSOCKET",
                  wanted != NULL ? " " : "", wanted != NULL ? wanted : "");
    return t->api != NULL;
}

static void read_api(struct template *t)
{
    struct template_part p = template_part_of(t, t->api);
    struct api *a = t->draft->api;

    template_part_known(&p, API, API_IGNORED, API_HTTP, true);
    template_part_needs(&p, "Name");
    template_part_text(&p, "Name", &a->name);
    template_part_text(&p, "RouteSelectionExpression", &a->selection);
    template_part_text(&p, "ApiKeySelectionExpression", &a->key_selection);
    t->draft->at = template_part_place(&p, "RouteSelectionExpression");
}

static void read_key(struct template *t, const struct doc_value *resource)
{
    struct template_part p = template_part_of(t, resource);
    struct template_eval_list l = {0};
    bool enabled = false;

    template_part_bool(&p, "Enabled", &enabled);
    if (!enabled)
        return;
    if (!template_part_has(&p, "Value")) {
        template_part_note(&p, NULL, NOTE_unknown_here,
                           "AWS makes up this API key's Value; nobody has it here");
        return;
    }
    l.at = t->draft->api->keys;
    l.n = t->draft->api->keys_n;
    (void)!template_eval_texts(&t->eval, template_part_value(&p, "Value"), &l);
    t->draft->api->keys = l.at;
    t->draft->api->keys_n = l.n;
}

static void read_stages(struct template *t)
{
    unsigned n = 0;

    for (const struct doc_value *r = t->eval.resources->first; r != NULL; r = r->next)
        if (str_eq(template_eval_type(r), STR("AWS::ApiGatewayV2::Stage")) &&
            template_eval_resource(&t->eval, r->key) != NULL)
            template_route_stage(t, r, &n);
    each(t, "AWS::ApiGatewayV2::Deployment", template_route_deployment);
    if (t->options->stage != NULL && t->draft->api->stage.name == NULL)
        notes_add(t->notes, NOTE_no_stage, t->draft->at, "there is no stage \"%s\"",
                  t->options->stage);
}

static void read_parts(struct template *t)
{
    static const struct reader readers[] = {
        {"AWS::ApiGatewayV2::Integration", template_integration_read},
        {"AWS::ApiGatewayV2::Authorizer", template_integration_authorizer},
        {"AWS::ApiGatewayV2::Route", template_route_read},
        {"AWS::ApiGatewayV2::RouteResponse", template_route_response},
        {"AWS::ApiGatewayV2::IntegrationResponse", template_integration_response},
    };

    read_api(t);
    for (size_t i = 0; i < COUNTOF(readers); i++)
        each(t, readers[i].type, readers[i].read);
    read_stages(t);
}

/* What is of API Gateway, Lambda or SAM, and does not change what the gateway does. */
static bool is_passed_over(struct str type)
{
    static const char *const types[] = {
        "AWS::ApiGatewayV2::Api",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::RouteResponse",
        "AWS::ApiGatewayV2::Stage",
        "AWS::ApiGatewayV2::IntegrationResponse",
        "AWS::ApiGatewayV2::Deployment",
        "AWS::ApiGatewayV2::Authorizer",
        "AWS::ApiGatewayV2::VpcLink",
        "AWS::ApiGatewayV2::DomainName",
        "AWS::ApiGatewayV2::ApiMapping",
        "AWS::ApiGatewayV2::Model",
        "AWS::ApiGateway::VpcLink",
        "AWS::ApiGateway::Account",
        "AWS::ApiGateway::ApiKey",
        "AWS::ApiGateway::UsagePlan",
        "AWS::ApiGateway::UsagePlanKey",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Version",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Serverless::Function",
        "AWS::Serverless::WebSocketApi",
        "AWS::Serverless::SimpleTable",
        "AWS::Serverless::Connector",
        "AWS::Serverless::LayerVersion",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::EventSourceMapping",
    };

    for (size_t i = 0; i < COUNTOF(types); i++)
        if (str_eq(type, str_of(types[i])))
            return true;
    return !str_starts(type, STR("AWS::ApiGateway")) && !str_starts(type, STR("AWS::Lambda::")) &&
           !str_starts(type, STR("AWS::Serverless::")) &&
           !str_eq(type, STR("AWS::CloudFormation::Stack"));
}

static void check_depends(struct template *t, const struct doc_value *r, const struct doc_value *v)
{
    if (v->kind == DOC_SCALAR && doc_get(t->eval.resources, v->text) == NULL &&
        !t->eval.transformed)
        notes_add(t->notes, NOTE_unresolved, v->at, "%.*s depends on %.*s, which does not exist",
                  STR_ARGS(r->key), STR_ARGS(v->text));
}

static void look_at(struct template *t, const struct doc_value *r)
{
    const struct doc_value *depends = doc_get(r, STR("DependsOn"));
    struct str type = template_eval_type(r);

    if (str_starts(r->key, STR("Fn::"))) {
        notes_add(t->notes, NOTE_unknown_function, r->key_at,
                  "%.*s is not evaluated here; give the processed template", STR_ARGS(r->key));
        return;
    }
    if (r->kind != DOC_MAP || type.n == 0) {
        notes_add(t->notes, NOTE_missing, r->key_at, "the resource %.*s has no Type",
                  STR_ARGS(r->key));
        return;
    }
    if (!is_passed_over(type))
        notes_add(t->notes, NOTE_ignored_resource, r->key_at,
                  "%.*s is a %.*s, which the gateway does not read", STR_ARGS(r->key),
                  STR_ARGS(type));
    if (depends != NULL && depends->kind == DOC_SCALAR)
        check_depends(t, r, depends);
    if (depends != NULL && depends->kind == DOC_LIST)
        for (const struct doc_value *v = depends->first; v != NULL; v = v->next)
            check_depends(t, r, v);
}

/* That each --parameter names something. */
static void check_given(struct template *t)
{
    const struct api_pairs *given = t->options->parameters;

    for (size_t i = 0; given != NULL && i < given->n; i++) {
        struct str name = str_of(given->at[i].name), rest = name;
        struct str id = str_cut(&rest, '.');

        if (doc_get(t->eval.parameters, name) == NULL && doc_get(t->eval.resources, id) == NULL &&
            !t->eval.imports)
            notes_add(t->notes, NOTE_bad_parameter, (struct note_place){0, 0},
                      "--parameter %s: the template has neither such a parameter nor a resource",
                      given->at[i].name);
    }
}

void template_read(struct api_draft *d, const struct doc_value *root, const char *dir,
                   const struct api_load_options *o)
{
    struct template t = {.root = root, .draft = d, .notes = d->notes, .options = o, .dir = dir};
    const struct doc_value *resources;

    template_eval_init(&t.eval, root, o, d->notes);
    resources = t.eval.resources;
    if (resources == NULL || resources->kind != DOC_MAP) {
        notes_add(d->notes, NOTE_no_api, root->at, "Resources must be a map of resources");
        return;
    }
    for (const struct doc_value *r = resources->first; r != NULL; r = r->next)
        look_at(&t, r);
    if (!find_api(&t))
        return;
    d->at = t.api->key_at;
    d->permits_asked = true;
    d->api->id = str_dup(t.api->key);
    each(&t, "AWS::Lambda::Function", template_function_read);
    each(&t, "AWS::Serverless::Function", template_function_read);
    each(&t, "AWS::Lambda::Permission", template_function_permit);
    each(&t, "AWS::ApiGateway::ApiKey", read_key);
    each(&t, "AWS::DynamoDB::Table", template_table_read);
    each(&t, "AWS::Serverless::SimpleTable", template_table_read);
    if (str_eq(template_eval_type(t.api), STR("AWS::Serverless::WebSocketApi")))
        template_sam_read(&t);
    else
        read_parts(&t);
    check_given(&t);
}
