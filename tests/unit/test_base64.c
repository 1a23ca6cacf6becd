#include "base/base64.h"
#include "base/str.h"
#include "lib/check.h"

static void base64_rfc4648_vectors(void **state)
{
    static const struct {
        const char *plain, *standard, *url;
    } cases[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 100);
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct str plain = str_of(cases[i].plain);
        uint8_t out[16];
        size_t n;

        buf_clear(&b);
        base64_append(&b, BASE64_STANDARD, plain);
        assert_true(str_eq(buf_peek(&b), str_of(cases[i].standard)));
        assert_true(base64_decode(BASE64_STANDARD, buf_peek(&b), out, &n));
        assert_true(str_eq((struct str){out, n}, plain));
        buf_clear(&b);
        base64_append(&b, BASE64_URL, plain);
        assert_true(str_eq(buf_peek(&b), str_of(cases[i].url)));
        assert_true(base64_decode(BASE64_URL, buf_peek(&b), out, &n));
        assert_true(str_eq((struct str){out, n}, plain));
    }
}

static void base64_refuses_a_second_spelling(void **state)
{
    static const struct {
        enum base64_alphabet alphabet;
        const char *text;
    } cases[] = {
        {BASE64_STANDARD, "Zg"},
        {BASE64_STANDARD, "Zg="},
        {BASE64_STANDARD, "Zg==="},
        {BASE64_STANDARD, "Zh=="},
        {BASE64_STANDARD, "Zm9="},
        {BASE64_STANDARD, "Z==="},
        {BASE64_STANDARD, "===="},
        {BASE64_STANDARD, "Zm=v"},
        {BASE64_STANDARD, "Zm9v\n"},
        {BASE64_STANDARD, "Zm 9v+=="},
        {BASE64_STANDARD, "-__-"},
        {BASE64_URL, "Zg=="},
        {BASE64_URL, "Z"},
        {BASE64_URL, "Zh"},
        {BASE64_URL, "Zm9"},
        {BASE64_URL, "+//+"},
        {BASE64_STANDARD, "Zg==Zg=="},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        uint8_t out[16];
        size_t n = 99;

        if (base64_decode(cases[i].alphabet, str_of(cases[i].text), out, &n))
            fail_msg("accepted %s", cases[i].text);
        assert_int_equal(n, 99);
    }
}

static void base64_returns_what_it_took(void **state)
{
    uint8_t in[256], out[BASE64_DECODED_MAX(BASE64_ENCODED_MAX(256))];
    char text[BASE64_ENCODED_MAX(256)];

    (void)state;
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 167 + 13);
    for (size_t n = 0; n <= sizeof(in); n++)
        for (int a = BASE64_STANDARD; a <= BASE64_URL; a++) {
            enum base64_alphabet alphabet = (enum base64_alphabet)a;
            size_t chars = base64_encode(alphabet, (struct str){in, n}, text), back = 0;

            assert_true(chars <= BASE64_ENCODED_MAX(n));
            assert_true(base64_decode(alphabet, (struct str){(uint8_t *)text, chars}, out, &back));
            assert_true(str_eq((struct str){out, back}, (struct str){in, n}));
        }
}

/* Each byte is a digit of the alphabet at every place of four, or at none. */
static void base64_knows_its_digits(void **state)
{
    static const char others[2][3] = {[BASE64_STANDARD] = "+/", [BASE64_URL] = "-_"};
    uint8_t out[6];
    size_t n;

    (void)state;
    for (int a = BASE64_STANDARD; a <= BASE64_URL; a++)
        for (unsigned c = 1; c < 256; c++)
            for (size_t at = 0; at < 4; at++) {
                uint8_t text[4] = "AAAA";
                bool digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                             (c >= 'a' && c <= 'z') || strchr(others[a], (int)c) != NULL;

                if (c == '=')
                    continue; /* ends a text */
                text[at] = (uint8_t)c;
                assert_int_equal(
                    base64_decode((enum base64_alphabet)a, (struct str){text, 4}, out, &n), digit);
            }
}

CHECK_MAIN(cmocka_unit_test(base64_rfc4648_vectors), cmocka_unit_test(base64_knows_its_digits),
           cmocka_unit_test(base64_refuses_a_second_spelling),
           cmocka_unit_test(base64_returns_what_it_took))
