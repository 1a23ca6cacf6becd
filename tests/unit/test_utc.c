#include "base/str.h"
#include "base/utc.h"
#include "lib/check.h"

static void writes(void **state)
{
    static const struct {
        int64_t s;
        const char *want;
    } cases[] = {
        {0, "19700101T000000Z"},
        {1440938160, "20150830T123600Z"},
        {951782400, "20000229T000000Z"},
        {UTC_YEAR_9999_END_S, "99991231T235959Z"},
    };
    char out[UTC_BASIC_LEN];

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct utc u = utc_of(cases[i].s);

        utc_basic(cases[i].s, out);
        assert_memory_equal(out, cases[i].want, UTC_BASIC_LEN);
        assert_true(utc_exists(&u));
        assert_int_equal(utc_seconds(&u), cases[i].s);
    }
}

static void reads(void **state)
{
    static const struct {
        const char *in;
        int64_t want; /* -1: refused */
    } cases[] = {
        {"2015-08-30T12:36:00Z", 1440938160},
        {"2015-08-30T12:36:00.123456Z", 1440938160},
        {"1970-01-01T00:00:00Z", 0},
        {"2000-02-29T00:00:00Z", 951782400},
        {"9999-12-31T23:59:59Z", UTC_YEAR_9999_END_S},
        {"2001-02-29T00:00:00Z", -1},
        {"2015-13-01T00:00:00Z", -1},
        {"2015-00-01T00:00:00Z", -1},
        {"2015-08-32T00:00:00Z", -1},
        {"2015-08-30T24:00:00Z", -1},
        {"1969-12-31T23:59:59Z", -1},
        {"2015-08-30T12:36:00+02:00", -1},
        {"2015-08-30T12:36:00", -1},
        {"2015-08-30T12:36:00Zx", -1},
        {"2015-08-30 12:36:00Z", -1},
        {"2015-08-3aT12:36:00Z", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        int64_t got = -1;
        bool ok = utc_parse(str_of(cases[i].in), &got);

        if (ok != (cases[i].want >= 0) || got != cases[i].want)
            fail_msg("%s: %lld", cases[i].in, (long long)got);
    }
}

CHECK_MAIN(cmocka_unit_test(writes), cmocka_unit_test(reads))
