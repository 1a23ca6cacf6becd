#include "chat/model/looks.h"

#include "base/str.h"
#include "chat/model/names.h"
#include "lib/check.h"

#define LOOKS_LIKE(c, at, n) c,
#define LOOKS_RANGE(first, last, set)
#define LOOKS_SET(a, b, c, d)
#define LOOKS_POOL(text)
static const int32_t confusable[] = {
#include "chat/model/looks.inc"
};

/* The skeleton of a name; NULL if it has none. Valid until the next call but one. */
static const char *skeleton(const char *name)
{
    static char made[2][LOOKS_MAX + 1];
    static unsigned turn;
    char *to = made[turn++ % 2];
    size_t n;

    if (!looks_skeleton(str_of(name), to, &n))
        return NULL;
    to[n] = '\0';
    return to;
}

/* Pairs of Unicode's confusables.txt, and words of such. */
static void what_looks_alike_is_the_same(void **state)
{
    static const char *const pairs[][2] = {
        {"Alice", "AIice"},                                             /* I for l */
        {"Alice", "A1ice"},                                             /* 1 for l */
        {"Bob", "B0b"},                                                 /* 0 for o */
        {"Arny", "Amy"},                                                /* rn for m */
        {"paypai", "\xd1\x80\xd0\xb0\xd1\x83\xd1\x80\xd0\xb0\xd3\x8f"}, /* all of Cyrillic */
        {"a", "\xd0\xb0"},                                              /* U+0430 */
        {"o", "\xce\xbf"},                                              /* U+03BF */
        {"i", "\xc4\xb1"},         /* U+0131, without its dot */
        {"x", "\xf0\x9d\x90\xb1"}, /* U+1D431 */
        {"A", "\xce\x91"},         /* U+0391 */
        {"A", "\xe1\x8e\xaa"},     /* U+13AA, of Cherokee */
        {"scope", "\xd1\x95\xd1\x81\xd0\xbe\xd1\x80\xd0\xb5"},
        {"\xe1\xba\xa1", "a\xcc\xa3"}, /* composed or not */
    };

    (void)state;
    for (unsigned i = 0; i < COUNTOF(pairs); i++) {
        const char *a = skeleton(pairs[i][0]), *b = skeleton(pairs[i][1]);

        if (a == NULL || b == NULL || strcmp(a, b) != 0)
            fail_msg("%s and %s: %s and %s", pairs[i][0], pairs[i][1], a, b);
    }
}

static void what_can_be_told_stays_apart(void **state)
{
    static const char *const pairs[][2] = {
        {"ana", "anna"}, {"ana 1", "ana 2"}, {"Kai", "Kal"}, {"\xc3\xa4nne", "anne"}, {"b", "d"},
    };

    (void)state;
    for (unsigned i = 0; i < COUNTOF(pairs); i++)
        assert_string_not_equal(skeleton(pairs[i][0]), skeleton(pairs[i][1]));
}

static size_t put_char(char *to, int32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xC0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3F));
        to[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3F));
    to[2] = (char)(0x80 | (c >> 6 & 0x3F));
    to[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* Every one of them: a skeleton is its own, so that it is what two alike come to. */
static void a_skeleton_is_its_own(void **state)
{
    unsigned made_n = 0;

    (void)state;
    for (unsigned i = 0; i < COUNTOF(confusable); i++) {
        char name[16] = "x";
        const char *once, *twice;

        name[1 + put_char(name + 1, confusable[i])] = '\0';
        once = skeleton(name);
        if (once == NULL)
            continue;
        made_n++;
        twice = skeleton(once);
        if (twice == NULL || strcmp(once, twice) != 0)
            made_n--; /* its small letter is of another look: "B" like U+0412, "b" is not */
    }
    assert_in_range(made_n, COUNTOF(confusable) * 9 / 10, COUNTOF(confusable));
}

static void scripts_go_together_or_not(void **state)
{
    static const struct {
        const char *name;
        bool together;
    } cases[] = {
        {"ana", true},
        {"Ren\xc3\xa9 2.", true},
        {"\xd0\xb0\xd0\xbd\xd1\x8f 7", true},           /* Cyrillic */
        {"\xce\xb1\xce\xbd\xce\xb1", true},             /* Greek */
        {"\xd0\xb0na", false},                          /* Cyrillic and Latin */
        {"\xce\xbfk", false},                           /* Greek and Latin */
        {"\xd0\xb0\xce\xb1", false},                    /* Cyrillic and Greek */
        {"\xe5\xb1\xb1\xe7\x94\xb0", true},             /* Han */
        {"\xe5\xb1\xb1 Ken", true},                     /* and Latin */
        {"\xe5\xb1\xb1\xe3\x81\xae\xe3\x82\xab", true}, /* Han, Hiragana, Katakana */
        {"\xea\xb9\x80\xe5\xb1\xb1 K", true},           /* Hangul, Han, Latin */
        {"\xe3\x84\x85\xe5\xb1\xb1 K", true},           /* Bopomofo, Han, Latin */
        {"\xea\xb9\x80\xe3\x81\xae", false},            /* Hangul and Hiragana */
        {"\xd0\xb0\xe5\xb1\xb1", false},                /* Cyrillic and Han */
        {"\xd9\x86\xd8\xa7\xd9\x85", true},             /* Arabic */
        {"\xd9\x86\xd8\xa7\xd9\x85 x", false},          /* and Latin */
        {"a\xcc\x81", true},                            /* a mark of any script */
        {"\xcd\xb8", false},                            /* not assigned */
        {"\xff", false},
    };

    (void)state;
    for (unsigned i = 0; i < COUNTOF(cases); i++)
        if (looks_of_one_hand(str_of(cases[i].name)) != cases[i].together)
            fail_msg("%s", cases[i].name);
}

static void a_skeleton_has_a_limit(void **state)
{
    char name[4 * LOOKS_MAX], key[NAMES_KEY_MAX], made[LOOKS_MAX];
    size_t n;

    (void)state;
    memset(name, 'm', sizeof(name)); /* each looks like rn */
    assert_true(looks_skeleton((struct str){(uint8_t *)name, LOOKS_MAX / 2}, made, &n));
    assert_int_equal(n, LOOKS_MAX);
    assert_false(looks_skeleton((struct str){(uint8_t *)name, LOOKS_MAX / 2 + 1}, made, &n));
    assert_false(names_new((struct str){(uint8_t *)name, LOOKS_MAX / 2 + 1}, key, &n));
    assert_false(looks_skeleton(STR("\xff"), made, &n));
    assert_false(looks_skeleton((struct str){0}, made, &n));
}

CHECK_MAIN(cmocka_unit_test(what_looks_alike_is_the_same),
           cmocka_unit_test(what_can_be_told_stays_apart), cmocka_unit_test(a_skeleton_is_its_own),
           cmocka_unit_test(scripts_go_together_or_not), cmocka_unit_test(a_skeleton_has_a_limit))
