#include "gateway/gateway_options.h"

#include "base/mem.h"
#include "base/str.h"
#include "gateway/gateway_read.h"
#include "gateway/selection.h"
#include "gateway/told.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

enum { ID_LETTERS = 10, FLYING_MAX = 256, FRAME_BYTES = 32 * 1024, MESSAGE_BYTES = 128 * 1024 };

/* "KEY=TARGET" */
static bool add_route(struct api *a, const char *item, char why[static API_WHY_MAX])
{
    struct str target = str_of(item), key = str_cut(&target, '=');
    struct api_integration *in;
    struct api_route *r;

    if (key.n == 0 || target.n == 0) {
        (void)snprintf(why, API_WHY_MAX, "--route %s: write KEY=ADDRESS or KEY=mock", item);
        return false;
    }
    if (api_route(a, key) != NULL) {
        (void)snprintf(why, API_WHY_MAX, "--route %s: there is such a route already", item);
        return false;
    }
    r = api_add_route(a);
    r->key = str_dup(key);
    r->answers = target.p[target.n - 1] == '!';
    if (r->answers)
        target.n--;
    in = api_add_integration(a);
    r->integration = (int)a->integrations_n - 1;
    in->id = str_dup(key);
    if (str_eq(target, STR("mock"))) {
        in->type = API_MOCK;
        return true;
    }
    if (!str_starts(target, STR("http://")) && !str_starts(target, STR("https://"))) {
        (void)snprintf(why, API_WHY_MAX, "--route %s: the address begins with http:// or https://",
                       item);
        return false;
    }
    in->type = API_HTTP_PROXY;
    in->uri = str_dup(target);
    told_all(in);
    return true;
}

static void set_variable(struct api_pairs *p, struct str name, struct str value)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(str_of(p->at[i].name), name)) {
            free(p->at[i].value);
            p->at[i].value = str_dup(value);
            return;
        }
    api_pairs_add(p, name, value);
}

static bool set_variables(const struct conf_list *list, struct api_pairs *p,
                          char why[static API_WHY_MAX])
{
    struct api_pairs given = {0};
    bool ok = gateway_read_pairs(list, &given);

    if (!ok)
        (void)snprintf(why, API_WHY_MAX, "--variable %s: write NAME=VALUE", list->items[0]);
    for (size_t i = 0; i < given.n; i++)
        set_variable(p, str_of(given.at[i].name), str_of(given.at[i].value));
    api_pairs_fini(&given);
    return ok;
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = str_dup(str_of(with));
}

bool gateway_options_api(const struct conf *c, struct api *a, char why[static API_WHY_MAX])
{
    for (size_t i = 0; i < c->gateway_routes.n; i++)
        if (!add_route(a, c->gateway_routes.items[i], why))
            return false;
    if (!set_variables(&c->gateway_variables, &a->stage.variables, why))
        return false;
    if (c->gateway_stage[0] != '\0' || a->stage.name == NULL)
        replace(&a->stage.name, c->gateway_stage[0] != '\0' ? c->gateway_stage : "prod");
    if (c->gateway_selection[0] != '\0' || a->selection == NULL)
        replace(&a->selection,
                c->gateway_selection[0] != '\0' ? c->gateway_selection : "$request.body.action");
    if (!selection_valid(a->selection)) {
        (void)snprintf(why, API_WHY_MAX, "the route selection expression %s cannot be evaluated",
                       a->selection);
        return false;
    }
    if (a->routes_n == 0) {
        (void)snprintf(why, API_WHY_MAX,
                       "there is no route: give a FILE, or --route '$default=http://...'");
        return false;
    }
    return true;
}

/* Access keys. */

static void add_key(struct gateway *g, struct str id, struct str secret, bool denied)
{
    g->keys = mem_resize_array(g->keys, g->keys_n + 1, sizeof(*g->keys));
    g->keys[g->keys_n++] =
        (struct gateway_key){.id = str_dup(id), .secret = str_dup(secret), .denied = denied};
}

static bool read_keys(struct gateway *g, struct str text, char why[static API_WHY_MAX])
{
    while (text.n > 0) {
        struct str secret = str_trim(str_cut(&text, ',')), id = str_cut(&secret, ':');
        struct str rest = secret, key = str_cut(&rest, ':');

        if (id.n == 0 || key.n == 0 || (rest.n > 0 && !str_eq(rest, STR("denied")))) {
            (void)snprintf(why, API_WHY_MAX, "access-keys: write ID:SECRET or ID:SECRET:denied");
            return false;
        }
        add_key(g, id, key, rest.n > 0);
    }
    return true;
}

static bool fill_keys(const struct conf *c, const struct aws_env *env, struct gateway *g,
                      char why[static API_WHY_MAX])
{
    const char *id = aws_env_get(env, "AWS_ACCESS_KEY_ID");
    const char *secret = aws_env_get(env, "AWS_SECRET_ACCESS_KEY");

    if (c->gateway_keys[0] != '\0')
        return read_keys(g, str_of(c->gateway_keys), why);
    if (id != NULL && secret != NULL)
        add_key(g, str_of(id), str_of(secret), false);
    else
        add_key(g, STR("test"), STR("test"), false);
    return true;
}

static void fill_id(struct gateway *g)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t bytes[ID_LETTERS];

    io_random(g->io, bytes, sizeof(bytes));
    for (size_t i = 0; i < ID_LETTERS; i++)
        g->id[i] = letters[bytes[i] % (sizeof(letters) - 1)];
    g->id[ID_LETTERS] = '\0';
}

/* A route's own settings, else the stage's; of what is in neither, the account's burst. */
static void fill_routes(const struct conf *c, struct gateway *g)
{
    const struct api *a = g->api;

    g->routes = mem_zeroed(a->routes_n, sizeof(*g->routes));
    for (size_t i = 0; i < a->routes_n; i++) {
        const struct api_route *r = &a->routes[i];
        unsigned burst = r->burst > 0 ? r->burst : a->stage.burst;

        g->routes[i].rate = r->rate > 0 ? r->rate : a->stage.rate;
        g->routes[i].burst = burst > 0 ? burst : (unsigned)c->gateway_burst;
    }
}

bool gateway_options_fill(const struct conf *c, const struct aws_env *env, struct gateway *g,
                          char why[static API_WHY_MAX])
{
    const struct api *a = g->api;
    const char *region = aws_env_region(env);

    g->limits = (struct gateway_limits){
        .frame_max = FRAME_BYTES,
        .message_max = MESSAGE_BYTES,
        .post_max = MESSAGE_BYTES,
        .buffer_max = c->gateway_buffer_max,
        .idle_ms = c->gateway_idle_ms,
        .life_ms = c->gateway_life_ms,
        .timeout_max_ms = c->gateway_timeout_ms,
        .flying_max = FLYING_MAX,
        .idle_code = (uint16_t)c->gateway_idle_code,
        .life_code = (uint16_t)c->gateway_life_code,
        .ping_counts = c->gateway_ping_counts,
        .connect_failed = (unsigned)c->gateway_connect_failed,
        .connect_late = (unsigned)c->gateway_connect_late,
        .connect_incomplete = (unsigned)c->gateway_connect_incomplete,
        .check_signatures = c->gateway_signatures,
    };
    g->faults = (struct gateway_faults){
        .lose_disconnect = (unsigned)c->gateway_lose_disconnect,
        .duplicate = (unsigned)c->gateway_duplicate,
        .reorder = (unsigned)c->gateway_reorder,
        .reorder_ms = c->gateway_reorder_ms,
        .throttle = (unsigned)c->gateway_throttle,
        .gone_late_ms = c->gateway_gone_late_ms,
    };
    g->connects.rate = g->connects.burst = (unsigned)c->gateway_connect_rate;
    g->calls.rate = (unsigned)c->gateway_rate;
    g->calls.burst = (unsigned)c->gateway_burst;
    fill_routes(c, g);
    g->speed = (unsigned)c->gateway_speed;
    g->loud = !c->gateway_quiet;
    fill_id(g);
    if (c->aws_region[0] != '\0')
        region = c->aws_region;
    g->about = (struct occasion_api){
        .id = a->id != NULL ? a->id : g->id,
        .stage = a->stage.name,
        .domain = g->domain,
        .region = region != NULL ? region : "us-east-1",
        .account = "123456789012",
    };
    return fill_keys(c, env, g, why);
}

void gateway_options_fini(struct gateway *g)
{
    for (size_t i = 0; i < g->keys_n; i++) {
        OPENSSL_cleanse(g->keys[i].secret, strlen(g->keys[i].secret));
        sigv4_key_fini(&g->keys[i].derived);
        free(g->keys[i].id);
        free(g->keys[i].secret);
    }
    free(g->keys);
    free(g->routes);
}
