/* older_shelf_impl.h: what the files of the shelf share.
 *
 *   older_shelf          what is put
 *   older_shelf_arrange  people's numbers, rooms' logs, records
 *   older_shelf_read     the store */
#ifndef OLDER_OLDER_SHELF_IMPL_H
#define OLDER_OLDER_SHELF_IMPL_H

#include "base/buf.h"
#include "chat/model/access.h"
#include "older/older_shelf.h"

#include <sqlite3.h>

enum older_sql {
#define SQL(name, text) OLDER_##name,
#include "older/older_shelf_sql.tbl"
#undef SQL
    OLDER_SQL_N,
};

struct older_shelf {
    struct store store;
    sqlite3 *db;
    sqlite3_stmt *stmts[OLDER_SQL_N];
    char why[256]; /* "": nothing has failed */
    struct older_shelf_counts counts;
    uint64_t numbers; /* given to users before */

    /* The room whose log is being written. */
    bool writing;
    uint8_t room[STORE_KEY_MAX];
    size_t room_n;
    uint64_t seq;
    struct access access;
    struct buf body;
};

/* The statement, without bindings. */
sqlite3_stmt *older_shelf_stmt(struct older_shelf *s, enum older_sql which);
void older_shelf_bind(sqlite3_stmt *stmt, int at, struct str bytes);
void older_shelf_bind_u64(sqlite3_stmt *stmt, int at, uint64_t v);
/* Good until the statement is stepped or reset. */
struct str older_shelf_bytes(sqlite3_stmt *stmt, int at);
uint64_t older_shelf_u64(sqlite3_stmt *stmt, int at);
/* Whether there is a row; what fails is noted. */
bool older_shelf_step(struct older_shelf *s, sqlite3_stmt *stmt);
/* Of a statement that gives none: runs and resets it. */
void older_shelf_run(struct older_shelf *s, sqlite3_stmt *stmt);

#endif
