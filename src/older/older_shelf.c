#include "older/older_shelf_impl.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX (1024 * 1024)

static const char schema[] =
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;"
    "PRAGMA temp_store = FILE;"
    "CREATE TABLE connection(id BLOB PRIMARY KEY, name BLOB) WITHOUT ROWID;"
    "CREATE TABLE person(name BLOB PRIMARY KEY, id INTEGER, shown BLOB) WITHOUT ROWID;"
    "CREATE TABLE key(key BLOB PRIMARY KEY, id INTEGER) WITHOUT ROWID;"
    "CREATE TABLE pair(id BLOB PRIMARY KEY, low BLOB, high BLOB) WITHOUT ROWID;"
    "CREATE TABLE title(room BLOB PRIMARY KEY, title BLOB) WITHOUT ROWID;"
    "CREATE TABLE message(room BLOB, at INTEGER, id BLOB, sender BLOB, other BLOB, text BLOB);"
    "CREATE TABLE room(id BLOB PRIMARY KEY, head INTEGER) WITHOUT ROWID;"
    "CREATE TABLE entry(room BLOB, seq INTEGER, body BLOB, PRIMARY KEY(room, seq)) WITHOUT ROWID;"
    "CREATE TABLE listed(user INTEGER, room BLOB, PRIMARY KEY(user, room)) WITHOUT ROWID;"
    "CREATE TABLE record(pk BLOB, sk BLOB, body BLOB, PRIMARY KEY(pk, sk)) WITHOUT ROWID;"
    "BEGIN";

static const char *const texts[OLDER_SQL_N] = {
#define SQL(name, text) [OLDER_##name] = text,
#include "older/older_shelf_sql.tbl"
#undef SQL
};

static void note(struct older_shelf *s)
{
    if (s->why[0] == '\0')
        (void)snprintf(s->why, sizeof(s->why), "the temporary database: %.200s",
                       sqlite3_errmsg(s->db));
}

sqlite3_stmt *older_shelf_stmt(struct older_shelf *s, enum older_sql which)
{
    if (s->stmts[which] == NULL &&
        sqlite3_prepare_v2(s->db, texts[which], -1, &s->stmts[which], NULL) != SQLITE_OK)
        note(s);
    (void)sqlite3_reset(s->stmts[which]);
    (void)sqlite3_clear_bindings(s->stmts[which]);
    return s->stmts[which];
}

void older_shelf_bind(sqlite3_stmt *stmt, int at, struct str bytes)
{
    (void)sqlite3_bind_blob64(stmt, at, bytes.n > 0 ? bytes.p : (const uint8_t *)"", bytes.n,
                              SQLITE_STATIC);
}

void older_shelf_bind_u64(sqlite3_stmt *stmt, int at, uint64_t v)
{
    (void)sqlite3_bind_int64(stmt, at, (sqlite3_int64)v);
}

struct str older_shelf_bytes(sqlite3_stmt *stmt, int at)
{
    const uint8_t *p = sqlite3_column_blob(stmt, at);

    return (struct str){p, (size_t)sqlite3_column_bytes(stmt, at)};
}

uint64_t older_shelf_u64(sqlite3_stmt *stmt, int at)
{
    return (uint64_t)sqlite3_column_int64(stmt, at);
}

bool older_shelf_step(struct older_shelf *s, sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        note(s);
    return rc == SQLITE_ROW;
}

void older_shelf_run(struct older_shelf *s, sqlite3_stmt *stmt)
{
    (void)older_shelf_step(s, stmt);
    (void)sqlite3_reset(stmt);
}

int older_shelf_new(struct older_shelf **ret_shelf)
{
    struct older_shelf *s = mem_zeroed(1, sizeof(*s));

    buf_init(&s->body, BODY_MAX);
    if (sqlite3_open("", &s->db) != SQLITE_OK ||
        sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        older_shelf_free(s);
        return -EIO;
    }
    *ret_shelf = s;
    return 0;
}

void older_shelf_free(struct older_shelf *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < OLDER_SQL_N; i++)
        (void)sqlite3_finalize(s->stmts[i]);
    (void)sqlite3_close(s->db);
    if (s->writing)
        access_fini(&s->access);
    buf_fini(&s->body);
    free(s);
}

const char *older_shelf_failed(const struct older_shelf *s)
{
    return s->why[0] != '\0' ? s->why : NULL;
}

void older_shelf_put_connection(struct older_shelf *s, struct str id, struct str name)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_PUT_CONNECTION);

    older_shelf_bind(stmt, 1, id);
    older_shelf_bind(stmt, 2, name);
    older_shelf_run(s, stmt);
}

bool older_shelf_connection(struct older_shelf *s, struct str id, size_t max, char ret_name[],
                            size_t *ret_n)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_CONNECTION);
    struct str name = {0};

    older_shelf_bind(stmt, 1, id);
    if (older_shelf_step(s, stmt))
        name = older_shelf_bytes(stmt, 0);
    if (name.n == 0 || name.n > max)
        return false;
    memcpy(ret_name, name.p, name.n);
    *ret_n = name.n;
    return true;
}

void older_shelf_put_person(struct older_shelf *s, struct str name)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_PUT_PERSON);

    older_shelf_bind(stmt, 1, name);
    older_shelf_run(s, stmt);
    s->counts.people += (uint64_t)sqlite3_changes(s->db);
}

bool older_shelf_put_pair(struct older_shelf *s, struct str conversation, struct str a,
                          struct str b)
{
    struct str low = str_order(a, b) < 0 ? a : b, high = str_order(a, b) < 0 ? b : a;

    for (enum older_sql which = OLDER_PUT_PAIR; which <= OLDER_PAIR; which++) {
        sqlite3_stmt *stmt = older_shelf_stmt(s, which);

        older_shelf_bind(stmt, 1, conversation);
        older_shelf_bind(stmt, 2, low);
        older_shelf_bind(stmt, 3, high);
        if (which == OLDER_PAIR)
            return older_shelf_step(s, stmt);
        older_shelf_run(s, stmt);
    }
    return false;
}

void older_shelf_put_message(struct older_shelf *s, const struct older_message *m)
{
    sqlite3_stmt *stmt;

    older_shelf_put_person(s, m->from);
    if (m->to.n > 0)
        older_shelf_put_person(s, m->to);
    if (m->title.n > 0) {
        stmt = older_shelf_stmt(s, OLDER_PUT_TITLE);
        older_shelf_bind(stmt, 1, m->room);
        older_shelf_bind(stmt, 2, m->title);
        older_shelf_run(s, stmt);
    }
    stmt = older_shelf_stmt(s, OLDER_PUT_MESSAGE);
    if (m->room.n > 0)
        older_shelf_bind(stmt, 1, m->room);
    older_shelf_bind_u64(stmt, 2, m->at_ns);
    older_shelf_bind(stmt, 3, m->id);
    older_shelf_bind(stmt, 4, m->from);
    if (m->to.n > 0)
        older_shelf_bind(stmt, 5, m->to);
    older_shelf_bind(stmt, 6, m->text);
    older_shelf_run(s, stmt);
    s->counts.messages++;
}

void older_shelf_put_counter(struct older_shelf *s, uint64_t n)
{
    s->numbers = MAX(s->numbers, n);
}

struct older_shelf_counts older_shelf_counts(const struct older_shelf *s)
{
    return s->counts;
}
