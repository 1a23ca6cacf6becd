#include "chat/model/filter.h"

#include "base/str.h"
#include "base/utf8.h"
#include "lib/check.h"

/* What a text is by a list; what stands in `masked` or `found` is kept for the next look. */
static struct buf masked;
static struct filter_found found;

static enum filter_result check(const struct filter_list *l, const char *text)
{
    struct filter *f = filter_new(l);
    enum filter_result r;

    assert_non_null(f);
    buf_fini(&masked);
    buf_init(&masked, 65536);
    r = filter_check(f, str_of(text), &masked, &found);
    filter_free(f);
    return r;
}

static void expect(const struct filter_list *l, const char *text, enum filter_result result)
{
    enum filter_result r = check(l, text);

    if (r != result)
        fail_msg("\"%s\" is %d, not %d", text, (int)r, (int)result);
}

static void found_is(const char *text)
{
    if (!str_eq((struct str){(const uint8_t *)found.text, found.n}, str_of(text)))
        fail_msg("found \"%.*s\", not \"%s\"", (int)found.n, found.text, text);
}

static void a_word_is_found_whole_whatever_its_case_and_its_looks(void **state)
{
    static const char *const alike[] = {
        "darn",
        "Oh DARN it",
        "darn!",
        "(Darn)",
        "d\xc3\xa4rn darn",
        "x,darn",
        "d\xd0\xb0rn",                                                      /* U+0430 */
        "\xef\xbd\x84\xef\xbd\x81\xef\xbd\x92\xef\xbd\x8e",                 /* wide letters */
        "\xf0\x9d\x90\x9d\xf0\x9d\x90\x9a\xf0\x9d\x90\xab\xf0\x9d\x90\xa7", /* of mathematics */
        "\xe2\x93\x93\xe2\x93\x90\xe2\x93\xa1\xe2\x93\x9d",                 /* in circles */
        "da\xe2\x80\x8brn", /* with a space of no width */
        "da\xc2\xadrn",     /* a soft hyphen */
        "dam",              /* looks like darn */
    };
    static const char *const others[] = {"darning", "adarn", "d a r n", "d\xc3\xa4rn",
                                         "da rn",   "",      "dark"};
    struct filter_list l = {.words = STR("gosh\ndarn\nheck")};

    (void)state;
    for (unsigned i = 0; i < COUNTOF(alike); i++)
        expect(&l, alike[i], FILTER_WORD);
    for (unsigned i = 0; i < COUNTOF(others); i++)
        expect(&l, others[i], FILTER_CLEAN);
    expect(&l, "well, Heck no", FILTER_WORD);
    found_is("Heck");
}

static void capital_letters_that_look_otherwise_are_the_same_word(void **state)
{
    struct filter_list l = {.words = STR("bill\n\xd0\xb2\xd0\xbe\xd1\x80")}; /* vor */

    (void)state;
    expect(&l, "BILL", FILTER_WORD);
    expect(&l, "Bill", FILTER_WORD);
    expect(&l, "bi1l", FILTER_WORD);
    expect(&l, "\xd0\x92\xd0\x9e\xd0\xa0", FILTER_WORD);
    expect(&l, "bail", FILTER_CLEAN);
    expect(&l, "ball", FILTER_CLEAN);
}

static void a_phrase_is_found_by_its_words(void **state)
{
    struct filter_list l = {.words = STR("buy now\nbuy now or never\nnever say")};

    (void)state;
    expect(&l, "Buy -- NOW!", FILTER_WORD);
    found_is("Buy -- NOW");
    expect(&l, "you buy now or never.", FILTER_WORD);
    found_is("buy now or never");
    expect(&l, "buy buy now", FILTER_WORD);
    found_is("buy now");
    expect(&l, "buy it now", FILTER_CLEAN);
    expect(&l, "now buy", FILTER_CLEAN);
    expect(&l, "buy", FILTER_CLEAN);
    expect(&l, "now or never buy", FILTER_CLEAN);
}

static void scripts_without_spaces_and_symbols_are_compared_letter_by_letter(void **state)
{
    struct filter_list l = {.words = STR("\xe5\x9d\x8f\xe8\xaf\x9d\n\xf0\x9f\x92\xa9")};

    (void)state;
    expect(&l, "\xe8\xbf\x99\xe6\x98\xaf\xe5\x9d\x8f\xe8\xaf\x9d\xe5\x90\x97", FILTER_WORD);
    found_is("\xe5\x9d\x8f\xe8\xaf\x9d");
    expect(&l, "\xe5\x9d\x8f", FILTER_CLEAN);
    expect(&l, "so\xf0\x9f\x92\xa9so", FILTER_WORD);
}

static void a_masked_text_has_as_many_characters(void **state)
{
    struct filter_list l = {.words = STR("darn\nbuy now"), .masks = true};
    static const char text[] = "D\xd0\xb0rn, buy  now. Darn\xe2\x80\x8b! fine";

    (void)state;
    expect(&l, text, FILTER_MASKED);
    assert_true(str_eq(buf_peek(&masked), STR("****, ***  ***. *****! fine")));
    assert_int_equal(utf8_count(buf_peek(&masked)), utf8_count(STR(text)));
    expect(&l, "fine", FILTER_CLEAN);
    assert_int_equal(buf_len(&masked), 0);
}

static void links_to_some_domains_are_found_however_written(void **state)
{
    static const char *const to[] = {
        "https://evil.example/x",
        "HTTPS://EVIL.example",
        "see evil.example",
        "(evil.example)",
        "\xe2\x80\x9c"
        "evil.example\xe2\x80\x9d",
        "http://www.evil.example.:8080/?a=b",
        "http://good.example@evil.example/",
        "http://a:b@evil.example",
        "http:\\\\evil.example",
        "https:/evil.example",
        "http://%65vil.example/",
        "http://evil\xe3\x80\x82"
        "example/",
        "\xef\xbd\x85vil.example/x", /* a wide e */
        "http://evil\xe2\x80\x8b.example",
        "http://good.example/?to=http://evil.example",
    };
    static const char *const others[] = {
        "https://good.example/evil",
        "evil",
        "evil.examples",
        "notevil.example",
        "https://evil.example.org/",
        "mail ana@evil.example",
    };
    struct filter_list l = {.links = FILTER_LINKS_EXCEPT, .hosts = STR("other.org\nevil.example")};

    (void)state;
    for (unsigned i = 0; i < COUNTOF(to); i++)
        expect(&l, to[i], FILTER_LINK);
    found_is("evil.example");
    for (unsigned i = 0; i < COUNTOF(others); i++)
        expect(&l, others[i], FILTER_CLEAN);
}

static void only_links_to_some_domains_may_be_allowed(void **state)
{
    static const char *const good[] = {
        "https://good.example/a?b=c",
        "www.good.example",
        "good.example:80/x",
        "readme.md",
        "a.b.c",
        "1/2 and and/or",
        "10:30",
        "ana@mail.example",
        "http://sub.good.example:8080/",
    };
    static const char *const bad[] = {
        "https://evil.example",
        "www.evil.example",
        "evil.example/x",
        "ftp://evil.example",
        "http://[::1]/",
        "file:///etc",
        "http://localhost/",
        "http://good.example.evil.org/",
        "http://good.example@evil.org/",
        "http://",
    };
    struct filter_list l = {.links = FILTER_LINKS_ONLY, .hosts = STR("good.example")};
    struct filter_list none = {.links = FILTER_LINKS_NONE};

    (void)state;
    for (unsigned i = 0; i < COUNTOF(good); i++)
        expect(&l, good[i], FILTER_CLEAN);
    for (unsigned i = 0; i < COUNTOF(bad); i++) {
        expect(&l, bad[i], FILTER_LINK);
        expect(&none, bad[i], FILTER_LINK);
    }
    expect(&none, good[0], FILTER_LINK);
    expect(&none, "readme.md", FILTER_CLEAN);
}

static enum error_code read_words(const char *text, struct buf *b)
{
    buf_fini(b);
    buf_init(b, 65536);
    return filter_words_read(str_of(text), b);
}

static enum error_code read_hosts(const char *text, struct buf *b)
{
    buf_fini(b);
    buf_init(b, 65536);
    return filter_hosts_read(str_of(text), b);
}

static void lists_are_read_line_by_line_within_limits(void **state)
{
    struct buf b CLEANUP(buf_fini) = {0};
    char many[3 * FILTER_WORDS_MAX + 4];

    (void)state;
    assert_int_equal(read_words(" one \n\n two words \n", &b), ERROR_NONE);
    assert_true(str_eq(buf_peek(&b), STR("one\ntwo words")));
    assert_int_equal(read_words("", &b), ERROR_NONE);
    assert_int_equal(read_words("one\n...", &b), ERROR_bad_value);
    assert_int_equal(read_words("1 2 3 4 5 6 7 8 9", &b), ERROR_too_long);
    memset(many, 'a', FILTER_WORD_CHARS_MAX + 1);
    many[FILTER_WORD_CHARS_MAX + 1] = '\0';
    assert_int_equal(read_words(many, &b), ERROR_too_long);
    for (unsigned i = 0; i <= FILTER_WORDS_MAX; i++)
        memcpy(many + 2 * i, "a\n", 3);
    assert_int_equal(read_words(many, &b), ERROR_too_long);
    assert_int_equal(read_hosts("Example.ORG\n .b.example. ", &b), ERROR_NONE);
    assert_true(str_eq(buf_peek(&b), STR("example.org\nb.example")));
    assert_int_equal(read_hosts("https://example.org", &b), ERROR_bad_value);
    assert_int_equal(read_hosts("a..b", &b), ERROR_bad_value);
    assert_int_equal(read_hosts("a b", &b), ERROR_bad_value);
}

static void a_list_is_stored_and_read_back(void **state)
{
    struct filter_list l = {.words = STR("a\nb"),
                            .masks = true,
                            .links = FILTER_LINKS_ONLY,
                            .hosts = STR("c")},
                       back;
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 4096);
    filter_list_encode(&(struct filter_list){0}, &b);
    assert_int_equal(buf_len(&b), 0);
    assert_true(filter_list_decode(buf_peek(&b), &back));
    assert_null(filter_new(&back));
    filter_list_encode(&l, &b);
    assert_true(filter_list_decode(buf_peek(&b), &back));
    assert_true(str_eq(back.words, l.words) && back.masks && str_eq(back.hosts, l.hosts));
    assert_int_equal(back.links, l.links);
    assert_false(filter_list_decode(STR("\0\2"), &back));
    assert_false(filter_list_decode(STR("\1\377\377"), &back));
    for (int i = FILTER_LINKS_ALL; i <= FILTER_LINKS_NONE; i++)
        assert_int_equal(filter_links_find(str_of(filter_links_name((uint64_t)i))), i);
    assert_int_equal(filter_links_find(STR("some")), -1);
}

/* A long text of words that nearly are a phrase is read once, not once for each word. */
static void the_work_grows_with_the_text_alone(void **state)
{
    struct filter_list l = {.words = STR("a a a a a a a b\na a a a a a a c")};
    struct buf text CLEANUP(buf_fini);

    (void)state;
    buf_init(&text, 1 << 20);
    for (unsigned i = 0; i < 100000; i++)
        buf_append(&text, STR("a "));
    buf_append(&text, STR("c"));
    buf_append_byte(&text, '\0');
    expect(&l, (const char *)buf_peek(&text).p, FILTER_WORD);
    assert_int_equal(found.n, 15);
}

CHECK_MAIN(cmocka_unit_test(a_word_is_found_whole_whatever_its_case_and_its_looks),
           cmocka_unit_test(capital_letters_that_look_otherwise_are_the_same_word),
           cmocka_unit_test(a_phrase_is_found_by_its_words),
           cmocka_unit_test(scripts_without_spaces_and_symbols_are_compared_letter_by_letter),
           cmocka_unit_test(a_masked_text_has_as_many_characters),
           cmocka_unit_test(links_to_some_domains_are_found_however_written),
           cmocka_unit_test(only_links_to_some_domains_may_be_allowed),
           cmocka_unit_test(lists_are_read_line_by_line_within_limits),
           cmocka_unit_test(a_list_is_stored_and_read_back),
           cmocka_unit_test(the_work_grows_with_the_text_alone))
