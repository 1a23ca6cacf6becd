#include "chat/model/looks.h"

#include "base/buf.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define LOOKS_LIKE(c, at, n)
#define LOOKS_RANGE(first, last, set)
#define LOOKS_SET(a, b, c, d)
#define LOOKS_POOL(text)
#define SET_WORDS 4

struct scripts {
    uint64_t words[SET_WORDS];
};

#undef LOOKS_LIKE
#define LOOKS_LIKE(c, at, n) {c, at, n},
static const struct look {
    int32_t c;
    uint16_t at, n; /* in the pool */
} looks[] = {
#include "chat/model/looks.inc"
};
#undef LOOKS_LIKE
#define LOOKS_LIKE(c, at, n)

#undef LOOKS_RANGE
#define LOOKS_RANGE(first, last, set) {first, last, set},
static const struct range {
    int32_t first, last;
    uint16_t set;
} ranges[] = {
#include "chat/model/looks.inc"
};
#undef LOOKS_RANGE
#define LOOKS_RANGE(first, last, set)

#undef LOOKS_SET
#define LOOKS_SET(a, b, c, d) {{a, b, c, d}},
static const struct scripts sets[] = {
#include "chat/model/looks.inc"
};
#undef LOOKS_SET
#define LOOKS_SET(a, b, c, d)

#undef LOOKS_POOL
#define LOOKS_POOL(text) text
static const char pool[] =
#include "chat/model/looks.inc"
    ;

static const int with_latin[] = {LOOKS_WITH_LATIN};

/* The next code point; -1 at the end, or where the bytes are none. */
static int32_t take_char(struct str *s)
{
    utf8proc_int32_t c = -1;
    utf8proc_ssize_t n = s->n > 0 ? utf8proc_iterate(s->p, (utf8proc_ssize_t)s->n, &c) : 0;

    if (n <= 0)
        return -1;
    *s = str_skip(*s, (size_t)n);
    return c;
}

static int compare_look(const void *key, const void *of)
{
    int32_t c = *(const int32_t *)key, d = ((const struct look *)of)->c;

    return (c > d) - (c < d);
}

static int compare_range(const void *key, const void *of)
{
    const struct range *r = of;
    int32_t c = *(const int32_t *)key;

    return (c > r->last) - (c < r->first);
}

static void put_look(struct buf *b, int32_t c, struct str as_it_is)
{
    const struct look *l = bsearch(&c, looks, COUNTOF(looks), sizeof(looks[0]), compare_look);

    if (l == NULL)
        buf_append(b, as_it_is);
    else
        buf_append(b, (struct str){(const uint8_t *)pool + l->at, l->n});
}

/* NFD, and more by the options; NULL if the bytes are no text. The caller frees. */
static utf8proc_uint8_t *decompose(struct str s, utf8proc_option_t more, struct str *ret_text)
{
    utf8proc_uint8_t *text = NULL;
    utf8proc_ssize_t n = utf8proc_map(s.p, (utf8proc_ssize_t)s.n, &text,
                                      UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | more);

    *ret_text = (struct str){text, n > 0 ? (size_t)n : 0};
    return text;
}

bool looks_skeleton(struct str name, char ret_skeleton[static LOOKS_MAX], size_t *ret_n)
{
    struct buf b CLEANUP(buf_fini);
    struct str rest, folded;
    utf8proc_uint8_t *plain = decompose(name, UTF8PROC_IGNORE, &rest), *text;
    bool ok;

    buf_init(&b, 8 * LOOKS_MAX);
    while (rest.n > 0) {
        struct str from = rest;
        int32_t c = take_char(&rest);

        if (c < 0)
            break;
        put_look(&b, c, (struct str){from.p, from.n - rest.n});
    }
    text = decompose(buf_peek(&b), UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, &folded);
    ok = !b.failed && rest.n == 0 && folded.n > 0 && folded.n <= LOOKS_MAX;
    if (ok) {
        memcpy(ret_skeleton, folded.p, folded.n);
        *ret_n = folded.n;
    }
    free(plain);
    free(text);
    return ok;
}

static bool has(const struct scripts *s, int script)
{
    assert(script >= 0 && script < 64 * SET_WORDS);
    return (s->words[script / 64] >> (script % 64) & 1) != 0;
}

static bool is_none(const struct scripts *s)
{
    return (s->words[0] | s->words[1] | s->words[2] | s->words[3]) == 0;
}

static void keep_common(struct scripts *s, const struct scripts *of)
{
    for (unsigned i = 0; i < SET_WORDS; i++)
        s->words[i] &= of->words[i];
}

bool looks_of_one_hand(struct str name)
{
    struct scripts all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}, others = all;

    while (name.n > 0) {
        int32_t c = take_char(&name);
        const struct range *r =
            bsearch(&c, ranges, COUNTOF(ranges), sizeof(ranges[0]), compare_range);

        if (r == NULL)
            return false;
        if (is_none(&sets[r->set]))
            continue; /* it is of every script */
        keep_common(&all, &sets[r->set]);
        if (!has(&sets[r->set], LOOKS_LATIN))
            keep_common(&others, &sets[r->set]);
    }
    for (unsigned i = 0; i < COUNTOF(with_latin); i++)
        if (has(&others, with_latin[i]))
            return true;
    return !is_none(&all);
}
