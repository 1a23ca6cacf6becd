#include "wire/url.h"

#include "base/hex.h"
#include "base/str.h"

/* RFC 3986 2.1. */
bool url_decode(struct str s, enum url_plus plus, uint8_t *out, size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        int high, low;

        if (s.p[i] != '%') {
            out[n++] = s.p[i] == '+' && plus == URL_PLUS_IS_SPACE ? ' ' : s.p[i];
            continue;
        }
        if (s.n - i < 3)
            return false;
        high = hex_digit(s.p[i + 1]);
        low = hex_digit(s.p[i + 2]);
        if (high < 0 || low < 0 || high + low == 0)
            return false;
        out[n++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    *ret_n = n;
    return true;
}

static bool unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void url_encode(struct buf *b, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        uint8_t coded[] = {'%', (uint8_t)digits[c >> 4], (uint8_t)digits[c & 15]};

        if (unreserved(c))
            buf_append_byte(b, c);
        else
            buf_append(b, (struct str){coded, sizeof(coded)});
    }
}

bool url_split(struct str url, struct str *ret_host, struct str *ret_path)
{
    struct str path, host;

    while (url.n > 0 && !str_starts(url, STR("://")))
        url = str_skip(url, 1);
    if (url.n == 0)
        return false;
    path = url = str_skip(url, 3);
    host = str_cut(&url, '/');
    if (host.n == 0)
        return false;
    *ret_host = host;
    *ret_path = str_skip(path, host.n);
    return true;
}

bool url_query_next(struct str *query, struct str *ret_name, struct str *ret_value)
{
    struct str pair = {0};

    while (pair.n == 0) {
        if (query->n == 0)
            return false;
        pair = str_cut(query, '&');
    }
    *ret_name = str_cut(&pair, '=');
    *ret_value = pair;
    return true;
}

bool url_query_get(struct str query, struct str name, uint8_t *out, size_t out_max, size_t *ret_n)
{
    struct str key, value;

    while (url_query_next(&query, &key, &value))
        if (str_eq(key, name))
            return value.n <= out_max && url_decode(value, URL_PLUS_IS_SPACE, out, ret_n);
    return false;
}
