#include "chat/model/password.h"

#include "base/str.h"
#include "chat/people/people_password.h"
#include "lib/check.h"

#include <stdio.h>

static bool is(const char *text, const char *prepared)
{
    char to[PASSWORD_BYTES_MAX];
    size_t n;

    return password_prepare(str_of(text), to, &n) &&
           str_eq((struct str){(uint8_t *)to, n}, str_of(prepared));
}

static bool is_none(const char *text)
{
    char to[PASSWORD_BYTES_MAX];
    size_t n;

    return !password_prepare(str_of(text), to, &n);
}

/* RFC 8265 4.3, and what differs from one keyboard to another. */
static void one_password_is_the_same_bytes(void **state)
{
    (void)state;
    assert_true(is("correct horse battery staple", "correct horse battery staple"));
    assert_true(is("Correct Horse Battery Staple", "Correct Horse Battery Staple"));
    assert_true(is("\u03c0\u00df\u00e5\u03c0\u00df\u00e5\u03c0\u00df",
                   "\u03c0\u00df\u00e5\u03c0\u00df\u00e5\u03c0\u00df"));
    assert_true(is("Jack\u1680of \u2666s", "Jack of \u2666s")); /* the Ogham space */
    assert_true(is("a\u030angstro\u0308m", "\u00e5ngstr\u00f6m"));
    assert_true(is("        ", "        "));
}

static void what_is_no_password(void **state)
{
    char text[PASSWORD_MAX * 4 + 8] = "";

    (void)state;
    assert_true(is_none("") && is_none("seven77"));
    assert_true(is_none("a\u030aa\u030aa\u030aa\u030aa\u030aa\u030aa\u030a")); /* seven letters */
    assert_true(is_none("with\ttabs and so") && is_none("with\x7f delete"));
    assert_true(is_none("bad\xff utf-8 here") && is_none("private\U000E0FFFunassigned"));
    for (unsigned i = 0; i < PASSWORD_MAX; i++)
        memcpy(text + 4 * (size_t)i, "\U0001F600", 4);
    assert_true(is(text, text));
    memcpy(text + 4 * (size_t)PASSWORD_MAX, "x", 2);
    assert_true(is_none(text));
}

static void a_name_is_no_password(void **state)
{
    (void)state;
    assert_true(password_is_name(STR("ANNEMARIE"), STR("Annemarie")));
    assert_false(password_is_name(STR("annemarie1"), STR("Annemarie")));
}

static void a_record_is_read_as_it_was_written(void **state)
{
    struct people_password p = {.hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA",
                                .recovery = "0123456789abcdef0123456789abcdef",
                                .recovery_ms = 1763673000123u},
                           q;
    char buf[PEOPLE_PASSWORD_BODY_MAX];

    (void)state;
    for (uint64_t i = 1; i <= 20; i++)
        people_password_learn(&p, i << 60 | i);
    people_password_learn(&p, (uint64_t)15 << 60 | 15);
    people_password_learn(&p, 0);
    assert_int_equal(p.places_n, PEOPLE_PLACES_MAX);
    assert_int_equal(p.places[PEOPLE_PLACES_MAX - 1], (uint64_t)15 << 60 | 15);
    assert_true(people_password_decode(people_password_encode(&p, buf), &q));
    assert_memory_equal(&p, &q, sizeof(p));
    assert_true(people_password_knows(&q, (uint64_t)15 << 60 | 15));
    assert_false(people_password_knows(&q, 1) || people_password_knows(&q, 0));
    memset(&p, 0, sizeof(p));
    assert_true(people_password_decode(people_password_encode(&p, buf), &q));
    assert_string_equal(buf, "-");
    assert_memory_equal(&p, &q, sizeof(p));
}

static void what_is_no_record(void **state)
{
    struct people_password p;

    (void)state;
    assert_false(people_password_decode(STR(""), &p));
    assert_false(people_password_decode(STR("- "), &p) && people_password_decode(STR("-  p1"), &p));
    assert_false(people_password_decode(STR("- rabc:1"), &p));
    assert_false(people_password_decode(STR("- px"), &p));
    assert_false(people_password_decode(STR("- p1 p2 p3 p4 p5 p6 p7 p8 p9"), &p));
    assert_true(people_password_decode(STR("- zlater p1"), &p));
}

CHECK_MAIN(cmocka_unit_test(one_password_is_the_same_bytes), cmocka_unit_test(what_is_no_password),
           cmocka_unit_test(a_name_is_no_password),
           cmocka_unit_test(a_record_is_read_as_it_was_written),
           cmocka_unit_test(what_is_no_record))
