#include "store/store_sqlite_seal.h"

#include <endian.h>
#include <string.h>
#include <zlib.h>

#define SEAL_N 4
#define GATHER_N 1024
#define FLAGS (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)

/* What is to be summed, gathered while it is short: zlib is slow to begin. */
struct seal_gather {
    uint32_t crc;
    size_t n;
    uint8_t bytes[GATHER_N];
};

static void flush(struct seal_gather *g)
{
    if (g->n > 0)
        g->crc = (uint32_t)crc32_z(g->crc, g->bytes, g->n);
    g->n = 0;
}

static void add_bytes(struct seal_gather *g, const void *p, size_t n)
{
    uint64_t size = htole64((uint64_t)n);

    if (g->n + sizeof(size) + n > sizeof(g->bytes))
        flush(g);
    memcpy(g->bytes + g->n, &size, sizeof(size));
    g->n += sizeof(size);
    if (n > sizeof(g->bytes) - g->n) {
        flush(g);
        g->crc = (uint32_t)crc32_z(g->crc, p, n);
    } else if (n > 0) {
        memcpy(g->bytes + g->n, p, n);
        g->n += n;
    }
}

/* Each part with its length, so that no two rows come to the same bytes. */
static uint32_t sum(const uint8_t *p, size_t n, int key_n, sqlite3_value **key)
{
    struct seal_gather g;

    g.crc = 0;
    g.n = 0;
    add_bytes(&g, p, n);
    for (int i = 0; i < key_n; i++) {
        uint64_t number = (uint64_t)sqlite3_value_int64(key[i]);

        if (sqlite3_value_type(key[i]) == SQLITE_INTEGER)
            add_bytes(&g, &number, sizeof(number));
        else
            add_bytes(&g, sqlite3_value_blob(key[i]), (size_t)sqlite3_value_bytes(key[i]));
    }
    flush(&g);
    return g.crc;
}

static void put_sum(uint8_t to[static SEAL_N], uint32_t crc)
{
    for (unsigned i = 0; i < SEAL_N; i++)
        to[i] = (uint8_t)(crc >> (8 * i));
}

static void seal(sqlite3_context *ctx, int n, sqlite3_value **values)
{
    const uint8_t *p = sqlite3_value_blob(values[0]);
    size_t size = (size_t)sqlite3_value_bytes(values[0]);
    uint8_t *out = sqlite3_malloc64(size + SEAL_N);

    if (out == NULL) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    if (size > 0)
        memcpy(out, p, size);
    put_sum(out + size, sum(p, size, n - 1, values + 1));
    sqlite3_result_blob64(ctx, out, size + SEAL_N, sqlite3_free);
}

/* True and the value if nothing has changed. */
static bool open_value(sqlite3_context *ctx, int n, sqlite3_value **values)
{
    const uint8_t *p = sqlite3_value_blob(values[0]);
    size_t size = (size_t)sqlite3_value_bytes(values[0]);
    uint8_t wanted[SEAL_N];

    if (size < SEAL_N)
        return false;
    put_sum(wanted, sum(p, size - SEAL_N, n - 1, values + 1));
    if (memcmp(wanted, p + size - SEAL_N, SEAL_N) != 0)
        return false;
    sqlite3_result_blob64(ctx, p, size - SEAL_N, SQLITE_TRANSIENT);
    return true;
}

static void unseal(sqlite3_context *ctx, int n, sqlite3_value **values)
{
    if (open_value(ctx, n, values))
        return;
    sqlite3_result_error(ctx, "a value is damaged", -1);
    sqlite3_result_error_code(ctx, SQLITE_CORRUPT);
}

static void whole(sqlite3_context *ctx, int n, sqlite3_value **values)
{
    if (!open_value(ctx, n, values))
        sqlite3_result_null(ctx);
}

int store_sqlite_seal_add(sqlite3 *db)
{
    int rc = sqlite3_create_function_v2(db, "seal", -1, FLAGS, NULL, seal, NULL, NULL, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(db, "whole", -1, FLAGS, NULL, whole, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rc;
    return sqlite3_create_function_v2(db, "unseal", -1, FLAGS, NULL, unseal, NULL, NULL, NULL);
}
