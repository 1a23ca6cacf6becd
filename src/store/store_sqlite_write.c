#include "store/store_sqlite_impl.h"

#include "base/mem.h"

#include <stdlib.h>

/* The log is checkpointed when nothing came for this long, */
#define IDLE_MS 50
/* or when it has grown by so many pages and nothing waits, or by so many more. */
#define WAL_PAGES_SOFT 1000
#define WAL_PAGES_HARD 2000
/* Beyond so many pages readers are waited for, so that it can begin anew. */
#define WAL_PAGES_MAX 4000
/* Each entry appended pays for this many to be folded; at least so many at once. */
#define FOLD_FACTOR 2
#define FOLD_MIN 256
#define FOLD_IDLE 2048
/* After a failure. */
#define FOLD_PAUSE_MS 1000
#define EXPIRE_MS 60000
/* If folding fails for good, memory is bounded by refusing writes. */
#define TAIL_ENTRIES_MAX 200000
#define TAIL_BYTES_MAX (256 * 1024 * 1024)
/* Rooms without unfolded entries that stay in memory. */
#define IDLE_ROOMS_MAX 50000

static struct store_req *req_of(struct io_job *job)
{
    return CONTAINER_OF(job, struct store_req, job);
}

static struct io_job *next_of(struct io_job *job)
{
    return job->mail.next != NULL ? CONTAINER_OF(job->mail.next, struct io_job, mail) : NULL;
}

static void stage(struct store_sqlite *s, struct store_sqlite_staged staged)
{
    if (s->staged_n == s->staged_cap) {
        s->staged_cap = MAX(2 * s->staged_cap, (size_t)64);
        s->staged = mem_resize_array(s->staged, s->staged_cap, sizeof(*s->staged));
    }
    s->staged[s->staged_n++] = staged;
}

/* The last seq of a room that is in pages only. */
static int head_of_pages(struct store_sqlite *s, uint64_t room, uint64_t *ret_head)
{
    struct store_sqlite_pages pages;
    int rc;

    store_sqlite_conn_pages(&s->conn, room, STORE_SQLITE_SEQ_MAX, &pages);
    rc = store_sqlite_conn_pages_next(&pages);
    *ret_head = rc == SQLITE_ROW ? pages.first + pages.block.n - 1 : 0;
    store_sqlite_conn_pages_end(&pages);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The room of that name, from memory or the database; NULL if there is none. */
static int find_room(struct store_sqlite *s, struct str name, struct store_sqlite_room **ret_room)
{
    sqlite3_stmt *stmt;
    uint64_t number = 0, head = 0;
    int rc;

    *ret_room = store_sqlite_tail_get(&s->tail, name);
    if (*ret_room != NULL) {
        store_sqlite_tail_use(&s->tail, *ret_room);
        return (*ret_room)->damaged ? SQLITE_CORRUPT : SQLITE_OK;
    }
    stmt = store_sqlite_conn_stmt(&s->conn, SQL_ROOM_GET);
    store_sqlite_conn_bind(stmt, 1, name);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        number = store_sqlite_conn_u64(stmt, 0);
    (void)sqlite3_reset(stmt);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    if (number > STORE_SQLITE_ROOM_MAX)
        return SQLITE_CORRUPT;
    rc = head_of_pages(s, number, &head);
    if (rc == SQLITE_OK)
        *ret_room = store_sqlite_tail_add(&s->tail, name, number, head);
    return rc;
}

static int create_room(struct store_sqlite *s, struct store_append *req,
                       struct store_sqlite_room **ret_room)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_ROOM_ADD);
    uint64_t number;
    int rc = store_sqlite_record_number(s, &s->rooms, &number);

    if (rc == SQLITE_OK && number > STORE_SQLITE_ROOM_MAX)
        rc = SQLITE_FULL;
    if (rc != SQLITE_OK)
        return rc;
    store_sqlite_conn_bind(stmt, 1, req->room);
    store_sqlite_conn_bind_u64(stmt, 2, number);
    store_sqlite_conn_bind_u64(stmt, 3, req->epoch);
    rc = store_sqlite_conn_run(stmt);
    if (rc == SQLITE_OK)
        *ret_room = store_sqlite_tail_add(&s->tail, req->room, number, 0);
    return rc;
}

static int put_page(struct store_sqlite *s, sqlite3_int64 id, struct frame *block)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_PAGE_PUT);

    (void)sqlite3_bind_int64(stmt, 1, id);
    store_sqlite_conn_bind(stmt, 2, frame_str(block));
    return store_sqlite_conn_run(stmt);
}

/* The batch with target as this transaction leaves it, or NULL. */
static const struct store_sqlite_batch *
staged_batch(const struct store_sqlite *s, const struct store_sqlite_room *r, uint64_t target)
{
    for (size_t i = s->staged_n; i-- > 0;) {
        const struct store_sqlite_staged *staged = &s->staged[i];

        if (staged->room == r && target >= staged->batch.first &&
            target - staged->batch.first < staged->batch.n)
            return &staged->batch;
    }
    return store_sqlite_tail_find(r, target);
}

static int redact_journal(struct store_sqlite *s, struct store_sqlite_room *r,
                          const struct store_amend *amend)
{
    const struct store_sqlite_batch *b = staged_batch(s, r, amend->target);
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_JOURNAL_SET);
    struct store_sqlite_staged staged = {.room = r, .replaces = true};
    struct store_sqlite_block block;
    bool ok;

    if (b == NULL)
        return SQLITE_OK;
    ok = store_sqlite_block_open(frame_str(b->block), &block);
    assert(ok);
    staged.batch = *b;
    staged.batch.block =
        store_sqlite_block_replace(block, (unsigned)(amend->target - b->first), amend->redacted);
    stage(s, staged);
    store_sqlite_conn_bind_u64(stmt, 1, staged.batch.id);
    store_sqlite_conn_bind(stmt, 2, frame_str(staged.batch.block));
    return store_sqlite_conn_run(stmt);
}

static int redact_page(struct store_sqlite *s, const struct store_sqlite_room *r,
                       const struct store_amend *amend)
{
    struct store_sqlite_pages pages;
    struct frame *block = NULL;
    int rc;

    store_sqlite_conn_pages(&s->conn, r->id, amend->target, &pages);
    rc = store_sqlite_conn_pages_next(&pages);
    if (rc == SQLITE_ROW && amend->target >= pages.first &&
        amend->target - pages.first < pages.block.n)
        block = store_sqlite_block_replace(pages.block, (unsigned)(amend->target - pages.first),
                                           amend->redacted);
    store_sqlite_conn_pages_end(&pages);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE && !pages.damaged)
        return rc;
    rc = SQLITE_OK;
    if (block != NULL)
        rc = put_page(s, store_sqlite_conn_id(r->id, pages.first), block);
    frame_unref(block);
    return rc;
}

static int put_state(struct store_sqlite *s, const struct store_sqlite_room *r,
                     const struct store_amend *amend)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_AMEND_PUT);

    (void)sqlite3_bind_int64(stmt, 1, store_sqlite_conn_id(r->id, amend->target));
    store_sqlite_conn_bind(stmt, 2, amend->state);
    return store_sqlite_conn_run(stmt);
}

static int put_amend(struct store_sqlite *s, struct store_sqlite_room *r,
                     const struct store_amend *amend)
{
    int rc = SQLITE_OK;

    if (amend->target == 0 || amend->target > STORE_SQLITE_SEQ_MAX)
        return SQLITE_OK;
    if (amend->state.p != NULL)
        rc = put_state(s, r, amend);
    if (rc != SQLITE_OK || amend->redacted.p == NULL)
        return rc;
    s->scrub = true;
    rc = redact_journal(s, r, amend);
    return rc == SQLITE_OK ? redact_page(s, r, amend) : rc;
}

static int add_batch(struct store_sqlite *s, struct store_append *req, struct store_sqlite_room *r,
                     bool creates)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_JOURNAL_ADD);
    struct store_sqlite_batch b = {
        .id = s->journal_next++,
        .first = req->head + 1,
        .n = req->entries_n,
        .block = store_sqlite_block_make(req->entries, req->entries_n),
    };

    stage(s, (struct store_sqlite_staged){.room = r, .batch = b, .creates = creates});
    r->staged += req->entries_n;
    store_sqlite_conn_bind_u64(stmt, 1, b.id);
    store_sqlite_conn_bind_u64(stmt, 2, r->id);
    store_sqlite_conn_bind(stmt, 3, r->name);
    store_sqlite_conn_bind_u64(stmt, 4, b.first);
    store_sqlite_conn_bind(stmt, 5, frame_str(b.block));
    return store_sqlite_conn_run(stmt);
}

static int append(struct store_sqlite *s, struct store_append *req)
{
    struct store_sqlite_room *r;
    int rc = find_room(s, req->room, &r);
    bool creates = r == NULL;
    uint64_t head = r != NULL ? r->staged : 0;

    if (rc != SQLITE_OK)
        return rc;
    req->ret_head = head;
    if (req->head != head) {
        req->req.result = head > req->head ? STORE_CONFLICT : STORE_BEHIND;
        return SQLITE_OK;
    }
    if (s->full || req->entries_n > STORE_SQLITE_SEQ_MAX - head) {
        req->req.result = STORE_FULL;
        return SQLITE_OK;
    }
    if (creates)
        rc = create_room(s, req, &r);
    if (rc == SQLITE_OK)
        rc = add_batch(s, req, r, creates);
    for (unsigned i = 0; i < req->amends_n && rc == SQLITE_OK; i++)
        rc = put_amend(s, r, &req->amends[i]);
    req->ret_head = head + req->entries_n;
    req->req.result = STORE_OK;
    return rc;
}

/* Sets *ret_free if no page that can be read has one of from .. last. */
static int look_for_pages(struct store_sqlite *s, uint64_t room, uint64_t from, uint64_t last,
                          bool *ret_free)
{
    struct store_sqlite_pages pages;
    int rc = SQLITE_ROW;

    *ret_free = true;
    store_sqlite_conn_pages(&s->conn, room, from, &pages);
    while (rc == SQLITE_ROW && *ret_free) {
        rc = store_sqlite_conn_pages_next(&pages);
        if (pages.damaged)
            rc = SQLITE_ROW;
        else if (rc == SQLITE_ROW && pages.first > last)
            rc = SQLITE_DONE;
        else if (rc == SQLITE_ROW)
            *ret_free = pages.first + pages.block.n <= from;
    }
    store_sqlite_conn_pages_end(&pages);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* A page of its own, in place of those that are damaged. */
static int sqlite_write_fill(struct store_sqlite *s, struct store_fill *req)
{
    uint64_t last = req->from + req->entries_n - 1;
    sqlite3_stmt *stmt;
    struct store_sqlite_room *r;
    struct frame *block;
    bool is_free = false;
    int rc = find_room(s, req->room, &r);

    req->req.result = STORE_CONFLICT;
    if (rc != SQLITE_OK || r == NULL || last < req->from || last >= store_sqlite_tail_first(r) ||
        last >= r->head)
        return rc;
    rc = look_for_pages(s, r->id, req->from, last, &is_free);
    if (rc != SQLITE_OK || !is_free)
        return rc;
    stmt = store_sqlite_conn_stmt(&s->conn, SQL_PAGE_CUT);
    (void)sqlite3_bind_int64(stmt, 1, store_sqlite_conn_id(r->id, req->from));
    (void)sqlite3_bind_int64(stmt, 2, store_sqlite_conn_id(r->id, last));
    rc = store_sqlite_conn_run(stmt);
    if (rc != SQLITE_OK)
        return rc;
    block = store_sqlite_block_make(req->entries, req->entries_n);
    rc = put_page(s, store_sqlite_conn_id(r->id, req->from), block);
    frame_unref(block);
    req->req.result = STORE_OK;
    return rc;
}

static int apply(struct store_sqlite *s, struct store_req *req)
{
    if (req->op == STORE_FILL)
        return sqlite_write_fill(s, CONTAINER_OF(req, struct store_fill, req));
    if (req->op == STORE_APPEND)
        return append(s, CONTAINER_OF(req, struct store_append, req));
    if (req->op == STORE_PUT)
        return store_sqlite_record_put(s, CONTAINER_OF(req, struct store_put, req));
    assert(req->op == STORE_NEXT);
    return store_sqlite_record_next(s, CONTAINER_OF(req, struct store_next, req));
}

/* Whether nothing may be added, by what the database and the memory hold. */
static int look_if_full(struct store_sqlite *s)
{
    uint64_t pages = 0, unused = 0;
    int rc = SQLITE_OK;

    if (s->bytes_max > 0)
        rc = store_sqlite_conn_number(&s->conn, SQL_PAGE_COUNT, &pages);
    if (s->bytes_max > 0 && rc == SQLITE_OK)
        rc = store_sqlite_conn_number(&s->conn, SQL_FREE_COUNT, &unused);
    s->full = s->tail.entries >= TAIL_ENTRIES_MAX || s->tail.bytes >= TAIL_BYTES_MAX ||
              (s->bytes_max > 0 && (pages - unused) * s->page_size >= s->bytes_max);
    return rc;
}

/* What was committed becomes visible to readers, all at once. */
static void publish(struct store_sqlite *s)
{
    struct store_sqlite_tail *t = &s->tail;

    host_lock_take(t->lock);
    for (size_t i = 0; i < s->staged_n; i++) {
        struct store_sqlite_staged *staged = &s->staged[i];

        if (staged->replaces)
            store_sqlite_tail_replace(t, staged->room, staged->batch.first, staged->batch.block);
        else
            store_sqlite_tail_push(t, staged->room, staged->batch);
    }
    store_sqlite_fold_committed(s);
    host_lock_drop(t->lock);
    s->staged_n = 0;
    store_sqlite_tail_trim(t, IDLE_ROOMS_MAX);
    s->stats.unfolded = t->entries;
}

static void undo(struct store_sqlite *s)
{
    if (!sqlite3_get_autocommit(s->conn.db))
        (void)store_sqlite_conn_run(store_sqlite_conn_stmt(&s->conn, SQL_ROLLBACK));
    while (s->staged_n > 0) {
        struct store_sqlite_staged *staged = &s->staged[--s->staged_n];

        frame_unref(staged->batch.block);
        staged->room->staged = staged->room->head;
        if (staged->creates)
            store_sqlite_tail_remove(&s->tail, staged->room);
    }
    store_sqlite_fold_undone(s);
}

static int commit(struct store_sqlite *s)
{
    int rc = store_sqlite_conn_run(store_sqlite_conn_stmt(&s->conn, SQL_COMMIT));

    if ((rc & 0xff) == SQLITE_IOERR)
        store_sqlite_conn_die(&s->conn, "commit");
    return rc;
}

/* The first n jobs of the chain as one transaction, with a slice of folding.
 * SQLITE_OK, and each has its result; or an error, and nothing was done. */
static int transact(struct store_sqlite *s, struct io_job *chain, size_t n, size_t fold_entries)
{
    struct store_sqlite_numbers rooms = s->rooms, revs = s->revs;
    uint64_t journal_next = s->journal_next;
    int rc = store_sqlite_conn_run(store_sqlite_conn_stmt(&s->conn, SQL_BEGIN_WRITE));

    if (rc == SQLITE_OK)
        rc = look_if_full(s);
    if (rc == SQLITE_OK && fold_entries > 0)
        rc = store_sqlite_fold_slice(s, fold_entries);
    if (rc == SQLITE_OK && s->wall_ms >= s->expire_ms) {
        s->expire_ms = s->wall_ms + EXPIRE_MS;
        rc = store_sqlite_record_expire(s);
    }
    for (; rc == SQLITE_OK && n > 0; n--, chain = next_of(chain))
        rc = apply(s, req_of(chain));
    if (rc == SQLITE_OK)
        rc = commit(s);
    if (rc == SQLITE_OK) {
        publish(s);
        return rc;
    }
    undo(s);
    s->rooms = rooms;
    s->revs = revs;
    s->journal_next = journal_next;
    s->stats.failures++;
    return rc;
}

static void count(struct store_sqlite *s, struct store_req *req)
{
    const struct store_append *append_req;

    if (req->result == STORE_CONFLICT)
        s->stats.conflicts++;
    if (req->result != STORE_OK)
        return;
    if (req->op == STORE_PUT)
        s->stats.puts++;
    if (req->op != STORE_APPEND)
        return;
    append_req = CONTAINER_OF(req, struct store_append, req);
    s->stats.appends++;
    s->stats.entries += append_req->entries_n;
    for (unsigned i = 0; i < append_req->entries_n; i++)
        s->stats.entry_bytes += append_req->entries[i].n;
}

static bool may_fold(const struct store_sqlite *s)
{
    return store_sqlite_fold_pending(s) && s->wall_ms >= s->fold_ms;
}

/* All in one transaction; if that fails each in its own, so that a request that
 * cannot be served fails alone. */
static void write_chain(struct store_sqlite *s, struct io_job *chain)
{
    uint64_t began_us = io_clock_us(s->clock), us;
    size_t n = 0, entries = 0;
    int rc;

    for (struct io_job *job = chain; job != NULL; job = next_of(job), n++) {
        struct store_req *req = req_of(job);

        s->wall_ms = MAX(s->wall_ms, req->now_ms);
        if (req->op == STORE_APPEND)
            entries += CONTAINER_OF(req, struct store_append, req)->entries_n;
    }
    rc = transact(s, chain, n, may_fold(s) ? MAX(FOLD_FACTOR * entries, (size_t)FOLD_MIN) : 0);
    if (rc != SQLITE_OK)
        s->fold_ms = s->wall_ms + FOLD_PAUSE_MS;
    for (struct io_job *job = chain; job != NULL; job = next_of(job)) {
        int rc_one = rc != SQLITE_OK ? transact(s, job, 1, 0) : rc;

        if (rc_one != SQLITE_OK)
            req_of(job)->result = store_sqlite_conn_result(rc_one);
        count(s, req_of(job));
    }
    us = io_clock_us(s->clock) - began_us;
    s->stats.commits++;
    s->stats.commit_us += us;
    s->stats.commit_max_us = MAX(s->stats.commit_max_us, us);
    s->stats.batch_max = MAX(s->stats.batch_max, n);
}

static void checkpoint(struct store_sqlite *s, int mode)
{
    uint64_t began_us = io_clock_us(s->clock);
    int pages = 0, done = 0, rc;

    if (mode == SQLITE_CHECKPOINT_PASSIVE && s->wal_pages >= WAL_PAGES_MAX)
        mode = SQLITE_CHECKPOINT_RESTART;
    rc = sqlite3_wal_checkpoint_v2(s->conn.db, NULL, mode, &pages, &done);
    if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
        store_sqlite_conn_die(&s->conn, "checkpoint");
    s->wal_tried = s->wal_pages;
    if (rc == SQLITE_OK && pages == done)
        s->wal_dirty = false;
    if (rc == SQLITE_OK && mode == SQLITE_CHECKPOINT_TRUNCATE)
        s->scrub = false;
    s->stats.failures += rc != SQLITE_OK && rc != SQLITE_BUSY;
    s->stats.checkpoints++;
    s->stats.checkpoint_us += io_clock_us(s->clock) - began_us;
}

static unsigned wal_grown(const struct store_sqlite *s)
{
    return s->wal_pages - s->wal_tried;
}

/* Nothing waits: what was put off is done, a little at a time. */
static void idle(struct store_sqlite *s)
{
    if (may_fold(s) && wal_grown(s) < WAL_PAGES_HARD) {
        if (transact(s, NULL, 0, FOLD_IDLE) != SQLITE_OK)
            s->fold_ms = s->wall_ms + FOLD_PAUSE_MS;
    } else if (s->wal_dirty) {
        checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
    } else if (s->scrub) {
        checkpoint(s, SQLITE_CHECKPOINT_TRUNCATE);
    } else {
        s->fold_ms = 0; /* the pause after a failure is over */
    }
}

uint64_t store_sqlite_write_run(void *ctx, struct io_job *chain)
{
    struct store_sqlite *s = ctx;

    if (chain == NULL) {
        idle(s);
    } else {
        if (wal_grown(s) >= WAL_PAGES_HARD)
            checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
        write_chain(s, chain);
        store_sqlite_fold_begin(s);
    }
    if (may_fold(s) || wal_grown(s) >= WAL_PAGES_SOFT)
        return 0;
    if (store_sqlite_fold_pending(s))
        return FOLD_PAUSE_MS;
    return s->wal_dirty || s->scrub ? IDLE_MS : IO_FOREVER;
}

/* SQLite begins its log anew when all of it is in the database. */
static int committed(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct store_sqlite *s = ctx;

    (void)db;
    (void)name;
    s->wal_pages = (unsigned)pages;
    if (s->wal_tried > s->wal_pages)
        s->wal_tried = 0;
    s->wal_dirty = true;
    return SQLITE_OK;
}

int store_sqlite_write_load(struct store_sqlite *s, const struct store_sqlite_options *o)
{
    int rc = store_sqlite_conn_number(&s->conn, SQL_PAGE_SIZE, &s->page_size);

    if (rc == SQLITE_OK)
        rc = store_sqlite_load(s, o);
    if (rc != SQLITE_OK)
        return rc;
    (void)sqlite3_wal_hook(s->conn.db, committed, s);
    s->wal_dirty = true;
    store_sqlite_fold_begin(s);
    return rc;
}
