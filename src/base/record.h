/* record.h: the tagged fields of stored records (base/entry.h has the bytes),
 * written and read by a table that says where in a struct each field lives.
 *
 * Fields stand in ascending order of their number; empty ones are left out;
 * there is one spelling for each record. Numbers above the table's last are
 * kept as they are. */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include "base/base.h"
#include "base/buf.h"

enum record_type {
    RECORD_NONE, /* a number no longer used: refused */
    RECORD_U64,  /* uint64_t */
    RECORD_BOOL, /* bool */
    RECORD_STR,  /* struct str */
};

struct record_field {
    enum record_type type;
    uint16_t offset; /* in the struct */
};

/* fields[i] is the field with number i + 1. */
struct record_table {
    const struct record_field *fields;
    size_t n;
    uint16_t unknown_offset; /* of the struct str for later fields */
};

/* How many bytes record_encode appends for the struct at record. */
size_t record_size(const struct record_table *t, const void *record);
void record_encode(const struct record_table *t, const void *record, struct buf *b);

/* Fills the fields of record, zeroed, from bytes, which strings then borrow.
 * False if bytes break a rule of the form. */
bool record_decode(const struct record_table *t, struct str bytes, void *record) MUST_CHECK;

#endif
