#include "server/run/gw_heir.h"

#include "base/hex.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/gw/door_gw.h"
#include "server/gw/gw_list.h"
#include "server/gw/gw_row.h"
#include "server/gw/gw_seek.h"
#include "server/health/peers.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/far.h"

#include <stdlib.h>

enum {
    EVERY_MS = 2000,
    AGAIN_MS = 200, /* between two pages of one node */
    PAGE = 100,
    NODES = 64,
};

struct gw_heir {
    struct server *server;
    struct wheel_timer timer;
    struct store_list list;
    bool asking;
    char pk[KEYS_MAX];
    char run[GW_ROW_RUN_MAX]; /* of the node that is looked at */
    size_t run_n;
};

/* What a worker is told. */
struct lost {
    size_t id_n, run_n;
    char id[KEYS_CONN_MAX], run[GW_ROW_RUN_MAX];
};

static struct worker *heir_home(const struct gw_heir *h)
{
    return &h->server->workers[0];
}

static void heir_again(struct gw_heir *h, uint64_t ms)
{
    if (lifecycle_at(&h->server->life) < LIFE_CLOSING)
        wheel_set(&heir_home(h)->wheel, &h->timer, worker_now_ms(heir_home(h)) + ms);
}

static void heir_take(struct worker *to, const void *arg)
{
    const struct lost *l = arg;

    if (lifecycle_at(&to->life) < LIFE_CLOSING)
        gw_seek_lost(to, (struct str){(const uint8_t *)l->id, l->id_n},
                     (struct str){(const uint8_t *)l->run, l->run_n});
}

static void heir_listed(struct store_req *req)
{
    struct gw_heir *h = CONTAINER_OF(req, struct gw_heir, list.req);
    struct worker *w = heir_home(h);
    struct store_item item;
    struct lost l = {.run_n = h->run_n};
    size_t at = 0;

    assert(h->asking);
    h->asking = false;
    heir_again(h, h->list.ret_n > 0 ? AGAIN_MS : EVERY_MS);
    if (req->result != STORE_OK)
        return;
    memcpy(l.run, h->run, h->run_n);
    while (store_block_next(h->list.ret_block, &at, &item)) {
        if (item.name.n == 0 || item.name.n > sizeof(l.id))
            continue;
        l.id_n = item.name.n;
        memcpy(l.id, item.name.p, item.name.n);
        worker_run(w, door_gw_worker(w, item.name), heir_take, &l, sizeof(l));
    }
    frame_unref(h->list.ret_block);
    if (h->list.ret_n == 0)
        gw_list_remove_node(w, (struct str){(const uint8_t *)h->run, h->run_n});
}

static bool may_live(const struct gw_heir *h, const struct store_item *item)
{
    struct worker *w = heir_home(h);
    uint64_t bus_id;

    if (str_eq(item->name, gw_list_run(w)))
        return true;
    if (h->server->o.store->ops->exclusive)
        return false;
    return (item->body.n == 16 && hex_number(item->body, &bus_id) && far_knows(w, bus_id)) ||
           peers_may_live(h->server->peers, item->name);
}

static void heir_ask(struct gw_heir *h, struct str pk, unsigned limit, store_done_f *done)
{
    assert(!h->asking);
    h->asking = true;
    h->list = (struct store_list){
        .req = {.home = heir_home(h)->io, .done = done}, .pk = pk, .limit = limit};
    store_list(h->server->o.store, &h->list);
}

/* Which nodes are home of any. */
static void heir_found(struct store_req *req)
{
    struct gw_heir *h = CONTAINER_OF(req, struct gw_heir, list.req);
    struct store_item item;
    uint64_t r, ended_n = 0;
    size_t at = 0;

    assert(h->asking);
    h->asking = false;
    h->run_n = 0;
    if (req->result == STORE_OK) {
        while (store_block_next(h->list.ret_block, &at, &item)) {
            if (item.name.n == 0 || item.name.n > sizeof(h->run) || may_live(h, &item))
                continue;
            io_random(heir_home(h)->io, (uint8_t *)&r, sizeof(r));
            if (r % ++ended_n > 0) /* any of them, each as likely: none holds up the others */
                continue;
            h->run_n = item.name.n;
            memcpy(h->run, item.name.p, item.name.n);
        }
        frame_unref(h->list.ret_block);
    }
    if (h->run_n == 0)
        heir_again(h, EVERY_MS);
    else
        heir_ask(h, keys_of_homes((struct str){(const uint8_t *)h->run, h->run_n}, h->pk), PAGE,
                 heir_listed);
}

static void heir_due(struct wheel_timer *t)
{
    struct gw_heir *h = CONTAINER_OF(t, struct gw_heir, timer);
    enum lifecycle_phase at = lifecycle_at(&h->server->life);

    if (h->asking || at >= LIFE_CLOSING)
        return;
    if (at != LIFE_SERVING) { /* a node that drains takes nothing on */
        heir_again(h, EVERY_MS);
        return;
    }
    heir_ask(h, KEYS_HOMES, NODES, heir_found);
}

struct gw_heir *gw_heir_start(struct server *s)
{
    struct gw_heir *h;

    if (s->workers[0].gw == NULL)
        return NULL;
    h = mem_zeroed(1, sizeof(*h));
    h->server = s;
    h->timer.fire = heir_due;
    heir_again(h, 0);
    return h;
}

void gw_heir_stop(struct gw_heir *h)
{
    if (h != NULL)
        wheel_cancel(&heir_home(h)->wheel, &h->timer);
}

bool gw_heir_is_asking(const struct gw_heir *h)
{
    return h != NULL && h->asking;
}

void gw_heir_free(struct gw_heir *h)
{
    free(h);
}
