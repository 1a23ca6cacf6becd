#include "gateway/gateway_read.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateway/api_load.h"
#include "gateway/api_show.h"

#include <stdio.h>
#include <stdlib.h>

enum { SAID_MAX = 256 * 1024, SHOWN_MAX = 16 << 20 };

/* Appends ",more" to the last value. */
static void go_on(struct api_pairs *p, const char *more)
{
    char **value = &p->at[p->n - 1].value;
    size_t n = strlen(*value);
    size_t more_n = strlen(more);

    *value = mem_resize(*value, n + more_n + 2);
    (*value)[n] = ',';
    memcpy(*value + n + 1, more, more_n + 1);
}

bool gateway_read_pairs(const struct conf_list *list, struct api_pairs *p)
{
    for (size_t i = 0; i < list->n; i++) {
        struct str value = str_of(list->items[i]);
        bool has = memchr(value.p, '=', value.n) != NULL;
        struct str name = str_cut(&value, '=');

        if (has && name.n > 0)
            api_pairs_add(p, name, value);
        else if (p->n > 0)
            go_on(p, list->items[i]);
        else
            return false;
    }
    return true;
}

static void say(const struct notes *ns, const char *path)
{
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, SAID_MAX);
    notes_print(ns, path, &text);
    (void)fprintf(stderr, "%.*s", STR_ARGS(buf_peek(&text)));
}

struct api *gateway_read(const struct conf *c, const struct aws_env *env)
{
    struct api_pairs given = {0};
    struct api_load_options o = {
        .parameters = &given,
        .region = c->aws_region[0] != '\0' ? c->aws_region : aws_env_region(env),
        .api = c->gateway_api[0] != '\0' ? c->gateway_api : NULL,
        .stage = c->gateway_stage[0] != '\0' ? c->gateway_stage : NULL,
    };
    struct notes *ns = mem_zeroed(1, sizeof(*ns));
    struct api *api = NULL;

    notes_init(ns);
    if (!gateway_read_pairs(&c->gateway_parameters, &given))
        (void)fprintf(stderr, "polylog gateway: --parameter %s: write NAME=VALUE\n",
                      c->gateway_parameters.items[0]);
    else if (api_load(c->gateway_file, &o, &api, ns) < 0)
        api = NULL;
    say(ns, c->gateway_file);
    api_pairs_fini(&given);
    free(ns);
    return api;
}

int gateway_read_check(const struct conf *c, const struct aws_env *env)
{
    struct buf text CLEANUP(buf_fini) = {0};
    struct api *api;

    if (c->gateway_file[0] == '\0') {
        (void)fprintf(stderr, "polylog gateway: --check needs a FILE\n");
        return CONF_EXIT_USAGE;
    }
    api = gateway_read(c, env);
    if (api == NULL)
        return EXIT_FAILURE;
    buf_init(&text, SHOWN_MAX);
    api_show(api, &text);
    printf("%.*s", STR_ARGS(buf_peek(&text)));
    api_free(api);
    return EXIT_SUCCESS;
}
