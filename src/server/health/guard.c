#include "server/health/guard.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "server/health/peers.h"
#include "server/node/alarms.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define AGAIN_MS 500 /* behind a beat that failed */
#define LEAVE_MS 3000
#define MARKS_N 16
#define PAGE 1000
#define TTL_MS (400ull * 24 * 3600 * 1000)

struct guard {
    struct server *server;
    struct wheel_timer timer;
    _Atomic uint64_t asked_ms; /* when what is under way set out; 0: nothing is */
    _Atomic bool shut;
    enum store_result result;
    bool beating, leaving;
    uint64_t n, sure_n, rev; /* the last beat's number; of the last that succeeded */
    uint64_t newest_ms;      /* of the heartbeats found */
    char body[80 + PEERS_TEXT_MAX], after[32];
    uint64_t marks[MARKS_N]; /* of the last beats, by n: a random number each */
    size_t after_n;
    guard_f *done;
    void *ctx;
    union {
        struct store_req req;
        struct store_put put;
        struct store_get get;
        struct store_list list;
    } q;
    uint64_t clock_us;
    guard_f *gone;
    struct store_put leave;
    char left[24];
};

static struct guard *guard_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct guard, q.req);
}

static struct worker *first(const struct guard *g)
{
    return server_first(g->server);
}

static uint64_t wall_ms(const struct guard *g)
{
    return store_wall_ms(g->server->o.store, first(g)->io);
}

static struct str run_of(const struct guard *g)
{
    return (struct str){(const uint8_t *)g->server->run, SERVER_RUN_N};
}

static void guard_prepare(struct guard *g, store_done_f *done)
{
    uint64_t now = worker_now_ms(first(g));

    assert(g->asked_ms == 0 && !g->leaving);
    memset(&g->q, 0, sizeof(g->q));
    g->q.req.home = first(g)->io;
    g->q.req.done = done;
    g->asked_ms = MAX(now, (uint64_t)1);
    g->clock_us = io_clock_us(first(g)->io);
}

/* Whoever comes first says why. */
static void shut(struct guard *g, const char *why)
{
    store_shut(g->server->o.store);
    if (!atomic_exchange(&g->shut, true))
        alarms_raise(g->server->alarms, ALARM_store_changed, str_of(why));
}

static void guard_set_timer(struct guard *g, uint64_t in_ms)
{
    if (g->beating && !g->shut)
        wheel_set(&first(g)->wheel, &g->timer, worker_now_ms(first(g)) + in_ms);
}

static void entered(struct guard *g, bool ok)
{
    guard_f *done = g->done;

    g->done = NULL;
    if (done != NULL)
        done(g->ctx, ok);
}

/* What was read in place of the own record. */

static void id_read(struct store_req *req)
{
    struct guard *g = guard_of(req);
    struct frame *body = g->q.get.ret_body;
    const struct server *s = g->server;
    struct str known = {(const uint8_t *)s->store_id, s->store_id_n};

    assert(g->asked_ms > 0);
    g->asked_ms = 0;
    if (req->result != STORE_OK)
        shut(g, "the heartbeat of this node is not in it");
    else if (body == NULL)
        shut(g, "it is empty, or was never used");
    else if (!str_eq(frame_str(body), known))
        shut(g, "its identity (record `server`, `store-id`) is another");
    else
        shut(g, "an older copy: the heartbeat of this node in it is not the last");
    if (req->result == STORE_OK)
        frame_unref(body);
}

static void ask_id(struct guard *g)
{
    store_shut(g->server->o.store); /* why is said in a moment */
    guard_prepare(g, id_read);
    g->q.get.pk = KEYS_SERVER;
    g->q.get.sk = KEYS_STORE_ID;
    store_get(g->server->o.store, &g->q.get);
}

/* The mark is behind the wall time. */
static bool is_marked(const struct guard *g, uint64_t n, struct str rest)
{
    uint64_t mark;

    (void)str_cut(&rest, ' ');
    return str_to_u64(str_cut(&rest, ' '), &mark) && mark == g->marks[n % MARKS_N];
}

/* The record went forward, and not by us: another process has our run. It is the same store,
 * and no older one; the next beat goes on from there. */
static void twin_beat(struct guard *g, uint64_t n, uint64_t rev)
{
    assert(n > g->sure_n);
    alarms_raise(g->server->alarms, ALARM_node_twice, STR("its heartbeat goes on without it"));
    g->n = g->sure_n = n;
    g->rev = rev;
    guard_set_timer(g, 0);
}

/* A beat whose end was not known may have been done: then the record is ours. */
static void own_read(struct store_req *req)
{
    struct guard *g = guard_of(req);
    struct frame *body = g->q.get.ret_body;
    struct str rest = body != NULL && req->result == STORE_OK ? frame_str(body) : (struct str){0};
    uint64_t n = 0, rev = g->q.get.ret_rev;
    bool whole = str_to_u64(str_cut(&rest, ' '), &n);
    bool ours = whole && n >= g->sure_n && n <= g->n;
    bool twins =
        whole && n > g->sure_n && (n > g->n || (g->n - n < MARKS_N && !is_marked(g, n, rest)));

    assert(g->asked_ms > 0);
    g->asked_ms = 0;
    if (req->result != STORE_OK) {
        guard_set_timer(g, AGAIN_MS);
        return;
    }
    frame_unref(body);
    if (twins) {
        twin_beat(g, n, rev);
        return;
    }
    if (!ours || (n == g->sure_n && rev != g->rev)) {
        ask_id(g);
        return;
    }
    g->rev = rev;
    guard_set_timer(g, 0);
}

static void ask_own(struct guard *g)
{
    guard_prepare(g, own_read);
    g->q.get.pk = KEYS_NODES;
    g->q.get.sk = run_of(g);
    store_get(g->server->o.store, &g->q.get);
}

static void beaten(struct store_req *req)
{
    struct guard *g = guard_of(req);
    struct worker *w = first(g);
    uint64_t since = g->asked_ms, now = worker_now_ms(w);

    assert(g->asked_ms > 0);
    g->asked_ms = 0;
    g->result = req->result == STORE_CONFLICT ? STORE_OK : req->result;
    metrics_observe(w->metrics, METRIC_HIST_probe, io_clock_us(w->io) - g->clock_us);
    if (req->result == STORE_BEHIND) {
        shut(g, "the file of the database was moved, deleted, or replaced by another");
        entered(g, false);
        return;
    }
    if (req->result == STORE_CONFLICT && g->beating) {
        ask_own(g);
        return;
    }
    if (req->result == STORE_OK || req->result == STORE_FULL)
        g->beating = !g->leaving; /* a full one can be read */
    if (req->result == STORE_OK) {
        g->rev = g->q.put.ret_rev;
        g->sure_n = g->n;
        store_believe(g->server->o.store,
                      g->server->o.store->ops->exclusive ? UINT64_MAX : since + GUARD_BELIEVED_MS);
        guard_set_timer(g, since + GUARD_EVERY_MS > now ? since + GUARD_EVERY_MS - now : 0);
    } else {
        guard_set_timer(g, AGAIN_MS);
    }
    entered(g, req->result == STORE_OK || req->result == STORE_FULL);
}

static void beat(struct guard *g)
{
    uint64_t wall = wall_ms(g), *mark;
    char text[PEERS_TEXT_MAX];
    int n;

    assert(g->n >= g->sure_n && !g->leaving);
    guard_prepare(g, beaten);
    g->n++;
    mark = &g->marks[g->n % MARKS_N];
    io_random(first(g)->io, (uint8_t *)mark, sizeof(*mark));
    *mark &= INT64_MAX;
    n = snprintf(g->body, sizeof(g->body), "%llu %llu %llu %.*s", (unsigned long long)g->n,
                 (unsigned long long)wall, (unsigned long long)*mark,
                 STR_ARGS(peers_text(g->server, text)));
    g->q.put.pk = KEYS_NODES;
    g->q.put.sk = run_of(g);
    g->q.put.body = (struct str){(const uint8_t *)g->body, (size_t)n};
    g->q.put.expect = g->sure_n > 0 ? g->rev : STORE_REV_ANY;
    g->q.put.expires_ms = wall + TTL_MS;
    g->q.put.proves = true;
    store_put(g->server->o.store, &g->q.put);
}

static void gone(struct guard *g)
{
    guard_f *done = g->gone;

    assert(g->leaving);
    g->gone = NULL;
    wheel_cancel(&first(g)->wheel, &g->timer);
    if (done != NULL)
        done(g->ctx, true);
}

static void guard_due(struct wheel_timer *t)
{
    struct guard *g = CONTAINER_OF(t, struct guard, timer);

    if (g->leaving)
        gone(g);
    else if (g->asked_ms == 0 && !g->shut)
        beat(g);
}

/* Who has used the store before. */

static void say_copy(struct guard *g)
{
    uint64_t wall = wall_ms(g);

    assert(g->newest_ms > 0);
    log_warn(first(g)->log, "store_left",
             LOG_TEXT("why", "the last node on this store did not end in order"),
             LOG_U64("seconds_ago", (wall - g->newest_ms) / 1000),
             LOG_TEXT("do", "after a crash, nothing; if the store is a restored copy, stop all "
                            "nodes and run `polylog store adopt` first"));
}

static void stopped_read(struct store_req *req)
{
    struct guard *g = guard_of(req);
    struct frame *body = g->q.get.ret_body;
    uint64_t stopped = 0, wall = wall_ms(g);

    assert(g->asked_ms > 0);
    g->asked_ms = 0;
    if (req->result != STORE_OK) {
        entered(g, false);
        return;
    }
    if (body != NULL)
        (void)!str_to_u64(frame_str(body), &stopped);
    frame_unref(body);
    if (g->newest_ms > stopped && wall > g->newest_ms + GUARD_GONE_MS)
        say_copy(g);
    beat(g);
}

static void ask_stopped(struct guard *g)
{
    guard_prepare(g, stopped_read);
    g->q.get.pk = KEYS_SERVER;
    g->q.get.sk = KEYS_STOPPED;
    store_get(g->server->o.store, &g->q.get);
}

static void ask_nodes(struct guard *g);

static void nodes_listed(struct store_req *req)
{
    struct guard *g = guard_of(req);
    struct store_item item;
    size_t at = 0;
    unsigned n = g->q.list.ret_n;

    assert(g->asked_ms > 0);
    g->asked_ms = 0;
    if (req->result != STORE_OK) {
        entered(g, false);
        return;
    }
    while (store_block_next(g->q.list.ret_block, &at, &item)) {
        struct str rest = item.body;
        uint64_t wall;

        g->after_n = MIN(item.name.n, sizeof(g->after));
        memcpy(g->after, item.name.p, g->after_n);
        (void)str_cut(&rest, ' ');
        if (str_to_u64(str_cut(&rest, ' '), &wall) && !str_eq(item.name, run_of(g)))
            g->newest_ms = MAX(g->newest_ms, wall);
    }
    frame_unref(g->q.list.ret_block);
    if (n == PAGE)
        ask_nodes(g);
    else
        ask_stopped(g);
}

static void ask_nodes(struct guard *g)
{
    assert(g->after_n <= sizeof(g->after));
    guard_prepare(g, nodes_listed);
    g->q.list.pk = KEYS_NODES;
    g->q.list.after = (struct str){(const uint8_t *)g->after, g->after_n};
    g->q.list.limit = PAGE;
    store_list(g->server->o.store, &g->q.list);
}

void guard_enter(struct guard *g, guard_f *done, void *ctx)
{
    assert(g->done == NULL && !g->leaving);
    if (g->beating) {
        done(ctx, true);
        return;
    }
    g->done = done;
    g->ctx = ctx;
    g->after_n = 0;
    g->newest_ms = 0;
    ask_nodes(g);
}

/* The end. */

static void left(struct store_req *req)
{
    gone(CONTAINER_OF(req, struct guard, leave.req));
}

static void prepare_leave(struct guard *g, store_done_f *done)
{
    g->leave =
        (struct store_put){.req = {.home = first(g)->io, .done = done}, .expect = STORE_REV_ANY};
}

static void marked(struct store_req *req)
{
    struct guard *g = CONTAINER_OF(req, struct guard, leave.req);

    assert(g->leaving);
    if (req->result != STORE_OK || g->gone == NULL) { /* or it was too late */
        gone(g);
        return;
    }
    prepare_leave(g, left);
    g->leave.pk = KEYS_NODES;
    g->leave.sk = run_of(g);
    g->leave.remove = true;
    store_put(g->server->o.store, &g->leave);
}

void guard_leave(struct guard *g, guard_f *done, void *ctx)
{
    int n;

    assert(!g->leaving && done != NULL);
    g->leaving = true;
    if (!g->beating || g->shut) {
        wheel_cancel(&first(g)->wheel, &g->timer);
        done(ctx, true);
        return;
    }
    g->beating = false;
    g->gone = done;
    g->ctx = ctx;
    wheel_set(&first(g)->wheel, &g->timer, worker_now_ms(first(g)) + LEAVE_MS);
    n = snprintf(g->left, sizeof(g->left), "%llu", (unsigned long long)wall_ms(g));
    prepare_leave(g, marked);
    g->leave.pk = KEYS_SERVER;
    g->leave.sk = KEYS_STOPPED;
    g->leave.body = (struct str){(const uint8_t *)g->left, (size_t)n};
    store_put(g->server->o.store, &g->leave);
}

struct guard *guard_new(struct server *s)
{
    struct guard *g = mem_zeroed(1, sizeof(*g));

    g->server = s;
    g->timer.fire = guard_due;
    return g;
}

void guard_free(struct guard *g)
{
    free(g);
}

bool guard_is_asking(const struct guard *g)
{
    return g->asked_ms > 0;
}

enum store_result guard_result(const struct guard *g)
{
    return g->result;
}

bool guard_is_late(const struct guard *g, uint64_t now_ms, uint64_t late_ms)
{
    uint64_t since = g->asked_ms;

    return since > 0 && now_ms > since + late_ms;
}

void guard_behind(struct guard *g, struct str room, uint64_t known, uint64_t found)
{
    char why[ALARM_DETAIL_MAX];

    assert(found < known);
    (void)snprintf(why, sizeof(why),
                   "an older copy: the log of %.*s ends at %llu, and was known up to %llu",
                   (int)MIN(room.n, (size_t)100), (const char *)room.p, (unsigned long long)found,
                   (unsigned long long)known);
    shut(g, why);
}
