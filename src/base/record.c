#include "base/record.h"
#include "base/varint.h"

#include <string.h>

enum { FORM_VALUE = 0, FORM_BYTES = 1 };

static void read_str(const void *record, uint16_t offset, struct str *ret)
{
    memcpy(ret, (const uint8_t *)record + offset, sizeof(*ret));
}

/* The number at f: of its value, or of its bytes, which *ret then is. */
static uint64_t read_field(const struct record_field *f, const void *record, struct str *ret)
{
    const uint8_t *at = (const uint8_t *)record + f->offset;
    uint64_t v = 0;

    *ret = (struct str){0};
    if (f->type == RECORD_U64) {
        memcpy(&v, at, sizeof(v));
    } else if (f->type == RECORD_BOOL) {
        v = *at != 0;
    } else if (f->type == RECORD_STR) {
        read_str(record, f->offset, ret);
        v = ret->n;
    }
    return v;
}

size_t record_size(const struct record_table *t, const void *record)
{
    struct str s;
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++) {
        uint64_t v = read_field(&t->fields[i], record, &s);

        if (v > 0)
            n += 1 + varint_size(v) + s.n;
    }
    read_str(record, t->unknown_offset, &s);
    return n + s.n;
}

void record_encode(const struct record_table *t, const void *record, struct buf *b)
{
    size_t n = record_size(t, record);
    uint8_t *start = buf_reserve(b, n), *p = start;
    struct str s;

    if (start == NULL)
        return;
    for (size_t i = 0; i < t->n; i++) {
        const struct record_field *f = &t->fields[i];
        uint64_t v = read_field(f, record, &s);

        if (v == 0)
            continue;
        *p++ = (uint8_t)((i + 1) * 2 + (f->type == RECORD_STR ? FORM_BYTES : FORM_VALUE));
        p = varint_put(p, v);
        if (s.n > 0)
            memcpy(p, s.p, s.n);
        p += s.n;
    }
    read_str(record, t->unknown_offset, &s);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    buf_commit(b, n);
}

/* Takes one field's number, form and content from *rest. */
static bool take_field(struct str *rest, uint8_t *ret_tag, uint64_t *ret_v, struct str *ret_s)
{
    *ret_tag = rest->p[0];
    *rest = (struct str){rest->p + 1, rest->n - 1};
    if (!varint_get(rest, ret_v))
        return false;
    *ret_s = (struct str){0};
    if ((*ret_tag & 1) == FORM_VALUE)
        return true;
    if (*ret_v > rest->n)
        return false;
    *ret_s = (struct str){rest->p, (size_t)*ret_v};
    *rest = (struct str){rest->p + *ret_v, rest->n - (size_t)*ret_v};
    return true;
}

static bool write_field(const struct record_field *f, void *record, uint8_t tag, uint64_t v,
                        struct str s)
{
    uint8_t *at = (uint8_t *)record + f->offset;
    bool bytes = (tag & 1) == FORM_BYTES;

    if (v == 0 || bytes != (f->type == RECORD_STR))
        return false;
    switch (f->type) {
    case RECORD_U64:
        memcpy(at, &v, sizeof(v));
        return true;
    case RECORD_BOOL:
        *at = 1;
        return v == 1;
    case RECORD_STR:
        memcpy(at, &s, sizeof(s));
        return true;
    case RECORD_NONE:
        break;
    }
    return false;
}

bool record_decode(const struct record_table *t, struct str bytes, void *record)
{
    struct str rest = bytes, s;
    uint8_t tag;
    uint64_t v;

    for (size_t number = 0; rest.n > 0;) {
        struct str from = rest;

        if (!take_field(&rest, &tag, &v, &s) || tag >> 1 <= number)
            return false;
        if (number <= t->n && tag >> 1 > t->n)
            memcpy((uint8_t *)record + t->unknown_offset, &from, sizeof(from));
        number = tag >> 1;
        if (number <= t->n && !write_field(&t->fields[number - 1], record, tag, v, s))
            return false;
    }
    return true;
}
