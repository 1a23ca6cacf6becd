#include "lib/sim_node.h"

#include "bus/bus_redis.h"
#include "lib/bus_model.h"
#include "lib/check.h"
#include "lib/conn_held.h"
#include "lib/redis_model.h"
#include "server/conn/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGS_MAX = 48 };

static void serving(void *ctx, const struct server *s)
{
    struct sim_node *n = ctx;

    (void)s;
    n->serving = true;
}

static void failed(void *ctx, const char *why)
{
    struct sim_node *n = ctx;

    (void)snprintf(n->failed, sizeof(n->failed), "%s", why);
}

static void load_conf(struct sim_node *n)
{
    char *argv[ARGS_MAX], listen[64], why[256];
    int argc = 0;

    (void)snprintf(listen, sizeof(listen), "--listen=127.0.0.1:%u", n->o.port);
    argv[argc++] = listen;
    argv[argc++] = strdup("--login=name"); /* with the story's own beside it */
    for (int i = 0; n->o.args[i] != NULL && argc < ARGS_MAX; i++)
        argv[argc++] = strdup(n->o.args[i]);
    if (conf_load(&n->conf, &(struct conf_input){.command = "serve", .argc = argc, .argv = argv},
                  why) != CONF_OK)
        fail_msg("%s", why);
    while (argc > 1)
        free(argv[--argc]);
}

static void open_store(struct sim_node *n)
{
    struct store *inner;

    if (n->o.disk.dynamo != NULL)
        n->dynamo = dynamo_model_client(n->o.disk.dynamo);
    inner = sim_disk_open(&n->o.disk, n->host, n->dynamo);
    n->faults = store_fault_new(inner, rng_u64(n->o.rng), (struct store_fault_options){0});
    if (n->dynamo == NULL && (n->o.buses != NULL || n->o.redis != NULL))
        store_fault_clock(n->faults, SIM_WALL_MS);
}

static void bus_changed(void *ctx, bool up, const char *why)
{
    struct sim_node *n = ctx;

    server_bus_changed(n->server, up, why);
}

static void bus_refused(void *ctx, enum bus_seal_result why)
{
    struct sim_node *n = ctx;

    server_bus_refused(n->server, why == BUS_SEAL_OTHER);
}

static void open_bus(struct sim_node *n)
{
    struct bus_redis_options o = {
        .text = "test", .changed = bus_changed, .refused = bus_refused, .ctx = n};
    char url[REDIS_MODEL_URL], why[BUS_REDIS_WHY_MAX];

    if (n->o.buses != NULL) {
        n->bus = bus_model_bus(n->o.buses);
    } else if (n->o.redis != NULL) {
        redis_model_url(n->o.redis, n->o.way, url);
        o.url = url;
        if (bus_redis_new(n->host, &o, &n->bus, why) != 0)
            fail_msg("%s", why);
    } else {
        n->bus = bus_local_new();
    }
}

static void identified(void *ctx, struct str id, struct str secret)
{
    struct sim_node *n = ctx;

    assert_int_equal(
        bus_redis_start(n->bus, &(struct bus_redis_system){.id = id, .secret = secret}), 0);
}

/* Only the store of one that crashed never answers; in a long outage it answers too late. */
static void stuck(void *ctx)
{
    const struct sim_node *n = ctx;

    assert_true(n->crashed || (n->o.away_until_ms != NULL &&
                               sim_now_ms(n->o.sim) < *n->o.away_until_ms + SIM_DISK_DEADLINE_MS));
}

struct io_addr sim_node_addr(unsigned port)
{
    return (struct io_addr){.family = IO_ADDR_IP4, .port = (uint16_t)port, .ip = {127, 0, 0, 1}};
}

struct sim_node *sim_node_start(const struct sim_node_options *o)
{
    struct sim_node *n = calloc(1, sizeof(*n));
    struct server_options so;
    char why[SERVER_WHY_MAX];

    if (n == NULL)
        abort();
    n->o = *o;
    n->host = sim_host_new(o->sim);
    sim_host_clock(n->host, o->clock_ms, o->clock_ppm);
    load_conf(n);
    n->log_to = o->log_to != NULL ? o->log_to : o->trace ? stdout : fopen("/dev/null", "we");
    assert_non_null(n->log_to);
    assert_int_equal(log_sink_new(n->host, n->log_to, false, &n->log), 0);
    open_store(n);
    open_bus(n);
    so = (struct server_options){
        .conf = &n->conf,
        .host = n->host,
        .store = store_fault_store(n->faults),
        .bus = n->bus,
        .log = n->log,
        .outlet = o->outlet,
        .version = "test",
        .serving = serving,
        .failed = failed,
        .identified = o->redis != NULL ? identified : NULL,
        .stuck = stuck,
        .ctx = n,
        .workers = o->workers,
    };
    if (server_new(&so, &n->server, why) != 0)
        fail_msg("%s", why);
    for (unsigned i = 0; i < o->workers; i++) {
        struct owner_limits *limits = &n->server->workers[i].owner.limits;

        limits->search_max = o->search_max > 0 ? o->search_max : limits->search_max;
        limits->batch_max = o->batch_max;
    }
    assert_int_equal(server_start(n->server), 0);
    return n;
}

void sim_node_stop(struct sim_node *n)
{
    server_stop(n->server);
}

void sim_node_crash(struct sim_node *n)
{
    n->crashed = true;
    store_fault_set(n->faults, (struct store_fault_options){0}); /* what it still asks ends */
    sim_host_crash(n->host);
    if (n->dynamo != NULL)
        dynamo_model_cut(n->dynamo);
    if (n->o.buses != NULL)
        bus_model_silence(n->bus);
    server_stop(n->server);
}

bool sim_node_ended(const struct sim_node *n)
{
    return lifecycle_at(&n->server->life) == LIFE_ENDED;
}

void sim_node_free(struct sim_node *n)
{
    bus_stop(n->bus);
    host_join(n->host);
    if (n->o.buses != NULL)
        bus_model_silence(n->bus);
    store_close(store_fault_store(n->faults));
    server_free(n->server);
    bus_close(n->bus);
    log_sink_close(n->log);
    host_free(n->host);
    if (n->log_to != stdout && n->log_to != n->o.log_to)
        (void)fclose(n->log_to);
    conf_fini(&n->conf);
    free(n);
}

/* A frame may go beyond a limit that is compared before it is taken. */
#define FRAME_SLACK ((size_t)16 * 1024)

static const char *worker_excess(const struct worker *w)
{
    const struct conf *c = w->server->conf;
    size_t replies = c->unsent_replies_max + IO_RECV_MAX * 5 +
                     c->commands_in_flight * (c->history_max + FRAME_SLACK);
    size_t runs = c->flush_turn_max + 3 * FRAME_SLACK;

    if (w->feeds.ring_bytes > w->feeds.ring_budget + FRAME_SLACK)
        return "the newest entries of all rooms";
    if (w->feeds.chunk_bytes > w->feeds.chunk_budget + FRAME_SLACK)
        return "the older entries that are kept";
    for (const struct list *l = w->conns.next; l != &w->conns; l = l->next) {
        const struct conn *conn = CONTAINER_OF((struct list *)(uintptr_t)l, struct conn, node);

        if (conn_held(conn) > replies + runs)
            return "what one connection has not taken";
        if (conn->calls_n > c->commands_in_flight + 1 + conn->followers_n + 1000)
            return "the commands of one connection";
    }
    return NULL;
}

const char *sim_node_excess(const struct sim_node *n)
{
    const char *what = NULL;

    for (unsigned i = 0; i < n->o.workers && what == NULL; i++)
        what = worker_excess(&n->server->workers[i]);
    return what;
}
