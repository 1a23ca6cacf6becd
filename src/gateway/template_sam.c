#include "gateway/template_sam.h"

#include "base/str.h"
#include "gateway/template_integration.h"
#include "gateway/template_route.h"

#include <stdlib.h>

#define READ                                                                                    \
    "ApiKeySelectionExpression Auth DefaultRouteSettings Name Routes RouteSelectionExpression " \
    "RouteSettings StageName StageVariables"
#define IGNORED                                                                               \
    "AccessLogSettings Description DisableExecuteApiEndpoint DisableSchemaValidation Domain " \
    "IpAddressType PropagateTags Tags FailOnWarnings"
#define ROUTE                                                          \
    "ApiKeyRequired FunctionArn IntegrationTimeout RequestParameters " \
    "RouteResponseSelectionExpression"

static void permit(struct template *t, const char *function)
{
    int i = function != NULL ? api_draft_find_function(t->draft, str_of(function)) : API_NONE;

    if (i != API_NONE)
        t->draft->permitted[i] = true;
}

static void read_auth(const struct template_part *p)
{
    static const char *const types[] = {"NONE", "AWS_IAM", "CUSTOM"};
    struct template_part auth = template_part_below(p, "Auth");
    struct api *a = p->t->draft->api;
    struct template_eval_list l = {0};
    struct api_authorizer *az;
    size_t type;

    if (auth.properties == NULL)
        return;
    template_part_known(&auth, "AuthType AuthArn IdentitySource Name", "InvokeRole", NULL, true);
    type = template_part_choice(&auth, "AuthType", types, COUNTOF(types), 0);
    for (size_t i = 0; i < a->routes_n; i++)
        if (str_eq(str_of(a->routes[i].key), STR("$connect")) && type < COUNTOF(types)) {
            a->routes[i].authorization = (enum api_authorization)type;
            a->routes[i].authorizer = type == API_AUTH_CUSTOM ? 0 : API_NONE;
        }
    if (type != API_AUTH_CUSTOM)
        return;
    az = api_draft_authorizer(p->t->draft, auth.at);
    az->id = str_dup(STR("Auth"));
    az->name = str_dup(STR("Auth"));
    template_part_text(&auth, "Name", &az->name);
    az->function = template_integration_function(&auth, "AuthArn", false);
    permit(p->t, az->function);
    if (template_eval_texts(&p->t->eval, template_part_value(&auth, "IdentitySource"), &l)) {
        az->sources = l.at;
        az->sources_n = l.n;
    } else {
        template_eval_list_fini(&l);
    }
}

static void read_route(struct template *t, const struct doc_value *v)
{
    struct template_part p = {t, v->key, v, NULL, v->key_at};
    struct api_integration *in;
    struct api_route *r;

    if (v->kind != DOC_MAP) {
        notes_add(t->notes, NOTE_wrong_kind, v->at, "a route is a map with FunctionArn");
        return;
    }
    in = api_draft_integration(t->draft, v->key_at);
    r = api_draft_route(t->draft, v->key_at);
    if (in == NULL || r == NULL)
        return;
    template_part_known(&p, ROUTE, "ModelSelectionExpression OperationName RequestModels", NULL,
                        true);
    in->id = str_dup(v->key);
    in->type = API_AWS_PROXY;
    in->function = template_integration_function(&p, "FunctionArn", false);
    template_part_count(&p, "IntegrationTimeout", 1000 * 1000, &in->timeout_ms);
    permit(t, in->function);
    r->key = str_dup(v->key);
    r->integration = (int)t->draft->api->integrations_n - 1;
    template_part_bool(&p, "ApiKeyRequired", &r->api_key_required);
    template_part_text(&p, "RouteResponseSelectionExpression", &r->response_selection);
    r->answers = r->response_selection != NULL && !str_eq(v->key, STR("$connect"));
    template_route_parameters(&p, r);
}

void template_sam_read(struct template *t)
{
    struct template_part p = template_part_of(t, t->api), routes;
    struct api *a = t->draft->api;

    p.globals = doc_get(doc_get(t->root, STR("Globals")), STR("WebSocketApi"));
    template_part_known(&p, READ, IGNORED, NULL, false);
    a->name = str_dup(t->api->key);
    template_part_text(&p, "Name", &a->name);
    template_part_text(&p, "RouteSelectionExpression", &a->selection);
    template_part_text(&p, "ApiKeySelectionExpression", &a->key_selection);
    a->stage.name = str_dup(STR("default"));
    template_part_text(&p, "StageName", &a->stage.name);
    t->draft->stage_at = template_part_place(&p, "StageName");
    template_part_pairs(&p, "StageVariables", &a->stage.variables);
    template_part_needs(&p, "Routes");
    routes = template_part_below(&p, "Routes");
    if (routes.properties != NULL)
        for (const struct doc_value *v = routes.properties->first; v != NULL; v = v->next)
            read_route(t, v);
    read_auth(&p);
    template_route_settings(&p);
}
