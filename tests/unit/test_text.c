#include "chat/model/command.h"
#include "chat/model/names.h"
#include "chat/model/text.h"

#include "base/str.h"
#include "lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#define FILLER "\xe3\x85\xa4" /* U+3164, a letter that shows nothing */
#define ACUTE "\xcc\x81"
#define TEN ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE
#define VS "\xef\xb8\x8f"
#define ZWJ "\xe2\x80\x8d"
#define THUMB "\xf0\x9f\x91\x8d"
#define HEART "\xe2\x9d\xa4"
#define DARK "\xf0\x9f\x8f\xbf"
#define WOMAN "\xf0\x9f\x91\xa9"

static struct str lit(const char *s, size_t n)
{
    return (struct str){(const uint8_t *)s, n};
}

/* What is typed, and what each use of it says. */
static const struct {
    const char *text;
    size_t n;
    enum error_code message, title, reaction;
    bool name;
} cases[] = {
#define T(s) s, sizeof(s) - 1
    {T("hello"), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, true},
    {T("5"), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, true},
    {T("\xd0\x97\xd0\xbd"), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, true},
    {T("<img>"), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, false},
    {T(""), ERROR_empty, ERROR_NONE, ERROR_empty, false},
    {T(" "), ERROR_empty, ERROR_empty, ERROR_bad_emoji, false},
    {T("  \t\n"), ERROR_empty, ERROR_bad_text, ERROR_bad_emoji, false},
    {T("\n"), ERROR_empty, ERROR_bad_text, ERROR_bad_emoji, false},
    {T(FILLER), ERROR_empty, ERROR_empty, ERROR_bad_emoji, false},
    {T(FILLER " \xe2\x80\x8b"), ERROR_empty, ERROR_empty, ERROR_bad_emoji, false},
    {T("\xc2\xa0\xe3\x80\x80"), ERROR_empty, ERROR_empty, ERROR_bad_emoji, false},
    {T("\xe2\xa0\x80"), ERROR_empty, ERROR_empty, ERROR_bad_emoji, false},
    {T(ZWJ), ERROR_empty, ERROR_empty, ERROR_bad_emoji, false},
    {T(ACUTE), ERROR_empty, ERROR_empty, ERROR_bad_emoji, false},
    {T(ACUTE ACUTE), ERROR_empty, ERROR_empty, ERROR_bad_emoji, false},
    {T("a" ACUTE), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, true},
    {T("a" ACUTE ACUTE ACUTE ACUTE), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, true},
    {T("a" ACUTE ACUTE ACUTE ACUTE ACUTE), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, false},
    {T("a" TEN), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, false},
    {T("a" TEN ACUTE), ERROR_bad_text, ERROR_bad_text, ERROR_bad_emoji, false},
    {T("a\nb"), ERROR_NONE, ERROR_bad_text, ERROR_bad_emoji, false},
    {T("a\tb"), ERROR_NONE, ERROR_bad_text, ERROR_bad_emoji, false},
    {T("a\0b"), ERROR_bad_text, ERROR_bad_text, ERROR_bad_emoji, false},
    {T("a\x1b[31mb"), ERROR_bad_text, ERROR_bad_text, ERROR_bad_emoji, false},
    {T("a\x7f"), ERROR_bad_text, ERROR_bad_text, ERROR_bad_emoji, false},
    {T("a\xc2\x85"), ERROR_bad_text, ERROR_bad_text, ERROR_bad_emoji, false},
    {T("a\xe2\x80\xae z"), ERROR_NONE, ERROR_bad_text, ERROR_bad_emoji, false},
    {T("a b"), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, true},
    {T("a  b"), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, false},
    {T("a" FILLER "b"), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, false},
    {T("\xff"), ERROR_bad_utf8, ERROR_bad_utf8, ERROR_bad_utf8, false},
    {T("\xed\xa0\xbd"), ERROR_bad_utf8, ERROR_bad_utf8, ERROR_bad_utf8, false},
    {T(THUMB), ERROR_NONE, ERROR_NONE, ERROR_NONE, false},
    {T("\xf0\x9f\xab\xa9"), ERROR_NONE, ERROR_NONE, ERROR_NONE, false}, /* of a later Unicode */
    {T(THUMB THUMB), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, false},
    {T(THUMB " "), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, false},
    {T(DARK), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, false},
    {T("\xf0\x9f\x87\xa9"), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, false},
    {T(THUMB ZWJ), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji, false},
    {T(WOMAN ZWJ WOMAN ZWJ WOMAN ZWJ WOMAN ZWJ WOMAN), ERROR_NONE, ERROR_NONE, ERROR_bad_emoji,
     false},
#undef T
};

static void each_use_of_a_text_has_its_rules(void **state)
{
    char spelled[TEXT_EMOJI_MAX];
    char key[NAMES_KEY_MAX];
    size_t n;

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct str s = lit(cases[i].text, cases[i].n), title = s;

        if (text_message(s) != cases[i].message)
            fail_msg("message %zu: %s", i, command_error_name(text_message(s)));
        if (text_title(&title) != cases[i].title)
            fail_msg("title %zu: %s", i, command_error_name(text_title(&s)));
        if (text_emoji(s, spelled, &n) != cases[i].reaction)
            fail_msg("reaction %zu: %s", i, command_error_name(text_emoji(s, spelled, &n)));
        if (names_new(s, key, &n) != cases[i].name)
            fail_msg("name %zu", i);
    }
}

/* All spellings of an emoji are one. */
static void an_emoji_has_one_spelling(void **state)
{
    static const char *const spellings[][2] = {
        {THUMB, THUMB},
        {THUMB VS, THUMB},
        {THUMB DARK, THUMB DARK},
        {THUMB VS DARK, THUMB DARK},
        {HEART, HEART VS},
        {HEART VS, HEART VS},
        {"1\xe2\x83\xa3", "1" VS "\xe2\x83\xa3"},
        {"\xc2\xa9", "\xc2\xa9" VS},
        {"\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa"},
        {WOMAN ZWJ HEART ZWJ WOMAN, WOMAN ZWJ HEART VS ZWJ WOMAN},
        {WOMAN ZWJ HEART VS ZWJ WOMAN, WOMAN ZWJ HEART VS ZWJ WOMAN},
    };
    char spelled[TEXT_EMOJI_MAX];
    size_t n;

    (void)state;
    for (size_t i = 0; i < COUNTOF(spellings); i++) {
        assert_int_equal(text_emoji(str_of(spellings[i][0]), spelled, &n), ERROR_NONE);
        if (!str_eq(lit(spelled, n), str_of(spellings[i][1])))
            fail_msg("%s is spelled %.*s", spellings[i][0], (int)n, spelled);
    }
}

/* Every line of Unicode's emoji-test.txt, where the machine has it: a fully-qualified emoji
 * is spelled as it is, all others are spelled as a fully-qualified one. */
static void unicodes_own_emoji_are_taken(void **state)
{
    FILE *f = fopen(getenv("EMOJI_TEST") != NULL ? getenv("EMOJI_TEST")
                                                 : "/usr/share/unicode/emoji/emoji-test.txt",
                    "re");
    char line[512], full[TEXT_EMOJI_MAX], spelled[TEXT_EMOJI_MAX];
    size_t full_n = 0, n, count = 0;

    (void)state;
    if (f == NULL)
        skip();
    while (fgets(line, sizeof(line), f) != NULL) {
        char *status = strchr(line, ';'), *emoji = strchr(line, '#');
        struct str s;

        if (line[0] == '#' || status == NULL || emoji == NULL || strstr(status, "component"))
            continue;
        s = lit(emoji + 2, strcspn(emoji + 2, " "));
        if (text_emoji(s, spelled, &n) != ERROR_NONE)
            fail_msg("refused: %s", line);
        if (strstr(status, "fully-qualified") != NULL) {
            memcpy(full, spelled, n);
            full_n = n;
            if (!str_eq(lit(spelled, n), s))
                fail_msg("spelled otherwise: %s", line);
        } else if (!str_eq(lit(spelled, n), lit(full, full_n))) {
            fail_msg("not spelled as the emoji before: %s", line);
        }
        count++;
    }
    (void)fclose(f);
    assert_true(count > 3000);
}

static void titles_lose_the_space_around_them(void **state)
{
    struct str s = STR("  a b ");

    (void)state;
    assert_int_equal(text_title(&s), ERROR_NONE);
    assert_true(str_eq(s, STR("a b")));
}

static void room_is(const char *name, const char *want)
{
    char id[TEXT_ROOM_MAX];
    size_t n;

    if (!text_room(str_of(name), id, &n)) {
        if (want != NULL)
            fail_msg("refused: %s", name);
        return;
    }
    if (want == NULL || !str_eq(lit(id, n), str_of(want)))
        fail_msg("%s is %.*s", name, (int)n, id);
}

/* The ids are stored: they never change. */
static void a_name_that_fits_no_id_has_one(void **state)
{
    static const char *const one[] = {
        "\xd0\x97\xd0\xbd\xd0\xb0\xd0\xba\xd0\xbe\xd0\xbc",
        "\xd0\xb7\xd0\xbd\xd0\xb0\xd0\xba\xd0\xbe\xd0\xbc",
        "  \xd0\x97\xd0\x9d\xd0\x90\xd0\x9a\xd0\x9e\xd0\x9c ",
    };
    char id[TEXT_ROOM_MAX];
    size_t n;

    (void)state;
    for (size_t i = 0; i < COUNTOF(one); i++)
        room_is(one[i], "zmyv5rd3vw4lngyx");
    room_is("Caf\xc3\xa9 5", "caf-5-hc34qk6zc5od6ldz");
    room_is("Cafe" ACUTE "  5", "caf-5-hc34qk6zc5od6ldz");
    room_is("Ana's room", "ana-s-room-ovvmwosasoe2iieo");
    room_is(" ANA'S  ROOM", "ana-s-room-ovvmwosasoe2iieo");
    room_is("a/b", "a-b-bm5atwl5kakh4saa");
    room_is("C++", "c-o33m64x3hjssfk4d");
    room_is("+!", NULL);
    room_is("@7 x", NULL);
    room_is("DM:2:1", NULL);
    room_is("@\xd0\xb7", NULL);
    room_is("dm:\xd0\xb7", NULL);
    room_is("\xd0\xb7\n", NULL);
    room_is(FILLER, NULL);
    room_is(THUMB, NULL);
    room_is("", NULL);
    assert_true(
        text_room(STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xd0\xb7"), id, &n));
    assert_true(n <= TEXT_ROOM_MAX);
}

CHECK_MAIN(cmocka_unit_test(each_use_of_a_text_has_its_rules),
           cmocka_unit_test(an_emoji_has_one_spelling),
           cmocka_unit_test(unicodes_own_emoji_are_taken),
           cmocka_unit_test(titles_lose_the_space_around_them),
           cmocka_unit_test(a_name_that_fits_no_id_has_one))
