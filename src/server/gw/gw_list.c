#include "server/gw/gw_list.h"

#include "base/mem.h"
#include "base/str.h"
#include "server/gw/gw_conn.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdio.h>
#include <stdlib.h>

struct str gw_list_run(const struct worker *w)
{
    return (struct str){(const uint8_t *)w->server->run, SERVER_RUN_N};
}

/* Adding. */

static void listing_put(struct gw_listing *l);

static void gw_listed(struct store_req *req)
{
    struct gw_listing *l = CONTAINER_OF(req, struct gw_listing, put.req);
    bool ok = req->result == STORE_OK;

    if (!ok || !l->node) {
        l->done(l, ok);
        return;
    }
    l->worker->gw->listed = true;
    l->node = false;
    listing_put(l);
}

static void listing_put(struct gw_listing *l)
{
    struct worker *w = l->worker;

    l->put = (struct store_put){
        .req = {.home = w->io, .done = gw_listed},
        .pk = l->node ? KEYS_HOMES : keys_of_homes(gw_list_run(w), l->pk),
        .sk = l->node ? gw_list_run(w) : l->id,
        .body = l->node ? str_of(l->bus_id) : STR("1"),
        .expect = STORE_REV_ANY,
        .expires_ms = l->node ? 0 : worker_wall_ms(w) + GW_ROW_LIFE_MS,
    };
    store_put(w->server->o.store, &l->put);
}

void gw_list_add(struct worker *w, struct gw_listing *l, struct str id,
                 void (*done)(struct gw_listing *l, bool ok))
{
    assert(id.n > 0 && id.n <= KEYS_CONN_MAX && done != NULL);
    l->worker = w;
    l->id = id;
    l->done = done;
    l->node = !w->gw->listed;
    (void)snprintf(l->bus_id, sizeof(l->bus_id), "%016llx",
                   (unsigned long long)bus_self(w->server->o.bus));
    listing_put(l);
}

/* Removing. */

struct gw_unlisting {
    struct store_put put;
    struct worker *worker;
    char pk[KEYS_MAX], sk[KEYS_MAX];
};

static void unlisted(struct store_req *req)
{
    struct gw_unlisting *u = CONTAINER_OF(req, struct gw_unlisting, put.req);

    assert(u->worker->owner.errands_n > 0);
    u->worker->owner.errands_n--;
    free(u);
}

static void unlist(struct worker *w, struct str pk, struct str sk)
{
    struct gw_unlisting *u = mem_zeroed(1, sizeof(*u));

    assert(pk.n <= KEYS_MAX && sk.n <= KEYS_MAX);
    memcpy(u->pk, pk.p, pk.n);
    memcpy(u->sk, sk.p, sk.n);
    u->worker = w;
    w->owner.errands_n++;
    u->put = (struct store_put){
        .req = {.home = w->io, .done = unlisted},
        .pk = {(const uint8_t *)u->pk, pk.n},
        .sk = {(const uint8_t *)u->sk, sk.n},
        .expect = STORE_REV_ANY,
        .remove = true,
    };
    store_put(w->server->o.store, &u->put);
}

void gw_list_remove(struct worker *w, struct str run, struct str id)
{
    char pk[KEYS_MAX];

    unlist(w, keys_of_homes(run, pk), id);
}

void gw_list_remove_node(struct worker *w, struct str run)
{
    unlist(w, KEYS_HOMES, run);
}
