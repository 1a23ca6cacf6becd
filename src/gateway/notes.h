/* notes.h: what there is to say of a description of an API: errors, for which it is refused,
 * and warnings, each with a code (notes.tbl) and where it is in the file. At most NOTES_MAX
 * are kept; those beyond are counted. */
#ifndef GATEWAY_NOTES_H
#define GATEWAY_NOTES_H

#include "base/base.h"
#include "base/buf.h"

enum { NOTES_MAX = 100, NOTES_TEXT_MAX = 400 };

enum note_code {
#define NOTE(severity, code, what) NOTE_##code,
#include "gateway/notes.tbl"
#undef NOTE
    NOTES_CODES_N
};

/* A line and a column, both from 1; line 0: of the file as a whole. */
struct note_place {
    unsigned line, column;
};

struct note {
    enum note_code code;
    struct note_place place;
    char text[NOTES_TEXT_MAX];
};

struct notes {
    struct note at[NOTES_MAX];
    size_t n;
    size_t errors, warnings; /* also of those that were not kept */
};

void notes_init(struct notes *ns);

/* Adds one; a text that is too long is cut. What is not printable in it becomes '?'. The
 * same code at the same place again is not added. */
void notes_add(struct notes *ns, enum note_code code, struct note_place place, const char *format,
               ...) PRINTF_LIKE(4, 5);

/* Puts them in the order of the file. */
void notes_sort(struct notes *ns);

/* Appends one line for each, "FILE:LINE:COLUMN: error: TEXT [code]", and one that counts
 * those that were not kept. */
void notes_print(const struct notes *ns, const char *path, struct buf *out);

/* The first error, or NULL. */
const struct note *notes_error(const struct notes *ns);

/* "bad_route"; whether it is an error; what it means. */
const char *notes_code(enum note_code code);
bool notes_is_error(enum note_code code);
const char *notes_what(enum note_code code);

#endif
