#include "older/older_time.h"

#include "base/str.h"
#include "base/utc.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_MAX ((uint64_t)INT64_MAX)

/* Up to n digits, exactly n if it is given as such. */
static bool take_digits(struct str *s, size_t least, size_t most, uint64_t *ret_v)
{
    size_t n = 0;

    *ret_v = 0;
    while (n < most && n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        *ret_v = *ret_v * 10 + (uint64_t)(s->p[n++] - '0');
    *s = str_skip(*s, n);
    return n >= least;
}

static bool take_one(struct str *s, const char *of)
{
    if (s->n == 0 || s->p[0] == '\0' || strchr(of, s->p[0]) == NULL)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

/* ".25" as parts of unit, which is a power of ten; what is finer is dropped. */
static bool take_fraction(struct str *s, uint64_t unit, uint64_t *ret_v)
{
    *ret_v = 0;
    if (!take_one(s, "."))
        return true;
    if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9')
        return false;
    for (; s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9'; *s = str_skip(*s, 1)) {
        unit /= 10;
        *ret_v += unit * (uint64_t)(s->p[0] - '0');
    }
    return true;
}

/* "Z", "+01:00", "-0130" or nothing, in seconds. */
static bool take_zone(struct str *s, int64_t *ret_s)
{
    uint64_t h, m;
    bool west;

    *ret_s = 0;
    if (s->n == 0 || take_one(s, "Zz"))
        return true;
    west = s->p[0] == '-';
    if (!take_one(s, "+-") || !take_digits(s, 2, 2, &h))
        return false;
    (void)take_one(s, ":");
    if (!take_digits(s, 2, 2, &m) || h > 23 || m > 59)
        return false;
    *ret_s = (int64_t)(h * 3600 + m * 60) * (west ? -1 : 1);
    return true;
}

static bool read_date(struct str s, uint64_t *ret_ns)
{
    uint64_t year, month, day, h, m, sec, fraction;
    int64_t zone_s, at_s;
    struct utc u;

    s = str_cut(&s, '#');
    if (!take_digits(&s, 4, 4, &year) || !take_one(&s, "-") || !take_digits(&s, 2, 2, &month) ||
        !take_one(&s, "-") || !take_digits(&s, 2, 2, &day) || !take_one(&s, "Tt ") ||
        !take_digits(&s, 2, 2, &h) || !take_one(&s, ":") || !take_digits(&s, 2, 2, &m) ||
        !take_one(&s, ":") || !take_digits(&s, 2, 2, &sec) ||
        !take_fraction(&s, NS_PER_S, &fraction) || !take_zone(&s, &zone_s) || s.n > 0)
        return false;
    u = (struct utc){(int64_t)year, (int64_t)month, (int64_t)day,
                     (int64_t)h,    (int64_t)m,     (int64_t)sec};
    if (!utc_exists(&u))
        return false;
    at_s = utc_seconds(&u) - zone_s;
    if (at_s < 0 || (uint64_t)at_s >= NS_MAX / NS_PER_S)
        return false;
    *ret_ns = (uint64_t)at_s * NS_PER_S + fraction;
    return true;
}

/* The numbers of this century are below these, in their unit. */
static uint64_t unit_of(uint64_t v)
{
    if (v < UINT64_C(100000000000)) /* s, until 5138 */
        return NS_PER_S;
    if (v < UINT64_C(100000000000000)) /* ms */
        return 1000000;
    return v < UINT64_C(100000000000000000) ? 1000 : 1; /* us, ns */
}

bool older_time_read(struct str s, uint64_t *ret_ns)
{
    uint64_t v, unit, fraction;
    struct str rest = s;

    if (s.n > 4 && s.p[4] == '-')
        return read_date(s, ret_ns);
    if (!take_digits(&rest, 1, 19, &v))
        return false;
    unit = unit_of(v);
    if (!take_fraction(&rest, unit, &fraction) || rest.n > 0 || v > NS_MAX / unit - 1)
        return false;
    *ret_ns = v * unit + fraction;
    return true;
}
