#include "base/str.h"
#include "lib/check.h"
#include "wire/socketio.h"

#include <string.h>

/* What is made of a packet: "type nsp id|- attachments name | arg | arg". */
static void packet_is(const char *text, const char *want)
{
    struct buf scratch CLEANUP(buf_fini), said CLEANUP(buf_fini);
    struct socketio_packet p;
    struct str args, arg;

    buf_init(&scratch, 4096);
    buf_init(&said, 4096);
    if (!socketio_decode(str_of(text), &scratch, &p)) {
        if (want != NULL)
            fail_msg("%s: refused", text);
        return;
    }
    buf_printf(&said, "%d %.*s ", p.type, STR_ARGS(p.nsp));
    if (p.has_id)
        buf_append_u64(&said, p.id);
    else
        buf_append_byte(&said, '-');
    buf_printf(&said, " %u", p.attachments);
    if (p.type == SOCKETIO_CONNECT || p.type == SOCKETIO_CONNECT_ERROR)
        buf_printf(&said, " %.*s", STR_ARGS(p.data));
    if (p.name.n > 0)
        buf_printf(&said, " %.*s", STR_ARGS(p.name));
    for (args = p.args; socketio_arg_next(&args, &arg);)
        buf_printf(&said, "|%.*s", STR_ARGS(arg));
    if (want == NULL)
        fail_msg("%s: taken as %.*s", text, STR_ARGS(buf_peek(&said)));
    else if (!str_eq(buf_peek(&said), str_of(want)))
        fail_msg("%s: %.*s", text, STR_ARGS(buf_peek(&said)));
}

static void packets_are_read(void **state)
{
    static const char *const cases[][2] = {
        {"0", "0 / - 0 "},
        {"0{\"token\":\"123\"}", "0 / - 0 {\"token\":\"123\"}"},
        {"0/custom,", "0 /custom - 0 "},
        {"0/custom", "0 /custom - 0 "},
        {"0/custom,{\"a\":[1]}", "0 /custom - 0 {\"a\":[1]}"},
        {"1", "1 / - 0"},
        {"1/custom", "1 /custom - 0"},
        {"2[\"foo\"]", "2 / - 0 \"foo\""},
        {"2[\"foo\",1,\"2\",{\"3\":[true]}]", "2 / - 0 \"foo\"|1|\"2\"|{\"3\":[true]}"},
        {"212[\"foo\"]", "2 / 12 0 \"foo\""},
        {"20[\"foo\"]", "2 / 0 0 \"foo\""},
        {"2/admin,456[\"a,]b\\\"\" , {\"x\":\"}\"} ]", "2 /admin 456 0 \"a,]b\\\"\"|{\"x\":\"}\"}"},
        {"2[7,8]", "2 / - 0 7|8"},
        {"313[\"bar\"]", "3 / 13 0|\"bar\""},
        {"312[]", "3 / 12 0"},
        {"3/admin,0[[1,2],{}]", "3 /admin 0 0|[1,2]|{}"},
        {"4{\"message\":\"no\"}", "4 / - 0 {\"message\":\"no\"}"},
        {"51-[\"baz\",{\"_placeholder\":true,\"num\":0}]",
         "5 / - 1 \"baz\"|{\"_placeholder\":true,\"num\":0}"},
        {"52-/admin,7[\"b\",{\"x\":{\"_placeholder\":true,\"num\":1}},{\"num\":0,"
         "\"_placeholder\":true}]",
         "5 /admin 7 2 \"b\"|{\"x\":{\"_placeholder\":true,\"num\":1}}|{\"num\":0,\"_placeholder\":"
         "true}"},
        {"61-15[\"bar\",{\"_placeholder\":true,\"num\":0}]",
         "6 / 15 1|\"bar\"|{\"_placeholder\":true,\"num\":0}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++)
        packet_is(cases[i][0], cases[i][1]);
}

static void what_is_no_packet_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "abc",
        "7",
        "2",
        "2{}",
        "2[]",
        "2[\"a\"",
        "2[\"a\"]]",
        "2[\"a\",]",
        "2[{}]",
        "2[null]",
        "2abc[\"a\"]",
        "2-1[\"a\"]",
        "21.5[\"a\"]",
        "201[\"a\"]",
        "21234567890123456[\"a\"]",
        "2[\"connect\"]",
        "2[\"disconn\\u0065ct\"]",
        "2[\"newListener\"]",
        "0[]",
        "0\"token\"",
        "01{}",
        "1{}",
        "15",
        "3[]",
        "312",
        "312{}",
        "4[]",
        "5[\"a\"]",
        "50-[\"a\"]",
        "51[\"a\",{\"_placeholder\":true,\"num\":0}]",
        "51-[\"a\"]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":1}]",
        "51-[\"a\",{\"_placeholder\":true,\"num\":-1}]",
        "51-[\"a\",{\"_placeholder\":true}]",
        "52-[\"a\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":0}]",
        "0/with space,",
        "0/with\"quote,",
        "0/0123456789012345678901234567890123456789012345678901234567890123456789,",
        "2[\"a\",\"\\ud83",
        "51001-[\"a\"]",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++)
        packet_is(cases[i], NULL);
}

/* What a person wrote is wrong, not the packet: its head is known, so that it can be
 * answered, and its attachments, which are to be thrown away. */
static void contents_that_are_wrong_are_told_apart(void **state)
{
    static const struct {
        const char *text;
        enum json_error problem;
        unsigned attachments;
    } cases[] = {
        {"2/a,17[\"send\",\"\\ud83d\"]", JSON_BAD_UTF8, 0},
        {"2/a,17[\"send\",\"\\ude00\"]", JSON_BAD_UTF8, 0},
        {"2/a,17[\"send\",{\"\\ude00\\ud83d\":1}]", JSON_BAD_UTF8, 0},
        {"2/a,17[\"\\ud83dsend\",1]", JSON_BAD_UTF8, 0},
        {"2/a,17[\"send\",\"\xff\"]", JSON_BAD_UTF8, 0},
        {"2/a,17[\"a\",[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]", JSON_TOO_DEEP, 0},
        {"2/a,17[\"a\",1234567890123456789012345678901234567890123456789012345678901234567890]",
         JSON_BAD_NUMBER, 0},
        {"52-/a,17[\"a\",\"\\ud83d\",{\"_placeholder\":true,\"num\":0}]", JSON_BAD_UTF8, 2},
        {"511-/a,17[\"a\"]", JSON_TOO_MANY, 11},
        {"5999-/a,17[\"a\",{\"_placeholder\":true,\"num\":700}]", JSON_TOO_MANY, 999},
        {"3/a,17[\"\\ud83d\"]", JSON_BAD_UTF8, 0},
        {"0/a,{\"name\":\"\\ud83d\"}", JSON_BAD_UTF8, 0},
    };
    struct buf scratch CLEANUP(buf_fini);
    struct socketio_packet p;

    (void)state;
    buf_init(&scratch, 4096);
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        if (!socketio_decode(str_of(cases[i].text), &scratch, &p))
            fail_msg("refused: %s", cases[i].text);
        assert_int_equal(p.problem, cases[i].problem);
        assert_int_equal(p.attachments, cases[i].attachments);
        assert_true(str_eq(p.nsp, STR("/a")) && p.name.n == 0 && p.args.n == 0);
        assert_true(p.type == SOCKETIO_CONNECT || (p.has_id && p.id == 17));
    }
}

static void heads_are_written(void **state)
{
    static const struct {
        struct socketio_packet p;
        const char *want;
    } cases[] = {
        {{.type = SOCKETIO_EVENT, .nsp = {(const uint8_t *)"/", 1}}, "2"},
        {{.type = SOCKETIO_ACK, .has_id = true, .id = 456}, "3456"},
        {{.type = SOCKETIO_CONNECT, .nsp = {(const uint8_t *)"/custom", 7}}, "0/custom,"},
        {{.type = SOCKETIO_BINARY_ACK,
          .attachments = 2,
          .nsp = {(const uint8_t *)"/a", 2},
          .has_id = true,
          .id = 7},
         "62-/a,7"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct buf b CLEANUP(buf_fini);

        buf_init(&b, 64);
        socketio_append_head(&b, &cases[i].p);
        assert_true(str_eq(buf_peek(&b), str_of(cases[i].want)));
    }
}

CHECK_MAIN(cmocka_unit_test(packets_are_read), cmocka_unit_test(what_is_no_packet_is_refused),
           cmocka_unit_test(contents_that_are_wrong_are_told_apart),
           cmocka_unit_test(heads_are_written))
