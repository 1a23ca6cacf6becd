#include "gateway/template_integration.h"

#include "base/str.h"

#include <stdlib.h>

#define INTEGRATION                                                                       \
    "ApiId IntegrationType IntegrationUri IntegrationMethod ConnectionType ConnectionId " \
    "RequestParameters RequestTemplates TemplateSelectionExpression PassthroughBehavior " \
    "TimeoutInMillis CredentialsArn"
#define INTEGRATION_HTTP "IntegrationSubtype TlsConfig ResponseParameters"
#define RESPONSE \
    "ApiId IntegrationId IntegrationResponseKey ResponseTemplates TemplateSelectionExpression"
#define AUTHORIZER "ApiId AuthorizerType AuthorizerUri IdentitySource Name"
#define AUTHORIZER_HTTP                                                      \
    "JwtConfiguration AuthorizerPayloadFormatVersion EnableSimpleResponses " \
    "AuthorizerResultTtlInSeconds"

bool template_integration_belongs(const struct template_part *p)
{
    char *id = NULL;
    bool belongs;

    if (!template_part_needs(p, "ApiId"))
        return false;
    template_part_text(p, "ApiId", &id);
    belongs = id != NULL && str_eq(str_of(id), p->t->api->key);
    free(id);
    return belongs;
}

static bool is_invocation(struct str uri)
{
    return str_starts(uri, STR("arn:")) && uri.n > 12 &&
           str_eq(str_skip(uri, uri.n - 12), STR("/invocations"));
}

char *template_integration_function(const struct template_part *p, const char *name, bool path)
{
    char *uri = NULL, *name_of;
    struct str f = STR("");

    if (!template_part_needs(p, name))
        return NULL;
    template_part_text(p, name, &uri);
    if (uri == NULL)
        return NULL;
    if (is_invocation(str_of(uri)) == path)
        f = template_eval_function_name(str_of(uri));
    if (f.n == 0)
        template_part_note(p, name, NOTE_bad_integration, "%s must be %s", name,
                           path ? "arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/"
                                  "ARN/invocations"
                                : "a function's ARN");
    name_of = f.n > 0 ? str_dup(f) : NULL;
    free(uri);
    return name_of;
}

/* VPC links */

/* A target of the link must be a network load balancer. */
static void check_balancer(const struct template_part *p, struct template *t,
                           const struct doc_value *target)
{
    const struct doc_value *lb;
    struct template_part part;
    char *type = NULL;

    if (!doc_is_call(target, STR("Ref")) || target->first->kind != DOC_SCALAR)
        return;
    lb = template_eval_resource(&t->eval, target->first->text);
    if (!str_eq(template_eval_type(lb), STR("AWS::ElasticLoadBalancingV2::LoadBalancer")))
        return;
    part = template_part_of(t, lb);
    template_part_text(&part, "Type", &type);
    if (type == NULL || strcmp(type, "network") != 0)
        template_part_note(p, "ConnectionId", NOTE_vpc_link,
                           "the VPC link leads to %.*s, which is no network load balancer; an ALB "
                           "can be the target of one",
                           STR_ARGS(lb->key));
    free(type);
}

static void check_targets(const struct template_part *p, const struct doc_value *link)
{
    struct template_part part = template_part_of(p->t, link);
    const struct doc_value *targets = template_part_value(&part, "TargetArns");

    if (targets == NULL || targets->kind != DOC_LIST)
        return;
    for (const struct doc_value *v = targets->first; v != NULL; v = v->next)
        check_balancer(p, p->t, template_eval_value(&p->t->eval, v));
}

static void check_link(const struct template_part *p)
{
    const struct doc_value *link;
    char *id = NULL;

    template_part_text(p, "ConnectionId", &id);
    if (id == NULL) {
        if (!template_part_has(p, "ConnectionId"))
            template_part_note(p, "ConnectionType", NOTE_vpc_link,
                               "VPC_LINK needs the ConnectionId of an AWS::ApiGateway::VpcLink");
        return;
    }
    link = template_eval_resource(&p->t->eval, str_of(id));
    free(id);
    if (str_eq(template_eval_type(link), STR("AWS::ApiGatewayV2::VpcLink")))
        template_part_note(p, "ConnectionId", NOTE_vpc_link,
                           "WebSocket APIs need a VPC link of version 1, AWS::ApiGateway::VpcLink, "
                           "and %.*s is of version 2",
                           STR_ARGS(link->key));
    else if (str_eq(template_eval_type(link), STR("AWS::ApiGateway::VpcLink")))
        check_targets(p, link);
}

/* Integrations */

static void read_type(const struct template_part *p, struct api_integration *in)
{
    static const char *const types[] = {"MOCK", "HTTP", "HTTP_PROXY", "AWS_PROXY", "AWS"};
    size_t type;

    if (!template_part_needs(p, "IntegrationType"))
        return;
    type = template_part_choice(p, "IntegrationType", types, COUNTOF(types), COUNTOF(types));
    if (type <= API_AWS_PROXY)
        in->type = (enum api_integration_type)type;
    else if (type < COUNTOF(types))
        template_part_note(p, "IntegrationType", NOTE_bad_integration,
                           "integrations of type AWS are not run here; AWS_PROXY is");
}

static void read_method(const struct template_part *p, struct api_integration *in)
{
    const char *method = template_part_method(p, "IntegrationMethod");

    if (method == NULL)
        return;
    if (in->type == API_HTTP || in->type == API_HTTP_PROXY)
        in->method = str_dup(str_of(method));
    if (in->type == API_AWS_PROXY && strcmp(method, "POST") != 0)
        template_part_note(p, "IntegrationMethod", NOTE_bad_integration,
                           "a function is invoked by POST, not %s", method);
}

static void read_target(const struct template_part *p, struct api_integration *in)
{
    if (in->type == API_AWS_PROXY)
        in->function = template_integration_function(p, "IntegrationUri", true);
    else if (in->type != API_MOCK && template_part_needs(p, "IntegrationUri"))
        template_part_text(p, "IntegrationUri", &in->uri);
    /* that it may be invoked is said here, or by AWS::Lambda::Permission */
    if (in->function != NULL && template_part_has(p, "CredentialsArn")) {
        int i = api_draft_find_function(p->t->draft, str_of(in->function));

        if (i != API_NONE)
            p->t->draft->permitted[i] = true;
    }
}

static void read_connection(const struct template_part *p, struct api_integration *in)
{
    static const char *const types[] = {"INTERNET", "VPC_LINK"};

    in->vpc_link = template_part_choice(p, "ConnectionType", types, COUNTOF(types), 0) == 1;
    if (in->vpc_link)
        check_link(p);
}

void template_integration_read(struct template *t, const struct doc_value *resource)
{
    static const char *const behaviors[] = {"WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"};
    struct template_part p = template_part_of(t, resource);
    struct api_integration *in;
    size_t behavior;

    if (!template_integration_belongs(&p))
        return;
    in = api_draft_integration(t->draft, resource->key_at);
    if (in == NULL)
        return;
    in->id = str_dup(resource->key);
    template_part_known(&p, INTEGRATION, "Description ContentHandlingStrategy PayloadFormatVersion",
                        INTEGRATION_HTTP, true);
    read_type(&p, in);
    read_method(&p, in);
    read_target(&p, in);
    read_connection(&p, in);
    template_part_pairs(&p, "RequestParameters", &in->parameters);
    template_part_pairs(&p, "RequestTemplates", &in->templates);
    template_part_text(&p, "TemplateSelectionExpression", &in->template_selection);
    template_part_count(&p, "TimeoutInMillis", 1000 * 1000, &in->timeout_ms);
    behavior = template_part_choice(&p, "PassthroughBehavior", behaviors, COUNTOF(behaviors), 0);
    if (behavior < COUNTOF(behaviors))
        in->passthrough = (enum api_passthrough)behavior;
}

void template_integration_response(struct template *t, const struct doc_value *resource)
{
    struct template_part p = template_part_of(t, resource);
    struct api_response *r;
    char *id = NULL;
    int i;

    if (!template_integration_belongs(&p) || !template_part_needs(&p, "IntegrationId") ||
        !template_part_needs(&p, "IntegrationResponseKey"))
        return;
    template_part_known(&p, RESPONSE, "ResponseParameters ContentHandlingStrategy", NULL, true);
    template_part_text(&p, "IntegrationId", &id);
    if (id == NULL)
        return;
    i = api_draft_find_integration(t->draft, str_of(id));
    if (i == API_NONE) {
        template_part_note(&p, "IntegrationId", NOTE_unresolved, "there is no integration %s", id);
    } else {
        r = api_add_response(&t->draft->api->integrations[i]);
        template_part_text(&p, "IntegrationResponseKey", &r->key);
        template_part_text(&p, "TemplateSelectionExpression", &r->template_selection);
        template_part_pairs(&p, "ResponseTemplates", &r->templates);
    }
    free(id);
}

/* Authorizers */

static void read_sources(const struct template_part *p, struct api_authorizer *a)
{
    struct template_eval_list l = {0};

    if (template_eval_texts(&p->t->eval, template_part_value(p, "IdentitySource"), &l)) {
        a->sources = l.at;
        a->sources_n = l.n;
    } else {
        template_eval_list_fini(&l);
    }
}

void template_integration_authorizer(struct template *t, const struct doc_value *resource)
{
    static const char *const types[] = {"REQUEST", "JWT"};
    struct template_part p = template_part_of(t, resource);
    struct api_authorizer *a;

    if (!template_integration_belongs(&p))
        return;
    a = api_draft_authorizer(t->draft, resource->key_at);
    if (a == NULL)
        return;
    a->id = str_dup(resource->key);
    template_part_known(&p, AUTHORIZER, "AuthorizerCredentialsArn IdentityValidationExpression",
                        AUTHORIZER_HTTP, true);
    template_part_needs(&p, "AuthorizerType");
    if (template_part_choice(&p, "AuthorizerType", types, COUNTOF(types), 0) == 1)
        template_part_note(&p, "AuthorizerType", NOTE_bad_authorizer,
                           "WebSocket APIs have authorizers of type REQUEST only");
    else
        a->function = template_integration_function(&p, "AuthorizerUri", true);
    template_part_needs(&p, "Name");
    template_part_text(&p, "Name", &a->name);
    read_sources(&p, a);
}
