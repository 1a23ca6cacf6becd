#include "store/store_sqlite_impl.h"

#include "base/str.h"

#define EXPIRE_ROWS 1000

int store_sqlite_record_number(struct store_sqlite *s, struct store_sqlite_numbers *numbers,
                               uint64_t *ret_number)
{
    sqlite3_stmt *stmt;
    int rc;

    if (numbers->next == numbers->reserved) {
        stmt = store_sqlite_conn_stmt(&s->conn, SQL_META_PUT);
        (void)sqlite3_bind_text(stmt, 1, numbers->name, -1, SQLITE_STATIC);
        store_sqlite_conn_bind_u64(stmt, 2, numbers->reserved + numbers->step);
        rc = store_sqlite_conn_run(stmt);
        if (rc != SQLITE_OK)
            return rc;
        numbers->reserved += numbers->step;
    }
    *ret_number = numbers->next++;
    return SQLITE_OK;
}

static bool expired(uint64_t expires_ms, uint64_t now_ms)
{
    return expires_ms != 0 && expires_ms <= now_ms;
}

/* The revision of a record, 0 if there is none. */
static int present_rev(struct store_sqlite *s, const struct store_put *req, uint64_t *ret_rev)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_RECORD_REV);
    int rc;

    store_sqlite_conn_bind(stmt, 1, req->pk);
    store_sqlite_conn_bind(stmt, 2, req->sk);
    rc = sqlite3_step(stmt);
    *ret_rev = 0;
    if (rc == SQLITE_ROW && !expired(store_sqlite_conn_u64(stmt, 1), req->req.now_ms))
        *ret_rev = store_sqlite_conn_u64(stmt, 0);
    (void)sqlite3_reset(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int remove_record(struct store_sqlite *s, const struct store_put *req)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_RECORD_REMOVE);

    store_sqlite_conn_bind(stmt, 1, req->pk);
    store_sqlite_conn_bind(stmt, 2, req->sk);
    return store_sqlite_conn_run(stmt);
}

static void bind_record(sqlite3_stmt *stmt, const struct store_put *req, uint64_t rev)
{
    store_sqlite_conn_bind(stmt, 1, req->pk);
    store_sqlite_conn_bind(stmt, 2, req->sk);
    store_sqlite_conn_bind_u64(stmt, 3, rev);
    store_sqlite_conn_bind_u64(stmt, 4, MIN(req->expires_ms, (uint64_t)INT64_MAX));
    store_sqlite_conn_bind(stmt, 5, req->body);
}

static int write_record(struct store_sqlite *s, const struct store_put *req, uint64_t rev)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_RECORD_PUT);

    bind_record(stmt, req, rev);
    return store_sqlite_conn_run(stmt);
}

/* A new record in one step. *ret_done false: there is one, and nothing was done. */
static int add_record(struct store_sqlite *s, struct store_put *req, bool *ret_done)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_RECORD_ADD);
    uint64_t rev = s->revs.next;
    int rc = store_sqlite_record_number(s, &s->revs, &rev);

    if (rc != SQLITE_OK)
        return rc;
    bind_record(stmt, req, rev);
    rc = store_sqlite_conn_run(stmt);
    *ret_done = rc == SQLITE_OK && sqlite3_changes(s->conn.db) > 0;
    if (*ret_done) {
        req->ret_rev = rev;
        req->req.result = STORE_OK;
    }
    return rc;
}

/* Is another file where the database was opened, or none? */
static bool has_moved(const struct store_sqlite *s)
{
    int moved = 0;

    return sqlite3_file_control(s->conn.db, NULL, SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved != 0;
}

int store_sqlite_record_put(struct store_sqlite *s, struct store_put *req)
{
    uint64_t rev = 0;
    int rc = SQLITE_OK;
    bool done = false;

    if (req->proves && has_moved(s)) {
        req->req.result = STORE_BEHIND;
        return SQLITE_OK;
    }
    if (req->expect == 0 && !req->remove && !s->full)
        rc = add_record(s, req, &done);
    if (rc != SQLITE_OK || done)
        return rc;
    if (req->expect != STORE_REV_ANY)
        rc = present_rev(s, req, &rev);
    if (rc != SQLITE_OK)
        return rc;
    if (req->expect != STORE_REV_ANY && req->expect != rev) {
        req->ret_rev = rev;
        req->req.result = STORE_CONFLICT;
        return SQLITE_OK;
    }
    if (s->full && !req->remove) {
        req->req.result = STORE_FULL;
        return SQLITE_OK;
    }
    req->ret_rev = 0;
    req->req.result = STORE_OK;
    if (req->remove)
        return remove_record(s, req);
    rc = store_sqlite_record_number(s, &s->revs, &req->ret_rev);
    return rc == SQLITE_OK ? write_record(s, req, req->ret_rev) : rc;
}

int store_sqlite_record_next(struct store_sqlite *s, struct store_next *req)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_COUNTER_NEXT);
    int rc;

    if (s->full) {
        req->req.result = STORE_FULL;
        return SQLITE_OK;
    }
    store_sqlite_conn_bind(stmt, 1, req->counter);
    store_sqlite_conn_bind_u64(stmt, 2, req->n);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        req->ret_first = store_sqlite_conn_u64(stmt, 0);
        req->req.result = STORE_OK;
        rc = sqlite3_step(stmt);
    }
    (void)sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int store_sqlite_record_expire(struct store_sqlite *s)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_RECORD_EXPIRE);

    store_sqlite_conn_bind_u64(stmt, 1, s->wall_ms);
    store_sqlite_conn_bind_u64(stmt, 2, EXPIRE_ROWS);
    return store_sqlite_conn_run(stmt);
}

int store_sqlite_record_get(struct store_sqlite_conn *c, struct store_get *req)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(c, SQL_RECORD_GET);
    int rc;

    store_sqlite_conn_bind(stmt, 1, req->pk);
    store_sqlite_conn_bind(stmt, 2, req->sk);
    rc = sqlite3_step(stmt);
    req->ret_rev = 0;
    req->ret_body = NULL;
    if (rc == SQLITE_ROW && !expired(store_sqlite_conn_u64(stmt, 1), req->req.now_ms)) {
        req->ret_rev = store_sqlite_conn_u64(stmt, 0);
        req->ret_body = frame_copy(store_sqlite_conn_str(stmt, 2));
    }
    (void)sqlite3_reset(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* False if this row, and what follows it, is not asked for. */
static bool list_row(sqlite3_stmt *stmt, struct store_list *req, struct buf *block)
{
    struct str sk = store_sqlite_conn_str(stmt, 0);

    if (!str_starts(sk, req->prefix))
        return false;
    if ((req->after.n > 0 && str_eq(sk, req->after)) ||
        expired(store_sqlite_conn_u64(stmt, 2), req->req.now_ms))
        return true;
    store_block_add(block, &(struct store_item){store_sqlite_conn_u64(stmt, 1), sk,
                                                store_sqlite_conn_str(stmt, 3)});
    req->ret_n++;
    return req->ret_n < req->limit;
}

/* Every kind's statement has the same columns: name, sk, number, body, expires. */
static void walk_row(sqlite3_stmt *stmt, struct store_walk *req, struct buf *block)
{
    struct store_kept kept = {store_sqlite_conn_str(stmt, 0), store_sqlite_conn_str(stmt, 1),
                              store_sqlite_conn_str(stmt, 3), store_sqlite_conn_u64(stmt, 2)};

    frame_unref(req->ret_cursor);
    req->ret_cursor = store_cursor_make(kept.name, kept.sk);
    if (expired(store_sqlite_conn_u64(stmt, 4), req->req.now_ms))
        return;
    store_walk_add(block, &kept);
    req->ret_n++;
}

int store_sqlite_record_walk(struct store_sqlite_conn *c, struct store_walk *req)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(c, SQL_WALK_ROOMS + (unsigned)req->kind);
    struct str name, sk;
    unsigned seen = 0;
    int rc;

    store_cursor_open(req->cursor, &name, &sk);
    store_sqlite_conn_bind(stmt, 1, name);
    if (req->kind == STORE_WALK_RECORDS)
        store_sqlite_conn_bind(stmt, 2, sk);
    store_sqlite_conn_bind_u64(stmt, 3, req->limit);
    buf_clear(&c->block);
    req->ret_n = 0;
    req->ret_cursor = NULL;
    for (; (rc = sqlite3_step(stmt)) == SQLITE_ROW; seen++)
        walk_row(stmt, req, &c->block);
    (void)sqlite3_reset(stmt);
    if (rc == SQLITE_DONE && c->block.failed)
        rc = SQLITE_NOMEM;
    if (rc != SQLITE_DONE || seen < req->limit) {
        frame_unref(req->ret_cursor);
        req->ret_cursor = NULL;
    }
    if (rc != SQLITE_DONE)
        return rc;
    req->ret_block = frame_copy(buf_peek(&c->block));
    return SQLITE_OK;
}

int store_sqlite_record_list(struct store_sqlite_conn *c, struct store_list *req)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(c, SQL_RECORD_LIST);
    int rc = SQLITE_DONE;

    store_sqlite_conn_bind(stmt, 1, req->pk);
    store_sqlite_conn_bind(stmt, 2,
                           str_order(req->after, req->prefix) > 0 ? req->after : req->prefix);
    buf_clear(&c->block);
    req->ret_n = 0;
    if (req->limit > 0)
        do
            rc = sqlite3_step(stmt);
        while (rc == SQLITE_ROW && list_row(stmt, req, &c->block));
    (void)sqlite3_reset(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return rc;
    if (c->block.failed)
        return SQLITE_NOMEM;
    req->ret_block = frame_copy(buf_peek(&c->block));
    return SQLITE_OK;
}
