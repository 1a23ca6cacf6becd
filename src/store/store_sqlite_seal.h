/* store_sqlite_seal.h: a checksum behind each value in the database, so that what a disk
 * has damaged is noticed and not served. Three SQL functions:
 *
 *   seal(value, key...)    value, then the CRC-32 of it and of the row's other columns
 *   unseal(value, key...)  the value again; SQLITE_CORRUPT if anything has changed
 *   whole(value, key...)   the same, but NULL if anything has changed
 *
 * A row that has no value has a column `sum`: the seal of nothing.
 *
 * The key holds a value to its row: a page that stands in another's place is damaged. */
#ifndef STORE_STORE_SQLITE_SEAL_H
#define STORE_STORE_SQLITE_SEAL_H

#include <sqlite3.h>

#include "base/base.h"

/* Makes both known to a connection. SQLITE_OK, or SQLite's error. */
int store_sqlite_seal_add(sqlite3 *db) MUST_CHECK;

#endif
