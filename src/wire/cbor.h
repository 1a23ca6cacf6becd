/* cbor.h: reads CBOR (RFC 8949) of definite lengths, as authenticators write it (CTAP2 §8). What is
 * read is borrowed. Nothing allocates, and nothing recurses, however deeply items are nested. */
#ifndef WIRE_CBOR_H
#define WIRE_CBOR_H

#include "base/base.h"

enum cbor_kind {
    CBOR_UINT,     /* value */
    CBOR_NEGATIVE, /* -1 - value */
    CBOR_BYTES,
    CBOR_TEXT,  /* valid UTF-8 */
    CBOR_ARRAY, /* value items follow */
    CBOR_MAP,   /* value pairs of items follow */
    CBOR_TAG,   /* of the item that follows */
    CBOR_OTHER, /* a simple value or a float: its bits are value */
};

/* The head of an item; of bytes and text the whole item. */
struct cbor_item {
    enum cbor_kind kind;
    uint64_t value;
    struct str str; /* of bytes and text */
};

/* Reads the item at the start of *rest and moves behind it. False, and *rest is undefined, if it
 * is none, of an indefinite length, or longer than what there is. */
bool cbor_next(struct str *rest, struct cbor_item *ret_item) MUST_CHECK;

/* Moves behind the whole item at the start of *rest, with all that is within it. False as with
 * cbor_next. */
bool cbor_skip(struct str *rest) MUST_CHECK;

/* Reads an integer that 63 bits hold, as CBOR_UINT or CBOR_NEGATIVE. False if it is none. */
bool cbor_int(const struct cbor_item *item, int64_t *ret_v) MUST_CHECK;

#endif
