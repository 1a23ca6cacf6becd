#include "gateway/short_file.h"

#include "base/str.h"
#include "gateway/template_part.h"
#include "gateway/told.h"

#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MAX_S = 900, MEMORY_MAX_MB = 10240, COUNT_MAX = 1000 * 1000 };

/* The part that v is, or one without properties after an error. */
static struct template_part part_of(struct template *t, const struct doc_value *v)
{
    struct template_part p = {t, v->key, v->kind == DOC_MAP ? v : NULL, NULL, v->key_at};

    if (v->kind != DOC_MAP)
        notes_add(t->notes, NOTE_wrong_kind, v->at, "%.*s must be a map, and is %s",
                  STR_ARGS(v->key), doc_kind_name(v));
    return p;
}

static void short_set(char **to, const char *text)
{
    free(*to);
    *to = str_dup(str_of(text));
}

/* Functions */

static void read_function(struct template *t, const struct doc_value *v)
{
    struct template_part p = part_of(t, v);
    struct api_function *f = api_draft_function(t->draft, v->key_at);
    unsigned timeout_s = 3;
    char *dir = NULL;

    if (f == NULL)
        return;
    template_part_known(&p,
                        "command runtime handler code environment timeout_s memory_mb concurrency "
                        "per_environment",
                        "", NULL, true);
    f->name = str_dup(v->key);
    template_part_text(&p, "command", &f->command);
    template_part_text(&p, "runtime", &f->runtime);
    template_part_text(&p, "handler", &f->handler);
    template_part_text(&p, "code", &dir);
    f->code_dir = api_draft_path(t->dir, dir != NULL ? str_of(dir) : STR("."));
    free(dir);
    template_part_pairs(&p, "environment", &f->environment);
    template_part_count(&p, "timeout_s", TIMEOUT_MAX_S, &timeout_s);
    template_part_count(&p, "memory_mb", MEMORY_MAX_MB, &f->memory_mb);
    template_part_count(&p, "concurrency", COUNT_MAX, &f->concurrency);
    template_part_count(&p, "per_environment", API_PER_ENVIRONMENT_MAX, &f->per_environment);
    f->per_environment = MAX(f->per_environment, 1u);
    f->timeout_ms = timeout_s * 1000;
    if (f->command == NULL && f->runtime == NULL)
        template_part_note(&p, NULL, NOTE_missing,
                           "either command is needed, or runtime and handler");
}

static void read_authorizer(struct template *t, const struct doc_value *v)
{
    struct template_part p = part_of(t, v);
    struct api_authorizer *a = api_draft_authorizer(t->draft, v->key_at);
    struct template_eval_list l = {0};

    if (a == NULL)
        return;
    template_part_known(&p, "lambda sources", "", NULL, true);
    a->id = str_dup(STR("authorizer"));
    a->name = str_dup(STR("authorizer"));
    template_part_needs(&p, "lambda");
    template_part_text(&p, "lambda", &a->function);
    if (template_eval_texts(&t->eval, template_part_value(&p, "sources"), &l)) {
        a->sources = l.at;
        a->sources_n = l.n;
    } else {
        template_eval_list_fini(&l);
    }
}

/* Routes */

/* `parameters` as they are, then `headers`, then what is told anyhow. */
static void read_parameters(const struct template_part *p, struct api_integration *in)
{
    struct api_pairs headers = {0};

    template_part_pairs(p, "parameters", &in->parameters);
    template_part_pairs(p, "headers", &headers);
    for (size_t i = 0; i < headers.n; i++)
        told_header(in, str_of(headers.at[i].name), str_of(headers.at[i].value));
    api_pairs_fini(&headers);
    if (in->type == API_HTTP_PROXY)
        told_all(in);
}

/* A template that is used whatever there is. */
static void set_template(struct api_pairs *templates, char **selection, const char *text)
{
    api_pairs_add(templates, STR("$default"), str_of(text));
    short_set(selection, "\\$default");
}

/* `mock: 200`, or a text that becomes such a template. */
static void read_mock(const struct template_part *p, struct api_integration *in)
{
    char *text = NULL;
    char template[64];
    uint64_t status;

    template_part_text(p, "mock", &text);
    if (text == NULL)
        return;
    if (str_to_u64(str_of(text), &status) && status >= 100 && status <= 599) {
        (void)snprintf(template, sizeof(template), "{\"statusCode\": %u}", (unsigned)status);
        short_set(&text, template);
    }
    set_template(&in->templates, &in->template_selection, text);
    free(text);
}

static void read_response(const struct template_part *p, struct api_integration *in,
                          struct api_route *r)
{
    struct api_response *response;
    char *text = NULL;

    template_part_text(p, "response", &text);
    if (text == NULL)
        return;
    response = api_add_response(in);
    response->key = str_dup(STR("$default"));
    set_template(&response->templates, &response->template_selection, text);
    free(text);
    r->answers = true;
}

static void read_kind(const struct template_part *p, struct api_integration *in)
{
    unsigned n = 0;

    n += template_part_has(p, "url") ? 1 : 0;
    n += template_part_has(p, "lambda") ? 1 : 0;
    n += template_part_has(p, "mock") ? 1 : 0;
    if (n != 1) {
        template_part_note(p, NULL, NOTE_bad_integration,
                           "a route has one of url, lambda and mock");
        return;
    }
    template_part_text(p, "url", &in->uri);
    template_part_text(p, "lambda", &in->function);
    in->type = in->uri != NULL ? API_HTTP_PROXY : in->function != NULL ? API_AWS_PROXY : API_MOCK;
    if (in->type == API_HTTP_PROXY)
        short_set(&in->method, "POST");
    read_mock(p, in);
}

static void read_access(const struct template_part *p, struct api_route *r)
{
    static const char *const kinds[] = {"none", "iam", "authorizer"};
    bool connects = str_eq(str_of(r->key), STR("$connect"));
    bool has = p->t->draft->api->authorizers_n > 0 && connects;
    size_t kind = template_part_choice(p, "access", kinds, COUNTOF(kinds),
                                       has ? API_AUTH_CUSTOM : API_AUTH_NONE);
    struct template_eval_list l = {0};

    if (kind < COUNTOF(kinds))
        r->authorization = (enum api_authorization)kind;
    if (r->authorization == API_AUTH_CUSTOM && has)
        r->authorizer = 0;
    template_part_bool(p, "key", &r->api_key_required);
    if (template_eval_texts(&p->t->eval, template_part_value(p, "required"), &l))
        for (size_t i = 0; i < l.n; i++)
            api_pairs_add(&r->required, str_of(l.at[i]), STR("true"));
    template_eval_list_fini(&l);
}

/* A route that is a map. */
static void read_map(const struct template_part *p, struct api_integration *in, struct api_route *r)
{
    template_part_known(p,
                        "url lambda mock response method headers parameters timeout_ms answers "
                        "access key required rate burst",
                        "", NULL, true);
    read_kind(p, in);
    if (in->type == API_HTTP_PROXY && template_part_method(p, "method") != NULL)
        short_set(&in->method, template_part_method(p, "method"));
    read_parameters(p, in);
    read_response(p, in, r);
    template_part_count(p, "timeout_ms", COUNT_MAX, &in->timeout_ms);
    template_part_bool(p, "answers", &r->answers);
    template_part_count(p, "rate", COUNT_MAX, &r->rate);
    template_part_count(p, "burst", COUNT_MAX, &r->burst);
}

static void read_route(struct template *t, const struct doc_value *v)
{
    struct template_part p = {t, v->key, v->kind == DOC_MAP ? v : NULL, NULL, v->key_at};
    struct api_integration *in = api_draft_integration(t->draft, v->key_at);
    struct api_route *r = api_draft_route(t->draft, v->key_at);

    if (in == NULL || r == NULL)
        return;
    in->id = str_dup(v->key);
    r->key = str_dup(v->key);
    r->integration = (int)t->draft->api->integrations_n - 1;
    if (v->kind == DOC_MAP) {
        read_map(&p, in, r);
    } else if (v->kind == DOC_SCALAR) {
        in->type = API_HTTP_PROXY;
        in->uri = str_dup(v->text);
        short_set(&in->method, "POST");
        read_parameters(&p, in);
    } else {
        notes_add(t->notes, NOTE_wrong_kind, v->at,
                  "the route %.*s must be a URL, or a map with url, lambda or mock",
                  STR_ARGS(v->key));
    }
    read_access(&p, r);
    if (r->answers)
        r->response_selection = str_dup(STR("$default"));
}

/* Calls f for each entry of a section. */
static void each(const struct template_part *all, const char *section,
                 void (*f)(struct template *t, const struct doc_value *v))
{
    struct template_part below = template_part_below(all, section);

    for (const struct doc_value *v = below.properties != NULL ? below.properties->first : NULL;
         v != NULL; v = v->next)
        f(all->t, v);
}

static void read_api(const struct template_part *p, struct api *a)
{
    struct template_eval_list l = {0};

    a->name = str_dup(STR("local"));
    a->selection = str_dup(STR("$request.body.action"));
    a->key_selection = str_dup(STR("$request.header.x-api-key"));
    a->stage.name = str_dup(STR("prod"));
    template_part_text(p, "name", &a->name);
    template_part_text(p, "selection", &a->selection);
    template_part_text(p, "stage", &a->stage.name);
    template_part_pairs(p, "variables", &a->stage.variables);
    template_part_count(p, "rate", COUNT_MAX, &a->stage.rate);
    template_part_count(p, "burst", COUNT_MAX, &a->stage.burst);
    if (!template_eval_texts(&p->t->eval, template_part_value(p, "keys"), &l)) {
        template_eval_list_fini(&l);
        return;
    }
    a->keys = l.at;
    a->keys_n = l.n;
}

void short_file_read(struct api_draft *d, const struct doc_value *root, const char *dir,
                     const struct api_load_options *o)
{
    struct template t = {.root = root, .draft = d, .notes = d->notes, .options = o, .dir = dir};
    struct template_part p = {&t, STR("the file"), root, NULL, root->at};
    const struct doc_value *authorizer = doc_get(root, STR("authorizer"));

    template_eval_init(&t.eval, NULL, o, d->notes);
    d->at = d->stage_at = root->at;
    template_part_known(
        &p, "name selection stage variables rate burst keys functions authorizer routes", "", NULL,
        true);
    read_api(&p, d->api);
    each(&p, "functions", read_function);
    if (authorizer != NULL)
        read_authorizer(&t, authorizer);
    each(&p, "routes", read_route);
    if (o->parameters != NULL && o->parameters->n > 0)
        notes_add(d->notes, NOTE_bad_parameter, (struct note_place){0, 0},
                  "a short file has no parameters");
}
