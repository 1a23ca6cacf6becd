#include "server/gw/gw_seek.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"
#include "server/gw/door_gw.h"
#include "server/gw/gw_give.h"
#include "server/gw/gw_home.h"
#include "server/gw/gw_keep.h"
#include "server/gw/gw_list.h"
#include "server/gw/gw_restore.h"
#include "server/gw/gw_row.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdlib.h>

#define ITEMS_MAX 64
#define ROUNDS_MAX 5
#define WAYS_MAX 4096
#define EVENT_BOUND ((size_t)256 * 1024)

/* An event that waits, or was relayed. */
struct gw_item {
    struct gw_item *next;
    struct worker *worker;
    struct exchange *x; /* NULL: nobody waits for it any more */
    struct far_ask ask;
    struct buf bytes;
    unsigned tries;
    char run[GW_ROW_RUN_MAX]; /* of the home that was asked */
    size_t run_n;
};

/* One id that is looked for. */
struct gw_seek {
    struct map_node node;
    struct worker *worker;
    union {
        struct store_req req;
        struct store_get get;
        struct store_put put;
    } q;
    struct gw_item *first, **end;
    unsigned items_n, rounds;
    struct exchange *giver; /* the other node, which gives it to this worker */
    struct buf row;         /* as it is written */
    struct buf old;         /* as it was read */
    uint64_t rev;
    char lost[GW_ROW_RUN_MAX]; /* the run of a home that is lost */
    size_t lost_n;
    bool held; /* it is being given away: nothing is looked for */
    struct gw_listing listing;
    char pk[KEYS_MAX];
    uint8_t id_n;
    char id[KEYS_CONN_MAX];
};

/* Where the home of an id is. */
struct gw_way {
    struct map_node node;
    struct eio_sid to;
    size_t run_n;
    char run[GW_ROW_RUN_MAX];
    uint8_t id_n;
    char id[KEYS_CONN_MAX];
};

static uint64_t id_hash(const struct worker *w, struct str id)
{
    return siphash(w->server->hash_key, id);
}

/* Ways. */

static bool way_eq(const struct map_node *node, const void *key)
{
    const struct gw_way *y = CONTAINER_OF((struct map_node *)(uintptr_t)node, struct gw_way, node);

    return str_eq((struct str){(const uint8_t *)y->id, y->id_n}, *(const struct str *)key);
}

static struct gw_way *way_find(struct worker *w, struct str id)
{
    struct map_node *n = map_find(&w->gw->ways, id_hash(w, id), way_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct gw_way, node) : NULL;
}

static void way_drop(struct worker *w, struct gw_way *y)
{
    map_remove(&w->gw->ways, &y->node);
    free(y);
}

static void ways_clear(struct worker *w)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&w->gw->ways, &it); n != NULL; n = map_next(&it))
        way_drop(w, CONTAINER_OF(n, struct gw_way, node));
}

static void way_put(struct worker *w, struct str id, const struct gw_row *row)
{
    struct gw_way *y = way_find(w, id);

    assert(id.n <= KEYS_CONN_MAX && row->run.n <= GW_ROW_RUN_MAX);
    if (y == NULL) {
        if (map_n(&w->gw->ways) >= WAYS_MAX)
            ways_clear(w);
        y = mem_zeroed(1, sizeof(*y));
        y->id_n = (uint8_t)id.n;
        memcpy(y->id, id.p, id.n);
        map_add(&w->gw->ways, &y->node, id_hash(w, id));
    }
    y->to = (struct eio_sid){.node = row->bus_id, .worker = row->worker};
    y->run_n = row->run.n;
    memcpy(y->run, row->run.p, row->run.n);
}

/* Items. */

static void item_free(struct gw_item *i)
{
    assert(i->x == NULL);
    far_cancel(&i->ask);
    buf_fini(&i->bytes);
    free(i);
}

/* Nobody waits for the answer any more: a relayed event is taken nevertheless, one that waits is
 * not. */
static void item_gone(struct exchange *x)
{
    struct gw_item *i = x->waits_for;
    bool relayed = i->ask.open;

    assert(i->x == x);
    exchange_wait_end(x);
    i->x = NULL;
    if (relayed)
        item_free(i);
}

static const struct exchange_wait exchange_wait_item = {
    .gone = item_gone,
    .hurry = exchange_ignore,
    .stayed = exchange_ignore,
};

static struct gw_item *item_new(struct exchange *x, const struct gw_event *e)
{
    struct gw_item *i = mem_zeroed(1, sizeof(*i));
    struct gw_event relayed = *e;

    relayed.relayed = true;
    i->worker = x->worker;
    i->x = x;
    buf_init(&i->bytes, EVENT_BOUND);
    gw_event_encode(&relayed, &i->bytes);
    assert(!i->bytes.failed);
    exchange_wait_begin(x, &exchange_wait_item, i);
    x->ops->watch(x);
    return i;
}

/* The exchange, which waits no more; NULL: nobody waited. The item is freed by the caller. */
static struct exchange *item_take(struct gw_item *i)
{
    struct exchange *x = i->x;

    if (x != NULL)
        exchange_wait_end(x);
    i->x = NULL;
    return x;
}

static void item_fail(struct gw_item *i, enum error_code code)
{
    struct exchange *x = item_take(i);
    struct gw_event e;

    if (x != NULL && gw_event_decode(buf_peek(&i->bytes), &e))
        gw_home_refuse(x, &e, code);
    item_free(i);
}

/* The connection is here: the event runs. */
static void item_run(struct gw_item *i)
{
    struct exchange *x = item_take(i);
    struct gw_event e;
    bool ok = gw_event_decode(buf_peek(&i->bytes), &e);

    assert(ok);
    if (x != NULL && ok)
        gw_home_take(x, &e);
    item_free(i);
}

/* Seeks. */

static bool seek_eq(const struct map_node *node, const void *key)
{
    const struct gw_seek *s =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct gw_seek, node);

    return str_eq((struct str){(const uint8_t *)s->id, s->id_n}, *(const struct str *)key);
}

static struct gw_seek *seek_find(struct worker *w, struct str id)
{
    struct map_node *n = map_find(&w->gw->seeks, id_hash(w, id), seek_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct gw_seek, node) : NULL;
}

static struct str seek_id(const struct gw_seek *s)
{
    return (struct str){(const uint8_t *)s->id, s->id_n};
}

static struct str seek_lost_run(const struct gw_seek *s)
{
    return (struct str){(const uint8_t *)s->lost, s->lost_n};
}

static struct gw_seek *seek_new(struct worker *w, struct str id)
{
    struct gw_seek *s = mem_zeroed(1, sizeof(*s));

    assert(id.n > 0 && id.n <= KEYS_CONN_MAX && seek_find(w, id) == NULL);
    s->worker = w;
    s->end = &s->first;
    s->id_n = (uint8_t)id.n;
    memcpy(s->id, id.p, id.n);
    buf_init(&s->row, GW_ROW_MAX);
    buf_init(&s->old, GW_ROW_MAX);
    map_add(&w->gw->seeks, &s->node, id_hash(w, id));
    w->owner.errands_n++;
    return s;
}

static void seek_push(struct gw_seek *s, struct gw_item *i)
{
    i->next = NULL;
    *s->end = i;
    s->end = &i->next;
    s->items_n++;
}

static struct gw_item *seek_pop(struct gw_seek *s)
{
    struct gw_item *i = s->first;

    if (i == NULL)
        return NULL;
    s->first = i->next;
    if (s->first == NULL)
        s->end = &s->first;
    s->items_n--;
    return i;
}

static void tell_giver(struct gw_seek *s, bool taken)
{
    struct exchange *x = s->giver;

    s->giver = NULL;
    if (x == NULL)
        return;
    if (exchange_is_open(x))
        eio_answer(x, &(struct eio_answer){.kind = taken ? EIO_TAKEN : EIO_REFUSED,
                                           .error = ENGINEIO_BAD_REQUEST});
    exchange_release(x);
}

/* It is over; its events have gone. */
static void seek_free(struct gw_seek *s)
{
    struct worker *w = s->worker;

    assert(s->first == NULL && s->giver == NULL && w->owner.errands_n > 0);
    w->owner.errands_n--;
    map_remove(&w->gw->seeks, &s->node);
    buf_fini(&s->row);
    buf_fini(&s->old);
    free(s);
}

static void seek_fail(struct gw_seek *s, enum error_code code)
{
    struct gw_item *i;

    tell_giver(s, false);
    while ((i = seek_pop(s)) != NULL)
        item_fail(i, code);
    seek_free(s);
}

/* The connection is here. */
static void seek_run(struct gw_seek *s)
{
    struct gw_item *i;

    while ((i = seek_pop(s)) != NULL)
        item_run(i);
    seek_free(s);
}

/* Relaying. */

static void seek_look(struct gw_seek *s);

/* The home has refused, or does not answer: perhaps it is lost, or another by now. */
static void look_again(struct gw_item *i)
{
    struct worker *w = i->worker;
    struct gw_event e;
    struct gw_seek *s;
    struct gw_way *y;
    bool ok = gw_event_decode(buf_peek(&i->bytes), &e), first;

    assert(ok && !i->ask.open);
    y = way_find(w, e.id);
    if (y != NULL)
        way_drop(w, y);
    if (!ok || i->tries >= ROUNDS_MAX || lifecycle_at(&w->life) >= LIFE_CLOSING) {
        item_fail(i, ERROR_store_failed);
        return;
    }
    s = seek_find(w, e.id);
    first = s == NULL;
    if (first)
        s = seek_new(w, e.id);
    if (first) {
        s->lost_n = i->run_n;
        memcpy(s->lost, i->run, i->run_n);
    }
    seek_push(s, i);
    if (first)
        seek_look(s);
}

static void item_answered(struct far_ask *ask, const struct eio_answer *answer)
{
    struct gw_item *i = CONTAINER_OF(ask, struct gw_item, ask);
    struct gw_answer told;
    struct exchange *x;

    if (i->x == NULL) {
        item_free(i);
        return;
    }
    if (answer->kind != EIO_PACKETS || !gw_event_answer_decode(buf_peek(&ask->body), &told) ||
        told.body.n > GW_BODY_MAX) {
        look_again(i);
        return;
    }
    x = item_take(i);
    gw_home_answer(x, &told);
    item_free(i);
}

static void item_relay(struct gw_item *i, const struct gw_way *y)
{
    if (i->x == NULL) {
        item_free(i);
        return;
    }
    assert(!i->ask.open);
    i->tries++;
    i->run_n = y->run_n;
    memcpy(i->run, y->run, y->run_n);
    i->ask.done = item_answered;
    far_ask(i->worker, &i->ask, &y->to, FAR_EVENT, buf_peek(&i->bytes));
}

static void seek_relay(struct gw_seek *s, const struct gw_row *row)
{
    struct worker *w = s->worker;
    struct gw_way *y;
    struct gw_item *i;

    way_put(w, seek_id(s), row);
    y = way_find(w, seek_id(s));
    assert(y != NULL);
    tell_giver(s, false);
    while ((i = seek_pop(s)) != NULL)
        item_relay(i, y);
    seek_free(s);
}

/* Claiming. */

/* The connection as the row, or else the first event, tells of it. False: nothing does. */
static bool seek_describe(struct gw_seek *s, struct gw_row *ret_row)
{
    struct gw_event e;

    if (buf_len(&s->old) > 0 && gw_row_decode(buf_peek(&s->old), ret_row))
        return true;
    *ret_row = (struct gw_row){0};
    if (s->first == NULL || !gw_event_decode(buf_peek(&s->first->bytes), &e))
        return false;
    ret_row->base = e.base;
    ret_row->source = e.source;
    ret_row->connected_ms = e.connected_ms;
    return true;
}

static void seek_claimed(struct store_req *req)
{
    struct gw_seek *s = CONTAINER_OF(req, struct gw_seek, q.req);
    struct worker *w = s->worker;
    struct gw_event e = {.id = seek_id(s)};
    struct gw_row row;
    struct conn *c;

    if (req->result == STORE_CONFLICT && s->giver == NULL && ++s->rounds < ROUNDS_MAX) {
        seek_look(s);
        return;
    }
    if (req->result != STORE_OK || !seek_describe(s, &row)) {
        seek_fail(s, ERROR_store_failed);
        return;
    }
    if (door_gw_find(w, e.id) == NULL) {
        e.base = row.base;
        e.source = row.source;
        e.connected_ms = row.connected_ms;
        c = door_gw_open(w, &e);
        metrics_add(w->metrics, METRIC_gw_homes_taken, 1);
        gw_keep_have(c, s->q.put.ret_rev);
        if (s->giver != NULL) /* else the row may be older than what was taken */
            gw_conn_of(c)->next_n = row.next_n;
        gw_restore(c, &row);
    }
    if (row.run.n > 0 && !str_eq(row.run, gw_list_run(w)))
        gw_list_remove(w, row.run, e.id);
    if (s->lost_n > 0 && row.run.n == 0)
        gw_list_remove(w, seek_lost_run(s), e.id);
    tell_giver(s, true);
    seek_run(s);
}

static void seek_claim(struct gw_seek *s)
{
    struct worker *w = s->worker;
    struct gw_row row;

    if (!seek_describe(s, &row)) {
        seek_fail(s, ERROR_store_failed);
        return;
    }
    row.run = gw_list_run(w);
    row.bus_id = bus_self(w->server->o.bus);
    row.worker = w->index;
    buf_clear(&s->row);
    gw_row_encode(&row, &s->row);
    s->q.put = (struct store_put){
        .req = {.home = w->io, .done = seek_claimed},
        .pk = keys_of_conn(seek_id(s), s->pk),
        .sk = KEYS_HOME,
        .body = buf_peek(&s->row),
        .expect = s->rev,
        .expires_ms = worker_wall_ms(w) + GW_ROW_LIFE_MS,
    };
    store_put(w->server->o.store, &s->q.put);
}

static void seek_listed(struct gw_listing *l, bool ok)
{
    struct gw_seek *s = CONTAINER_OF(l, struct gw_seek, listing);

    if (ok)
        seek_claim(s);
    else
        seek_fail(s, ERROR_store_failed);
}

/* Looking. */

static bool is_lost(const struct gw_seek *s, const struct gw_row *row)
{
    struct worker *w = s->worker;

    return row->run.n == 0 || w->server->o.store->ops->exclusive ||
           str_eq(row->run, gw_list_run(w)) || str_eq(row->run, seek_lost_run(s)) ||
           !far_knows(w, row->bus_id);
}

/* Nobody has it: a client's end needs no home. */
static void answer_ends(struct gw_seek *s)
{
    struct gw_item *i, *all = s->first;
    struct gw_event e;
    struct exchange *x;

    s->first = NULL;
    s->end = &s->first;
    s->items_n = 0;
    while ((i = all) != NULL) {
        all = i->next;
        if (!gw_event_decode(buf_peek(&i->bytes), &e) || e.kind != GW_DISCONNECT) {
            seek_push(s, i);
            continue;
        }
        x = item_take(i);
        if (x != NULL)
            gw_home_answer(x, &(struct gw_answer){.status = 200});
        item_free(i);
    }
}

/* A home that is lost is this worker's already: its entry goes. Or the row says otherwise, as of a
 * node that took it and ended before it could say so; then this one finds that out (gw_keep.h). */
static void seek_had(const struct gw_seek *s, const struct gw_row *row)
{
    if (str_eq(row->run, gw_list_run(s->worker)))
        gw_list_remove(s->worker, seek_lost_run(s), seek_id(s));
    else
        gw_keep_mark(door_gw_find(s->worker, seek_id(s)));
}

static void seek_got(struct store_req *req)
{
    struct gw_seek *s = CONTAINER_OF(req, struct gw_seek, q.req);
    struct worker *w = s->worker;
    struct gw_row row;
    bool decoded;

    if (req->result != STORE_OK) {
        seek_fail(s, ERROR_store_failed);
        return;
    }
    s->rev = s->q.get.ret_rev;
    buf_clear(&s->old);
    if (s->q.get.ret_body != NULL)
        buf_append(&s->old, frame_str(s->q.get.ret_body));
    frame_unref(s->q.get.ret_body);
    decoded = s->rev > 0 && gw_row_decode(buf_peek(&s->old), &row);
    if (door_gw_find(w, seek_id(s)) != NULL) {
        if (s->lost_n > 0 && decoded)
            seek_had(s, &row);
        tell_giver(s, false);
        seek_run(s);
        return;
    }
    if (s->lost_n > 0 && (s->rev == 0 || (decoded && !is_lost(s, &row))))
        gw_list_remove(w, seek_lost_run(s), seek_id(s));
    if (s->rev == 0)
        answer_ends(s);
    if (s->first == NULL && (s->rev == 0 || s->lost_n == 0)) {
        seek_fail(s, ERROR_store_failed);
        return;
    }
    if (decoded && !is_lost(s, &row))
        seek_relay(s, &row);
    else
        gw_list_add(w, &s->listing, seek_id(s), seek_listed);
}

static void seek_look(struct gw_seek *s)
{
    struct worker *w = s->worker;

    s->held = false;
    s->q.get = (struct store_get){.req = {.home = w->io, .done = seek_got},
                                  .pk = keys_of_conn(seek_id(s), s->pk),
                                  .sk = KEYS_HOME};
    store_get(w->server->o.store, &s->q.get);
}

void gw_seek_take(struct exchange *x, const struct gw_event *e)
{
    struct worker *w = x->worker;
    struct conn *c = door_gw_find(w, e->id);
    struct gw_seek *s = seek_find(w, e->id);
    bool giving = c != NULL && gw_conn_of(c)->giving;
    struct gw_way *y;

    assert(w->gw != NULL);
    if (e->kind == GW_CONNECT || (c != NULL && s == NULL && !giving)) {
        gw_home_take(x, e);
        return;
    }
    if (s == NULL && c == NULL && e->relayed) {
        eio_answer_error(x, ENGINEIO_UNKNOWN_SID);
        return;
    }
    y = s == NULL && c == NULL ? way_find(w, e->id) : NULL;
    if (y != NULL && far_knows(w, y->to.node)) {
        item_relay(item_new(x, e), y);
        return;
    }
    if (s != NULL && s->items_n >= ITEMS_MAX) {
        gw_home_refuse(x, e, ERROR_too_many_commands);
        return;
    }
    if (s != NULL) {
        seek_push(s, item_new(x, e));
        return;
    }
    s = seek_new(w, e->id);
    s->held = giving;
    seek_push(s, item_new(x, e));
    if (!giving)
        seek_look(s);
}

/* It was given away, or stays. */
static void gw_seek_go_on(struct worker *w, struct str id)
{
    struct gw_seek *s = seek_find(w, id);

    if (s != NULL && s->held)
        seek_look(s);
}

void gw_seek_lost(struct worker *w, struct str id, struct str run)
{
    const struct conn *c;
    struct gw_seek *s;

    assert(run.n > 0 && run.n <= GW_ROW_RUN_MAX);
    if (w->gw == NULL || seek_find(w, id) != NULL)
        return;
    c = door_gw_find(w, id);
    if (c != NULL && gw_conn_of(c)->giving)
        return; /* it is looked for again */
    s = seek_new(w, id);
    s->lost_n = run.n;
    memcpy(s->lost, run.p, run.n);
    seek_look(s);
}

void gw_seek_given(struct exchange *x)
{
    struct worker *w = x->worker;
    struct gw_row known;
    struct str id, row;
    struct gw_seek *s;
    uint64_t rev;

    if (w->gw == NULL || lifecycle_at(&w->life) != LIFE_SERVING ||
        !gw_give_read(buf_peek(&x->body), &rev, &id, &row) || row.n > GW_ROW_MAX ||
        !gw_row_decode(row, &known) || door_gw_find(w, id) != NULL || seek_find(w, id) != NULL) {
        eio_answer_error(x, ENGINEIO_BAD_REQUEST);
        return;
    }
    s = seek_new(w, id);
    s->rev = rev;
    s->giver = x;
    exchange_hold(x);
    buf_append(&s->old, row);
    gw_list_add(w, &s->listing, seek_id(s), seek_listed);
}

void gw_seek_init(struct worker *w)
{
    w->gw->given = gw_seek_go_on;
}

void gw_seek_fini(struct worker *w)
{
    assert(map_n(&w->gw->seeks) == 0);
    ways_clear(w);
    map_fini(&w->gw->ways);
}
