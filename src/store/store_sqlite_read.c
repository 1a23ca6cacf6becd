#include "store/store_sqlite_impl.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

/* What a request finds in memory, taken before the database is looked at. */
struct read_plan {
    bool damaged;
    bool known;      /* the room is in memory: all below holds */
    uint64_t number; /* of the room */
    uint64_t head;
    uint64_t first;                     /* the first seq that is in memory; head + 1: none */
    struct store_sqlite_batch *batches; /* with references to their blocks */
    size_t n, cap;
};

/* A read's result on its way. */
struct read_out {
    struct store_read *req;
    struct buf *block;
    uint64_t next; /* the seq that must come next */
    size_t bytes;
    bool full;
    bool damaged; /* the last page that was looked at */
};

static struct io_job *next_of(struct io_job *job)
{
    return job->mail.next != NULL ? CONTAINER_OF(job->mail.next, struct io_job, mail) : NULL;
}

static void plan_add(struct read_plan *p, const struct store_sqlite_batch *b)
{
    if (p->n == p->cap) {
        p->cap = MAX(2 * p->cap, (size_t)8);
        p->batches = mem_resize_array(p->batches, p->cap, sizeof(*p->batches));
    }
    p->batches[p->n] = *b;
    (void)frame_ref(p->batches[p->n++].block);
}

static void plan_fini(struct read_plan *p)
{
    for (size_t i = 0; i < p->n; i++)
        frame_unref(p->batches[i].block);
    free(p->batches);
}

/* With the lock: the batches that hold from .. from + count - 1, as far as the
 * bytes asked for go. */
static void plan_batches(struct read_plan *p, const struct store_sqlite_room *r,
                         const struct store_read *req)
{
    uint64_t from = MAX(req->from, p->first);
    const struct store_sqlite_batch *b = store_sqlite_tail_find(r, from);
    const struct store_sqlite_batch *end = b != NULL ? &r->batch[r->at + r->n] : NULL;
    size_t bytes = 0, count = 0;

    for (; b != end && count < req->count_max && bytes <= req->bytes_max; b++) {
        plan_add(p, b);
        count += MIN(b->n, b->first + b->n - from);
        bytes += b->first >= from ? b->block->n : 0;
    }
}

static struct str room_of(struct store_req *req)
{
    if (req->op == STORE_LOG)
        return CONTAINER_OF(req, struct store_log, req)->room;
    if (req->op == STORE_READ)
        return CONTAINER_OF(req, struct store_read, req)->room;
    if (req->op == STORE_AMENDS)
        return CONTAINER_OF(req, struct store_amends, req)->room;
    return STR("");
}

/* With the lock. */
static void plan_one(struct store_sqlite *s, struct store_req *req, struct read_plan *p)
{
    struct str name = room_of(req);
    const struct store_sqlite_room *r;

    if (name.n == 0)
        return;
    r = store_sqlite_tail_get(&s->tail, name);
    if (r == NULL)
        return;
    p->damaged = r->damaged;
    p->known = true;
    p->number = r->id;
    p->head = r->head;
    p->first = store_sqlite_tail_first(r);
    if (req->op == STORE_READ)
        plan_batches(p, r, CONTAINER_OF(req, struct store_read, req));
    else if (req->op == STORE_LOG && r->n > 0)
        plan_add(p, &r->batch[r->at + r->n - 1]);
}

/* A room's number, its identity and first kept seq; 0 if it was never written. */
static int find_room(struct store_sqlite_conn *c, struct str name, uint64_t *ret_number,
                     struct store_log *ret_log)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(c, SQL_ROOM_GET);
    int rc;

    store_sqlite_conn_bind(stmt, 1, name);
    rc = sqlite3_step(stmt);
    *ret_number = 0;
    if (rc == SQLITE_ROW) {
        *ret_number = store_sqlite_conn_u64(stmt, 0);
        if (ret_log != NULL) {
            ret_log->ret_epoch = store_sqlite_conn_u64(stmt, 1);
            ret_log->ret_first = store_sqlite_conn_u64(stmt, 2);
        }
    }
    (void)sqlite3_reset(stmt);
    if (*ret_number > STORE_SQLITE_ROOM_MAX)
        return SQLITE_CORRUPT;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Adds the entry next, if there is room. */
static void out_entry(struct read_out *o, struct str entry)
{
    o->bytes += entry.n;
    o->full = o->req->ret_n > 0 && o->bytes > o->req->bytes_max;
    if (o->full)
        return;
    store_block_add(o->block, &(struct store_item){.key = o->next, .body = entry});
    o->next++;
    o->full = ++o->req->ret_n == o->req->count_max;
}

/* Adds what is asked for of a block, and before that what is missing. */
static void out_block(struct read_out *o, uint64_t first, struct store_sqlite_block block)
{
    struct str entry;

    while (!o->full && o->next < first)
        out_entry(o, STORE_LOST);
    for (uint64_t seq = first; !o->full && store_sqlite_block_next(&block, &entry); seq++)
        if (seq >= o->next)
            out_entry(o, entry);
}

/* What retention has removed is not missing. */
static int skip_removed(struct store_sqlite_conn *c, struct read_out *o, uint64_t first)
{
    struct store_log log = {.ret_first = 1};
    uint64_t number;
    int rc;

    if (o->req->ret_n > 0 || o->next >= first)
        return SQLITE_OK;
    rc = find_room(c, o->req->room, &number, &log);
    o->next = MAX(o->next, MIN(log.ret_first, first));
    return rc;
}

static int read_pages(struct store_sqlite_conn *c, uint64_t number, uint64_t until,
                      struct read_out *o)
{
    struct store_sqlite_pages pages;
    int rc = SQLITE_ROW;

    store_sqlite_conn_pages(c, number, o->next, &pages);
    while (rc == SQLITE_ROW && !o->full && o->next < until) {
        rc = store_sqlite_conn_pages_next(&pages);
        o->damaged = pages.damaged || (o->damaged && rc == SQLITE_DONE);
        if (pages.damaged) {
            rc = SQLITE_ROW; /* what it held is missing, if another follows */
        } else if (rc == SQLITE_ROW) {
            int rc_skip = skip_removed(c, o, pages.first);

            if (rc_skip == SQLITE_OK)
                out_block(o, pages.first, pages.block);
            else
                rc = rc_skip;
        }
    }
    store_sqlite_conn_pages_end(&pages);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int run_read(struct store_sqlite_conn *c, struct store_read *req, struct read_plan *p)
{
    struct read_out o = {
        .req = req, .block = &c->block, .next = MAX(req->from, 1), .full = req->count_max == 0};
    uint64_t number = p->number;
    int rc = SQLITE_OK;

    buf_clear(&c->block);
    req->ret_n = 0;
    if (!p->known)
        rc = find_room(c, req->room, &number, NULL);
    if (rc == SQLITE_OK && number != 0 && (!p->known || o.next < p->first) &&
        o.next <= STORE_SQLITE_SEQ_MAX)
        rc = read_pages(c, number, p->known ? p->first : UINT64_MAX, &o);
    for (size_t i = 0; i < p->n && rc == SQLITE_OK && !o.full; i++) {
        struct store_sqlite_block block;

        if (store_sqlite_block_open(frame_str(p->batches[i].block), &block))
            out_block(&o, p->batches[i].first, block);
        else
            rc = SQLITE_CORRUPT;
    }
    if (rc == SQLITE_OK && o.damaged && req->ret_n == 0)
        rc = SQLITE_CORRUPT; /* nothing follows: how long the log is, is not known */
    if (rc == SQLITE_OK && c->block.failed)
        rc = SQLITE_NOMEM;
    if (rc == SQLITE_OK)
        req->ret_block = frame_copy(buf_peek(&c->block));
    return rc;
}

static struct frame *last_entry(struct store_sqlite_block block)
{
    struct str entry = STR("");

    while (store_sqlite_block_next(&block, &entry))
        continue;
    return frame_copy(entry);
}

static int run_log(struct store_sqlite_conn *c, struct store_log *req, struct read_plan *p)
{
    struct store_sqlite_pages pages;
    struct store_sqlite_block block;
    uint64_t number;
    int rc;

    req->ret_epoch = req->ret_head = 0;
    req->ret_first = 1;
    req->ret_last = NULL;
    rc = find_room(c, req->room, &number, req);
    if (rc != SQLITE_OK || number == 0)
        return rc;
    if (p->n > 0) {
        if (!store_sqlite_block_open(frame_str(p->batches[0].block), &block))
            return SQLITE_CORRUPT;
        req->ret_head = p->head;
        req->ret_last = last_entry(block);
        return SQLITE_OK;
    }
    store_sqlite_conn_pages(c, number, STORE_SQLITE_SEQ_MAX, &pages);
    rc = store_sqlite_conn_pages_next(&pages);
    if (rc == SQLITE_ROW) {
        req->ret_head = pages.first + pages.block.n - 1;
        req->ret_last = last_entry(pages.block);
    } else {
        req->ret_epoch = 0; /* written just now, after the memory was looked at */
    }
    store_sqlite_conn_pages_end(&pages);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int run_amends(struct store_sqlite_conn *c, struct store_amends *req, struct read_plan *p)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(c, SQL_AMENDS);
    uint64_t number = p->number;
    int rc = SQLITE_OK;

    buf_clear(&c->block);
    req->ret_n = 0;
    if (!p->known)
        rc = find_room(c, req->room, &number, NULL);
    if (rc == SQLITE_OK && number != 0 && req->from <= MIN(req->to, STORE_SQLITE_SEQ_MAX)) {
        (void)sqlite3_bind_int64(stmt, 1, store_sqlite_conn_id(number, req->from));
        (void)sqlite3_bind_int64(stmt, 2,
                                 store_sqlite_conn_id(number, MIN(req->to, STORE_SQLITE_SEQ_MAX)));
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            store_block_add(
                &c->block,
                &(struct store_item){.key = store_sqlite_conn_seq(sqlite3_column_int64(stmt, 0)),
                                     .body = store_sqlite_conn_str(stmt, 1)});
            req->ret_n++;
        }
        (void)sqlite3_reset(stmt);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    if (rc == SQLITE_OK && c->block.failed)
        rc = SQLITE_NOMEM;
    if (rc == SQLITE_OK)
        req->ret_block = frame_copy(buf_peek(&c->block));
    return rc;
}

static int run_one(struct store_sqlite *s, struct store_sqlite_conn *c, struct store_req *req,
                   struct read_plan *p)
{
    int rc;

    if (p->damaged)
        return SQLITE_CORRUPT;
    if (req->op == STORE_LOG)
        return run_log(c, CONTAINER_OF(req, struct store_log, req), p);
    if (req->op == STORE_GET)
        return store_sqlite_record_get(c, CONTAINER_OF(req, struct store_get, req));
    if (req->op == STORE_READ) {
        rc = run_read(c, CONTAINER_OF(req, struct store_read, req), p);
        s->stats.records_read += CONTAINER_OF(req, struct store_read, req)->ret_n;
        return rc;
    }
    if (req->op == STORE_AMENDS)
        return run_amends(c, CONTAINER_OF(req, struct store_amends, req), p);
    if (req->op == STORE_WALK)
        return store_sqlite_record_walk(c, CONTAINER_OF(req, struct store_walk, req));
    assert(req->op == STORE_LIST);
    return store_sqlite_record_list(c, CONTAINER_OF(req, struct store_list, req));
}

uint64_t store_sqlite_read_run(void *ctx, struct io_job *chain)
{
    struct store_sqlite *s = ctx;
    struct store_sqlite_conn *c;
    struct read_plan *plans;
    size_t n = 0;
    int rc;

    for (struct io_job *job = chain; job != NULL; job = next_of(job))
        n++;
    plans = mem_zeroed(n, sizeof(*plans));
    n = 0;
    host_lock_take(s->tail.lock);
    c = s->conns;
    s->conns = c->next;
    for (struct io_job *job = chain; job != NULL; job = next_of(job))
        plan_one(s, CONTAINER_OF(job, struct store_req, job), &plans[n++]);
    host_lock_drop(s->tail.lock);
    n = 0;
    rc = store_sqlite_conn_run(store_sqlite_conn_stmt(c, SQL_BEGIN_READ));
    for (struct io_job *job = chain; job != NULL; job = next_of(job), n++) {
        struct store_req *req = CONTAINER_OF(job, struct store_req, job);
        int rc_one = rc != SQLITE_OK ? rc : run_one(s, c, req, &plans[n]);

        req->result = rc_one == SQLITE_OK ? STORE_OK : STORE_FAILED;
        s->stats.failures += rc_one != SQLITE_OK;
        s->stats.reads++;
        plan_fini(&plans[n]);
    }
    if (rc == SQLITE_OK)
        (void)store_sqlite_conn_run(store_sqlite_conn_stmt(c, SQL_COMMIT));
    free(plans);
    host_lock_take(s->tail.lock);
    c->next = s->conns;
    s->conns = c;
    host_lock_drop(s->tail.lock);
    return IO_FOREVER;
}
