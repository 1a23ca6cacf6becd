/* field.h: the tagged fields of stored records (base/entry.h has the bytes),
 * written and read by a table that says where in a struct each field lives.
 *
 * Fields stand in ascending order of their number; empty ones are left out;
 * there is one spelling for each record. Numbers above the table's last are
 * kept as they are. */
#ifndef BASE_FIELD_H
#define BASE_FIELD_H

#include "base/base.h"
#include "base/buf.h"

enum field_type {
    FIELD_NONE, /* a number no longer used: refused */
    FIELD_U64,  /* uint64_t */
    FIELD_BOOL, /* bool */
    FIELD_STR,  /* struct str */
};

struct field {
    enum field_type type;
    uint16_t offset; /* in the struct */
};

/* fields[i] is the field with number i + 1. */
struct field_table {
    const struct field *fields;
    size_t n;
    uint16_t unknown_offset; /* of the struct str for later fields */
};

/* How many bytes field_encode appends for the struct at record. */
size_t field_size(const struct field_table *t, const void *record);
void field_encode(const struct field_table *t, const void *record, struct buf *b);

/* Fills the fields of record, zeroed, from bytes, which strings then borrow.
 * False if bytes break a rule of the form. */
bool field_decode(const struct field_table *t, struct str bytes, void *record) MUST_CHECK;

#endif
