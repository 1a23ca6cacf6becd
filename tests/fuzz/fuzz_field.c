#include "base/base64.h"
#include "base/str.h"
#include "base/utf8.h"
#include "wire/field.h"
#include "wire/url.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool within(struct str part, struct str all)
{
    return part.p >= all.p && part.p + part.n <= all.p + all.n;
}

static void check_lists(struct str s)
{
    struct str rest = s, element, inner;
    struct field_param p;

    while (field_list_next(&rest, &element)) {
        require(element.n > 0 && within(element, s));
        for (inner = element; field_param_next(&inner, &p);)
            require(p.name.n == 0 || (within(p.name, s) && field_is_token(p.name)));
    }
    require(field_accept_encoding(s, 1u << FIELD_BR) != FIELD_GZIP);
    require(!field_etag_match(STR(""), s));
}

static void check_url(struct str s)
{
    uint8_t out[TEXT_MAX], back[3 * TEXT_MAX];
    struct str rest = s, name, value;
    struct buf b;
    size_t n, back_n;

    while (url_query_next(&rest, &name, &value))
        require(within(name, s) && within(value, s));
    if (!url_decode(s, URL_PLUS_IS_SPACE, out, &n))
        return;
    require(n <= s.n);
    buf_init(&b, sizeof(back));
    url_encode(&b, (struct str){out, n});
    if (memchr(out, 0, n) == NULL)
        require(url_decode(buf_peek(&b), URL_PLUS_IS_PLUS, back, &back_n) && back_n == n &&
                memcmp(out, back, n) == 0);
    buf_fini(&b);
}

static void check_base64(struct str s)
{
    uint8_t out[BASE64_DECODED_MAX(TEXT_MAX)];
    char text[BASE64_ENCODED_MAX(sizeof(out))];
    size_t n;

    for (int a = BASE64_STANDARD; a <= BASE64_URL; a++)
        if (base64_decode((enum base64_alphabet)a, s, out, &n))
            require(base64_encode((enum base64_alphabet)a, (struct str){out, n}, text) == s.n &&
                    memcmp(text, s.p, s.n) == 0);
}

static void check_strings(struct str s)
{
    char out[64];
    size_t n;

    if (!field_item_string(s, out, sizeof(out), &n))
        return;
    require(n > 0 && n <= sizeof(out) && n <= s.n);
    for (size_t i = 0; i < n; i++)
        require(out[i] >= ' ' && out[i] < 0x7f);
}

static void check_utf8(struct str s, size_t cut)
{
    struct utf8 u = {0};
    bool fed = utf8_feed(&u, (struct str){s.p, cut}) && utf8_feed(&u, str_skip(s, cut));

    require(utf8_valid(s) == (fed && utf8_complete(&u)));
    if (utf8_valid(s)) {
        require(utf8_count(s) <= s.n && utf8_count(s) >= (s.n + 3) / 4);
        require(utf8_valid(utf8_prefix(s, cut)) && utf8_prefix(s, cut).n + 3 >= cut);
    }
}

/* Values of header fields, queries and encodings: whatever the text, nothing is
 * read outside of it, and what was decoded encodes to the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = {data, n};

    if (n == 0 || n > TEXT_MAX)
        return 0;
    check_lists(s);
    check_strings(s);
    check_url(s);
    check_base64(s);
    check_utf8(s, data[0] % (n + 1));
    return 0;
}
