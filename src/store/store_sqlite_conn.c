#include "store/store_sqlite_conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "store/store_sqlite_seal.h"

/* EX_IOERR of sysexits.h. */
#define EXIT_DISK 74
#define BUSY_MS 2000

static const char *const sql[SQL_N] = {
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_PAGES] = "SELECT id, whole(block, id) FROM page WHERE id >= coalesce("
                  "(SELECT max(id) FROM page WHERE id BETWEEN ?1 AND ?2), ?2)"
                  " AND id <= ?3 ORDER BY id",
    [SQL_PAGE_PUT] = "REPLACE INTO page(id, block) VALUES(?1, seal(?2, ?1))",
    [SQL_PAGE_CUT] = "DELETE FROM page WHERE id BETWEEN ?1 AND ?2",
    [SQL_ROOM_GET] = "SELECT id, epoch, first, unseal(sum, name, id, epoch, first) FROM room"
                     " WHERE name = ?1",
    [SQL_ROOM_ADD] = "INSERT INTO room(name, id, epoch, first, sum)"
                     " VALUES(?1, ?2, ?3, 1, seal(x'', ?1, ?2, ?3, 1))",
    [SQL_ROOM_NAME] = "SELECT name FROM room WHERE id = ?1",
    [SQL_ROOMS_DAMAGED] = "SELECT name, id FROM room"
                          " WHERE whole(sum, name, id, epoch, first) IS NULL",
    [SQL_ROOMS_LAST] = "SELECT coalesce(max(id), 0) FROM room",
    [SQL_AMENDS] = "SELECT id, unseal(state, id) FROM amend"
                   " WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
    [SQL_AMEND_PUT] = "REPLACE INTO amend(id, state) VALUES(?1, seal(?2, ?1))",
    [SQL_JOURNAL_ALL] = "SELECT id, room, name, first, whole(block, id, room, name, first)"
                        " FROM journal ORDER BY id",
    [SQL_JOURNAL_ADD] = "INSERT INTO journal(id, room, name, first, block)"
                        " VALUES(?1, ?2, ?3, ?4, seal(?5, ?1, ?2, ?3, ?4))",
    [SQL_JOURNAL_SET] = "UPDATE journal SET block = seal(?2, id, room, name, first) WHERE id = ?1",
    [SQL_JOURNAL_CUT] = "DELETE FROM journal WHERE id <= ?1"
                        " AND id NOT IN (SELECT id FROM temp.kept)",
    [SQL_JOURNAL_KEPT] = "CREATE TEMP TABLE kept(id INTEGER PRIMARY KEY)",
    [SQL_JOURNAL_KEEP] = "INSERT INTO temp.kept VALUES(?1)",
    [SQL_RECORD_GET] = "SELECT rev, expires, unseal(body, rev, expires, pk, sk) FROM record"
                       " WHERE pk = ?1 AND sk = ?2",
    [SQL_RECORD_REV] = "SELECT rev, expires FROM record WHERE pk = ?1 AND sk = ?2",
    [SQL_RECORD_LIST] = "SELECT sk, rev, expires, unseal(body, rev, expires, pk, sk) FROM record"
                        " WHERE pk = ?1 AND sk >= ?2 ORDER BY sk",
    [SQL_RECORD_PUT] = "INSERT INTO record(pk, sk, rev, expires, body)"
                       " VALUES(?1, ?2, ?3, ?4, seal(?5, ?3, ?4, ?1, ?2)) ON CONFLICT"
                       " DO UPDATE SET rev = ?3, expires = ?4, body = excluded.body",
    [SQL_RECORD_ADD] = "INSERT INTO record(pk, sk, rev, expires, body)"
                       " VALUES(?1, ?2, ?3, ?4, seal(?5, ?3, ?4, ?1, ?2)) ON CONFLICT DO NOTHING",
    [SQL_RECORD_REMOVE] = "DELETE FROM record WHERE pk = ?1 AND sk = ?2",
    [SQL_RECORD_EXPIRE] = "DELETE FROM record WHERE (pk, sk) IN (SELECT pk, sk FROM record"
                          " WHERE expires > 0 AND expires <= ?1 LIMIT ?2)",
    [SQL_COUNTER_NEXT] = "INSERT INTO counter(name, next, sum)"
                         " VALUES(?1, 1 + ?2, seal(x'', ?1, 1 + ?2)) ON CONFLICT DO UPDATE"
                         " SET next = next + ?2, sum = seal(x'', name, next + ?2)"
                         " WHERE unseal(sum, name, next) = x'' RETURNING next - ?2",
    [SQL_WALK_ROOMS] = "SELECT name, x'', 0, unseal(sum, name, id, epoch, first), 0 FROM room"
                       " WHERE name > ?1 ORDER BY name LIMIT ?3",
    [SQL_WALK_RECORDS] = "SELECT pk, sk, expires, unseal(body, rev, expires, pk, sk), expires"
                         " FROM record"
                         " WHERE (pk, sk) > (?1, ?2) ORDER BY pk, sk LIMIT ?3",
    [SQL_WALK_COUNTERS] = "SELECT name, x'', next, unseal(sum, name, next), 0 FROM counter"
                          " WHERE name > ?1 ORDER BY name LIMIT ?3",
    [SQL_META_GET] = "SELECT value, whole(sum, name, value) IS NOT NULL FROM meta WHERE name = ?1",
    [SQL_META_PUT] = "REPLACE INTO meta(name, value, sum)"
                     " VALUES(?1, ?2, seal(x'', ?1, ?2))",
    [SQL_REVS_LAST] = "SELECT coalesce(max(rev), 0) FROM record",
    [SQL_PAGE_SIZE] = "PRAGMA page_size",
    [SQL_PAGE_COUNT] = "PRAGMA page_count",
    [SQL_FREE_COUNT] = "PRAGMA freelist_count",
};

/* secure_delete: what was deleted or redacted is not left in the file. The
 * writer's cache holds the pages that 1,000 rooms grow at. */
static const char writer_setup[] = "PRAGMA page_size=4096;"
                                   "PRAGMA journal_mode=WAL;"
                                   "PRAGMA synchronous=FULL;"
                                   "PRAGMA wal_autocheckpoint=0;"
                                   "PRAGMA secure_delete=ON;"
                                   "PRAGMA cell_size_check=ON;"
                                   "PRAGMA trusted_schema=OFF;"
                                   "PRAGMA temp_store=MEMORY;"
                                   "PRAGMA cache_size=-1024;";
static const char reader_setup[] = "PRAGMA wal_autocheckpoint=0;"
                                   "PRAGMA query_only=ON;"
                                   "PRAGMA cell_size_check=ON;"
                                   "PRAGMA trusted_schema=OFF;"
                                   "PRAGMA cache_size=-512;";

int store_sqlite_conn_open(struct store_sqlite_conn *c, const char *path, const char *vfs,
                           bool writer, char ret_why[static 256])
{
    int flags = SQLITE_OPEN_NOMUTEX |
                (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    int rc = sqlite3_open_v2(path, &c->db, flags, vfs);

    if (rc == SQLITE_OK) {
        (void)sqlite3_extended_result_codes(c->db, 1);
        (void)sqlite3_busy_timeout(c->db, BUSY_MS);
        rc = store_sqlite_seal_add(c->db);
    }
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->db, writer ? writer_setup : reader_setup, NULL, NULL, NULL);
    buf_init(&c->block, UINT32_MAX);
    if (rc != SQLITE_OK)
        (void)snprintf(ret_why, 256, "cannot open %s: %s", path,
                       c->db != NULL ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc));
    return rc;
}

void store_sqlite_conn_close(struct store_sqlite_conn *c)
{
    for (size_t i = 0; i < SQL_N; i++)
        (void)sqlite3_finalize(c->stmts[i]);
    (void)sqlite3_close(c->db);
    buf_fini(&c->block);
    *c = (struct store_sqlite_conn){.next = NULL};
}

sqlite3_stmt *store_sqlite_conn_stmt(struct store_sqlite_conn *c, enum store_sqlite_sql which)
{
    if (c->stmts[which] == NULL)
        (void)sqlite3_prepare_v3(c->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &c->stmts[which],
                                 NULL);
    return c->stmts[which];
}

void store_sqlite_conn_bind(sqlite3_stmt *stmt, int at, struct str s)
{
    (void)sqlite3_bind_blob64(stmt, at, s.n > 0 ? s.p : (const uint8_t *)"", s.n, SQLITE_STATIC);
}

void store_sqlite_conn_bind_u64(sqlite3_stmt *stmt, int at, uint64_t v)
{
    (void)sqlite3_bind_int64(stmt, at, (sqlite3_int64)v);
}

struct str store_sqlite_conn_str(sqlite3_stmt *stmt, int at)
{
    const uint8_t *p = sqlite3_column_blob(stmt, at);

    return (struct str){p, p != NULL ? (size_t)sqlite3_column_bytes(stmt, at) : 0};
}

uint64_t store_sqlite_conn_u64(sqlite3_stmt *stmt, int at)
{
    return (uint64_t)sqlite3_column_int64(stmt, at);
}

int store_sqlite_conn_number(struct store_sqlite_conn *c, enum store_sqlite_sql which,
                             uint64_t *ret_v)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(c, which);
    int rc = sqlite3_step(stmt);

    if (rc == SQLITE_ROW)
        *ret_v = store_sqlite_conn_u64(stmt, 0);
    (void)sqlite3_reset(stmt);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int store_sqlite_conn_run(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);

    (void)sqlite3_reset(stmt);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

enum store_result store_sqlite_conn_result(int rc)
{
    if (rc == SQLITE_OK)
        return STORE_OK;
    return (rc & 0xff) == SQLITE_FULL ? STORE_FULL : STORE_FAILED;
}

_Noreturn void store_sqlite_conn_die(const struct store_sqlite_conn *c, const char *what)
{
    (void)fprintf(
        stderr, "store: %s failed: %s (%d, errno %d): what the disk holds is unknown; ending\n",
        what, sqlite3_errmsg(c->db), sqlite3_extended_errcode(c->db), sqlite3_system_errno(c->db));
    (void)fflush(stderr);
    _Exit(EXIT_DISK);
}

void store_sqlite_conn_pages(struct store_sqlite_conn *c, uint64_t room, uint64_t seq,
                             struct store_sqlite_pages *ret)
{
    sqlite3_stmt *stmt = store_sqlite_conn_stmt(c, SQL_PAGES);

    (void)sqlite3_bind_int64(stmt, 1, store_sqlite_conn_id(room, 0));
    (void)sqlite3_bind_int64(stmt, 2, store_sqlite_conn_id(room, seq));
    (void)sqlite3_bind_int64(stmt, 3, store_sqlite_conn_id(room, STORE_SQLITE_SEQ_MAX));
    *ret = (struct store_sqlite_pages){.stmt = stmt};
}

int store_sqlite_conn_pages_next(struct store_sqlite_pages *p)
{
    int rc = sqlite3_step(p->stmt);

    p->damaged = false;
    if (rc != SQLITE_ROW)
        return rc;
    p->first = store_sqlite_conn_seq(sqlite3_column_int64(p->stmt, 0));
    p->damaged = !store_sqlite_block_open(store_sqlite_conn_str(p->stmt, 1), &p->block);
    return p->damaged ? SQLITE_CORRUPT : SQLITE_ROW;
}

void store_sqlite_conn_pages_end(struct store_sqlite_pages *p)
{
    (void)sqlite3_reset(p->stmt);
}
