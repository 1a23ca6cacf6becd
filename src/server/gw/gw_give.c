#include "server/gw/gw_give.h"

#include "base/str.h"
#include "base/varint.h"
#include "server/gw/gw_keep.h"
#include "server/gw/gw_list.h"
#include "server/gw/gw_row.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#define AGAIN_MS 100
/* So many of a worker are given away at once. */
#define AT_ONCE 64

static void give_number(struct buf *out, uint64_t v)
{
    uint8_t bytes[VARINT_N_MAX];

    buf_append(out, (struct str){bytes, (size_t)(varint_put(bytes, v) - bytes)});
}

bool gw_give_read(struct str bytes, uint64_t *ret_rev, struct str *ret_id, struct str *ret_row)
{
    uint64_t n;

    if (!varint_get(&bytes, ret_rev) || !varint_get(&bytes, &n) || n == 0 || n > KEYS_CONN_MAX ||
        n > bytes.n)
        return false;
    *ret_id = (struct str){bytes.p, (size_t)n};
    *ret_row = str_skip(bytes, (size_t)n);
    return true;
}

/* It has settled: nothing is in hand, and everything was shown that the cursors say. */
static bool may_give(const struct conn *c)
{
    const struct gw_conn *g = gw_conn_of(c);

    return c->state == CONN_OPEN && c->leaving && !g->giving && c->calls_n == 0 &&
           c->joining_n == 0 && g->waits == NULL && g->early == NULL && g->keep.rev > 0 &&
           gw_conn_is_exact(c);
}

static void gave(struct far_ask *ask, const struct eio_answer *answer)
{
    struct gw_conn *g = CONTAINER_OF(ask, struct gw_conn, give);
    struct conn *c = g->conn;
    struct worker *w = c->worker;
    char bytes[KEYS_CONN_MAX];
    struct str id = {(const uint8_t *)bytes, g->id_n};

    assert(g->giving && c->state != CONN_CLOSED);
    memcpy(bytes, g->id, g->id_n);
    g->giving = false;
    w->gw->giving_n--;
    if (answer->kind == EIO_TAKEN) {
        conn_drop(c, METRIC_close_moved);
    } else {
        g->give_ms = worker_now_ms(w) + AGAIN_MS;
        conn_timer(c, worker_now_ms(w));
        conn_mark(c);
    }
    w->gw->given(w, id);
}

void gw_give_look(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);
    struct worker *w = c->worker;
    struct buf bytes CLEANUP(buf_fini);
    struct eio_sid to = {0};
    uint64_t r;

    if (g == NULL || !may_give(c) || g->give_ms > worker_now_ms(w))
        return;
    io_random(w->io, (uint8_t *)&r, sizeof(r));
    to.node = w->gw->giving_n < AT_ONCE ? far_any(w, r) : 0;
    if (to.node == 0) {
        g->give_ms = worker_now_ms(w) + AGAIN_MS;
        conn_timer(c, worker_now_ms(w));
        return;
    }
    buf_init(&bytes, GW_ROW_MAX + KEYS_MAX);
    give_number(&bytes, g->keep.rev);
    give_number(&bytes, g->id_n);
    buf_append(&bytes, (struct str){(const uint8_t *)g->id, g->id_n});
    gw_keep_row(c, gw_list_run(w), &bytes);
    g->giving = true;
    w->gw->giving_n++;
    g->give.done = gave;
    far_ask(w, &g->give, &to, FAR_HOME, buf_peek(&bytes));
}

void gw_give_begin(struct conn *c)
{
    assert(c->leaving);
    gw_conn_of(c)->give_ms = worker_now_ms(c->worker);
    conn_mark(c);
}

uint64_t gw_give_due_ms(const struct conn *c)
{
    const struct gw_conn *g = gw_conn_of(c);

    return c->leaving && !g->giving && may_give(c) ? g->give_ms : UINT64_MAX;
}

void gw_give_end(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);
    bool was = g->giving;

    assert(c->state == CONN_CLOSED);
    far_cancel(&g->give);
    g->giving = false;
    c->worker->gw->giving_n -= was;
    if (was)
        c->worker->gw->given(c->worker, (struct str){(const uint8_t *)g->id, g->id_n});
}
