#include "store/store.h"

#include "base/buf.h"
#include "base/varint.h"

#include <string.h>

static void deliver(struct io_mail *mail)
{
    struct io_job *job = CONTAINER_OF(mail, struct io_job, mail);
    struct store_req *req = CONTAINER_OF(job, struct store_req, job);

    req->done(req);
}

/* A request that no engine gets to run ends as canceled. */
static void submit(struct store *s, struct store_req *req, enum store_op op)
{
    assert(req->home != NULL && req->done != NULL);
    req->op = op;
    req->result = STORE_CANCELED;
    req->now_ms = io_wall_ms(req->home);
    req->job.home = req->home;
    req->job.mail.deliver = deliver;
    s->ops->submit(s, req);
}

static bool is_key(struct str s)
{
    return s.n > 0 && s.n <= STORE_KEY_MAX;
}

bool store_block_next(const struct frame *block, size_t *at, struct store_item *ret_item)
{
    struct str rest = {block->bytes + *at, block->n - *at};
    uint64_t key = 0, name_n = 0, body_n = 0;
    struct str name;
    bool ok;

    if (rest.n == 0)
        return false;
    ok = varint_get(&rest, &key) && varint_get(&rest, &name_n) && name_n <= rest.n;
    assert(ok);
    name = (struct str){rest.p, (size_t)name_n};
    rest = (struct str){rest.p + name.n, rest.n - name.n};
    ok = varint_get(&rest, &body_n) && body_n <= rest.n;
    assert(ok);
    *ret_item = (struct store_item){key, name, {rest.p, (size_t)body_n}};
    *at = (size_t)(rest.p - block->bytes) + (size_t)body_n;
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
    uint64_t n = 0;
    bool ok;

    *ret_name = *ret_sk = STR("");
    if (cursor.n == 0)
        return;
    ok = varint_get(&cursor, &n) && n <= cursor.n;
    assert(ok);
    *ret_name = (struct str){cursor.p, (size_t)n};
    *ret_sk = (struct str){cursor.p + n, cursor.n - (size_t)n};
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

void store_stats(struct store *s, struct store_stats *ret_stats)
{
    s->ops->stats(s, ret_stats);
}

void store_close(struct store *s)
{
    if (s != NULL)
        s->ops->close(s);
}
