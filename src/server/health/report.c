#include "server/health/report.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "server/health/health.h"
#include "server/health/watch.h"
#include "server/node/emf.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdlib.h>

struct report {
    struct server *server;
    struct emf *emf;
    struct buf line;
    uint64_t due_ms; /* of worker 0's time */
};

struct report *report_new(struct server *s)
{
    struct report *r;

    if (s->o.emf == NULL)
        return NULL;
    r = mem_zeroed(1, sizeof(*r));
    r->server = s;
    r->emf = emf_new();
    r->due_ms = worker_now_ms(server_first(s)) + s->conf->metrics_every_ms;
    buf_init(&r->line, EMF_LINE_MAX);
    return r;
}

void report_free(struct report *r)
{
    if (r == NULL)
        return;
    emf_free(r->emf);
    buf_fini(&r->line);
    free(r);
}

static void report_write(struct report *r)
{
    const struct server *s = r->server;
    struct worker *w = server_first(s);
    const struct metrics *sets[WORKERS_MAX];
    struct store_stats store;
    struct bus_stats bus;
    struct emf_now now = {
        .about = {.wall_ms = io_wall_ms(w->io),
                  .name_space = str_of(s->conf->metrics_namespace),
                  .service = str_of(s->conf->metrics_service),
                  .node = utf8_valid(str_of(s->o.hostname)) ? str_of(s->o.hostname) : STR(""),
                  .version = str_of(s->o.version)},
        .sets = sets,
        .sets_n = s->workers_n,
        .store = &store,
        .bus = &bus,
        .degraded = health_is_degraded(s, worker_now_ms(w)),
        .store_failing = watch_is_failing(s->watch),
        .draining = lifecycle_at(&s->life) >= LIFE_MOVING,
    };

    assert(s->workers_n <= WORKERS_MAX);
    for (unsigned i = 0; i < s->workers_n; i++)
        sets[i] = s->workers[i].metrics;
    store_stats(s->o.store, &store);
    bus_stats(s->o.bus, &bus);
    buf_clear(&r->line);
    emf_render(r->emf, &now, &r->line);
    if (!r->line.failed)
        log_sink_line(s->o.emf, buf_peek(&r->line));
}

/* A clock that stood still is no reason for several documents at once. */
void report_second(struct report *r)
{
    uint64_t now;

    if (r == NULL)
        return;
    now = worker_now_ms(server_first(r->server));
    if (now < r->due_ms)
        return;
    report_write(r);
    r->due_ms += r->server->conf->metrics_every_ms;
    if (r->due_ms <= now)
        r->due_ms = now + r->server->conf->metrics_every_ms;
}

void report_end(struct report *r)
{
    if (r != NULL)
        report_write(r);
}
