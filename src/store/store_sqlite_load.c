/* What a start brings into memory: the numbers that were reserved, and the journal. A row
 * that a disk has damaged spoils its room alone: what was acknowledged in that room can
 * neither be read nor be written over, and nothing of its journal is folded or removed. */
#include "store/store_sqlite_impl.h"

#include "base/str.h"

#include <stdio.h>

#define WHY_MAX 256

static void tell_damage(const struct store_sqlite_options *o, const char *what, uint64_t id,
                        struct str room)
{
    char why[WHY_MAX];

    (void)snprintf(why, sizeof(why),
                   "%s %llu of room %.80s is damaged: the room is not served until a backup is "
                   "restored",
                   what, (unsigned long long)id, room.n > 0 ? (const char *)room.p : "?");
    if (o->told != NULL)
        o->told(o->ctx, why);
}

static int load_numbers(struct store_sqlite *s, struct store_sqlite_numbers *numbers,
                        enum store_sqlite_sql last)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_META_GET);
    bool sealed;
    int rc;

    (void)sqlite3_bind_text(stmt, 1, numbers->name, -1, SQLITE_STATIC);
    rc = sqlite3_step(stmt);
    sealed = rc != SQLITE_ROW || store_sqlite_conn_u64(stmt, 1) != 0;
    numbers->next = rc == SQLITE_ROW ? store_sqlite_conn_u64(stmt, 0) : 1;
    (void)sqlite3_reset(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return rc;
    if (!sealed) {
        rc = store_sqlite_conn_number(&s->conn, last, &numbers->next); /* the last in use */
        numbers->next += 1 + numbers->step; /* some may have been removed */
    }
    numbers->reserved = numbers->next;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The name in the table of the room of that number, copied; empty: there is none. */
static int sqlite_load_name_of(struct store_sqlite *s, uint64_t number, struct buf *ret)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_ROOM_NAME);
    int rc;

    buf_clear(ret);
    store_sqlite_conn_bind_u64(stmt, 1, number);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        buf_append(ret, store_sqlite_conn_str(stmt, 0));
    (void)sqlite3_reset(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void spoil(struct store_sqlite *s, struct str name, uint64_t number)
{
    struct store_sqlite_room *r = store_sqlite_tail_get(&s->tail, name);

    if (r == NULL)
        r = store_sqlite_tail_add(&s->tail, name, number, 0);
    store_sqlite_tail_spoil(&s->tail, r);
}

static int keep_row(struct store_sqlite *s, uint64_t id)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_JOURNAL_KEEP);

    store_sqlite_conn_bind_u64(stmt, 1, id);
    return store_sqlite_conn_run(stmt);
}

/* One row of the journal as it stands; bytes: none if it is damaged. */
struct load_row {
    uint64_t id, number, first;
    struct str name, bytes;
    struct store_sqlite_block block;
    bool good;
};

static struct load_row row_of(sqlite3_stmt *stmt)
{
    struct load_row row = {.id = store_sqlite_conn_u64(stmt, 0),
                           .number = store_sqlite_conn_u64(stmt, 1),
                           .first = store_sqlite_conn_u64(stmt, 3),
                           .name = store_sqlite_conn_str(stmt, 2),
                           .bytes = store_sqlite_conn_str(stmt, 4)};

    row.good = sqlite3_column_type(stmt, 4) != SQLITE_NULL &&
               store_sqlite_block_open(row.bytes, &row.block) &&
               row.number <= STORE_SQLITE_ROOM_MAX && row.name.n > 0 && row.first > 0 &&
               row.first <= STORE_SQLITE_SEQ_MAX;
    return row;
}

/* The row's name or its number says whose it is, if not both are damaged. A room that
 * nobody knows means that a room has lost entries, and which cannot be told. */
static int spoil_row(struct store_sqlite *s, const struct store_sqlite_options *o,
                     const struct load_row *row)
{
    struct buf name CLEANUP(buf_fini);
    uint64_t number = 0;
    int rc;

    buf_init(&name, STORE_KEY_MAX + 1);
    rc = sqlite_load_name_of(s, row->number, &name);
    if (rc != SQLITE_OK)
        return rc;
    if (buf_len(&name) > 0)
        spoil(s, buf_peek(&name), row->number);
    if (row->name.n > 0 && !str_eq(row->name, buf_peek(&name))) {
        sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_ROOM_GET);

        store_sqlite_conn_bind(stmt, 1, row->name);
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
            number = store_sqlite_conn_u64(stmt, 0);
        (void)sqlite3_reset(stmt);
        if (rc != SQLITE_ROW && buf_len(&name) == 0)
            return SQLITE_CORRUPT;
        if (rc == SQLITE_ROW)
            spoil(s, row->name, number);
        if (buf_len(&name) == 0)
            buf_append(&name, row->name);
    }
    buf_append_byte(&name, '\0');
    tell_damage(o, "row", row->id, buf_peek(&name));
    return keep_row(s, row->id);
}

static int load_row(struct store_sqlite *s, const struct store_sqlite_options *o,
                    const struct load_row *row)
{
    struct store_sqlite_room *r;

    s->journal_next = row->id + 1;
    if (!row->good)
        return spoil_row(s, o, row);
    r = store_sqlite_tail_get(&s->tail, row->name);
    if (r == NULL)
        r = store_sqlite_tail_add(&s->tail, row->name, row->number, row->first - 1);
    if (r->damaged)
        return keep_row(s, row->id);
    if (r->id != row->number || r->head + 1 != row->first)
        return spoil_row(s, o, row);
    host_lock_take(s->tail.lock);
    store_sqlite_tail_push(
        &s->tail, r,
        (struct store_sqlite_batch){row->id, row->first, row->block.n, frame_copy(row->bytes)});
    host_lock_drop(s->tail.lock);
    r->staged = r->head;
    return SQLITE_OK;
}

static int load_journal(struct store_sqlite *s, const struct store_sqlite_options *o)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_JOURNAL_ALL);
    int rc;

    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct load_row row = row_of(stmt);

        rc = load_row(s, o, &row);
        if (rc != SQLITE_OK)
            break;
    }
    (void)sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Whose row is damaged fails by itself, unless it is the name: then nobody finds it. */
static int look_at_rooms(struct store_sqlite *s, const struct store_sqlite_options *o)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(&s->conn, SQL_ROOMS_DAMAGED);
    int rc;

    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct buf name CLEANUP(buf_fini);

        buf_init(&name, STORE_KEY_MAX + 1);
        buf_append(&name, store_sqlite_conn_str(stmt, 0));
        buf_append_byte(&name, '\0');
        tell_damage(o, "the head, number", store_sqlite_conn_u64(stmt, 1), buf_peek(&name));
    }
    (void)sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int store_sqlite_load(struct store_sqlite *s, const struct store_sqlite_options *o)
{
    int rc;

    s->rooms = (struct store_sqlite_numbers){.name = "room", .step = 64};
    s->revs = (struct store_sqlite_numbers){.name = "rev", .step = 1 << 20};
    s->journal_next = 1;
    rc = load_numbers(s, &s->rooms, SQL_ROOMS_LAST);
    if (rc == SQLITE_OK)
        rc = load_numbers(s, &s->revs, SQL_REVS_LAST);
    if (rc == SQLITE_OK)
        rc = store_sqlite_conn_run(store_sqlite_conn_stmt(&s->conn, SQL_JOURNAL_KEPT));
    if (rc == SQLITE_OK)
        rc = look_at_rooms(s, o);
    return rc == SQLITE_OK ? load_journal(s, o) : rc;
}
