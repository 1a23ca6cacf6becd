#include "base/str.h"
#include "lib/check.h"
#include "wire/http1.h"
#include "wire/ws.h"

#include <stdio.h>
#include <string.h>

#define HEAD "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static const struct http1_limits limits = {.head_max = 1000, .target_max = 100, .body_max = 5000};

static enum http1_result parse(struct str s, struct http1_request *r, size_t *used, int *status)
{
    *used = 0;
    *status = 0;
    return http1_parse_request(s, &limits, r, used, status);
}

static void http1_reads_a_request(void **state)
{
    struct str in = STR("POST /a/b?c=d&e HTTP/1.1\r\nHost: chat.example:8080\r\n"
                        "X-Empty:\r\ncontent-length: 12\r\nX-Tab: \t v\x80 w \t\r\n"
                        "Expect: 100-Continue\r\n\r\nbody");
    struct http1_request r;
    struct str value;
    size_t used;
    int status;

    (void)state;
    for (size_t n = 0; n < in.n - 4; n++)
        assert_int_equal(parse((struct str){in.p, n}, &r, &used, &status), HTTP1_MORE);
    assert_int_equal(parse(in, &r, &used, &status), HTTP1_OK);
    assert_int_equal(used, in.n - 4);
    assert_true(str_eq(r.method, STR("POST")));
    assert_true(str_eq(r.target, STR("/a/b?c=d&e")));
    assert_true(str_eq(r.path, STR("/a/b")));
    assert_true(str_eq(r.query, STR("c=d&e")));
    assert_true(str_eq(r.host, STR("chat.example:8080")));
    assert_true(r.minor == 1 && r.keep_alive && r.expect_continue);
    assert_int_equal(r.body, HTTP1_BODY_LENGTH);
    assert_int_equal(r.content_length, 12);
    assert_int_equal(r.headers.n, 5);
    assert_true(http1_get(&r.headers, STR("x-tab"), &value) && str_eq(value, STR("v\x80 w")));
    assert_true(http1_get(&r.headers, STR("X-EMPTY"), &value) && value.n == 0);
    assert_false(http1_get(&r.headers, STR("x"), &value));
}

static void http1_reads_every_form_of_target(void **state)
{
    static const struct {
        const char *head, *path, *query, *host;
        bool keep_alive;
    } cases[] = {
        {HEAD "\r\n", "/", "", "a", true},
        {"\r\n" HEAD "\r\n", "/", "", "a", true},
        {HEAD "Connection: foo, CLOSE\r\n\r\n", "/", "", "a", false},
        {"GET http://b.example:1 HTTP/1.1\r\nHost: a\r\n\r\n", "/", "", "b.example:1", true},
        {"GET HTTPS://b/p?q HTTP/1.1\r\nHost: a\r\n\r\n", "/p", "q", "b", true},
        {"GET http://b?q?r HTTP/1.1\r\nHost: a\r\n\r\n", "/", "q?r", "b", true},
        {"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "*", "", "[::1]:80", true},
        {"GET //x?a|{b} HTTP/1.0\r\n\r\n", "//x", "a|{b}", "", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "/", "", "", true},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n", "/", "", "", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct http1_request r;
        size_t used;
        int status;

        if (parse(str_of(cases[i].head), &r, &used, &status) != HTTP1_OK)
            fail_msg("%d for %s", status, cases[i].head);
        assert_int_equal(used, strlen(cases[i].head));
        assert_true(str_eq(r.path, str_of(cases[i].path)));
        assert_true(str_eq(r.query, str_of(cases[i].query)));
        assert_true(str_eq(r.host, str_of(cases[i].host)));
        assert_int_equal(r.keep_alive, cases[i].keep_alive);
        assert_int_equal(r.body, HTTP1_BODY_NONE);
    }
}

static const struct {
    struct str head;
    int status;
} refused[] = {
    /* lines */
    {STR("GET / HTTP/1.1\nHost: a\n\n"), 400},
    {STR(HEAD "X: a\n\r\n"), 400},
    {STR(HEAD "X: \rTransfer-Encoding: chunked\r\n\r\n"), 400},
    {STR(HEAD "X: a\rb\r\n\r\n"), 400},
    {STR(HEAD "X: a\r\r\n\r\n"), 400},
    {STR(HEAD "X: a\r\n folded\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400},
    {STR(HEAD "X: a\0b\r\n\r\n"), 400},
    {STR(HEAD "X: a\x7f\r\n\r\n"), 400},
    {STR(HEAD "X: a\x1b[1m\r\n\r\n"), 400},
    {STR("\n" HEAD "\r\n"), 400},
    {STR("\r\n\r\n" HEAD "\r\n"), 400},
    /* names */
    {STR(HEAD "X : a\r\n\r\n"), 400},
    {STR(HEAD "X\t: a\r\n\r\n"), 400},
    {STR(HEAD ": a\r\n\r\n"), 400},
    {STR(HEAD "nothing\r\n\r\n"), 400},
    {STR(HEAD "X(: a\r\n\r\n"), 400},
    {STR(HEAD "X\x80: a\r\n\r\n"), 400},
    {STR(HEAD "Content-Length : 5\r\n\r\n"), 400},
    /* request lines */
    {STR("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), 400},
    {STR(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET /\r\n\r\n"), 400},
    {STR("GET / http/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), 400},
    {STR("GET / HTTP/11\r\nHost: a\r\n\r\n"), 400},
    {STR("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505},
    {STR("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), 505},
    {STR("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), 505},
    {STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    {STR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400},
    {STR("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET a HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    /* hosts */
    {STR("GET / HTTP/1.1\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400},
    {STR(HEAD "Host: a\r\n\r\n"), 400},
    {STR(HEAD "Host: b\r\n\r\n"), 400},
    {STR("GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: []\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"), 400},
    {STR("GET http://b/ HTTP/1.1\r\n\r\n"), 400},
    /* framing */
    {STR(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {STR(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), 400},
    {STR(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), 400},
    {STR(POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n"), 400},
    {STR(POST "Content-Length: 5, 5\r\n\r\n"), 400},
    {STR(POST "Content-Length: +5\r\n\r\n"), 400},
    {STR(POST "Content-Length: -5\r\n\r\n"), 400},
    {STR(POST "Content-Length: 0x5\r\n\r\n"), 400},
    {STR(POST "Content-Length: 5 5\r\n\r\n"), 400},
    {STR(POST "Content-Length: 5.0\r\n\r\n"), 400},
    {STR(POST "Content-Length:\r\n\r\n"), 400},
    {STR(POST "Content-Length: 18446744073709551621\r\n\r\n"), 400},
    {STR(POST "Content-Length: 5001\r\n\r\n"), 413},
    {STR(POST "Transfer-Encoding: xchunked\r\n\r\n"), 501},
    {STR(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501},
    {STR(POST "Transfer-Encoding: identity\r\n\r\n"), 501},
    {STR(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 501},
    {STR(POST "Transfer-Encoding: chunked;a=b\r\n\r\n"), 501},
    {STR(POST "Transfer-Encoding: chunked, identity\r\n\r\n"), 400},
    {STR(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), 400},
    {STR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"), 400},
    {STR(POST "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n"), 400},
    {STR(POST "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n"), 501},
    {STR(POST "Transfer-Encoding:\r\n\r\n"), 400},
    {STR(POST "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n"),
     400},
    {STR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {STR(HEAD "Expect: magic\r\n\r\n"), 417},
};

/* What different parsers understand differently is refused. */
static void http1_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(refused); i++) {
        struct http1_request r;
        size_t used;
        int status;

        if (parse(refused[i].head, &r, &used, &status) != HTTP1_BAD || status != refused[i].status)
            fail_msg("status %d for %.*s", status, STR_ARGS(refused[i].head));
        /* Fewer bytes never make it good. */
        for (size_t n = 0; n < refused[i].head.n; n++)
            if (parse((struct str){refused[i].head.p, n}, &r, &used, &status) == HTTP1_OK)
                fail_msg("%zu bytes are a request of %.*s", n, STR_ARGS(refused[i].head));
    }
}

static void http1_accepts_one_framing(void **state)
{
    struct http1_request r;
    size_t used;
    int status;

    (void)state;
    assert_int_equal(parse(STR(POST "Transfer-Encoding: , Chunked ,\r\n\r\n"), &r, &used, &status),
                     HTTP1_OK);
    assert_int_equal(r.body, HTTP1_BODY_CHUNKED);
    assert_int_equal(parse(STR(POST "Content-Length: 5000\r\n\r\n"), &r, &used, &status), HTTP1_OK);
    assert_int_equal(r.body, HTTP1_BODY_LENGTH);
    assert_int_equal(parse(STR(POST "Content-Length: 0\r\n\r\n"), &r, &used, &status), HTTP1_OK);
    assert_int_equal(r.content_length, 0);
}

/* n times the text, behind a prefix and before a suffix. */
static size_t repeat(char *out, const char *prefix, size_t n, const char *text, const char *suffix)
{
    char *to = stpcpy(out, prefix);

    for (size_t i = 0; i < n; i++)
        to = stpcpy(to, text);
    return (size_t)(stpcpy(to, suffix) - out);
}

static void http1_limits_heads(void **state)
{
    static const struct {
        const char *prefix;
        size_t n;
        const char *text, *suffix;
        enum http1_result result;
        int status;
    } cases[] = {
        {"GET /", 99, "x", " HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1_OK, 0},
        {"GET /", 100, "x", " HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1_BAD, 414},
        {"GET /", 127, "x", "", HTTP1_MORE, 0},
        {"GET /", 128, "x", "", HTTP1_BAD, 414},
        {"", 33, "M", " / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1_BAD, 400},
        {HEAD, 63, "a:\r\n", "\r\n", HTTP1_OK, 0},
        {HEAD, 64, "a:\r\n", "\r\n", HTTP1_BAD, 431},
        {HEAD "X: ", 968, "x", "\r\n\r\n", HTTP1_OK, 0},
        {HEAD "X: ", 969, "x", "\r\n\r\n", HTTP1_BAD, 431},
        {HEAD "X: ", 971, "x", "", HTTP1_MORE, 0},
        {HEAD "X: ", 972, "x", "", HTTP1_BAD, 431},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        char text[2000];
        size_t n = repeat(text, cases[i].prefix, cases[i].n, cases[i].text, cases[i].suffix), used;
        struct http1_request r;
        int status;

        print_message("case %zu: %zu bytes\n", i, n);
        assert_int_equal(parse((struct str){(uint8_t *)text, n}, &r, &used, &status),
                         cases[i].result);
        assert_int_equal(status, cases[i].status);
    }
}

static void http1_judges_handshakes(void **state)
{
#define UPGRADE "Upgrade: WebSocket\r\n"
#define CONNECTION "Connection: keep-alive, Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    static const struct {
        const char *head;
        int status;
    } cases[] = {
        {HEAD UPGRADE CONNECTION VERSION KEY "\r\n", 0},
        {POST UPGRADE CONNECTION VERSION KEY "\r\n", 405},
        {"GET / HTTP/1.0\r\n" UPGRADE CONNECTION VERSION KEY "\r\n", 400},
        {HEAD CONNECTION VERSION KEY "\r\n", 426},
        {HEAD UPGRADE VERSION KEY "\r\n", 426},
        {HEAD UPGRADE CONNECTION KEY "\r\n", 426},
        {HEAD UPGRADE CONNECTION "Sec-WebSocket-Version: 8\r\n" KEY "\r\n", 426},
        {HEAD UPGRADE CONNECTION VERSION "\r\n", 400},
        {HEAD UPGRADE CONNECTION VERSION KEY KEY "\r\n", 400},
        {HEAD UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: short\r\n\r\n", 400},
        {HEAD UPGRADE CONNECTION VERSION KEY "Content-Length: 1\r\n\r\n", 400},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct http1_request r;
        struct str key = {0};
        size_t used;
        int status;

        assert_int_equal(parse(str_of(cases[i].head), &r, &used, &status), HTTP1_OK);
        if (ws_handshake(&r, &key) != cases[i].status)
            fail_msg("not %d for %s", cases[i].status, cases[i].head);
        assert_int_equal(key.n, cases[i].status == 0 ? 24 : 0);
    }
}

static void http1_reads_responses(void **state)
{
    static const struct {
        const char *head;
        bool head_request;
        int status; /* 0: bad */
        enum http1_body body;
        bool keep_alive;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 200, HTTP1_BODY_LENGTH, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, 200, HTTP1_BODY_NONE, true},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", false, 101,
         HTTP1_BODY_NONE, true},
        {"HTTP/1.1 204\r\n\r\n", false, 204, HTTP1_BODY_NONE, true},
        {"HTTP/1.1 500 \r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", false, 500,
         HTTP1_BODY_CHUNKED, false},
        {"HTTP/1.0 200 OK\r\n\r\n", false, 200, HTTP1_BODY_UNTIL_END, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", false, 0,
         HTTP1_BODY_NONE, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5001\r\n\r\n", false, 0, HTTP1_BODY_NONE, false},
        {"HTTP/1.1 20 OK\r\n\r\n", false, 0, HTTP1_BODY_NONE, false},
        {"HTTP/1.1 099 OK\r\n\r\n", false, 0, HTTP1_BODY_NONE, false},
        {"HTTP/2 200 OK\r\n\r\n", false, 0, HTTP1_BODY_NONE, false},
        {"HTTP/1.1 200 OK\nA: b\n\n", false, 0, HTTP1_BODY_NONE, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct str in = str_of(cases[i].head);
        struct http1_response r;
        size_t used = 0;
        enum http1_result result =
            http1_parse_response(in, &limits, cases[i].head_request, &r, &used);

        assert_int_equal(result, cases[i].status == 0 ? HTTP1_BAD : HTTP1_OK);
        if (result == HTTP1_BAD)
            continue;
        assert_int_equal(used, in.n);
        assert_int_equal(r.status, cases[i].status);
        assert_int_equal(r.body, cases[i].body);
        assert_int_equal(r.keep_alive, cases[i].keep_alive);
        for (size_t n = 0; n < in.n; n++)
            assert_int_equal(http1_parse_response((struct str){in.p, n}, &limits, false, &r, &used),
                             HTTP1_MORE);
    }
}

static void http1_writes_replies(void **state)
{
    struct http1_header extra[] = {{STR("ETag"), STR("\"x\"")}};
    struct http1_reply r = {.status = 200,
                            .date = STR("Sun, 06 Nov 1994 08:49:37 GMT"),
                            .content_type = STR("text/plain"),
                            .content_length = 3,
                            .close = true,
                            .extra = extra,
                            .extra_n = 1};
    struct buf b CLEANUP(buf_fini), full CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 1000);
    buf_init(&full, 100);
    assert_true(http1_write_reply(&b, &r));
    assert_true(
        str_eq(buf_peek(&b), STR("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                 "Content-Type: text/plain\r\nContent-Length: 3\r\n"
                                 "Connection: close\r\nETag: \"x\"\r\n\r\n")));
    assert_false(http1_write_reply(&full, &r));
    assert_int_equal(buf_len(&full), 0);
    buf_clear(&b);
    r = (struct http1_reply){.status = 299, .content_length = HTTP1_NO_LENGTH, .chunked = true};
    assert_true(http1_write_reply(&b, &r));
    assert_true(
        str_eq(buf_peek(&b), STR("HTTP/1.1 299 Unknown\r\nTransfer-Encoding: chunked\r\n\r\n")));
}

/* Text of a peer cannot begin a line of its own. */
static void http1_writes_no_injected_line(void **state)
{
    static const struct http1_header wrong[] = {
        {STR("X"), STR("a\r\nSet-Cookie: b")},
        {STR("X"), STR("a\nb")},
        {STR("X"), STR("a\rb")},
        {STR("X"), STR("a\0b")},
        {STR("X: a\r\nY"), STR("b")},
        {STR(""), STR("b")},
        {STR("X "), STR("b")},
    };
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 1000);
    for (size_t i = 0; i < COUNTOF(wrong); i++) {
        struct http1_reply r = {.status = 200, .extra = &wrong[i], .extra_n = 1};

        assert_false(http1_write_reply(&b, &r));
        assert_false(http1_write_request(&b, STR("GET"), STR("/"), STR("a"), &wrong[i], 1));
    }
    assert_false(http1_write_reply(
        &b, &(struct http1_reply){.status = 200, .content_type = STR("a\r\nb: c")}));
    assert_false(http1_write_request(&b, STR("GET"), STR("/ HTTP/1.1\r\n"), STR("a"), NULL, 0));
    assert_false(http1_write_request(&b, STR("GET"), STR("/"), STR("a\r\nb"), NULL, 0));
    assert_false(http1_write_request(&b, STR("G T"), STR("/"), STR("a"), NULL, 0));
    assert_int_equal(buf_len(&b), 0);
    assert_true(http1_write_request(&b, STR("GET"), STR("/ws?a"), STR("a:1"), NULL, 0));
    assert_true(str_eq(buf_peek(&b), STR("GET /ws?a HTTP/1.1\r\nHost: a:1\r\n\r\n")));
}

CHECK_MAIN(cmocka_unit_test(http1_reads_a_request),
           cmocka_unit_test(http1_reads_every_form_of_target), cmocka_unit_test(http1_refuses),
           cmocka_unit_test(http1_accepts_one_framing), cmocka_unit_test(http1_limits_heads),
           cmocka_unit_test(http1_judges_handshakes), cmocka_unit_test(http1_reads_responses),
           cmocka_unit_test(http1_writes_replies), cmocka_unit_test(http1_writes_no_injected_line))
