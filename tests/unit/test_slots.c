/* A cluster's slots: as its specification counts them, and as its nodes tell them. */
#include "wire/slots.h"

#include "base/str.h"
#include "lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What redis-server says to CLUSTER KEYSLOT. */
static void slots_of_names(void **state)
{
    static const struct {
        const char *name;
        uint16_t slot;
    } cases[] = {
        {"", 0},
        {"123456789", 12739},
        {"foo", 12182},
        {"{foo}", 12182},
        {"a{foo}b", 12182},
        {"a{foo}{bar}", 12182},
        {"foo{}{bar}", 8363},
        {"foo{{bar}}zap", 4015},
        {"{user1000}.following", 3443},
        {"a{b", 13340},
        {"chat:{512}:room", 3808},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++)
        if (slots_of(str_of(cases[i].name)) != cases[i].slot)
            fail_msg("%s: %u", cases[i].name, slots_of(str_of(cases[i].name)));
}

static bool read_text(struct slots *s, const char *text)
{
    struct resp_reader *reader = resp_reader_new();
    struct resp_reply *reply;
    bool good;

    resp_feed(reader, str_of(text));
    assert_int_equal(resp_next(reader, &reply), RESP_OK);
    good = slots_read(s, reply);
    resp_reply_free(reply);
    resp_reader_free(reader);
    return good;
}

#define NODE(n, host, port) "*4\r\n$" #n "\r\n" host "\r\n:" #port "\r\n$2\r\nid\r\n*0\r\n"

static void reads(void **state)
{
    struct slots *s = calloc(1, sizeof(*s));

    (void)state;
    assert_non_null(s);
    assert_true(read_text(
        s, "*3\r\n*4\r\n:0\r\n:9\r\n" NODE(8, "10.0.0.1", 7000)
               NODE(8, "10.0.0.9", 7009) "*3\r\n:10\r\n:10\r\n" NODE(
                   3, "::1", 7001) "*3\r\n:16000\r\n:16383\r\n" NODE(8, "10.0.0.1", 7000)));
    assert_int_equal(s->nodes_n, 2);
    assert_string_equal(s->nodes[0].host, "10.0.0.1");
    assert_int_equal(s->nodes[0].port, 7000);
    assert_string_equal(s->nodes[1].host, "::1");
    assert_true(s->of[0] == 1 && s->of[9] == 1 && s->of[10] == 2 && s->of[11] == 0 &&
                s->of[15999] == 0 && s->of[16000] == 1 && s->of[16383] == 1);
    assert_int_equal(s->served_n, 395);
    assert_true(read_text(s, "*0\r\n"));
    assert_int_equal(s->nodes_n + s->served_n, 0);
    /* The one that was asked; and one that nobody can call. */
    assert_true(read_text(s, "*2\r\n*3\r\n:0\r\n:1\r\n*3\r\n$-1\r\n:7\r\n$1\r\nx\r\n"
                             "*3\r\n:2\r\n:3\r\n" NODE(1, "?", 7)));
    assert_int_equal(s->nodes_n, 1);
    assert_string_equal(s->nodes[0].host, "");
    assert_true(s->of[1] == 1 && s->of[2] == 0);
    assert_int_equal(s->served_n, 2);
    free(s);
}

static void refuses(void **state)
{
    static const char *const bad[] = {
        "+OK\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:5\r\n:4\r\n" NODE(1, "a", 7),
        "*1\r\n*3\r\n:-1\r\n:4\r\n" NODE(1, "a", 7),
        "*1\r\n*3\r\n:0\r\n:16384\r\n" NODE(1, "a", 7),
        "*1\r\n*3\r\n:0\r\n+x\r\n" NODE(1, "a", 7),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE(1, "a", 0),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE(1, "a", 65536),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE(1, "/", 7),
        "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n$1\r\na\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:1\r\n:7\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n:1\r\n",
    };
    struct slots *s = calloc(1, sizeof(*s));
    char text[512], host[SLOTS_HOST_MAX + 1];

    (void)state;
    assert_non_null(s);
    for (size_t i = 0; i < COUNTOF(bad); i++)
        if (read_text(s, bad[i]))
            fail_msg("%zu was taken", i);
    memset(host, 'a', sizeof(host));
    for (unsigned n = SLOTS_HOST_MAX - 1; n <= SLOTS_HOST_MAX; n++) {
        (void)snprintf(text, sizeof(text), "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$%u\r\n%.*s\r\n:7\r\n", n,
                       (int)n, host);
        assert_int_equal(read_text(s, text), n < SLOTS_HOST_MAX);
    }
    free(s);
}

/* As many nodes as there may be, and one more. */
static void bounded(void **state)
{
    struct slots *s = calloc(1, sizeof(*s));
    struct buf text CLEANUP(buf_fini);

    (void)state;
    assert_non_null(s);
    for (unsigned n = SLOTS_NODES_MAX; n <= SLOTS_NODES_MAX + 1; n++) {
        buf_init(&text, 1 << 20);
        buf_printf(&text, "*%u\r\n", n);
        for (unsigned i = 0; i < n; i++)
            buf_printf(&text, "*3\r\n:%u\r\n:%u\r\n*2\r\n$1\r\na\r\n:%u\r\n", i, i, i + 1);
        buf_append_byte(&text, 0);
        assert_int_equal(read_text(s, (const char *)buf_peek(&text).p), n == SLOTS_NODES_MAX);
        buf_fini(&text);
    }
    free(s);
}

CHECK_MAIN(cmocka_unit_test(slots_of_names), cmocka_unit_test(reads), cmocka_unit_test(refuses),
           cmocka_unit_test(bounded))
