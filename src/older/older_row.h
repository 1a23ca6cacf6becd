/* older_row.h: what an item of an older system's table says, put on the shelf. No I/O but the
 * shelf's. */
#ifndef OLDER_OLDER_ROW_H
#define OLDER_OLDER_ROW_H

#include "older/older_form.h"
#include "older/older_shelf.h"
#include "wire/dynamo.h"

enum older_reason {
#define REASON(constant, code, what) constant,
#include "older/reasons.tbl"
#undef REASON
};

/* Puts the item on the shelf, or returns why it is not of the form. room: of a message that names
 * none. */
enum older_reason older_row_put(struct older_shelf *s, const struct older_form *f,
                                enum older_table table, const struct dynamo_item *item,
                                const char *room) MUST_CHECK;

/* "no_text", and "has no text". */
const char *older_row_code(enum older_reason r);
const char *older_row_what(enum older_reason r);

/* What tells the item from others, for people: "message_id m1". */
void older_row_label(const struct older_form *f, const struct dynamo_item *item, size_t max,
                     char ret_text[]);

#endif
