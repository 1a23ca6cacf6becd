#include "gateway/api_draft.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>

void api_draft_init(struct api_draft *d, struct notes *ns)
{
    memset(d, 0, sizeof(*d));
    d->api = api_new();
    d->notes = ns;
}

/* Whether there is room for one more; the place of what will be the n-th is kept. */
static bool room(struct api_draft *d, size_t n, size_t max, struct note_place *places,
                 struct note_place at, const char *what)
{
    if (n < max) {
        places[n] = at;
        return true;
    }
    notes_add(d->notes, NOTE_too_many, at, "there are more than %zu %s", max, what);
    return false;
}

struct api_route *api_draft_route(struct api_draft *d, struct note_place at)
{
    return room(d, d->api->routes_n, API_ROUTES_MAX, d->routes, at, "routes")
               ? api_add_route(d->api)
               : NULL;
}

struct api_integration *api_draft_integration(struct api_draft *d, struct note_place at)
{
    return room(d, d->api->integrations_n, API_INTEGRATIONS_MAX, d->integrations, at,
                "integrations")
               ? api_add_integration(d->api)
               : NULL;
}

struct api_authorizer *api_draft_authorizer(struct api_draft *d, struct note_place at)
{
    return room(d, d->api->authorizers_n, API_AUTHORIZERS_MAX, d->authorizers, at, "authorizers")
               ? api_add_authorizer(d->api)
               : NULL;
}

struct api_function *api_draft_function(struct api_draft *d, struct note_place at)
{
    return room(d, d->api->functions_n, API_DRAFT_FUNCTIONS_MAX, d->functions, at, "functions")
               ? api_add_function(d->api)
               : NULL;
}

int api_draft_find_integration(const struct api_draft *d, struct str id)
{
    for (size_t i = 0; i < d->api->integrations_n; i++)
        if (str_eq(str_of(d->api->integrations[i].id), id))
            return (int)i;
    return API_NONE;
}

int api_draft_find_authorizer(const struct api_draft *d, struct str id)
{
    for (size_t i = 0; i < d->api->authorizers_n; i++)
        if (str_eq(str_of(d->api->authorizers[i].id), id))
            return (int)i;
    return API_NONE;
}

int api_draft_find_function(const struct api_draft *d, struct str name)
{
    for (size_t i = 0; i < d->api->functions_n; i++)
        if (str_eq(str_of(d->api->functions[i].name), name))
            return (int)i;
    return API_NONE;
}

char *api_draft_path(const char *dir, struct str path)
{
    size_t n = strlen(dir) + path.n + 2;
    char *to;

    while (str_starts(path, STR("./")))
        path = str_skip(path, 2);
    if (path.n > 0 && path.p[0] == '/')
        return str_dup(path);
    if (path.n == 0 || str_eq(path, STR(".")))
        return str_dup(str_of(dir));
    if (strcmp(dir, ".") == 0)
        return str_dup(path);
    to = mem_bytes(n);
    (void)snprintf(to, n, "%s/%.*s", strcmp(dir, "/") == 0 ? "" : dir, STR_ARGS(path));
    return to;
}
