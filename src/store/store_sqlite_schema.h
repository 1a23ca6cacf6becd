/* store_sqlite_schema.h: the tables, and how older ones become today's. The
 * version is PRAGMA user_version, the number of migrations applied. */
#ifndef STORE_STORE_SQLITE_SCHEMA_H
#define STORE_STORE_SQLITE_SCHEMA_H

#include "store/store_sqlite_conn.h"

/* Brings the database up to date, each step in a transaction of its own.
 * 0; -EPROTO if it is newer than this program or is not Polylog's; -EIO; with
 * a sentence in ret_why. */
int store_sqlite_schema_migrate(struct store_sqlite_conn *c, char ret_why[static 256]) MUST_CHECK;

#endif
