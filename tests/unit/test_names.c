#include "chat/model/names.h"

#include "base/rng.h"
#include "base/str.h"
#include "lib/check.h"

/* The key of a name; NULL if it is none. Valid until the next call. */
static const char *fold(const char *name)
{
    static char key[NAMES_KEY_MAX + 1];
    size_t n;

    if (!names_fold(str_of(name), key, &n))
        return NULL;
    key[n] = '\0';
    return key;
}

static void is(const char *name, const char *want)
{
    const char *key = fold(name);

    if (key == NULL)
        fail_msg("refused: %s", name);
    assert_string_equal(key, want);
}

static void names_are_folded(void **state)
{
    (void)state;
    is("ana", "ana");
    is("Ana", "ana");
    is("ANA B. O-K_1", "ana b. o-k_1");
    is("\xc3\x84NNE", "\xc3\xa4nne");  /* U+00C4 */
    is("A\xcc\x88nne", "\xc3\xa4nne"); /* A and U+0308: composed */
    is("Stra\xc3\x9f"
       "e",
       "strasse");                                              /* U+00DF */
    is("\xef\xbc\xa1\xef\xbc\xae\xef\xbc\xa1", "ana");          /* full width */
    is("\xef\xac\x81n", "fin");                                 /* the ligature fi */
    is("x\xc2\xb2", "x2");                                      /* superscript two */
    is("\xce\xa3\xce\x91\xce\xa3", "\xcf\x83\xce\xb1\xcf\x83"); /* final sigma as any other */
    is("\xe5\xb1\xb1\xe7\x94\xb0", "\xe5\xb1\xb1\xe7\x94\xb0");
    is("\xd0\x90\xd0\xbd\xd1\x8f", "\xd0\xb0\xd0\xbd\xd1\x8f");
    is("7", "7");
}

/* Of a key letters that only look alike are different: what looks alike is chat/model/looks.h's. */
static void look_alikes_are_distinct(void **state)
{
    (void)state;
    is("ana", "ana");
    is("\xd0\xb0na", "\xd0\xb0na"); /* a Cyrillic a */
    is("\xce\xbfk", "\xce\xbfk");   /* a Greek o */
    is("0k", "0k");
    is("l1", "l1");
}

static void what_is_no_name(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        " ana",
        "ana ",
        ".ana",
        "ana-",
        "_",
        "a@b",
        "a/b",
        "a<b",
        "a\nb",
        "a\tb",
        "a\x7f",
        "a\"b",
        "a:b",
        "\xf0\x9f\x91\x8d", /* an emoji */
        "a\xe2\x80\x8e"
        "b", /* left-to-right mark */
        "a\xe2\x80\xae"
        "b", /* right-to-left override */
        "a\xe2\x80\x8b"
        "b", /* zero width space */
        "a\xe2\x80\x8d"
        "b", /* zero width joiner */
        "a\xc2\xa0"
        "b", /* no-break space */
        "a\xc2\xad"
        "b",             /* soft hyphen */
        "\xee\x80\x80",  /* private use */
        "a\xef\xbf\xbf", /* no character */
        "a\xcd\xb8",     /* not assigned */
        "\xff",
        "a\xc3",
        "\xed\xa0\x80", /* a surrogate */
        "\xe3\x85\xa4", /* Hangul filler: a letter that is nothing */
    };

    (void)state;
    for (unsigned i = 0; i < COUNTOF(bad); i++)
        if (fold(bad[i]) != NULL)
            fail_msg("accepted: number %u", i);
}

static void keys_have_a_limit(void **state)
{
    char key[NAMES_KEY_MAX], name[3 * NAMES_KEY_MAX];
    size_t n;

    (void)state;
    memset(name, 'a', sizeof(name));
    assert_true(names_fold((struct str){(uint8_t *)name, NAMES_KEY_MAX}, key, &n));
    assert_int_equal(n, NAMES_KEY_MAX);
    assert_false(names_fold((struct str){(uint8_t *)name, NAMES_KEY_MAX + 1}, key, &n));
    for (size_t i = 0; i + 3 <= sizeof(name); i += 3) /* U+FDFA becomes 18 letters */
        memcpy(name + i, "\xef\xb7\xba", 3);
    assert_false(names_fold((struct str){(uint8_t *)name, 32 * 3}, key, &n));
    assert_true(names_fold((struct str){(uint8_t *)name, 3}, key, &n));
}

static void a_prefix_may_be_anything_short(void **state)
{
    char key[NAMES_KEY_MAX];
    size_t n = 5;

    (void)state;
    assert_true(names_fold_prefix((struct str){0}, key, &n));
    assert_int_equal(n, 0);
    assert_true(names_fold_prefix(STR("An "), key, &n));
    assert_int_equal(n, 3);
    assert_memory_equal(key, "an ", 3);
    assert_false(names_fold_prefix(STR("\xff"), key, &n));
    assert_false(names_fold_prefix(STR("\xe3\x85\xa4"), key, &n));
}

/* Whatever an issuer says is made a legal name, also with any number behind it. */
static void anything_makes_a_name(void **state)
{
    static const char *const parts[] = {"a",
                                        "Z",
                                        "7",
                                        " ",
                                        ".",
                                        "-",
                                        "_",
                                        "@",
                                        "\xff",
                                        "\0",
                                        "ß",
                                        "é",
                                        "e\xcc\x81",
                                        "\xef\xb7\xba",
                                        "\xe3\x85\xa4",
                                        "\xf0\x9f\x91\x8d",
                                        "\xe2\x80\xae",
                                        "\xed\xa0\x80"};
    char text[400], name[4 * NAMES_CHARS_MAX], key[NAMES_KEY_MAX];
    struct rng r;
    size_t key_n;

    (void)state;
    rng_init(&r, check_seed(5));
    for (unsigned i = 0; i < 20000; i++) {
        struct str made = {(const uint8_t *)name, 0};
        size_t n = 0, pieces = rng_below(&r, 60);

        while (pieces-- > 0) {
            const char *part = parts[rng_below(&r, COUNTOF(parts))];
            size_t len = MAX(strlen(part), (size_t)1);

            memcpy(text + n, part, len);
            n += len;
        }
        made.n = names_make((struct str){(const uint8_t *)text, n}, name, sizeof(name));
        assert_true(names_fold(made, key, &key_n));
        made.n = names_number(made, rng_u64(&r) >> rng_below(&r, 64), name, sizeof(name));
        assert_true(names_fold(made, key, &key_n));
        assert_in_range(made.n, 3, 4 * NAMES_CHARS_MAX);
    }
}

static void an_address_of_mail_gives_its_first_part(void **state)
{
    static const struct {
        const char *text, *name;
    } all[] = {{"ana@example.org", "ana"},
               {"@ana", "ana"},
               {"  Ana B. ", "Ana B"},
               {"a|b", "a_b"},
               {"", "user"},
               {"\xff\xfe", "user"},
               {"0123456789012345678901234567890123456789", "01234567890123456789012345678901"}};
    char name[4 * NAMES_CHARS_MAX];

    (void)state;
    for (size_t i = 0; i < COUNTOF(all); i++) {
        size_t n = names_make(str_of(all[i].text), name, sizeof(name));

        assert_true(str_eq((struct str){(const uint8_t *)name, n}, str_of(all[i].name)));
    }
}

CHECK_MAIN(cmocka_unit_test(names_are_folded), cmocka_unit_test(look_alikes_are_distinct),
           cmocka_unit_test(what_is_no_name), cmocka_unit_test(keys_have_a_limit),
           cmocka_unit_test(a_prefix_may_be_anything_short),
           cmocka_unit_test(anything_makes_a_name),
           cmocka_unit_test(an_address_of_mail_gives_its_first_part))
