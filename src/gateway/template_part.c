#include "gateway/template_part.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct template_part template_part_of(struct template *t, const struct doc_value *resource)
{
    const struct doc_value *properties = doc_get(resource, STR("Properties"));

    if (properties != NULL && properties->kind != DOC_MAP) {
        notes_add(t->notes, NOTE_wrong_kind, properties->at, "%.*s: Properties must be a map",
                  STR_ARGS(resource->key));
        properties = NULL;
    }
    return (struct template_part){t, resource->key, properties, NULL, resource->key_at};
}

/* The property as it is written, here or in SAM's Globals. */
static const struct doc_value *written(const struct template_part *p, const char *name)
{
    const struct doc_value *v = doc_get(p->properties, str_of(name));

    return v != NULL ? v : doc_get(p->globals, str_of(name));
}

const struct doc_value *template_part_value(const struct template_part *p, const char *name)
{
    return template_eval_value(&p->t->eval, written(p, name));
}

bool template_part_has(const struct template_part *p, const char *name)
{
    return template_part_value(p, name) != NULL;
}

struct note_place template_part_place(const struct template_part *p, const char *name)
{
    const struct doc_value *v = name != NULL ? written(p, name) : NULL;

    return v != NULL ? v->key_at : p->at;
}

void template_part_note(const struct template_part *p, const char *name, enum note_code code,
                        const char *format, ...)
{
    char text[NOTES_TEXT_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    notes_add(p->t->notes, code, template_part_place(p, name), "%.*s: %s", STR_ARGS(p->id), text);
}

struct template_part template_part_below(const struct template_part *p, const char *name)
{
    const struct doc_value *v = template_part_value(p, name);

    if (v != NULL && v->kind != DOC_MAP) {
        template_part_note(p, name, NOTE_wrong_kind, "%s must be a map, and is %s", name,
                           doc_kind_name(v));
        v = NULL;
    }
    return (struct template_part){p->t, p->id, v, NULL, template_part_place(p, name)};
}

/* Evaluates a property to a text; false if there is none, or none that is right. */
static bool read_text(const struct template_part *p, const char *name, struct buf *out)
{
    const struct doc_value *v = template_part_value(p, name);

    buf_init(out, TEMPLATE_EVAL_TEXT_MAX);
    return v != NULL && template_eval_text(&p->t->eval, v, out);
}

void template_part_text(const struct template_part *p, const char *name, char **to)
{
    struct buf text CLEANUP(buf_fini);

    if (!read_text(p, name, &text) || buf_len(&text) == 0)
        return;
    free(*to);
    *to = str_dup(buf_peek(&text));
}

void template_part_bool(const struct template_part *p, const char *name, bool *to)
{
    struct buf text CLEANUP(buf_fini);

    if (read_text(p, name, &text) && !doc_to_bool(buf_peek(&text), to))
        template_part_note(p, name, NOTE_bad_value, "%s must be true or false, not \"%.*s\"", name,
                           STR_ARGS(buf_peek(&text)));
}

/* "29000", and "29000.0", as numbers are written by some tools. */
static bool to_count(struct str s, unsigned max, unsigned *ret)
{
    uint64_t v;

    if (s.n > 2 && s.p[s.n - 2] == '.' && s.p[s.n - 1] == '0')
        s.n -= 2;
    if (!str_to_u64(s, &v) || v > max)
        return false;
    *ret = (unsigned)v;
    return true;
}

void template_part_count(const struct template_part *p, const char *name, unsigned max,
                         unsigned *to)
{
    struct buf text CLEANUP(buf_fini);

    if (read_text(p, name, &text) && !to_count(buf_peek(&text), max, to))
        template_part_note(p, name, NOTE_bad_value,
                           "%s must be a whole number of at most %u, not \"%.*s\"", name, max,
                           STR_ARGS(buf_peek(&text)));
}

size_t template_part_choice(const struct template_part *p, const char *name,
                            const char *const *words, size_t n, size_t otherwise)
{
    struct buf text CLEANUP(buf_fini), all CLEANUP(buf_fini);

    buf_init(&all, 1024);
    if (!read_text(p, name, &text))
        return template_part_has(p, name) ? n : otherwise;
    for (size_t i = 0; i < n; i++) {
        if (str_eq(buf_peek(&text), str_of(words[i])))
            return i;
        buf_printf(&all, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    template_part_note(p, name, NOTE_bad_value, "%s must be one of %.*s, not \"%.*s\"", name,
                       STR_ARGS(buf_peek(&all)), STR_ARGS(buf_peek(&text)));
    return n;
}

const char *template_part_method(const struct template_part *p, const char *name)
{
    static const char *const methods[] = {"POST",   "GET",  "PUT",     "PATCH",
                                          "DELETE", "HEAD", "OPTIONS", "ANY"};
    size_t i = template_part_choice(p, name, methods, COUNTOF(methods), 0);

    if (i < COUNTOF(methods) - 1)
        return methods[i];
    if (i == COUNTOF(methods))
        return NULL;
    template_part_note(p, name, NOTE_any_method,
                       "what API Gateway sends for ANY is not known; POST is sent");
    return methods[0];
}

void template_part_pairs(const struct template_part *p, const char *name, struct api_pairs *to)
{
    struct template_part below = template_part_below(p, name);

    if (below.properties == NULL)
        return;
    for (const struct doc_value *i = below.properties->first; i != NULL; i = i->next) {
        struct buf text CLEANUP(buf_fini);
        const struct doc_value *v = template_eval_value(&p->t->eval, i);

        buf_init(&text, TEMPLATE_EVAL_TEXT_MAX);
        if (v != NULL && template_eval_text(&p->t->eval, v, &text))
            api_pairs_add(to, i->key, buf_peek(&text));
    }
}

bool template_part_needs(const struct template_part *p, const char *name)
{
    size_t errors = p->t->notes->errors;

    if (template_part_has(p, name))
        return true;
    if (errors == p->t->notes->errors)
        template_part_note(p, name, NOTE_missing, "%s is missing", name);
    return false;
}

static bool has_word(const char *words, struct str word)
{
    struct str rest = str_of(words != NULL ? words : "");

    while (rest.n > 0)
        if (str_eq(str_cut(&rest, ' '), word))
            return true;
    return false;
}

/* A property of another spelling: the same letters in other case, or all but one of them. */
static bool is_close(struct str a, struct str b)
{
    size_t i = 0, j = 0;

    while (i < a.n && i < b.n && (a.p[i] | 32) == (b.p[i] | 32))
        i++;
    while (j < a.n - i && j < b.n - i && (a.p[a.n - 1 - j] | 32) == (b.p[b.n - 1 - j] | 32))
        j++;
    return a.n - i - j <= 1 && b.n - i - j <= 1;
}

static struct str closest(const char *words, struct str word)
{
    struct str rest = str_of(words);

    while (rest.n > 0) {
        struct str one = str_cut(&rest, ' ');

        if (is_close(one, word))
            return one;
    }
    return STR("");
}

void template_part_known(const struct template_part *p, const char *read, const char *ignored,
                         const char *http, bool strict)
{
    const struct doc_value *v = p->properties != NULL ? p->properties->first : NULL;

    for (; v != NULL; v = v->next) {
        struct str close = closest(read, v->key);

        if (has_word(read, v->key) || has_word(ignored, v->key))
            continue;
        if (has_word(http, v->key))
            notes_add(p->t->notes, NOTE_not_websocket, v->key_at,
                      "%.*s: %.*s exists for HTTP APIs only", STR_ARGS(p->id), STR_ARGS(v->key));
        else if (close.n > 0)
            notes_add(p->t->notes, NOTE_unknown_property, v->key_at,
                      "%.*s: there is no property %.*s; %.*s is meant", STR_ARGS(p->id),
                      STR_ARGS(v->key), STR_ARGS(close));
        else
            notes_add(p->t->notes, strict ? NOTE_unknown_property : NOTE_ignored_property,
                      v->key_at, "%.*s: there is no property %.*s that is known here",
                      STR_ARGS(p->id), STR_ARGS(v->key));
    }
}
