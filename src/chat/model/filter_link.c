#include "chat/model/filter_link.h"

#include "base/str.h"

#include <stdlib.h>
#include <utf8proc.h>

/* 。: browsers take it for a dot. */
#define WIDE_STOP "\xe3\x80\x82"

static bool is_alpha(uint8_t b)
{
    return b >= 'a' && b <= 'z';
}

static bool is_digit(uint8_t b)
{
    return b >= '0' && b <= '9';
}

/* How many bytes the first character has if it may stand in a domain, as people write them: of
 * other scripts every letter, mark and digit. Else 0. */
static size_t host_char(struct str s)
{
    utf8proc_int32_t c = -1;
    utf8proc_ssize_t n;

    if (s.n == 0)
        return 0;
    if (s.p[0] < 0x80)
        return is_alpha(s.p[0]) || is_digit(s.p[0]) || memchr("-._%", s.p[0], 4) != NULL ? 1 : 0;
    n = utf8proc_iterate(s.p, (utf8proc_ssize_t)s.n, &c);
    if (n <= 0 || (utf8proc_category(c) > UTF8PROC_CATEGORY_NO && !str_starts(s, STR(WIDE_STOP))))
        return 0;
    return (size_t)n;
}

static bool is_slash(uint8_t b)
{
    return b == '/' || b == '\\';
}

/* What ends the part of a link that names where it leads. */
static bool ends_authority(uint8_t b)
{
    return is_slash(b) || b == '?' || b == '#' || b <= ' ' || b == '"' || b == '<' || b == '>';
}

static uint8_t *as_read(struct str text, size_t *ret_n)
{
    utf8proc_uint8_t *read = NULL;
    utf8proc_ssize_t n = text.n > 0
                             ? utf8proc_map(text.p, (utf8proc_ssize_t)text.n, &read,
                                            UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
                                                UTF8PROC_CASEFOLD | UTF8PROC_IGNORE)
                             : 0;

    *ret_n = n > 0 ? (size_t)n : 0;
    return read;
}

void filter_link_init(struct filter_scan *s, struct str text)
{
    *s = (struct filter_scan){0};
    s->text = as_read(text, &s->n);
    assert(s->n == 0 || s->text != NULL);
}

void filter_link_fini(struct filter_scan *s)
{
    free(s->text);
    s->text = NULL;
}

static int hex_of(uint8_t b)
{
    return is_digit(b) ? b - '0' : b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

/* One byte of a domain, or a dot that is written otherwise: how many bytes it takes; the byte. */
static size_t take_byte(struct str s, uint8_t *ret)
{
    assert(s.n > 0);
    *ret = s.p[0];
    if (s.p[0] == '%' && s.n >= 3 && hex_of(s.p[1]) >= 0 && hex_of(s.p[2]) >= 0) {
        uint8_t b = (uint8_t)(hex_of(s.p[1]) * 16 + hex_of(s.p[2]));

        *ret = b >= 'A' && b <= 'Z' ? (uint8_t)(b | 0x20) : b;
        return 3;
    }
    if (str_starts(s, STR(WIDE_STOP))) {
        *ret = '.';
        return sizeof(WIDE_STOP) - 1;
    }
    return 1;
}

/* Writes a domain without the dots around it; its first FILTER_HOST_MAX bytes. */
static size_t write_host(struct str s, char *to, bool *ret_whole)
{
    size_t n = 0;

    *ret_whole = true;
    while (s.n > 0) {
        uint8_t b;

        s = str_skip(s, take_byte(s, &b));
        if (n == 0 && b == '.')
            continue;
        if (n == FILTER_HOST_MAX) {
            *ret_whole = *ret_whole && b == '.';
            continue;
        }
        to[n++] = (char)b;
    }
    while (n > 0 && to[n - 1] == '.')
        n--;
    return n;
}

/* Labels with dots between, none empty. */
static bool is_host(struct str s)
{
    bool dot = true;

    for (size_t i = 0; i < s.n; i++) {
        uint8_t b = s.p[i];

        if (b == '.' ? dot : !is_alpha(b) && !is_digit(b) && b != '-' && b != '_' && b < 0x80)
            return false;
        dot = b == '.';
    }
    return s.n > 0 && !dot;
}

/* Has it a dot, and behind the last one two letters or more, as domains have that people write
 * without https://? */
static bool is_domain(struct str s)
{
    size_t n = 0;

    while (n < s.n && s.p[s.n - 1 - n] != '.') {
        uint8_t b = s.p[s.n - 1 - n];

        if (!is_alpha(b) && b < 0x80 && !(n > 0 && (is_digit(b) || b == '-')))
            return false;
        n++;
    }
    return n >= 2 && n < s.n && is_host(s);
}

bool filter_link_host(struct str s, char ret_host[static FILTER_HOST_MAX], size_t *ret_n)
{
    size_t n, read_n;
    bool whole;
    uint8_t *read = as_read(s, &read_n);
    char host[FILTER_HOST_MAX];

    n = write_host((struct str){read, read_n}, host, &whole);
    free(read);
    if (!whole || !is_host((struct str){(const uint8_t *)host, n}))
        return false;
    memcpy(ret_host, host, n);
    *ret_n = n;
    return true;
}

/* Is there ://, or what browsers take for it, at `at`? *ret_end is where it ends. */
static bool is_scheme_end(const struct filter_scan *s, size_t at, size_t *ret_end)
{
    size_t end = at + 1;

    if (s->text[at] != ':' || at == 0 || !(is_alpha(s->text[at - 1]) || is_digit(s->text[at - 1])))
        return false;
    while (end < s->n && is_slash(s->text[end]))
        end++;
    *ret_end = end;
    return end >= at + 3 ||
           (end == at + 2 && at >= 4 && memcmp(s->text + at - 4, "http", 4) == 0) ||
           (end == at + 2 && at >= 5 && memcmp(s->text + at - 5, "https", 5) == 0);
}

/* What stands at [from, s->at), which is a run of a domain's bytes. */
static bool read_run(struct filter_scan *s, size_t from, struct filter_link *ret)
{
    struct str run = {s->text + from, s->at - from};
    uint8_t before = from > 0 ? s->text[from - 1] : ' ';
    uint8_t after = s->at < s->n ? s->text[s->at] : ' ';
    bool whole;
    size_t n = write_host(run, ret->buf, &whole);

    ret->host = (struct str){(const uint8_t *)ret->buf, n};
    if (s->in_authority) {
        bool port = before == ':' && n > 0 && is_digit(run.p[0]);

        ret->kind = whole && is_host(ret->host) ? FILTER_LINK_SURE : FILTER_LINK_ODD;
        return !port;
    }
    if (!is_domain(ret->host))
        return false;
    ret->kind =
        str_starts(ret->host, STR("www.")) || after == '/' ? FILTER_LINK_SURE : FILTER_LINK_PERHAPS;
    return before != '@' || ret->kind == FILTER_LINK_SURE;
}

bool filter_link_next(struct filter_scan *s, struct filter_link *ret)
{
    assert(s->at <= s->n);
    while (s->at < s->n) {
        size_t from = s->at, end, n;

        while ((n = host_char((struct str){s->text + s->at, s->n - s->at})) > 0)
            s->at += n;
        if (s->at > from) {
            if (read_run(s, from, ret))
                return true;
            continue;
        }
        if (is_scheme_end(s, from, &end)) {
            s->at = end;
            s->in_authority = true;
            if (host_char((struct str){s->text + end, s->n - end}) == 0) {
                *ret = (struct filter_link){.kind = FILTER_LINK_ODD};
                return true;
            }
            continue;
        }
        if (ends_authority(s->text[from]))
            s->in_authority = false;
        s->at++;
    }
    return false;
}
