#include "store/store_sqlite_schema.h"

#include <errno.h>
#include <stdio.h>

#include "base/base.h"

/* "Plog". */
#define APPLICATION_ID 0x506c6f67
#define STR_OF(x) STR_OF_(x)
#define STR_OF_(x) #x

/* Never change one that was released: add another. */
static const char *const migrations[] = {
    /* journal: batches in order of commit, not yet in pages; name is its room's.
     * page, amend: id is room << 35 | first seq, target (store_sqlite_conn.h). */
    "CREATE TABLE room(name BLOB PRIMARY KEY, id INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " first INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE journal(id INTEGER PRIMARY KEY, room INTEGER NOT NULL, name BLOB NOT NULL,"
    " first INTEGER NOT NULL, block BLOB NOT NULL);"
    "CREATE TABLE page(id INTEGER PRIMARY KEY, block BLOB NOT NULL);"
    "CREATE TABLE amend(id INTEGER PRIMARY KEY, state BLOB NOT NULL);"
    "CREATE TABLE record(pk BLOB NOT NULL, sk BLOB NOT NULL, rev INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(pk, sk)) WITHOUT ROWID;"
    "CREATE INDEX record_expires ON record(expires) WHERE expires > 0;"
    "CREATE TABLE counter(name BLOB PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id=" STR_OF(APPLICATION_ID) ";",
    /* A checksum behind each value (store_sqlite_seal.h). */
    "UPDATE page SET block = seal(block, id);"
    "UPDATE journal SET block = seal(block, id, room, name, first);"
    "UPDATE amend SET state = seal(state, id);"
    "UPDATE record SET body = seal(body, rev, expires, pk, sk);",
    /* And of the rows that have none. */
    "ALTER TABLE room ADD COLUMN sum BLOB;"
    "ALTER TABLE counter ADD COLUMN sum BLOB;"
    "ALTER TABLE meta ADD COLUMN sum BLOB;"
    "UPDATE room SET sum = seal(x'', name, id, epoch, first);"
    "UPDATE counter SET sum = seal(x'', name, next);"
    "UPDATE meta SET sum = seal(x'', name, value);",
};

static int pragma(struct store_sqlite_conn *c, const char *text, uint64_t *ret_v)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(c->db, text, -1, &stmt, NULL);

    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *ret_v = store_sqlite_conn_u64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? SQLITE_OK : SQLITE_ERROR;
}

static int migrate_one(struct store_sqlite_conn *c, size_t version)
{
    char mark[64];
    int rc = sqlite3_exec(c->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return rc;
    (void)snprintf(mark, sizeof(mark), "PRAGMA user_version=%zu", version + 1);
    rc = sqlite3_exec(c->db, migrations[version], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->db, mark, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int store_sqlite_schema_migrate(struct store_sqlite_conn *c, char ret_why[static 256])
{
    uint64_t version = 0, application = 0, objects = 0;
    int rc = pragma(c, "PRAGMA user_version", &version);

    if (rc == SQLITE_OK)
        rc = pragma(c, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK)
        rc = pragma(c, "SELECT count(*) FROM sqlite_schema", &objects);
    if (rc == SQLITE_OK && objects > 0 && application != APPLICATION_ID) {
        (void)snprintf(ret_why, 256, "the database holds something else than Polylog's data");
        return -EPROTO;
    }
    if (rc == SQLITE_OK && version > COUNTOF(migrations)) {
        (void)snprintf(ret_why, 256, "the database has schema %u, this program knows up to %zu",
                       (unsigned)version, COUNTOF(migrations));
        return -EPROTO;
    }
    for (; rc == SQLITE_OK && version < COUNTOF(migrations); version++)
        rc = migrate_one(c, version);
    if (rc == SQLITE_OK)
        return 0;
    (void)snprintf(ret_why, 256, "the database cannot be read or migrated: %s",
                   sqlite3_errmsg(c->db));
    return -EIO;
}
