#include "wire/field.h"

#include "base/str.h"
#include "base/utc.h"
#include "wire/http1.h"

#include <string.h>

#define DAY_S 86400

static const char days[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* RFC 9110 5.6.7, IMF-fixdate. */
void field_date_format(int64_t unix_s, char out[static FIELD_DATE_LEN])
{
    struct utc u = utc_of(unix_s);
    char *to;

    memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", FIELD_DATE_LEN);
    memcpy(out, days[(unix_s / DAY_S + 4) % 7], 3);
    to = utc_digits(out + 5, u.day, 2);
    memcpy(to + 1, months[u.month - 1], 3);
    utc_digits(out + 12, u.year, 4);
    utc_digits(out + 17, u.hour, 2);
    utc_digits(out + 20, u.minute, 2);
    utc_digits(out + 23, u.second, 2);
}

/* RFC 9110 5.6.2: a bit for each character of ASCII. */
static bool is_tchar(uint8_t c)
{
    static const uint32_t bits[4] = {
        0, 0x03ff6cfa, /* ! # $ % & ' * + - . 0-9 */
        0xc7fffffe,    /* A-Z ^ _ */
        0x57ffffff,    /* ` a-z | ~ */
    };

    return c < 128 && (bits[c / 32] >> c % 32 & 1) != 0;
}

bool field_is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_tchar(s.p[i]))
            return false;
    return s.n > 0;
}

bool field_is_value(struct str s)
{
    size_t i = str_printable(s);

    for (; i < s.n; i++)
        if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
            return false;
    return true;
}

/* Cuts *rest at the first separator outside of a quoted string (RFC 9110
 * 5.6.4). */
static struct str cut_unquoted(struct str *rest, uint8_t separator)
{
    struct str all = *rest;
    bool quoted = false;
    size_t i = 0;

    for (; i < all.n; i++) {
        if (quoted && all.p[i] == '\\' && i + 1 < all.n)
            i++;
        else if (all.p[i] == '"')
            quoted = !quoted;
        else if (!quoted && all.p[i] == separator)
            break;
    }
    *rest = str_skip(all, MIN(i + 1, all.n));
    return str_trim((struct str){all.p, i});
}

/* RFC 9110 5.6.1. */
bool field_list_next(struct str *rest, struct str *ret_element)
{
    struct str element = {0};

    while (element.n == 0) {
        if (rest->n == 0)
            return false;
        element = cut_unquoted(rest, ',');
    }
    *ret_element = element;
    return true;
}

bool field_param_next(struct str *rest, struct field_param *ret)
{
    struct str value;

    if (rest->n == 0)
        return false;
    value = cut_unquoted(rest, ';');
    *ret = (struct field_param){.has_value = value.n > 0 && memchr(value.p, '=', value.n) != NULL};
    ret->name = str_cut(&value, '=');
    ret->value = value;
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"') {
        ret->value = (struct str){value.p + 1, value.n - 2};
        if (ret->value.n > 0 && (memchr(ret->value.p, '\\', ret->value.n) != NULL ||
                                 memchr(ret->value.p, '"', ret->value.n) != NULL))
            ret->name.n = 0;
    } else if (ret->has_value && !field_is_token(value)) {
        ret->name.n = 0;
    }
    if (!field_is_token(ret->name))
        ret->name.n = 0;
    return true;
}

static bool is_bare(uint8_t c)
{
    return c > ' ' && c < 0x7f && strchr("\",;\\", c) == NULL;
}

/* Behind a string there may be parameters, which must be such. */
static bool are_params(struct str rest)
{
    struct field_param param;

    rest = str_trim(rest);
    if (rest.n == 0)
        return true;
    if (rest.p[0] != ';')
        return false;
    rest = str_skip(rest, 1);
    while (field_param_next(&rest, &param))
        if (param.name.n == 0)
            return false;
    return true;
}

/* RFC 8941 3.3.3 and 4.2.5. */
bool field_item_string(struct str value, char *ret, size_t max, size_t *ret_n)
{
    bool quoted;
    size_t n = 0, i;

    value = str_trim(value);
    quoted = value.n > 0 && value.p[0] == '"';
    for (i = quoted ? 1 : 0; i < value.n && !(quoted && value.p[i] == '"'); i++) {
        uint8_t c = value.p[i];

        if (quoted && c == '\\') {
            c = ++i < value.n ? value.p[i] : 0;
            if (c != '"' && c != '\\')
                return false;
        } else if (quoted ? c < ' ' || c >= 0x7f : !is_bare(c)) {
            return false;
        }
        if (n == max)
            return false;
        ret[n++] = (char)c;
    }
    if (n == 0 || (quoted && (i == value.n || !are_params(str_skip(value, i + 1)))))
        return false;
    *ret_n = n;
    return true;
}

/* Without its weakness: the comparison is weak. */
static struct str opaque(struct str etag)
{
    return str_starts(etag, STR("W/")) ? str_skip(etag, 2) : etag;
}

/* RFC 9110 8.8.3 and 13.1.2. Between the quotes a backslash is nothing special. */
bool field_etag_match(struct str if_none_match, struct str etag)
{
    struct str rest = str_trim(if_none_match);

    if (str_eq(rest, STR("*")))
        return true;
    etag = opaque(etag);
    while (rest.n > 0) {
        const uint8_t *end;
        struct str element;

        rest = opaque(rest);
        end = rest.n > 1 && rest.p[0] == '"' ? memchr(rest.p + 1, '"', rest.n - 1) : NULL;
        if (end == NULL)
            return false;
        element = (struct str){rest.p, (size_t)(end - rest.p) + 1};
        if (str_eq(element, etag))
            return true;
        rest = str_trim(str_skip(rest, element.n));
        if (rest.n > 0 && rest.p[0] != ',')
            return false;
        while (rest.n > 0 && rest.p[0] == ',')
            rest = str_trim(str_skip(rest, 1));
    }
    return false;
}

/* RFC 9110 12.4.2: a quality in thousandths; -1 if it is none. */
static int32_t quality(struct str s)
{
    int32_t q = 0, unit = 100;

    if (s.n < 1 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.'))
        return -1;
    q = s.p[0] == '1' ? 1000 : 0;
    for (size_t i = 2; i < s.n; i++, unit /= 10) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        q += (s.p[i] - '0') * unit;
    }
    return q <= 1000 ? q : -1;
}

#define QUALITY_UNSET (-1)
#define CODINGS 3

enum field_coding field_accept_encoding(struct str accept_encoding, uint32_t available)
{
    static const char names[CODINGS][9] = {"identity", "gzip", "br"};
    int32_t q[CODINGS] = {QUALITY_UNSET, QUALITY_UNSET, QUALITY_UNSET}, any = QUALITY_UNSET;
    enum field_coding best = FIELD_IDENTITY;
    struct field_param coding, weight;
    struct str element;

    while (field_list_next(&accept_encoding, &element)) {
        int32_t v = 1000;

        if (!field_param_next(&element, &coding))
            continue;
        if (field_param_next(&element, &weight))
            v = str_eq_nocase(weight.name, STR("q")) ? MAX(quality(weight.value), 0) : 0;
        if (str_eq(coding.name, STR("*")))
            any = v;
        for (size_t i = 0; i < CODINGS; i++)
            if (str_eq_nocase(coding.name, str_of(names[i])))
                q[i] = v;
    }
    /* What is not named is as good as "*"; without that, identity is the last
     * resort and nothing else is acceptable. */
    for (size_t i = 0; i < CODINGS; i++)
        if (q[i] == QUALITY_UNSET)
            q[i] = any != QUALITY_UNSET ? any : i == FIELD_IDENTITY ? 1 : 0;
    if (q[FIELD_GZIP] > 0 && (available & 1u << FIELD_GZIP) != 0 && q[FIELD_GZIP] >= q[best])
        best = FIELD_GZIP;
    if (q[FIELD_BR] > 0 && (available & 1u << FIELD_BR) != 0 && q[FIELD_BR] >= q[best])
        best = FIELD_BR;
    return best;
}

bool field_cookie(const struct http1_headers *h, struct str name, struct str *ret_value)
{
    for (size_t i = 0; i < h->n; i++) {
        struct str rest = h->at[i].value;

        if (!str_eq_nocase(h->at[i].name, STR("cookie")))
            continue;
        while (rest.n > 0) {
            struct str value = str_trim(str_cut(&rest, ';'));

            if (str_eq(str_cut(&value, '='), name)) {
                *ret_value = value;
                return true;
            }
        }
    }
    return false;
}

bool field_cookie_token(const struct http1_headers *h, struct str *ret_token)
{
    return field_cookie(h, FIELD_TOKEN_HOST, ret_token) || field_cookie(h, FIELD_TOKEN, ret_token);
}

#define ADDRESS_LEN_MAX 45

/* An address without brackets and port; empty if the text is none. */
static struct str address_of(struct str s)
{
    const uint8_t *colon;

    if (s.n > 0 && s.p[0] == '[') {
        s = str_skip(s, 1);
        s = str_cut(&s, ']');
    } else {
        colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL;
        if (colon != NULL && memrchr(s.p, ':', s.n) == colon)
            s.n = (size_t)(colon - s.p);
    }
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F') &&
            c != '.' && c != ':')
            return (struct str){0};
    }
    return s.n <= ADDRESS_LEN_MAX ? s : (struct str){0};
}

/* Takes the last element off the last X-Forwarded-For field that has one; the
 * fields before number *at are still to come, *rest is what is left of this. */
static struct str previous_address(const struct http1_headers *h, size_t *at, struct str *rest)
{
    const uint8_t *comma;
    struct str element;

    while (rest->n == 0) {
        if (*at == 0)
            return (struct str){0};
        (*at)--;
        if (str_eq_nocase(h->at[*at].name, STR("x-forwarded-for")))
            *rest = h->at[*at].value;
    }
    comma = memrchr(rest->p, ',', rest->n);
    element = comma != NULL ? str_skip(*rest, (size_t)(comma - rest->p) + 1) : *rest;
    rest->n = comma != NULL ? (size_t)(comma - rest->p) : 0;
    return address_of(str_trim(element));
}

struct str field_client_address(const struct http1_headers *h, struct str peer,
                                field_trusted_f *trusted, void *arg)
{
    struct str rest = {0}, previous;
    size_t at = h->n;

    for (uint32_t hop = 0; trusted(arg, peer, hop); hop++) {
        previous = previous_address(h, &at, &rest);
        if (previous.n == 0)
            break;
        peer = previous;
    }
    return peer;
}
