#include "gateway/api.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

/* One more element, zeroed, behind the n of an array. */
#define ADD(array, n)                                                   \
    ({                                                                  \
        (array) = mem_resize_array((array), (n) + 1, sizeof(*(array))); \
        memset(&(array)[n], 0, sizeof(*(array)));                       \
        &(array)[(n)++];                                                \
    })

struct api *api_new(void)
{
    return mem_zeroed(1, sizeof(struct api));
}

static void free_strings(char **at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(at[i]);
    free(at);
}

static void free_function(struct api_function *f)
{
    free(f->name);
    free(f->logical_id);
    free(f->command);
    free(f->runtime);
    free(f->handler);
    free(f->code_dir);
    free(f->code_inline);
    api_pairs_fini(&f->environment);
}

static void free_integration(struct api_integration *i)
{
    for (size_t k = 0; k < i->responses_n; k++) {
        free(i->responses[k].key);
        free(i->responses[k].template_selection);
        api_pairs_fini(&i->responses[k].templates);
    }
    free(i->responses);
    free(i->id);
    free(i->uri);
    free(i->method);
    free(i->function);
    free(i->template_selection);
    api_pairs_fini(&i->parameters);
    api_pairs_fini(&i->templates);
}

static void free_authorizer(struct api_authorizer *a)
{
    free(a->id);
    free(a->name);
    free(a->function);
    free_strings(a->sources, a->sources_n);
}

static void free_route(struct api_route *r)
{
    free(r->key);
    free(r->response_selection);
    api_pairs_fini(&r->required);
}

void api_free(struct api *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->routes_n; i++)
        free_route(&a->routes[i]);
    for (size_t i = 0; i < a->integrations_n; i++)
        free_integration(&a->integrations[i]);
    for (size_t i = 0; i < a->authorizers_n; i++)
        free_authorizer(&a->authorizers[i]);
    for (size_t i = 0; i < a->functions_n; i++)
        free_function(&a->functions[i]);
    free(a->routes);
    free(a->integrations);
    free(a->authorizers);
    free(a->functions);
    free_strings(a->keys, a->keys_n);
    api_pairs_fini(&a->stage.variables);
    api_pairs_fini(&a->tables);
    free(a->stage.name);
    free(a->id);
    free(a->name);
    free(a->selection);
    free(a->key_selection);
    free(a);
}

struct api_route *api_add_route(struct api *a)
{
    struct api_route *r = ADD(a->routes, a->routes_n);

    r->integration = r->authorizer = API_NONE;
    return r;
}

struct api_integration *api_add_integration(struct api *a)
{
    struct api_integration *i = ADD(a->integrations, a->integrations_n);

    i->timeout_ms = API_TIMEOUT_MAX_MS;
    return i;
}

struct api_authorizer *api_add_authorizer(struct api *a)
{
    return ADD(a->authorizers, a->authorizers_n);
}

struct api_function *api_add_function(struct api *a)
{
    struct api_function *f = ADD(a->functions, a->functions_n);

    f->timeout_ms = 3000;
    f->memory_mb = 128;
    f->per_environment = 1;
    return f;
}

struct api_response *api_add_response(struct api_integration *i)
{
    return ADD(i->responses, i->responses_n);
}

void api_pairs_fini(struct api_pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->at[i].name);
        free(p->at[i].value);
    }
    free(p->at);
    *p = (struct api_pairs){0};
}

void api_pairs_add(struct api_pairs *p, struct str name, struct str value)
{
    struct api_pair *pair = ADD(p->at, p->n);

    pair->name = str_dup(name);
    pair->value = str_dup(value);
}

const char *api_pairs_get(const struct api_pairs *p, struct str name)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(str_of(p->at[i].name), name))
            return p->at[i].value;
    return NULL;
}

const struct api_route *api_route(const struct api *a, struct str key)
{
    for (size_t i = 0; i < a->routes_n; i++)
        if (a->routes[i].key != NULL && str_eq(str_of(a->routes[i].key), key))
            return &a->routes[i];
    return NULL;
}

void api_expand(const struct api *a, const char *text, struct buf *out)
{
    static const struct str open = {(const uint8_t *)"${stageVariables.", 17};
    struct str rest = str_of(text);

    while (rest.n > 0) {
        if (str_starts(rest, open) && memchr(rest.p, '}', rest.n) != NULL) {
            struct str name = str_cut(&rest, '}');
            const char *value = api_pairs_get(&a->stage.variables, str_skip(name, open.n));

            buf_append(out, str_of(value != NULL ? value : ""));
        } else {
            buf_append_byte(out, rest.p[0]);
            rest = str_skip(rest, 1);
        }
    }
}
