#include "base/buf.h"
#include "base/str.h"
#include "lib/check.h"
#include "wire/chunked.h"

#include <string.h>

#define BODY_MAX 1000

/* Decodes in pieces; the data goes to out. */
static enum chunked_event decode(struct str in, size_t piece, struct buf *out, size_t *ret_used,
                                 int *ret_status)
{
    struct chunked c = {.body_max = BODY_MAX};
    enum chunked_event event = CHUNKED_MORE;
    size_t at = 0;

    *ret_status = 0;
    while (at < in.n && (event == CHUNKED_MORE || event == CHUNKED_DATA)) {
        struct str data = {0}, part = {in.p + at, MIN(piece, in.n - at)};
        size_t used;

        event = chunked_decode(&c, part, &used, &data, ret_status);
        assert_true(used <= part.n && (event != CHUNKED_MORE || used == part.n));
        if (event == CHUNKED_DATA)
            buf_append(out, data);
        at += used;
    }
    *ret_used = at;
    return event;
}

static void chunked_decodes(void **state)
{
    static const struct {
        struct str in;
        const char *body;
        size_t left; /* bytes that are not the body's */
    } cases[] = {
        {STR("0\r\n\r\n"), "", 0},
        {STR("5\r\nhello\r\n0\r\n\r\nGET"), "hello", 3},
        {STR("5\r\nhello\r\n00a\r\n, world!\r\n\r\n000\r\n\r\n"), "hello, world!\r\n", 0},
        {STR("A;name=value;q=\"x\"\r\n0123456789\r\n0;last\r\nTrailer: a\r\nB: c\r\n\r\n0"),
         "0123456789", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++)
        for (size_t piece = 1; piece <= cases[i].in.n; piece++) {
            struct buf out CLEANUP(buf_fini);
            size_t used;
            int status;

            buf_init(&out, 1000);
            assert_int_equal(decode(cases[i].in, piece, &out, &used, &status), CHUNKED_DONE);
            assert_int_equal(used, cases[i].in.n - cases[i].left);
            assert_true(str_eq(buf_peek(&out), str_of(cases[i].body)));
        }
}

static void chunked_refuses(void **state)
{
    static const struct {
        struct str in;
        int status;
    } cases[] = {
        {STR("\r\n"), 400},
        {STR("5\nhello"), 400},
        {STR("5\r\nhello\n0\r\n\r\n"), 400},
        {STR("5\r\nhelloX\r\n"), 400},
        {STR("5\r\nhello0\r\n\r\n"), 400},
        {STR("5\r\nhello\rX0\r\n\r\n"), 400},
        {STR("5 \r\n"), 400},
        {STR(" 5\r\n"), 400},
        {STR("0x5\r\n"), 400},
        {STR("+5\r\n"), 400},
        {STR("-1\r\n"), 400},
        {STR("g\r\n"), 400},
        {STR("5\rX"), 400},
        {STR("5;a\nb\r\n"), 400},
        {STR("5;a\0\r\n"), 400},
        {STR("0\r\n\n"), 400},
        {STR("0\r\nA: b\n\r\n"), 400},
        {STR("0\r\nA: b\r\n folded\r\n\r\n"), 400},
        {STR("0\r\n: b\r\n"), 400},
        {STR("0000000000000000\r\n"), 400},
        {STR("10000000000000005\r\n"), 400},
        {STR("FFFFFFFFFFFFFFFF\r\n"), 400},
        {STR("fffffffffffffff\r\n"), 413},
        {STR("3e9\r\n"), 413},
        {STR("1\r\na\r\n3e8\r\n"), 413},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++)
        for (size_t piece = 1; piece <= cases[i].in.n; piece++) {
            struct buf out CLEANUP(buf_fini);
            size_t used;
            int status;

            buf_init(&out, 10000);
            if (decode(cases[i].in, piece, &out, &used, &status) != CHUNKED_BAD ||
                status != cases[i].status)
                fail_msg("status %d for %.*s", status, STR_ARGS(cases[i].in));
        }
}

/* n bytes of text between a prefix and a suffix. */
static struct str padded(char *out, const char *prefix, size_t n, const char *suffix)
{
    char *to = stpcpy(out, prefix);

    memset(to, 'x', n);
    return (struct str){(uint8_t *)out, (size_t)(stpcpy(to + n, suffix) - out)};
}

static void chunked_limits_what_it_drops(void **state)
{
    static const struct {
        const char *prefix;
        size_t n;
        const char *suffix;
        enum chunked_event event;
    } cases[] = {
        {"0;", CHUNKED_EXTENSIONS_MAX, "\r\n\r\n", CHUNKED_DONE},
        {"0;", CHUNKED_EXTENSIONS_MAX + 1, "\r\n\r\n", CHUNKED_BAD},
        {"1;12\r\n.\r\n0;", CHUNKED_EXTENSIONS_MAX - 1, "\r\n\r\n", CHUNKED_BAD},
        {"0\r\n", CHUNKED_TRAILERS_MAX, "\r\n\r\n", CHUNKED_DONE},
        {"0\r\n", CHUNKED_TRAILERS_MAX + 1, "\r\n\r\n", CHUNKED_BAD},
        {"3e8\r\n", 1000, "\r\n0\r\n\r\n", CHUNKED_DONE},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct buf out CLEANUP(buf_fini);
        char text[5000];
        size_t used;
        int status;

        buf_init(&out, 10000);
        assert_int_equal(decode(padded(text, cases[i].prefix, cases[i].n, cases[i].suffix), 77,
                                &out, &used, &status),
                         cases[i].event);
    }
}

CHECK_MAIN(cmocka_unit_test(chunked_decodes), cmocka_unit_test(chunked_refuses),
           cmocka_unit_test(chunked_limits_what_it_drops))
