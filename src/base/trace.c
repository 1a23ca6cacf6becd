#include "base/trace.h"

#include "base/hex.h"
#include "base/str.h"

#include <string.h>

enum { AT_ID = 3, AT_SPAN = 36, AT_FLAGS = 53 };

/* 2 n lower digits, not all of them 0 unless zero is allowed. */
static bool read_digits(const uint8_t *p, size_t n, bool zero, uint8_t *to)
{
    uint8_t all = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t v;

        if (!hex_number((struct str){p + 2 * i, 2}, &v))
            return false;
        to[i] = (uint8_t)v;
        all |= to[i];
    }
    return zero || all != 0;
}

bool trace_parse(struct str text, struct trace *ret)
{
    struct trace t = {0};
    uint8_t version, flags;

    if (text.n < TRACE_PARENT_N || text.p[AT_ID - 1] != '-' || text.p[AT_SPAN - 1] != '-' ||
        text.p[AT_FLAGS - 1] != '-')
        return false;
    if (!read_digits(text.p, 1, true, &version) || version == 0xff)
        return false;
    if (text.n > TRACE_PARENT_N && (version == 0 || text.p[TRACE_PARENT_N] != '-'))
        return false;
    if (!read_digits(text.p + AT_ID, TRACE_ID_N, false, t.id) ||
        !read_digits(text.p + AT_SPAN, TRACE_SPAN_N, false, t.span) ||
        !read_digits(text.p + AT_FLAGS, 1, true, &flags))
        return false;
    t.sampled = (flags & 1) != 0;
    *ret = t;
    return true;
}

/* 1-<8 digits: when it began>-<24 digits>. */
static bool read_root(struct str v, uint8_t id[static TRACE_ID_N])
{
    return v.n == 35 && v.p[0] == '1' && v.p[1] == '-' && v.p[10] == '-' &&
           read_digits(v.p + 2, 4, false, id) && read_digits(v.p + 11, 12, true, id + 4);
}

bool trace_parse_amzn(struct str text, struct trace *ret)
{
    struct trace t = {.undecided = true};
    bool root = false, good = true;

    while (text.n > 0 && good) {
        struct str value = str_trim(str_cut(&text, ';')), name = str_cut(&value, '=');

        if (str_eq(name, STR("Root"))) {
            good = !root && read_root(value, t.id);
            root = true;
        } else if (str_eq(name, STR("Parent"))) {
            good = value.n == 2 * TRACE_SPAN_N && read_digits(value.p, TRACE_SPAN_N, false, t.span);
        } else if (str_eq(name, STR("Sampled"))) {
            t.sampled = str_eq(value, STR("1"));
            t.undecided = !t.sampled && !str_eq(value, STR("0"));
        }
    }
    if (root && good)
        *ret = t;
    return root && good;
}

void trace_format(const struct trace *t, char text[static TRACE_PARENT_N + 1])
{
    memcpy(text, "00-", AT_ID);
    *hex_write(text + AT_ID, t->id, TRACE_ID_N) = '-';
    *hex_write(text + AT_SPAN, t->span, TRACE_SPAN_N) = '-';
    memcpy(text + AT_FLAGS, t->sampled ? "01" : "00", 3);
}

void trace_room(struct trace_span *span, struct str room)
{
    if (room.n == 0 || room.n > TRACE_ROOM_MAX || room.p[0] == '@' || str_starts(room, STR("dm:")))
        return;
    memcpy(span->room, room.p, room.n);
    span->room_n = (uint8_t)room.n;
}
