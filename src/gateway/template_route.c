#include "gateway/template_route.h"

#include "base/str.h"
#include "gateway/template_integration.h"

#include <stdlib.h>

enum { RATE_MAX = 1000 * 1000 };

#define ROUTE                                                              \
    "ApiId RouteKey Target AuthorizationType AuthorizerId ApiKeyRequired " \
    "RouteResponseSelectionExpression RequestParameters"
#define STAGE \
    "ApiId StageName DeploymentId AutoDeploy StageVariables DefaultRouteSettings RouteSettings"

/* Routes */

static void read_target(const struct template_part *p, struct api_route *r)
{
    static const struct str prefix = {(const uint8_t *)"integrations/", 13};
    char *target = NULL;

    template_part_text(p, "Target", &target);
    if (target == NULL)
        return;
    if (str_starts(str_of(target), prefix))
        r->integration =
            api_draft_find_integration(p->t->draft, str_skip(str_of(target), prefix.n));
    if (r->integration == API_NONE)
        template_part_note(p, NULL, NOTE_no_target,
                           "the target \"%s\" is none; one is integrations/ID with the Ref of an "
                           "integration of this API",
                           target);
    free(target);
}

static void read_authorization(const struct template_part *p, struct api_route *r)
{
    static const char *const types[] = {"NONE", "AWS_IAM", "CUSTOM", "JWT"};
    size_t type = template_part_choice(p, "AuthorizationType", types, COUNTOF(types), 0);
    char *id = NULL;

    if (type == 3)
        template_part_note(p, "AuthorizationType", NOTE_not_websocket,
                           "JWT authorizers exist for HTTP APIs only");
    else if (type < COUNTOF(types))
        r->authorization = (enum api_authorization)type;
    template_part_text(p, "AuthorizerId", &id);
    if (id == NULL)
        return;
    r->authorizer = api_draft_find_authorizer(p->t->draft, str_of(id));
    if (r->authorizer == API_NONE)
        template_part_note(p, "AuthorizerId", NOTE_bad_authorizer,
                           "there is no authorizer %s of this API", id);
    else if (r->authorization != API_AUTH_CUSTOM)
        template_part_note(p, "AuthorizerId", NOTE_bad_authorizer,
                           "the authorizer is asked only if AuthorizationType is CUSTOM");
    free(id);
}

void template_route_parameters(const struct template_part *p, struct api_route *r)
{
    struct template_part below = template_part_below(p, "RequestParameters");

    if (below.properties == NULL)
        return;
    for (const struct doc_value *v = below.properties->first; v != NULL; v = v->next) {
        struct template_part one = {p->t, p->id, v, NULL, v->key_at};
        bool required = false;

        if (v->kind == DOC_MAP)
            template_part_bool(&one, "Required", &required);
        else if (v->kind != DOC_SCALAR || !doc_to_bool(v->text, &required))
            notes_add(p->t->notes, NOTE_wrong_kind, v->at,
                      "%.*s: Required: true or false belongs "
                      "here",
                      STR_ARGS(p->id));
        api_pairs_add(&r->required, v->key, required ? STR("true") : STR("false"));
    }
}

void template_route_read(struct template *t, const struct doc_value *resource)
{
    struct template_part p = template_part_of(t, resource);
    struct api_route *r;

    if (!template_integration_belongs(&p) || !template_part_needs(&p, "RouteKey"))
        return;
    r = api_draft_route(t->draft, resource->key_at);
    if (r == NULL)
        return;
    t->route_ids[t->draft->api->routes_n - 1] = resource->key;
    template_part_known(&p, ROUTE, "OperationName ModelSelectionExpression RequestModels",
                        "AuthorizationScopes", true);
    template_part_text(&p, "RouteKey", &r->key);
    if (r->key == NULL)
        r->key = str_dup(resource->key); /* the error is said */
    read_target(&p, r);
    read_authorization(&p, r);
    template_part_bool(&p, "ApiKeyRequired", &r->api_key_required);
    template_part_text(&p, "RouteResponseSelectionExpression", &r->response_selection);
    template_route_parameters(&p, r);
}

static int find_route(const struct template *t, struct str id)
{
    for (size_t i = 0; i < t->draft->api->routes_n; i++)
        if (str_eq(t->route_ids[i], id))
            return (int)i;
    return API_NONE;
}

void template_route_response(struct template *t, const struct doc_value *resource)
{
    struct template_part p = template_part_of(t, resource);
    char *id = NULL, *key = NULL;
    int i;

    if (!template_integration_belongs(&p) || !template_part_needs(&p, "RouteId") ||
        !template_part_needs(&p, "RouteResponseKey"))
        return;
    template_part_known(&p, "ApiId RouteId RouteResponseKey",
                        "ModelSelectionExpression ResponseModels ResponseParameters", NULL, true);
    template_part_text(&p, "RouteId", &id);
    template_part_text(&p, "RouteResponseKey", &key);
    i = id != NULL ? find_route(t, str_of(id)) : API_NONE;
    if (key != NULL && strcmp(key, "$default") != 0)
        template_part_note(&p, "RouteResponseKey", NOTE_bad_value,
                           "RouteResponseKey can only be $default");
    else if (id != NULL && i == API_NONE)
        template_part_note(&p, "RouteId", NOTE_unresolved, "there is no route %s of this API", id);
    else if (i != API_NONE)
        t->draft->api->routes[i].answers = true;
    if (i != API_NONE && t->draft->api->routes[i].response_selection == NULL)
        template_part_note(&p, NULL, NOTE_no_answer,
                           "the route \"%s\" has no RouteResponseSelectionExpression: $default",
                           t->draft->api->routes[i].key);
    free(id);
    free(key);
}

/* The stage */

static void read_rate(const struct template_part *p, unsigned *rate, unsigned *burst)
{
    struct buf text CLEANUP(buf_fini);
    const struct doc_value *v = template_part_value(p, "ThrottlingRateLimit");
    struct str s;
    uint64_t n;

    template_part_count(p, "ThrottlingBurstLimit", RATE_MAX, burst);
    buf_init(&text, 4096);
    if (v == NULL || !template_eval_text(&p->t->eval, v, &text))
        return;
    s = buf_peek(&text); /* may have a fraction, which is dropped */
    if (str_to_u64(str_cut(&s, '.'), &n) && n <= RATE_MAX)
        *rate = MAX((unsigned)n, 1u);
    else
        template_part_note(p, "ThrottlingRateLimit", NOTE_bad_value,
                           "ThrottlingRateLimit must be a number of at most %d", RATE_MAX);
}

void template_route_settings(const struct template_part *p)
{
    struct template_part all = template_part_below(p, "DefaultRouteSettings");
    struct template_part some = template_part_below(p, "RouteSettings");
    struct api *a = p->t->draft->api;
    const struct doc_value *v = some.properties != NULL ? some.properties->first : NULL;

    read_rate(&all, &a->stage.rate, &a->stage.burst);
    for (; v != NULL; v = v->next) {
        struct template_part one = {p->t, p->id, v, NULL, v->key_at};
        bool found = false;

        for (size_t i = 0; i < a->routes_n; i++)
            if (str_eq(str_of(a->routes[i].key), v->key)) {
                read_rate(&one, &a->routes[i].rate, &a->routes[i].burst);
                found = true;
            }
        if (!found)
            notes_add(p->t->notes, NOTE_unresolved, v->key_at,
                      "%.*s: RouteSettings are for a route \"%.*s\", which does not exist",
                      STR_ARGS(p->id), STR_ARGS(v->key));
    }
}

static void serve_stage(const struct template_part *p, char *name)
{
    struct api_stage *s = &p->t->draft->api->stage;
    bool deploys = false;

    s->name = name;
    p->t->draft->stage_at = p->at;
    template_part_bool(p, "AutoDeploy", &deploys);
    if (!deploys && !template_part_has(p, "DeploymentId"))
        template_part_note(p, NULL, NOTE_no_deployment,
                           "the stage has neither a DeploymentId nor AutoDeploy: true");
    template_part_pairs(p, "StageVariables", &s->variables);
    template_route_settings(p);
}

void template_route_stage(struct template *t, const struct doc_value *resource, unsigned *n)
{
    struct template_part p = template_part_of(t, resource);
    const char *wanted = t->options->stage;
    char *name = NULL;

    if (!template_integration_belongs(&p) || !template_part_needs(&p, "StageName"))
        return;
    template_part_known(&p, STAGE, "Description Tags AccessLogSettings ClientCertificateId",
                        "AccessPolicyId", true);
    template_part_text(&p, "StageName", &name);
    if (name == NULL)
        return;
    if (wanted != NULL ? strcmp(wanted, name) == 0 : *n == 0)
        serve_stage(&p, name);
    else
        free(name);
    if (++*n == 2 && wanted == NULL)
        template_part_note(&p, NULL, NOTE_several_stages, "only the stage %s is served",
                           t->draft->api->stage.name);
}

void template_route_deployment(struct template *t, const struct doc_value *resource)
{
    struct template_part p = template_part_of(t, resource);

    if (!template_integration_belongs(&p))
        return;
    template_part_known(&p, "ApiId StageName", "Description", NULL, true);
    if (doc_get(resource, STR("DependsOn")) == NULL)
        template_part_note(&p, NULL, NOTE_deployment_order,
                           "the deployment may be made before the routes: DependsOn is missing");
    if (t->draft->api->stage.name == NULL && t->options->stage == NULL) {
        template_part_text(&p, "StageName", &t->draft->api->stage.name);
        t->draft->stage_at = p.at;
    }
}
