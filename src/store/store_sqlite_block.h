/* store_sqlite_block.h: several entries as one value: what a journal row and a
 * page hold.
 *
 *   offset 0   version   u8, 1
 *          1   n         varint, 1 or more
 *              n times: length varint, then that many bytes
 *
 * Nothing follows the last entry, so that a cut or damaged value is noticed. */
#ifndef STORE_STORE_SQLITE_BLOCK_H
#define STORE_STORE_SQLITE_BLOCK_H

#include "base/frame.h"

struct store_sqlite_block {
    struct str rest; /* the entries not yet taken, as they are stored */
    unsigned n;      /* how many they are */
};

/* Never fails: memory for it is bounded by the caller's request. */
struct frame *store_sqlite_block_make(const struct str *entries, unsigned n) MUST_CHECK;

/* Looks at all of bytes; false if they are not exactly one block. */
bool store_sqlite_block_open(struct str bytes, struct store_sqlite_block *ret) MUST_CHECK;

/* Takes the next entry of an opened block; false at the end. */
bool store_sqlite_block_next(struct store_sqlite_block *b, struct str *ret_entry);

/* A copy of b whose entry at (0: the first) is `entry` instead; at < b.n. */
struct frame *store_sqlite_block_replace(struct store_sqlite_block b, unsigned at,
                                         struct str entry) MUST_CHECK;

#endif
