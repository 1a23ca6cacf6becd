/* store_sqlite_conn.h: one connection to the database with its prepared
 * statements, and the two that every part of the store needs: pages of a room,
 * and what an error means. A connection is used by one thread at a time. */
#ifndef STORE_STORE_SQLITE_CONN_H
#define STORE_STORE_SQLITE_CONN_H

#include <sqlite3.h>

#include "base/buf.h"
#include "store/store.h"
#include "store/store_sqlite_block.h"

/* A page's or an amend's id is its room's number and its first seq, its target:
 * one integer, which SQLite compares faster than any other key. */
#define STORE_SQLITE_SEQ_BITS 35
#define STORE_SQLITE_SEQ_MAX ((UINT64_C(1) << STORE_SQLITE_SEQ_BITS) - 1)
#define STORE_SQLITE_ROOM_MAX ((UINT64_C(1) << (63 - STORE_SQLITE_SEQ_BITS)) - 1)

static inline sqlite3_int64 store_sqlite_conn_id(uint64_t room, uint64_t seq)
{
    return (sqlite3_int64)(room << STORE_SQLITE_SEQ_BITS | seq);
}

static inline uint64_t store_sqlite_conn_seq(sqlite3_int64 id)
{
    return (uint64_t)id & STORE_SQLITE_SEQ_MAX;
}

enum store_sqlite_sql {
    SQL_BEGIN_READ,
    SQL_BEGIN_WRITE,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_PAGES,
    SQL_PAGE_PUT,
    SQL_PAGE_CUT,
    SQL_ROOM_GET,
    SQL_ROOM_ADD,
    SQL_ROOM_NAME,
    SQL_ROOMS_DAMAGED,
    SQL_ROOMS_LAST,
    SQL_AMENDS,
    SQL_AMEND_PUT,
    SQL_JOURNAL_ALL,
    SQL_JOURNAL_ADD,
    SQL_JOURNAL_SET,
    SQL_JOURNAL_CUT,
    SQL_JOURNAL_KEPT,
    SQL_JOURNAL_KEEP,
    SQL_RECORD_GET,
    SQL_RECORD_REV,
    SQL_RECORD_LIST,
    SQL_RECORD_PUT,
    SQL_RECORD_ADD,
    SQL_RECORD_REMOVE,
    SQL_RECORD_EXPIRE,
    SQL_COUNTER_NEXT,
    SQL_WALK_ROOMS,
    SQL_WALK_RECORDS,
    SQL_WALK_COUNTERS,
    SQL_META_GET,
    SQL_META_PUT,
    SQL_REVS_LAST,
    SQL_PAGE_SIZE,
    SQL_PAGE_COUNT,
    SQL_FREE_COUNT,
    SQL_N,
};

struct store_sqlite_conn {
    struct store_sqlite_conn *next; /* the caller's */
    sqlite3 *db;
    sqlite3_stmt *stmts[SQL_N];
    struct buf block; /* the caller's, to build results in */
};

/* Opens path through vfs (NULL: the default), to write (creating it) or to
 * read. SQLITE_OK or an error code with a sentence in ret_why; close either
 * way. */
int store_sqlite_conn_open(struct store_sqlite_conn *c, const char *path, const char *vfs,
                           bool writer, char ret_why[static 256]) MUST_CHECK;

/* Idempotent. */
void store_sqlite_conn_close(struct store_sqlite_conn *c);

/* The statement, reset and without bindings that matter: bind all of its
 * parameters. NULL if it cannot be prepared (the database is damaged): binding
 * to NULL and stepping it are harmless and give SQLITE_MISUSE. */
sqlite3_stmt *store_sqlite_conn_stmt(struct store_sqlite_conn *c, enum store_sqlite_sql which);

/* Binds bytes that stay where they are until the statement is reset. */
void store_sqlite_conn_bind(sqlite3_stmt *stmt, int at, struct str s);
void store_sqlite_conn_bind_u64(sqlite3_stmt *stmt, int at, uint64_t v);

/* A column of the present row, valid until the next step or reset. */
struct str store_sqlite_conn_str(sqlite3_stmt *stmt, int at);
uint64_t store_sqlite_conn_u64(sqlite3_stmt *stmt, int at);

/* Runs a statement that has one number as its result, or none. Returns SQLITE_OK if it has. */
int store_sqlite_conn_number(struct store_sqlite_conn *c, enum store_sqlite_sql which,
                             uint64_t *ret_v) MUST_CHECK;

/* Steps a statement that gives no rows, and resets it. SQLITE_OK or an error. */
int store_sqlite_conn_run(sqlite3_stmt *stmt);

/* What an error means for the request that met it. */
enum store_result store_sqlite_conn_result(int rc);

/* Ends the process: after a failed fsync nobody knows what the disk holds. */
_Noreturn void store_sqlite_conn_die(const struct store_sqlite_conn *c, const char *what);

/* The pages of a room in order, beginning with the one that holds seq: the last
 * whose first seq is not above it, or else the first there is. */
struct store_sqlite_pages {
    sqlite3_stmt *stmt;
    uint64_t first; /* of the present page */
    bool damaged;   /* it is no block */
    struct store_sqlite_block block;
};

/* Then next until it is not SQLITE_ROW: SQLITE_DONE, or an error; end in any case.
 * SQLITE_CORRUPT with `damaged` is of this page alone, whose first is right: the next
 * may be asked for. */
void store_sqlite_conn_pages(struct store_sqlite_conn *c, uint64_t room, uint64_t seq,
                             struct store_sqlite_pages *ret);
int store_sqlite_conn_pages_next(struct store_sqlite_pages *p) MUST_CHECK;
void store_sqlite_conn_pages_end(struct store_sqlite_pages *p);

#endif
