#include "lib/bus_rig.h"

#include "base/str.h"
#include "bus/bus_redis.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 60000, STEPS_MAX = 2000000 };

static void heard(void *ctx, const struct bus_event *event)
{
    struct bus_rig_loop *l = ctx;
    struct bus_rig_event *e;

    assert_false(l->calling);
    assert_true(l->events_n < BUS_RIG_EVENTS);
    e = &l->events[l->events_n++];
    *e = (struct bus_rig_event){
        .kind = event->kind, .node = event->node, .seq = event->seq, .bytes_n = event->bytes.n};
    assert_true(event->room.n < sizeof(e->room));
    memcpy(e->room, event->room.p, event->room.n);
    memcpy(e->bytes, event->bytes.p, MIN(event->bytes.n, sizeof(e->bytes)));
}

static bool turn(void *arg)
{
    struct bus_rig_loop *l = arg;

    io_wait(l->io, io_now_ms(l->io) + 5);
    return !l->rig->over;
}

struct bus *bus_rig_end(struct bus_rig *r, struct io_host *host)
{
    struct bus_redis_options o = {.url = r->url, .text = "here"};
    char why[BUS_REDIS_WHY_MAX], url[REDIS_MODEL_URL];
    struct bus *b;

    if (r->model != NULL)
        return bus_model_bus(r->model);
    if (r->served != NULL) {
        redis_model_url(r->served, r->ways_n++, url);
        o.url = url;
    }
    if (bus_redis_new(host, &o, &b, why) != 0)
        fail_msg("%s", why);
    return b;
}

struct bus_redis_system bus_rig_system(const char *id)
{
    return (struct bus_redis_system){
        .id = str_of(id), .where = STR("here"), .secret = STR("a secret of thirty-two bytes.....")};
}

void bus_rig_start(struct bus *b, const char *id)
{
    struct bus_redis_system system = bus_rig_system(id);

    assert_int_equal(bus_redis_start(b, &system), 0);
}

static void make_node(struct bus_rig *r, struct bus_rig_node *n)
{
    if (r->sim != NULL)
        n->host = sim_host_new(r->sim);
    else
        assert_int_equal(host_epoll_new(&n->host), 0);
    n->bus = bus_rig_end(r, n->host);
    for (unsigned i = 0; i < BUS_RIG_LOOPS; i++) {
        struct bus_rig_loop *l = &n->loops[i];

        l->rig = r;
        assert_int_equal(host_io_new(n->host, &l->io), 0);
        bus_attach(n->bus, l->io, heard, l);
        if (r->sim != NULL)
            assert_int_equal(host_start(n->host, l->io, turn, l), 0);
    }
    if (r->model == NULL)
        bus_rig_start(n->bus, "test");
}

static struct bus_rig *rig_new(void)
{
    struct bus_rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    rng_init(&r->rng, check_seed(1));
    return r;
}

static void make_nodes(struct bus_rig *r)
{
    for (unsigned i = 0; i < BUS_RIG_NODES; i++)
        make_node(r, &r->nodes[i]);
    for (unsigned i = 0; i < BUS_RIG_NODES; i++)
        for (unsigned k = 0; k < BUS_RIG_LOOPS; k++)
            (void)bus_rig_wait(r, &r->nodes[i].loops[k], 0, BUS_NODE_UP, NULL);
}

int bus_rig_model(void **state)
{
    struct bus_rig *r = rig_new();

    r->sim = sim_new(check_seed(1), (struct sim_faults){0});
    r->model = bus_model_new(r->sim, &r->rng);
    make_nodes(r);
    *state = r;
    return 0;
}

int bus_rig_redis_sim(void **state)
{
    struct bus_rig *r = rig_new();

    r->sim = sim_new(check_seed(1), (struct sim_faults){0});
    r->served = redis_model_new(r->sim, check_seed(1));
    make_nodes(r);
    *state = r;
    return 0;
}

int bus_rig_redis(void **state)
{
    struct bus_rig *r = rig_new();

    *state = r;
    if (!redis_rig_is_there())
        return 0;
    redis_rig_start(&r->redis, NULL);
    r->url = r->redis.url;
    make_nodes(r);
    return 0;
}

static struct redis_cluster shared;

static void stop_shared(void)
{
    redis_cluster_stop(&shared);
}

int bus_rig_cluster(void **state)
{
    struct bus_rig *r = rig_new();

    *state = r;
    if (!redis_rig_is_there())
        return 0;
    if (shared.n == 0) {
        (void)atexit(stop_shared);
        redis_cluster_start(&shared, 3, 0, NULL);
    }
    r->cluster = &shared;
    r->url = shared.nodes[0].url;
    make_nodes(r);
    return 0;
}

int bus_rig_cluster_own(void **state)
{
    struct bus_rig *r = rig_new();

    *state = r;
    if (!redis_rig_is_there())
        return 0;
    r->cluster = calloc(1, sizeof(*r->cluster));
    assert_non_null(r->cluster);
    redis_cluster_start(r->cluster, 3, 1, NULL);
    r->url = r->cluster->nodes[1].url;
    make_nodes(r);
    return 0;
}

int bus_rig_teardown(void **state)
{
    struct bus_rig *r = *state;

    r->over = true;
    for (unsigned i = 0; i < BUS_RIG_NODES; i++)
        if (r->nodes[i].bus != NULL)
            bus_stop(r->nodes[i].bus);
    for (unsigned i = 0; i < BUS_RIG_NODES && r->nodes[i].bus != NULL; i++) {
        host_join(r->nodes[i].host);
        for (unsigned k = 0; k < BUS_RIG_LOOPS; k++)
            io_free(r->nodes[i].loops[k].io);
        bus_close(r->nodes[i].bus);
        host_free(r->nodes[i].host);
    }
    redis_rig_stop(&r->redis);
    if (r->cluster != NULL && r->cluster != &shared) {
        redis_cluster_stop(r->cluster);
        free(r->cluster);
    }
    bus_model_free(r->model);
    redis_model_free(r->served);
    sim_free(r->sim);
    free(r);
    return 0;
}

void bus_rig_turn(struct bus_rig *r)
{
    if (r->sim != NULL) {
        assert_true(sim_step(r->sim));
        if (r->model != NULL)
            bus_model_turn(r->model);
        return;
    }
    for (unsigned i = 0; i < BUS_RIG_NODES; i++)
        for (unsigned k = 0; k < BUS_RIG_LOOPS; k++)
            if (r->nodes[i].loops[k].io != NULL)
                io_wait(r->nodes[i].loops[k].io, io_now_ms(r->nodes[i].loops[k].io) + 1);
}

static uint64_t now_ms(const struct bus_rig *r)
{
    return r->sim != NULL ? sim_now_ms(r->sim) : io_now_ms(r->nodes[0].loops[0].io);
}

void bus_rig_rest(struct bus_rig *r, unsigned ms)
{
    uint64_t end = now_ms(r) + ms;

    while (now_ms(r) < end)
        bus_rig_turn(r);
}

static bool is_one(const struct bus_rig_event *e, enum bus_kind kind, const char *room)
{
    return e->kind == kind && (room == NULL || strcmp(e->room, room) == 0);
}

const struct bus_rig_event *bus_rig_wait(struct bus_rig *r, struct bus_rig_loop *loop,
                                         unsigned from, enum bus_kind kind, const char *room)
{
    uint64_t end = 0;

    for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
        for (unsigned i = from; i < loop->events_n; i++)
            if (is_one(&loop->events[i], kind, room))
                return &loop->events[i];
        bus_rig_turn(r);
        if (end == 0 && loop->io != NULL)
            end = io_now_ms(loop->io) + PATIENCE_MS;
        if (end > 0 && io_now_ms(loop->io) > end)
            break;
    }
    fail_msg("kind %d of %s was not heard", (int)kind, room != NULL ? room : "any");
    return NULL;
}

unsigned bus_rig_count(const struct bus_rig_loop *loop, enum bus_kind kind, const char *room)
{
    unsigned n = 0;

    for (unsigned i = 0; i < loop->events_n; i++)
        n += is_one(&loop->events[i], kind, room);
    return n;
}
