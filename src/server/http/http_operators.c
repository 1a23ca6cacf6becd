#include "server/http/http_operators.h"

#include "base/json.h"
#include "base/str.h"
#include "server/health/health.h"
#include "server/health/watch.h"
#include "server/node/alarms.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "wire/jwks.h"

#include <stdatomic.h>

/* "failing" is the first reason; "reasons" are all. */
static void put_reasons(struct exchange *x, struct json_out *o)
{
    bool first = true;

    for (unsigned i = 0; i < ALARMS_N; i++) {
        enum alarm id = (enum alarm)i;

        if (!health_is_degraded_by(x->worker->server, id, worker_now_ms(x->worker)))
            continue;
        if (first) {
            json_out_field_str(o, "failing", str_of(alarms_name(id)));
            json_out_key(o, "reasons");
            json_out_array(o);
        }
        first = false;
        json_out_object(o);
        json_out_field_str(o, "reason", str_of(alarms_name(id)));
        json_out_field_str(o, "what", str_of(alarms_text(id)));
        json_out_field_str(o, "do", str_of(alarms_remedy(id)));
        json_out_object_end(o);
    }
    if (!first)
        json_out_array_end(o);
}

static void health(struct exchange *x)
{
    struct server *s = x->worker->server;
    const char *stuck = health_stuck(s, worker_now_ms(x->worker));
    bool degraded = health_is_degraded(s, worker_now_ms(x->worker));
    struct buf body CLEANUP(buf_fini);
    struct json_out o;

    buf_init(&body, 32 * 1024);
    json_out_init(&o, &body);
    json_out_object(&o);
    json_out_field_str(&o, "status",
                       str_of(stuck != NULL ? "stuck"
                              : degraded    ? "degraded"
                                            : "ok"));
    if (stuck != NULL)
        json_out_field_str(&o, "stuck", str_of(stuck));
    json_out_field_bool(&o, "degraded", degraded);
    if (degraded)
        put_reasons(x, &o);
    json_out_field_str(&o, "version", str_of(s->o.version));
    json_out_object_end(&o);
    buf_append_byte(&body, '\n');
    exchange_text(x, stuck != NULL ? 503 : 200, "application/json", buf_peek(&body));
}

static void ready(struct exchange *x)
{
    struct server *s = x->worker->server;
    enum lifecycle_phase at = lifecycle_at(&s->life);
    const char *waits = atomic_load(&s->waits);
    struct buf body CLEANUP(buf_fini);

    buf_init(&body, 1024);
    buf_printf(&body, "%s", lifecycle_text(at));
    if (at < LIFE_SERVING)
        buf_printf(&body, ": %s", waits != NULL ? waits : "the store is read");
    buf_append_byte(&body, '\n');
    exchange_text(x, at == LIFE_SERVING ? 200 : 503, "text/plain", buf_peek(&body));
}

static void show_metrics(struct exchange *x)
{
    struct server *s = x->worker->server;
    const struct metrics *sets[WORKERS_MAX];
    struct store_stats stats;
    struct bus_stats bus;
    struct buf body CLEANUP(buf_fini);

    assert(s->workers_n <= WORKERS_MAX);
    for (unsigned i = 0; i < s->workers_n; i++)
        sets[i] = s->workers[i].metrics;
    store_stats(s->o.store, &stats);
    bus_stats(s->o.bus, &bus);
    buf_init(&body, 1 << 20);
    metrics_render(&body, sets, s->workers_n, &stats, &bus);
    metrics_render_one(&body, "gauge", METRICS_UNITS, "polylog_degraded",
                       "1 while an alarm is raised; polylog_alarm says which.",
                       health_is_degraded(s, worker_now_ms(x->worker)));
    metrics_render_one(&body, "gauge", METRICS_UNITS, "polylog_store_failing",
                       "1 from when the store fails a request until none fails any more.",
                       watch_is_failing(s->watch));
    metrics_render_one(&body, "gauge", METRICS_UNITS, "polylog_draining",
                       "1 while clients are asked to go to other nodes.",
                       lifecycle_at(&s->life) >= LIFE_MOVING);
    exchange_text(x, 200, "text/plain; version=0.0.4; charset=utf-8", buf_peek(&body));
}

/* RFC 7517 §5: what other services need to verify own tokens. */
static void show_keys(struct exchange *x)
{
    struct http1_header extra = {STR("Cache-Control"), STR("public, max-age=300")};
    struct buf body CLEANUP(buf_fini);

    assert(lifecycle_at(&x->worker->server->life) >= LIFE_SERVING);
    buf_init(&body, JWKS_SIZE_MAX);
    jwks_publish(x->worker->server->keys.keys.all, &body);
    exchange_answer(x, &(struct exchange_answer){.status = 200,
                                                 .type = STR("application/jwk-set+json"),
                                                 .body = buf_peek(&body),
                                                 .extra = &extra,
                                                 .extra_n = 1});
}

void http_operators_issuer(struct exchange *x)
{
    const struct conf *c = x->worker->server->conf;
    struct buf body CLEANUP(buf_fini);
    struct json_out o;

    if (!exchange_is_get(x)) {
        x->allow = "GET, HEAD, OPTIONS";
        exchange_fail(x, ERROR_method_not_allowed, 0);
        return;
    }
    buf_init(&body, 16 * 1024);
    json_out_init(&o, &body);
    json_out_object(&o);
    json_out_key(&o, "issuer");
    if (c->issuer[0] == '\0') {
        json_out_null(&o);
    } else {
        json_out_object(&o);
        json_out_field_str(&o, "url", str_of(c->issuer));
        json_out_field_str(
            &o, "client",
            str_of(c->issuer_client[0] != '\0' ? c->issuer_client : c->audience.items[0]));
        json_out_field_str(&o, "scopes", str_of(c->issuer_scopes));
        json_out_object_end(&o);
    }
    json_out_object_end(&o);
    exchange_text(x, 200, "application/json", buf_peek(&body));
}

static const struct {
    const char *path;
    void (*run)(struct exchange *x);
} routes[] = {
    {"/health", health},
    {"/ready", ready},
    {"/metrics", show_metrics},
    {"/.well-known/jwks.json", show_keys},
};

bool http_operators_takes(const struct exchange *x)
{
    if (!exchange_is_get(x))
        return false;
    for (size_t i = 0; i < COUNTOF(routes); i++)
        if (str_eq(x->request->path, str_of(routes[i].path)))
            return true;
    return false;
}

void http_operators_run(struct exchange *x)
{
    for (size_t i = 0; i < COUNTOF(routes); i++)
        if (str_eq(x->request->path, str_of(routes[i].path)))
            routes[i].run(x);
}
