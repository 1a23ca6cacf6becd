#include "server/health/peers.h"

#include "base/hex.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "chat/model/keys.h"
#include "server/node/alarms.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/far.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    EVERY_MS = 5000,
    GONE_MS = 15000, /* without a beat */
    /* A node that has just come is heard by then; and one that died when the bus missed it,
     * a lease later, does not beat any more. */
    UNHEARD_MS = 15000,
    PAGE = 1000,
    SEEN_MAX = 256,
    RUN_MAX = 32,
};

/* One heartbeat that is not our own. */
struct peers_node {
    size_t run_n;
    uint8_t run[RUN_MAX];
    uint64_t n, bus_id;
    uint64_t beat_ms;    /* when n was seen to go forward, or at all */
    bool beats;          /* it was seen to go forward */
    uint64_t unheard_ms; /* since when the bus does not hear it; 0: it does */
    bool listed;
};

struct peers {
    struct server *server;
    struct wheel_timer timer;
    struct store_list list;
    bool asking;
    struct peers_node seen[SEEN_MAX];
    unsigned seen_n;
    uint64_t since_ms; /* when it began to look */
    uint8_t after[RUN_MAX];
    size_t after_n;
};

/* What heartbeats say. */

/* 32 bits of it, by which two secrets are told apart and none is found. */
static uint32_t fingerprint(struct str secret)
{
    static const uint8_t key[16] = "polylog secret.";

    return (uint32_t)siphash(key, secret);
}

struct str peers_text(const struct server *s, char to[static PEERS_TEXT_MAX])
{
    struct str host = str_of(s->o.hostname != NULL ? s->o.hostname : "");
    struct str secret = {(const uint8_t *)s->secret, s->secret_n};
    int n;

    host.n = MIN(host.n, (size_t)PEERS_HOST_MAX);
    n = snprintf(to, PEERS_TEXT_MAX, "%016llx %s %08x %.*s", (unsigned long long)bus_self(s->o.bus),
                 s->o.bus->ops->name, fingerprint(secret), STR_ARGS(host));
    assert(n > 0 && n < PEERS_TEXT_MAX);
    return (struct str){(const uint8_t *)to, (size_t)n};
}

bool peers_read(struct str body, struct peers_word *ret)
{
    struct peers_word w = {0};
    struct str bus_id;
    bool whole = str_to_u64(str_cut(&body, ' '), &w.n);

    (void)str_cut(&body, ' ');
    (void)str_cut(&body, ' ');
    bus_id = str_cut(&body, ' ');
    whole = whole && bus_id.n == 16 && hex_number(bus_id, &w.bus_id);
    w.bus = str_cut(&body, ' ');
    w.secret = str_cut(&body, ' ');
    w.host = str_cut(&body, ' ');
    if (!whole || w.bus.n == 0 || w.secret.n == 0)
        return false;
    *ret = w;
    return true;
}

/* Who lives. */

static struct worker *peers_home(const struct peers *p)
{
    return server_first(p->server);
}

static struct peers_node *peers_find(struct peers *p, struct str run)
{
    for (unsigned i = 0; i < p->seen_n; i++)
        if (str_eq((struct str){p->seen[i].run, p->seen[i].run_n}, run))
            return &p->seen[i];
    return NULL;
}

static bool is_still(const struct peers *p, const struct peers_node *x)
{
    return worker_now_ms(peers_home(p)) >= x->beat_ms + GONE_MS;
}

static void peers_forget(struct peers *p, struct peers_node *x)
{
    assert(p->seen_n > 0 && x < p->seen + p->seen_n);
    bus_alive(p->server->o.bus, x->bus_id, false);
    *x = p->seen[--p->seen_n];
}

/* Room for one more: of those that have ended, one goes. NULL: there are too many. */
static struct peers_node *peers_add(struct peers *p, struct str run)
{
    struct peers_node *x;

    assert(run.n <= RUN_MAX);
    for (unsigned i = 0; p->seen_n == SEEN_MAX && i < p->seen_n; i++)
        if (is_still(p, &p->seen[i]))
            peers_forget(p, &p->seen[i]);
    if (p->seen_n == SEEN_MAX)
        return NULL;
    x = &p->seen[p->seen_n++];
    *x = (struct peers_node){.run_n = run.n};
    memcpy(x->run, run.p, run.n);
    return x;
}

static void raise_alarm(struct peers *p, enum alarm id, const struct peers_word *w,
                        const char *what)
{
    char text[ALARM_DETAIL_MAX];
    int n = snprintf(text, sizeof(text), "node %016llx on %.*s: %s", (unsigned long long)w->bus_id,
                     STR_ARGS(w->host), what);

    assert(n > 0);
    alarms_raise(p->server->alarms, id,
                 (struct str){(const uint8_t *)text, MIN((size_t)n, sizeof(text) - 1)});
}

/* Can they hear of each other? */
static void check_bus(struct peers *p, struct peers_node *x, const struct peers_word *w)
{
    struct bus *bus = p->server->o.bus;
    uint64_t now = worker_now_ms(peers_home(p));

    assert(x->beats);
    if (bus_is_alone(bus)) {
        raise_alarm(p, ALARM_unheard, w, "this node is on --bus local");
    } else if (str_eq(w->bus, STR("local"))) {
        raise_alarm(p, ALARM_unheard, w, "it is on --bus local");
    } else if (w->bus_id == bus_self(bus)) {
        raise_alarm(p, ALARM_node_twice, w, "it has this node's id");
    } else if (bus_degraded(bus) || far_knows(peers_home(p), w->bus_id)) {
        x->unheard_ms = 0;
    } else if (x->unheard_ms == 0) {
        x->unheard_ms = now;
    } else if (now >= x->unheard_ms + UNHEARD_MS) {
        bus_alive(bus, w->bus_id, true);
        raise_alarm(p, ALARM_unheard, w, "it is not heard over Redis");
    }
}

static void peers_take(struct peers *p, const struct store_item *item)
{
    struct str own = {(const uint8_t *)p->server->run, SERVER_RUN_N};
    char text[PEERS_TEXT_MAX], fields[PEERS_TEXT_MAX + 8];
    struct peers_word w, we;
    struct peers_node *x;
    int n = snprintf(fields, sizeof(fields), "0 0 0 %.*s", STR_ARGS(peers_text(p->server, text)));

    p->after_n = MIN(item->name.n, sizeof(p->after));
    memcpy(p->after, item->name.p, p->after_n);
    if (str_eq(item->name, own) || item->name.n > RUN_MAX || !peers_read(item->body, &w) ||
        !peers_read((struct str){(const uint8_t *)fields, (size_t)n}, &we))
        return;
    x = peers_find(p, item->name);
    if (x == NULL) {
        x = peers_add(p, item->name);
        if (x == NULL)
            return;
        x->n = w.n;
        x->beat_ms = worker_now_ms(peers_home(p));
    }
    x->listed = true;
    x->bus_id = w.bus_id;
    if (w.n != x->n) {
        x->beat_ms = worker_now_ms(peers_home(p));
        x->beats = true;
    }
    x->n = w.n;
    if (!x->beats || is_still(p, x))
        return;
    check_bus(p, x, &w);
    if (!str_eq(w.secret, we.secret))
        raise_alarm(p, ALARM_secrets, &w, "it has another token secret than this node");
}

/* Those whose heartbeat is gone, or stands still, have ended. */
static void sweep(struct peers *p)
{
    assert(!p->asking);
    for (unsigned i = p->seen_n; i-- > 0;) {
        struct peers_node *x = &p->seen[i];

        if (!x->listed)
            peers_forget(p, x);
        else if (is_still(p, x))
            bus_alive(p->server->o.bus, x->bus_id, false);
    }
    for (unsigned i = 0; i < p->seen_n; i++)
        p->seen[i].listed = false;
}

/* Asking. */

static void peers_ask(struct peers *p);

static void peers_listed(struct store_req *req)
{
    struct peers *p = CONTAINER_OF(req, struct peers, list.req);
    struct store_item item;
    size_t at = 0;

    assert(p->asking && p->seen_n <= SEEN_MAX);
    p->asking = false;
    if (req->result != STORE_OK) {
        for (unsigned i = 0; i < p->seen_n; i++)
            p->seen[i].listed = false;
        return; /* the next time */
    }
    while (store_block_next(p->list.ret_block, &at, &item))
        peers_take(p, &item);
    frame_unref(p->list.ret_block);
    if (p->list.ret_n < PAGE)
        sweep(p);
    else if (lifecycle_at(&p->server->life) < LIFE_CLOSING)
        peers_ask(p);
}

static void peers_ask(struct peers *p)
{
    assert(!p->asking && p->after_n <= sizeof(p->after));
    p->asking = true;
    p->list = (struct store_list){
        .req = {.home = peers_home(p)->io, .done = peers_listed},
        .pk = KEYS_NODES,
        .after = {p->after, p->after_n},
        .limit = PAGE,
    };
    store_list(p->server->o.store, &p->list);
}

static void peers_due(struct wheel_timer *t)
{
    struct peers *p = CONTAINER_OF(t, struct peers, timer);

    wheel_set(&peers_home(p)->wheel, t, worker_now_ms(peers_home(p)) + EVERY_MS);
    if (p->asking)
        return;
    p->after_n = 0;
    peers_ask(p);
}

bool peers_may_live(const struct peers *p, struct str run)
{
    if (p == NULL)
        return false;
    for (unsigned i = 0; i < p->seen_n; i++)
        if (str_eq((struct str){p->seen[i].run, p->seen[i].run_n}, run))
            return !is_still(p, &p->seen[i]);
    return worker_now_ms(peers_home(p)) < p->since_ms + GONE_MS;
}

struct peers *peers_start(struct server *s)
{
    struct peers *p;

    assert(s->peers == NULL);
    if (s->o.store->ops->exclusive)
        return NULL;
    p = mem_zeroed(1, sizeof(*p));
    p->server = s;
    p->since_ms = worker_now_ms(&s->workers[0]);
    p->timer.fire = peers_due;
    peers_due(&p->timer);
    return p;
}

void peers_stop(struct peers *p)
{
    if (p != NULL)
        wheel_cancel(&peers_home(p)->wheel, &p->timer);
}

bool peers_is_asking(const struct peers *p)
{
    return p != NULL && p->asking;
}

void peers_free(struct peers *p)
{
    free(p);
}
