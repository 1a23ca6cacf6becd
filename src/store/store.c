#include "store/store.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/varint.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SHUT 1

struct store_belief {
    _Atomic uint64_t until_ms; /* SHUT: never again */
    _Atomic unsigned uses;     /* the store's, and each write's that is under way */
};

static void belief_release(struct store_belief *b)
{
    if (b != NULL && atomic_fetch_sub(&b->uses, 1) == 1)
        free(b);
}

/* Any thread. The store's own; makes it if there is none. */
static struct store_belief *belief_of(struct store *s)
{
    struct store_belief *now = s->belief, *made;

    if (now != NULL)
        return now;
    made = mem_zeroed(1, sizeof(*made));
    made->uses = 1;
    made->until_ms = UINT64_MAX;
    if (atomic_compare_exchange_strong(&s->belief, &now, made))
        return made;
    free(made);
    return now;
}

static void store_deliver(struct io_mail *mail)
{
    struct io_job *job = CONTAINER_OF(mail, struct io_job, mail);
    struct store_req *req = CONTAINER_OF(job, struct store_req, job);

    req->done(req);
}

static bool writes(struct store_req *req)
{
    return req->op == STORE_APPEND || req->op == STORE_PUT || req->op == STORE_NEXT ||
           req->op == STORE_FILL;
}

static bool is_believed(struct store_req *req)
{
    return (req->op == STORE_PUT && CONTAINER_OF(req, struct store_put, req)->proves) ||
           io_now_ms(req->home) < req->belief->until_ms;
}

/* What was written while nobody knew which store this is counts as lost. */
static void doubted(struct store_req *req)
{
    req->done = req->asked;
    if (req->belief->until_ms == SHUT)
        req->result = STORE_BEHIND;
    else if (req->result == STORE_OK && !is_believed(req))
        req->result = STORE_FAILED;
    belief_release(req->belief);
    req->done(req);
}

/* A request that no engine gets to run ends as canceled. */
static void submit(struct store *s, struct store_req *req, enum store_op op)
{
    assert(req->home != NULL && req->done != NULL);
    req->op = op;
    req->result = STORE_CANCELED;
    req->now_ms = store_wall_ms(s, req->home);
    req->job.home = req->home;
    req->job.mail.deliver = store_deliver;
    if (s->belief != NULL && writes(req)) {
        req->belief = s->belief;
        req->belief->uses++;
        req->asked = req->done;
        req->done = doubted;
        if (store_is_shut(s)) {
            io_post(req->home, &req->job.mail, &req->job.mail);
            return;
        }
    }
    s->ops->submit(s, req);
}

static bool is_key(struct str s)
{
    return s.n > 0 && s.n <= STORE_KEY_MAX;
}

bool store_block_next(const struct frame *block, size_t *at, struct store_item *ret_item)
{
    struct str rest = {block->bytes + *at, block->n - *at};
    struct store_item item;
    bool ok;

    if (rest.n == 0)
        return false;
    ok = varint_get(&rest, &item.key) && varint_take(&rest, &item.name) &&
         varint_take(&rest, &item.body);
    assert(ok);
    *ret_item = item;
    *at = (size_t)(rest.p - block->bytes);
    return true;
}

void store_block_add(struct buf *b, const struct store_item *item)
{
    uint8_t *to = buf_reserve(b, 3 * VARINT_N_MAX + item->name.n + item->body.n);
    uint8_t *p = to;

    if (p == NULL)
        return;
    p = varint_put(p, item->key);
    p = varint_put(p, item->name.n);
    if (item->name.n > 0)
        memcpy(p, item->name.p, item->name.n);
    p = varint_put(p + item->name.n, item->body.n);
    if (item->body.n > 0)
        memcpy(p, item->body.p, item->body.n);
    buf_commit(b, (size_t)(p - to) + item->body.n);
}

/* Two items: that of the name, and the body. */
bool store_walk_next(const struct frame *block, size_t *at, struct store_kept *ret_kept)
{
    struct store_item head, body;
    bool ok;

    if (!store_block_next(block, at, &head))
        return false;
    ok = store_block_next(block, at, &body);
    assert(ok);
    *ret_kept = (struct store_kept){head.name, head.body, body.body, head.key};
    return true;
}

void store_walk_add(struct buf *b, const struct store_kept *kept)
{
    store_block_add(b, &(struct store_item){kept->number, kept->name, kept->sk});
    store_block_add(b, &(struct store_item){.body = kept->body});
}

struct frame *store_cursor_make(struct str name, struct str sk)
{
    struct frame *f = frame_new(varint_size(name.n) + name.n + sk.n);
    uint8_t *p = varint_put(f->bytes, name.n);

    memcpy(p, name.p, name.n);
    if (sk.n > 0)
        memcpy(p + name.n, sk.p, sk.n);
    return f;
}

void store_cursor_open(struct str cursor, struct str *ret_name, struct str *ret_sk)
{
    bool ok;

    *ret_name = *ret_sk = STR("");
    if (cursor.n == 0)
        return;
    ok = varint_take(&cursor, ret_name);
    assert(ok);
    *ret_sk = cursor;
}

void store_log(struct store *s, struct store_log *req)
{
    assert(is_key(req->room));
    submit(s, &req->req, STORE_LOG);
}

void store_append(struct store *s, struct store_append *req)
{
    assert(is_key(req->room) && req->entries_n > 0 && req->amends_n <= STORE_AMENDS_MAX);
    submit(s, &req->req, STORE_APPEND);
}

void store_read(struct store *s, struct store_read *req)
{
    assert(is_key(req->room));
    submit(s, &req->req, STORE_READ);
}

void store_amends(struct store *s, struct store_amends *req)
{
    assert(is_key(req->room));
    submit(s, &req->req, STORE_AMENDS);
}

void store_fill(struct store *s, struct store_fill *req)
{
    assert(is_key(req->room) && req->entries_n > 0 && req->from > 0);
    submit(s, &req->req, STORE_FILL);
}

void store_get(struct store *s, struct store_get *req)
{
    assert(is_key(req->pk) && is_key(req->sk));
    submit(s, &req->req, STORE_GET);
}

void store_put(struct store *s, struct store_put *req)
{
    assert(is_key(req->pk) && is_key(req->sk));
    submit(s, &req->req, STORE_PUT);
}

void store_list(struct store *s, struct store_list *req)
{
    assert(is_key(req->pk));
    submit(s, &req->req, STORE_LIST);
}

void store_next(struct store *s, struct store_next *req)
{
    assert(is_key(req->counter) && req->n > 0);
    submit(s, &req->req, STORE_NEXT);
}

void store_walk(struct store *s, struct store_walk *req)
{
    assert(req->limit > 0 && req->cursor.n <= STORE_CURSOR_MAX);
    submit(s, &req->req, STORE_WALK);
}

void store_believe(struct store *s, uint64_t until_ms)
{
    struct store_belief *b = belief_of(s);
    uint64_t before = b->until_ms;

    assert(until_ms > SHUT);
    while (before != SHUT && !atomic_compare_exchange_weak(&b->until_ms, &before, until_ms))
        ;
}

void store_shut(struct store *s)
{
    belief_of(s)->until_ms = SHUT;
}

bool store_is_shut(const struct store *s)
{
    const struct store_belief *b = s->belief;

    return b != NULL && b->until_ms == SHUT;
}

bool store_is_believed(const struct store *s, uint64_t now_ms)
{
    const struct store_belief *b = s->belief;

    return b == NULL || now_ms < b->until_ms;
}

void store_stats(struct store *s, struct store_stats *ret_stats)
{
    s->ops->stats(s, ret_stats);
}

uint64_t store_wall_ms(struct store *s, struct io *io)
{
    return s->ops->wall_ms(s, io);
}

uint64_t store_own_wall_ms(struct store *s, struct io *io)
{
    (void)s;
    return io_wall_ms(io);
}

void store_close(struct store *s)
{
    struct store_belief *belief = s != NULL ? s->belief : NULL;

    if (s != NULL)
        s->ops->close(s);
    belief_release(belief);
}
