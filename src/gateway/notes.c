#include "gateway/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR, WARNING };

static const struct {
    int severity;
    const char *code, *what;
} kinds[] = {
#define NOTE(severity, code, what) {severity, #code, what},
#include "gateway/notes.tbl"
#undef NOTE
};

void notes_init(struct notes *ns)
{
    ns->n = ns->errors = ns->warnings = 0;
}

static bool is_known(const struct notes *ns, enum note_code code, struct note_place place)
{
    for (size_t i = 0; i < ns->n; i++)
        if (ns->at[i].code == code && ns->at[i].place.line == place.line &&
            ns->at[i].place.column == place.column && place.line > 0)
            return true;
    return false;
}

/* Where the next one goes: an error in the place of a warning, if need be. NULL: nowhere. */
static struct note *place_of(struct notes *ns, enum note_code code)
{
    if (ns->n < NOTES_MAX)
        return &ns->at[ns->n++];
    for (size_t i = ns->n; i > 0 && kinds[code].severity == ERROR; i--)
        if (kinds[ns->at[i - 1].code].severity == WARNING)
            return &ns->at[i - 1];
    return NULL;
}

void notes_add(struct notes *ns, enum note_code code, struct note_place place, const char *format,
               ...)
{
    struct note *n;
    va_list args;

    if (is_known(ns, code, place))
        return;
    n = place_of(ns, code);
    ns->errors += kinds[code].severity == ERROR;
    ns->warnings += kinds[code].severity == WARNING;
    if (n == NULL)
        return;
    n->code = code;
    n->place = place;
    va_start(args, format);
    (void)vsnprintf(n->text, sizeof(n->text), format, args);
    va_end(args);
    for (char *c = n->text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

static int notes_compare(const void *a, const void *b)
{
    const struct note *x = a, *y = b;

    if (x->place.line != y->place.line)
        return x->place.line < y->place.line ? -1 : 1;
    if (x->place.column != y->place.column)
        return x->place.column < y->place.column ? -1 : 1;
    return (int)x->code - (int)y->code;
}

void notes_sort(struct notes *ns)
{
    qsort(ns->at, ns->n, sizeof(ns->at[0]), notes_compare);
}

void notes_print(const struct notes *ns, const char *path, struct buf *out)
{
    for (size_t i = 0; i < ns->n; i++) {
        const struct note *n = &ns->at[i];

        buf_printf(out, "%s:", path);
        if (n->place.line > 0)
            buf_printf(out, "%u:%u:", n->place.line, n->place.column);
        buf_printf(out, " %s: %s [%s]\n", notes_is_error(n->code) ? "error" : "warning", n->text,
                   notes_code(n->code));
    }
    if (ns->errors + ns->warnings > ns->n)
        buf_printf(out, "%s: and %zu more\n", path, ns->errors + ns->warnings - ns->n);
}

const struct note *notes_error(const struct notes *ns)
{
    for (size_t i = 0; i < ns->n; i++)
        if (notes_is_error(ns->at[i].code))
            return &ns->at[i];
    return NULL;
}

const char *notes_code(enum note_code code)
{
    return kinds[code].code;
}

bool notes_is_error(enum note_code code)
{
    return kinds[code].severity == ERROR;
}

const char *notes_what(enum note_code code)
{
    return kinds[code].what;
}
