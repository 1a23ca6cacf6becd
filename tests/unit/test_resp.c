#include "base/str.h"
#include "lib/check.h"
#include "wire/resp.h"

#include <string.h>

/* The reply as text: "OK", (error)ERR, 7, nil, [a b]. */
static void print(struct buf *b, const struct resp_reply *r)
{
    switch (r->type) {
    case RESP_STRING:
        buf_append(b, r->str);
        break;
    case RESP_ERROR:
        buf_printf(b, "(error)%.*s", STR_ARGS(r->str));
        break;
    case RESP_INT:
        buf_printf(b, "%lld", (long long)r->i64);
        break;
    case RESP_NIL:
        buf_append(b, STR("nil"));
        break;
    case RESP_ARRAY:
        buf_append_byte(b, '[');
        for (unsigned i = 0; i < r->n; i++) {
            if (i > 0)
                buf_append_byte(b, ' ');
            print(b, r->elements[i]);
        }
        buf_append_byte(b, ']');
        break;
    }
}

/* All replies in bytes, fed in pieces of at most `step`, and how it ended. */
static const char *replies(const char *bytes, size_t step)
{
    static char text[1024];
    struct resp_reader *r = resp_reader_new();
    struct resp_reply *reply;
    struct str rest = str_of(bytes);
    struct buf b CLEANUP(buf_fini);
    enum resp_result result = RESP_MORE;

    buf_init(&b, sizeof(text) - 1);
    while (rest.n > 0 && result == RESP_MORE) {
        size_t n = MIN(step, rest.n);

        resp_feed(r, (struct str){rest.p, n});
        rest = str_skip(rest, n);
        while ((result = resp_next(r, &reply)) == RESP_OK) {
            print(&b, reply);
            buf_append_byte(&b, ';');
            resp_reply_free(reply);
        }
    }
    buf_append(&b, result == RESP_BAD ? STR("bad") : STR("more"));
    resp_reader_free(r);
    memcpy(text, buf_peek(&b).p, buf_len(&b));
    text[buf_len(&b)] = '\0';
    return text;
}

static void reads_replies(void **state)
{
    static const char all[] = "+OK\r\n-ERR what\r\n:42\r\n$-1\r\n$5\r\nhello\r\n$0\r\n\r\n"
                              "*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n*2\r\n:1\r\n$1\r\nx\r\n*0\r\n";

    (void)state;
    for (size_t step = 1; step < sizeof(all); step++)
        assert_string_equal(replies(all, step),
                            "OK;(error)ERR what;42;nil;hello;;[message ch [1 x]];[];more");
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    assert_string_equal(replies("HTTP/1.1 400 Bad Request\r\n", 99), "bad");
    assert_string_equal(replies("+OK\r\n?\r\n", 99), "OK;bad");
    assert_string_equal(replies("*16384\r\n", 99), "more");
    assert_string_equal(replies("*16385\r\n", 99), "bad");
    assert_string_equal(replies("*1\r\n*512\r\n", 99), "more");
    assert_string_equal(replies("*1\r\n*513\r\n", 99), "bad");
    assert_string_equal(replies("*-2\r\n", 99), "bad");
    assert_string_equal(replies("*2\r\n:1\r\n!\r\n", 99), "bad");
    assert_string_equal(
        replies("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", 99), "bad");
}

static void a_string_too_long(void **state)
{
    struct resp_reader *r = resp_reader_new();
    struct resp_reply *reply;
    char *big = calloc(1, RESP_STRING_MAX + 1);

    (void)state;
    assert_non_null(big);
    resp_feed(r, STR("$1048577\r\n"));
    resp_feed(r, (struct str){(const uint8_t *)big, RESP_STRING_MAX + 1});
    resp_feed(r, STR("\r\n"));
    assert_int_equal(resp_next(r, &reply), RESP_BAD);
    resp_reader_free(r);
    free(big);
}

static void writes_commands(void **state)
{
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 1024);
    resp_command(&b, (struct str[]){STR("PUBLISH"), STR("ch"), STR("a\r\nb")}, 3);
    assert_true(str_eq(buf_peek(&b), STR("*3\r\n$7\r\nPUBLISH\r\n$2\r\nch\r\n$4\r\na\r\nb\r\n")));
}

CHECK_MAIN(cmocka_unit_test(reads_replies), cmocka_unit_test(refuses_what_is_none),
           cmocka_unit_test(a_string_too_long), cmocka_unit_test(writes_commands))
