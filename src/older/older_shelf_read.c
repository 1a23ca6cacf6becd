#include "older/older_shelf_impl.h"

#include "base/str.h"
#include "chat/model/keys.h"

#include <openssl/sha.h>

static struct older_shelf *shelf_of(struct store *s)
{
    return CONTAINER_OF(s, struct older_shelf, store);
}

/* A log's identity: the same each time it is read, of the room alone. */
static uint64_t epoch_of(struct str room)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    uint64_t v;

    (void)SHA256(room.p, room.n, hash);
    memcpy(&v, hash, sizeof(v));
    return (v >> 12) + 2;
}

static uint64_t head_of(struct older_shelf *s, struct str room)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_ROOM_HEAD);

    older_shelf_bind(stmt, 1, room);
    return older_shelf_step(s, stmt) ? older_shelf_u64(stmt, 0) : 0;
}

static sqlite3_stmt *entries_of(struct older_shelf *s, struct str room, uint64_t from,
                                unsigned limit)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_ENTRIES);

    older_shelf_bind(stmt, 1, room);
    older_shelf_bind_u64(stmt, 2, from);
    older_shelf_bind_u64(stmt, 3, limit);
    return stmt;
}

static void shelf_log(struct older_shelf *s, struct store_log *q)
{
    sqlite3_stmt *stmt;

    q->ret_head = head_of(s, q->room);
    q->ret_epoch = q->ret_head > 0 ? epoch_of(q->room) : 0;
    q->ret_first = 1;
    q->ret_last = NULL;
    if (q->ret_head == 0)
        return;
    stmt = entries_of(s, q->room, q->ret_head, 1);
    if (older_shelf_step(s, stmt))
        q->ret_last = frame_copy(older_shelf_bytes(stmt, 1));
}

static void shelf_read(struct older_shelf *s, struct store_read *q, struct buf *block)
{
    sqlite3_stmt *stmt = entries_of(s, q->room, q->from, q->count_max);
    size_t bytes = 0;

    q->ret_n = 0;
    while ((q->ret_n == 0 || bytes < q->bytes_max) && older_shelf_step(s, stmt)) {
        struct str body = older_shelf_bytes(stmt, 1);

        store_block_add(block, &(struct store_item){older_shelf_u64(stmt, 0), {0}, body});
        bytes += body.n;
        q->ret_n++;
    }
    q->ret_block = frame_copy(buf_peek(block));
}

static void shelf_get(struct older_shelf *s, struct store_get *q)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_RECORD);

    older_shelf_bind(stmt, 1, q->pk);
    older_shelf_bind(stmt, 2, q->sk);
    q->ret_body = older_shelf_step(s, stmt) ? frame_copy(older_shelf_bytes(stmt, 0)) : NULL;
    q->ret_rev = q->ret_body != NULL;
}

/* The one counter. */
static void walk_counters(const struct older_shelf *s, struct store_walk *q, struct buf *block)
{
    if (q->cursor.n > 0 || s->numbers == 0)
        return;
    store_walk_add(block, &(struct store_kept){.name = KEYS_USERS, .number = s->numbers + 1});
    q->ret_n = 1;
}

static void shelf_walk(struct older_shelf *s, struct store_walk *q, struct buf *block)
{
    bool records = q->kind == STORE_WALK_RECORDS;
    sqlite3_stmt *stmt = older_shelf_stmt(s, records ? OLDER_RECORDS : OLDER_ROOMS);
    struct str name, sk;

    q->ret_n = 0;
    q->ret_cursor = NULL;
    if (q->kind == STORE_WALK_COUNTERS) {
        walk_counters(s, q, block);
        return;
    }
    store_cursor_open(q->cursor, &name, &sk);
    older_shelf_bind(stmt, 1, name);
    older_shelf_bind(stmt, 2, sk);
    older_shelf_bind_u64(stmt, records ? 3 : 2, q->limit);
    while (older_shelf_step(s, stmt)) {
        struct store_kept kept = {.name = older_shelf_bytes(stmt, 0)};

        if (records) {
            kept.sk = older_shelf_bytes(stmt, 1);
            kept.body = older_shelf_bytes(stmt, 2);
        }
        store_walk_add(block, &kept);
        if (++q->ret_n == q->limit)
            q->ret_cursor = store_cursor_make(kept.name, kept.sk);
    }
}

static void shelf_answer(struct older_shelf *s, struct store_req *req, struct buf *block)
{
    req->result = STORE_OK;
    switch (req->op) {
    case STORE_LOG:
        shelf_log(s, CONTAINER_OF(req, struct store_log, req));
        break;
    case STORE_READ:
        shelf_read(s, CONTAINER_OF(req, struct store_read, req), block);
        break;
    case STORE_AMENDS: {
        struct store_amends *q = CONTAINER_OF(req, struct store_amends, req);

        q->ret_block = frame_copy(STR("")); /* an older system changes nothing */
        q->ret_n = 0;
        break;
    }
    case STORE_GET:
        shelf_get(s, CONTAINER_OF(req, struct store_get, req));
        break;
    case STORE_WALK: {
        struct store_walk *q = CONTAINER_OF(req, struct store_walk, req);

        shelf_walk(s, q, block);
        q->ret_block = frame_copy(buf_peek(block));
        break;
    }
    case STORE_LIST:
    case STORE_APPEND:
    case STORE_PUT:
    case STORE_NEXT:
    case STORE_FILL:
        req->result = STORE_FAILED; /* it is only read, by what a migration asks */
        break;
    }
    if (older_shelf_failed(s) != NULL)
        req->result = STORE_FAILED;
}

static void shelf_submit(struct store *store, struct store_req *req)
{
    struct buf block CLEANUP(buf_fini);

    buf_init(&block, UINT32_MAX);
    shelf_answer(shelf_of(store), req, &block);
    io_post(req->home, &req->job.mail, &req->job.mail);
}

static void shelf_stats(struct store *store, struct store_stats *ret_stats)
{
    (void)store;
    *ret_stats = (struct store_stats){0};
}

static void shelf_close(struct store *store)
{
    (void)store; /* the shelf's owner frees it */
}

static uint64_t shelf_wall_ms(struct store *store, struct io *io)
{
    (void)store;
    return io_wall_ms(io);
}

static const struct store_ops shelf_ops = {
    .name = "older",
    .exclusive = true,
    .submit = shelf_submit,
    .stats = shelf_stats,
    .wall_ms = shelf_wall_ms,
    .close = shelf_close,
};

struct store *older_shelf_read(struct older_shelf *s)
{
    s->store.ops = &shelf_ops;
    return &s->store;
}
