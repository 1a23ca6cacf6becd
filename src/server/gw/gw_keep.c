#include "server/gw/gw_keep.h"

#include "base/str.h"
#include "server/conn/session.h"
#include "server/gw/gw_list.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/sio_cursors.h"

#define FAILED_AGAIN_MS 2000

void gw_keep_row(const struct conn *c, struct str run, struct buf *out)
{
    const struct gw_conn *g = gw_conn_of(c);
    struct worker *w = c->worker;
    struct caller who = session_who(c);
    struct buf cursors CLEANUP(buf_fini);
    struct gw_row r = {.run = run,
                       .bus_id = bus_self(w->server->o.bus),
                       .worker = w->index,
                       .connected_ms = worker_wall_ms(w) - (worker_now_ms(w) - g->since_ms),
                       .array = g->array,
                       .super = who.super,
                       .scopes = who.scopes,
                       .user = who.user,
                       .session = who.session,
                       .expires_ms = who.expires_ms,
                       .next_n = g->next_n,
                       .base = str_of(g->base),
                       .source = str_of(g->source),
                       .name = who.name};

    buf_init(&cursors, GW_ROW_MAX);
    if (g->restore != NULL)
        buf_append(&cursors, str_of(g->restore));
    else
        sio_cursors_all(c, &cursors);
    r.cursors = buf_peek(&cursors);
    gw_row_encode(&r, out);
}

static void gw_kept(struct store_req *req);

static void gw_keep_write(struct conn *c, bool remove, bool given)
{
    struct gw_conn *g = gw_conn_of(c);
    struct gw_keep *k = &g->keep;
    struct worker *w = c->worker;

    assert(!k->asking);
    k->asking = true;
    k->due_ms = UINT64_MAX;
    k->kept_ms = worker_now_ms(w);
    c->calls_n++;
    if (!given && !remove) {
        buf_init(&k->body, GW_ROW_MAX);
        gw_keep_row(c, gw_list_run(w), &k->body);
    }
    k->put = (struct store_put){
        .req = {.home = w->io, .done = gw_kept},
        .pk = keys_of_conn((struct str){(const uint8_t *)g->id, g->id_n}, k->pk),
        .sk = KEYS_HOME,
        .body = remove ? (struct str){0} : buf_peek(&k->body),
        .expect = k->rev,
        .expires_ms = worker_wall_ms(w) + GW_ROW_LIFE_MS,
        .remove = remove,
    };
    store_put(w->server->o.store, &k->put);
}

/* The connection is closed, and nothing of the row is under way. */
static void gw_keep_finish(struct conn *c)
{
    struct gw_keep *k = &gw_conn_of(c)->keep;

    assert(c->state == CONN_CLOSED && !k->asking);
    if (k->rev == 0 || k->ending == GW_KEEP_NOT)
        return;
    gw_keep_write(c, k->ending == GW_KEEP_REMOVE, k->ending == GW_KEEP_GIVE);
    k->ending = GW_KEEP_NOT;
}

static void gw_kept(struct store_req *req)
{
    struct gw_conn *g = CONTAINER_OF(req, struct gw_conn, keep.put.req);
    struct gw_keep *k = &g->keep;
    struct conn *c = g->conn;
    bool ok = req->result == STORE_OK;

    assert(k->asking);
    if (ok)
        k->rev = k->put.ret_rev;
    else if (req->result == STORE_CONFLICT)
        k->ending = GW_KEEP_NOT;
    if (k->begun != NULL && c->state != CONN_CLOSED) {
        void (*begun)(struct conn * c, bool ok) = k->begun;

        k->begun = NULL;
        begun(c, ok);
    } else if (req->result == STORE_CONFLICT && c->state != CONN_CLOSED) {
        conn_drop(c, METRIC_close_moved); /* another node has it */
    } else if (!ok && c->state == CONN_OPEN) {
        k->due_ms = worker_now_ms(c->worker) + FAILED_AGAIN_MS;
    }
    k->asking = false;
    buf_fini(&k->body);
    if (c->state == CONN_CLOSED) {
        gw_keep_finish(c);
        gw_conn_free(g);
    } else {
        conn_mark(c); /* it may be given, or written again */
    }
    conn_release(c);
}

static void gw_keep_listed(struct gw_listing *l, bool ok)
{
    struct gw_keep *k = CONTAINER_OF(l, struct gw_keep, listing);
    struct gw_conn *g = CONTAINER_OF(k, struct gw_conn, keep);
    void (*begun)(struct conn * c, bool ok) = k->begun;
    struct conn *c = g->conn;

    assert(k->asking);
    k->asking = false;
    if (c->state == CONN_CLOSED) {
        gw_conn_free(g);
    } else if (ok) {
        gw_keep_write(c, false, false);
    } else {
        k->begun = NULL;
        begun(c, false);
    }
    conn_release(c);
}

void gw_keep_begin(struct conn *c, void (*begun)(struct conn *c, bool ok))
{
    struct gw_conn *g = gw_conn_of(c);

    assert(g->keep.rev == 0 && begun != NULL);
    g->keep.begun = begun;
    g->keep.asking = true;
    c->calls_n++;
    gw_list_add(c->worker, &g->keep.listing, (struct str){(const uint8_t *)g->id, g->id_n},
                gw_keep_listed);
}

void gw_keep_have(struct conn *c, uint64_t rev)
{
    struct gw_conn *g = gw_conn_of(c);

    assert(rev > 0);
    g->keep.rev = rev;
    g->keep.kept_ms = worker_now_ms(c->worker);
}

void gw_keep_mark(struct conn *c)
{
    struct gw_keep *k = &gw_conn_of(c)->keep;
    uint64_t at = worker_now_ms(c->worker) + GW_KEEP_SOON_MS;

    if (c->state != CONN_OPEN || at >= k->due_ms)
        return;
    k->due_ms = at;
    conn_timer(c, worker_now_ms(c->worker)); /* its deadlines are others */
}

void gw_keep_shown(struct conn *c)
{
    struct gw_keep *k = &gw_conn_of(c)->keep;

    k->due_ms = MIN(k->due_ms, k->kept_ms + GW_KEEP_MS);
}

uint64_t gw_keep_due_ms(const struct conn *c)
{
    const struct gw_keep *k = &gw_conn_of(c)->keep;

    return !k->asking && k->rev > 0 && gw_conn_is_exact(c) ? k->due_ms : UINT64_MAX;
}

void gw_keep_look(struct conn *c)
{
    if (c->state == CONN_OPEN && gw_keep_due_ms(c) <= worker_now_ms(c->worker))
        gw_keep_write(c, false, false);
}

void gw_keep_give_up(struct conn *c)
{
    struct gw_keep *k = &gw_conn_of(c)->keep;

    assert(c->state == CONN_OPEN);
    if (k->rev == 0 || k->asking || !gw_conn_is_exact(c))
        return;
    k->ending = GW_KEEP_GIVE;
    buf_init(&k->body, GW_ROW_MAX);
    gw_keep_row(c, (struct str){0}, &k->body);
}

void gw_keep_end(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);
    struct gw_keep *k = &g->keep;

    assert(c->state == CONN_CLOSED);
    k->begun = NULL;
    if (c->reason == METRIC_close_draining)
        assert(k->ending != GW_KEEP_REMOVE);
    else
        k->ending = c->reason == METRIC_close_moved ? GW_KEEP_NOT : GW_KEEP_REMOVE;
    if (c->reason != METRIC_close_draining)
        gw_list_remove(c->worker, gw_list_run(c->worker),
                       (struct str){(const uint8_t *)g->id, g->id_n});
    if (!k->asking)
        gw_keep_finish(c);
}
