#include "base/utc.h"

#define DAY_S 86400

/* Days from 1 January 1970 to a date of the Gregorian calendar, counted in
 * years that begin in March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 719469;
}

struct utc utc_of(int64_t unix_s)
{
    int64_t n = unix_s / DAY_S, s = unix_s % DAY_S;
    struct utc u = {.year = 1970 + n / 366, .month = 12};

    assert(unix_s >= 0 && unix_s <= UTC_YEAR_9999_END_S);
    while (days_of(u.year + 1, 1, 1) <= n)
        u.year++;
    while (days_of(u.year, u.month, 1) > n)
        u.month--;
    u.day = n - days_of(u.year, u.month, 1) + 1;
    u.hour = s / 3600;
    u.minute = s / 60 % 60;
    u.second = s % 60;
    return u;
}

static int64_t month_days(int64_t year, int64_t month)
{
    return days_of(month == 12 ? year + 1 : year, month % 12 + 1, 1) - days_of(year, month, 1);
}

bool utc_exists(const struct utc *u)
{
    if (u->year < 1970 || u->year > 9999 || u->month < 1 || u->month > 12)
        return false;
    return u->day >= 1 && u->day <= month_days(u->year, u->month) && u->hour >= 0 &&
           u->hour <= 23 && u->minute >= 0 && u->minute <= 59 && u->second >= 0 && u->second <= 60;
}

int64_t utc_seconds(const struct utc *u)
{
    assert(utc_exists(u));
    return days_of(u->year, u->month, u->day) * DAY_S + u->hour * 3600 + u->minute * 60 + u->second;
}

char *utc_digits(char *to, int64_t v, size_t n)
{
    for (size_t i = n; i-- > 0; v /= 10)
        to[i] = (char)('0' + v % 10);
    return to + n;
}

void utc_basic(int64_t unix_s, char out[static UTC_BASIC_LEN])
{
    struct utc u = utc_of(unix_s);
    char *to = utc_digits(utc_digits(utc_digits(out, u.year, 4), u.month, 2), u.day, 2);

    *to++ = 'T';
    to = utc_digits(utc_digits(utc_digits(to, u.hour, 2), u.minute, 2), u.second, 2);
    *to = 'Z';
}

bool utc_parse(struct str s, int64_t *ret_unix_s)
{
    static const char form[] = "9999-99-99T99:99:99";
    int64_t v[6] = {0};
    size_t i = 0, count = 0;
    struct utc u;

    for (; i < sizeof(form) - 1; i++) {
        if (i >= s.n)
            return false;
        if (form[i] != '9') {
            if (s.p[i] != (uint8_t)form[i])
                return false;
            count++;
        } else if (s.p[i] >= '0' && s.p[i] <= '9') {
            v[count] = v[count] * 10 + (s.p[i] - '0');
        } else {
            return false;
        }
    }
    if (i < s.n && s.p[i] == '.')
        for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9';)
            i++;
    u = (struct utc){v[0], v[1], v[2], v[3], v[4], v[5]};
    if (s.n - i != 1 || s.p[i] != 'Z' || !utc_exists(&u))
        return false;
    *ret_unix_s = utc_seconds(&u);
    return true;
}
