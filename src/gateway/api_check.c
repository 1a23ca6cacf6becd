#include "gateway/api_check.h"

#include "base/str.h"
#include "gateway/mapping.h"
#include "gateway/selection.h"

/* What the n-th is called in an error: a route by its key, all else by its id. */
static const char *name_or(const char *name)
{
    return name != NULL ? name : "?";
}

static bool contains(struct str text, struct str part)
{
    for (size_t i = 0; i + part.n <= text.n; i++)
        if (memcmp(text.p + i, part.p, part.n) == 0)
            return true;
    return false;
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] == 0x7f)
            return true;
    return false;
}

/* Mappings */

/* prefix, then at least one character of a name. */
static bool is_named(struct str s, const char *prefix)
{
    struct str p = str_of(prefix);

    return str_starts(s, p) && s.n > p.n;
}

static bool is_target(struct str key)
{
    static const char *const prefixes[] = {
        "integration.request.header.", "integration.request.querystring.",
        "integration.request.path.", "integration.request.multivalueheader.",
        "integration.request.multivaluequerystring."};

    for (size_t i = 0; i < COUNTOF(prefixes); i++)
        if (is_named(key, prefixes[i]))
            return true;
    return false;
}

static bool is_mapping(struct str key, struct str value)
{
    return is_target(key) && mapping_source_uses(value) != 0 && !has_control(key) &&
           !has_control(value);
}

static bool tells_connection(const struct api_integration *in)
{
    for (size_t i = 0; i < in->parameters.n; i++)
        if (str_eq(str_of(in->parameters.at[i].value), STR("context.connectionId")))
            return true;
    for (size_t i = 0; in->type == API_HTTP && i < in->templates.n; i++)
        if (contains(str_of(in->templates.at[i].value), STR("context.connectionId")))
            return true;
    return false;
}

/* Functions */

/* A function of that name is described, and can be run. Names with a stage variable are
 * resolved first. */
static void check_called(struct api_draft *d, const char *name, struct note_place at,
                         const char *who)
{
    struct buf text CLEANUP(buf_fini);
    const struct api_function *f;
    int i;

    buf_init(&text, 4096);
    api_expand(d->api, name, &text);
    i = api_draft_find_function(d, buf_peek(&text));
    if (i == API_NONE) {
        notes_add(d->notes, NOTE_no_function, at,
                  "%s calls the function \"%.*s\", which is not described here", who,
                  STR_ARGS(buf_peek(&text)));
        return;
    }
    f = &d->api->functions[i];
    if (f->command == NULL && f->code_dir == NULL && f->code_inline == NULL)
        notes_add(d->notes, NOTE_no_code, d->functions[i],
                  "it is not known where the code of %s is; give its directory with --parameter "
                  "%s.CodeUri=DIR",
                  f->name, f->logical_id != NULL ? f->logical_id : f->name);
    if (d->permits_asked && !d->permitted[i])
        notes_add(d->notes, NOTE_no_permission, d->functions[i],
                  "no AWS::Lambda::Permission lets apigateway.amazonaws.com invoke %s: in AWS its "
                  "routes fail",
                  f->name);
    if (f->timeout_ms > API_TIMEOUT_MAX_MS)
        notes_add(d->notes, NOTE_slow_function, d->functions[i],
                  "%s may run for %u s; API Gateway waits for 29 s at most", f->name,
                  f->timeout_ms / 1000);
}

/* Integrations */

static bool is_http_url(struct str uri)
{
    for (size_t i = 0; i < uri.n; i++)
        if (uri.p[i] <= ' ' || uri.p[i] > '~')
            return false;
    return is_named(uri, "http://") || is_named(uri, "https://") ||
           str_starts(uri, STR("${stageVariables."));
}

static void check_http(struct api_draft *d, const struct api_integration *in, struct note_place at)
{
    if (in->uri == NULL || !is_http_url(str_of(in->uri))) {
        notes_add(d->notes, NOTE_bad_integration, at,
                  "the address that %s calls must begin with http:// or https://, and be ASCII",
                  name_or(in->id));
        return;
    }
    if (!tells_connection(in))
        notes_add(d->notes, NOTE_no_connection_id, at,
                  "%s does not tell the server which connection it is: map "
                  "integration.request.header.connectionId to context.connectionId in its "
                  "RequestParameters",
                  name_or(in->id));
}

/* How much of a template an error shows. */
static struct str first_line(struct str text)
{
    enum { SHOWN_MAX = 40 };

    text = str_cut(&text, '\n');
    text.n = MIN(text.n, (size_t)SHOWN_MAX);
    return text;
}

static void check_templates(struct api_draft *d, const char *who, struct note_place at,
                            const struct api_pairs *templates, const char *selection)
{
    struct str bad = {0};

    if (selection != NULL && !selection_valid(selection))
        notes_add(
            d->notes, NOTE_bad_template, at,
            "%s: the TemplateSelectionExpression %s is not evaluated here; a constant is, and "
            "$request.body.NAME",
            who, selection);
    for (size_t i = 0; i < templates->n; i++)
        if (!mapping_valid(str_of(templates->at[i].value), &bad))
            notes_add(d->notes, NOTE_bad_template, at,
                      "%s: the template \"%s\" is not evaluated here from \"%.*s\" on; references "
                      "are: $context, $stageVariables, $input.body, .json, .path, "
                      "$util.escapeJavaScript, .base64Encode",
                      who, templates->at[i].name, STR_ARGS(first_line(bad)));
}

static void check_integration(struct api_draft *d, size_t i)
{
    const struct api_integration *in = &d->api->integrations[i];
    struct note_place at = d->integrations[i];

    if (in->timeout_ms < API_TIMEOUT_MIN_MS || in->timeout_ms > API_TIMEOUT_MAX_MS)
        notes_add(d->notes, NOTE_bad_timeout, at, "the time-out of %s is %u ms, not 50 to 29,000",
                  name_or(in->id), in->timeout_ms);
    for (size_t k = 0; k < in->parameters.n; k++) {
        struct api_pair *p = &in->parameters.at[k];

        if (!is_mapping(str_of(p->name), str_of(p->value)))
            notes_add(d->notes, NOTE_bad_mapping, at,
                      "%s maps %s to %s; possible are integration.request.header.NAME (or "
                      "querystring, path) and context.NAME, stageVariables.NAME, "
                      "route.request.body.NAME, 'text'",
                      name_or(in->id), p->name, p->value);
    }
    check_templates(d, name_or(in->id), at, &in->templates, in->template_selection);
    for (size_t k = 0; k < in->responses_n; k++)
        check_templates(d, name_or(in->id), at, &in->responses[k].templates,
                        in->responses[k].template_selection);
    if (in->type == API_HTTP || in->type == API_HTTP_PROXY)
        check_http(d, in, at);
    if (in->type == API_AWS_PROXY && in->function != NULL)
        check_called(d, in->function, at, name_or(in->id));
    if (in->vpc_link && in->type != API_HTTP && in->type != API_HTTP_PROXY)
        notes_add(d->notes, NOTE_vpc_link, at, "only HTTP integrations go through a VPC link");
}

/* Routes */

static bool is_predefined(struct str key)
{
    return str_eq(key, STR("$connect")) || str_eq(key, STR("$disconnect")) ||
           str_eq(key, STR("$default"));
}

static void check_key(struct api_draft *d, const struct api_route *r, struct note_place at)
{
    struct str key = str_of(r->key);

    if (key.n == 0 || has_control(key) || (key.p[0] == '$' && !is_predefined(key)) ||
        contains(key, STR(" /")))
        notes_add(d->notes, NOTE_bad_route, at,
                  "\"%s\" is no route key: only $connect, $disconnect and $default begin with $",
                  r->key);
    if (api_route(d->api, key) != r)
        notes_add(d->notes, NOTE_duplicate_route, at, "there are two routes \"%s\"", r->key);
}

/* Whether an integration reads what exists at $connect only. */
static const char *only_at_connect(const struct api_integration *in)
{
    for (size_t i = 0; i < in->parameters.n; i++) {
        unsigned uses = mapping_source_uses(str_of(in->parameters.at[i].value));

        if (uses != 0 && (uses & MAPPING_EVENT) == 0)
            return in->parameters.at[i].value;
    }
    return NULL;
}

static void check_target(struct api_draft *d, const struct api_route *r, struct note_place at)
{
    bool connects = str_eq(str_of(r->key), STR("$connect"));
    const char *source;

    if (r->integration == API_NONE) {
        if (!connects && !str_eq(str_of(r->key), STR("$disconnect")))
            notes_add(d->notes, NOTE_no_target, at, "the route \"%s\" has no integration", r->key);
        return;
    }
    source = only_at_connect(&d->api->integrations[r->integration]);
    if (!connects && source != NULL)
        notes_add(d->notes, NOTE_bad_mapping, at,
                  "the route \"%s\" maps %s, which exists at $connect only", r->key, source);
}

/* RequestParameters of a route: where at a handshake they come. */
static void check_required(struct api_draft *d, const struct api_route *r, struct note_place at)
{
    bool connects = str_eq(str_of(r->key), STR("$connect"));

    for (size_t i = 0; i < r->required.n; i++) {
        struct str name = str_of(r->required.at[i].name);
        unsigned uses = mapping_source_uses(name);

        if ((uses & MAPPING_CONNECT) == 0 || (uses & MAPPING_EVENT) != 0)
            notes_add(d->notes, NOTE_bad_mapping, at,
                      "the route \"%s\" has a parameter \"%.*s\"; possible are "
                      "route.request.querystring.NAME and route.request.header.NAME",
                      r->key, STR_ARGS(name));
        else if (!connects && strcmp(r->required.at[i].value, "true") == 0)
            notes_add(d->notes, NOTE_ignored_property, at,
                      "the route \"%s\" requires %.*s, which is asked for at $connect only", r->key,
                      STR_ARGS(name));
    }
}

static void check_route(struct api_draft *d, size_t i)
{
    const struct api_route *r = &d->api->routes[i];
    bool connects = str_eq(str_of(r->key), STR("$connect"));
    struct note_place at = d->routes[i];

    check_key(d, r, at);
    check_target(d, r, at);
    check_required(d, r, at);
    if (!connects && r->authorization != API_AUTH_NONE)
        notes_add(d->notes, NOTE_bad_authorizer, at,
                  "the route \"%s\" has an authorizer; only $connect can have one", r->key);
    if (r->authorization == API_AUTH_CUSTOM && r->authorizer == API_NONE)
        notes_add(d->notes, NOTE_bad_authorizer, at,
                  "the route \"%s\" is CUSTOM, and has no authorizer", r->key);
    if (connects && r->answers)
        notes_add(d->notes, NOTE_no_answer, at, "answers of $connect are not sent to the client");
    if (r->response_selection != NULL && !r->answers)
        notes_add(d->notes, NOTE_no_answer, at,
                  "the route \"%s\" has a RouteResponseSelectionExpression, and no RouteResponse "
                  "$default: its answers are dropped",
                  r->key);
    if (r->api_key_required && !connects)
        notes_add(d->notes, NOTE_ignored_property, at,
                  "API keys are asked for at $connect only, not at \"%s\"", r->key);
}

/* The API */

static void check_authorizer(struct api_draft *d, size_t i)
{
    const struct api_authorizer *a = &d->api->authorizers[i];

    if (a->function != NULL)
        check_called(d, a->function, d->authorizers[i], name_or(a->id));
    for (size_t k = 0; k < a->sources_n; k++) {
        if ((mapping_source_uses(str_of(a->sources[k])) & MAPPING_IDENTITY) == 0)
            notes_add(d->notes, NOTE_bad_authorizer, d->authorizers[i],
                      "\"%s\" is no identity source; one is route.request.header.Auth or "
                      "route.request.querystring.token",
                      a->sources[k]);
    }
}

void api_check(struct api_draft *d)
{
    const struct api *a = d->api;

    if (a->selection == NULL || !selection_valid(a->selection))
        notes_add(
            d->notes, NOTE_no_selection, d->at,
            "the RouteSelectionExpression is missing, or cannot be evaluated; the usual one is "
            "$request.body.action");
    if (a->stage.name == NULL)
        notes_add(d->notes, NOTE_no_stage, d->at, "the API has no stage");
    if (a->routes_n == 0)
        notes_add(d->notes, NOTE_no_routes, d->at, "the API has no route");
    for (size_t i = 0; i < a->integrations_n; i++)
        check_integration(d, i);
    for (size_t i = 0; i < a->authorizers_n; i++)
        check_authorizer(d, i);
    for (size_t i = 0; i < a->routes_n; i++)
        check_route(d, i);
}
