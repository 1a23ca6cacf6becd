/* Which rooms a stream's records name, and from which record on they are asked for again. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/stream_records.h"
#include "serverless/stream_event.h"

#include <stdio.h>

/* As it is read from a copy that is changed; room and number are lent until the next. */
static bool reads(const char *text, struct stream_event *ret)
{
    static char copy[16384];
    size_t n = strlen(text);

    assert_true(n < sizeof(copy));
    memcpy(copy, text, n);
    return stream_event_read((uint8_t *)copy, n, ret);
}

static void is(struct str s, const char *text)
{
    assert_true(str_eq(s, str_of(text)));
}

static void each_room_once(void **state)
{
    struct stream_event e;

    (void)state;
    assert_true(reads("{\"x\":[{}],\"Records\":[" STREAM_RECORD("general", "10") "," STREAM_RECORD(
                          "cellar", "11") "," STREAM_RECORD("general", "12") "]}",
                      &e));
    assert_int_equal(e.records, 3);
    assert_int_equal(e.passed_over, 0);
    assert_int_equal(e.rooms_n, 2);
    is(e.rooms[0].room, "general");
    is(e.rooms[0].number, "10");
    is(e.rooms[1].room, "cellar");
    is(e.rooms[1].number, "11");
    assert_int_equal(e.rest.n, 0);
}

static void what_names_no_room_is_passed_over(void **state)
{
    struct stream_event e;

    (void)state;
    assert_true(reads("{\"Records\":[7,[8],{},{\"dynamodb\":7},{\"dynamodb\":{\"Keys\":[]}},"
                      "{\"dynamodb\":{\"Keys\":{\"room\":{\"N\":\"1\"}}}},"
                      "{\"dynamodb\":{\"Keys\":{\"room\":\"general\"}}}," STREAM_RECORD(
                          "", "1") "," STREAM_RECORD("general", "2") "]}",
                      &e));
    assert_int_equal(e.records, 9);
    assert_int_equal(e.passed_over, 8);
    assert_int_equal(e.rooms_n, 1);
    is(e.rooms[0].number, "2");
}

static void rooms_that_do_not_fit_come_again(void **state)
{
    char text[16384];
    struct stream_event e;
    size_t n = (size_t)snprintf(text, sizeof(text), "{\"Records\":[0");

    (void)state;
    for (int i = 1; i <= STREAM_EVENT_ROOMS_MAX + 2; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              ",{\"dynamodb\":{\"Keys\":{\"room\":{\"S\":\"r%d\"}},"
                              "\"SequenceNumber\":\"%d\"}}",
                              i, i);
    (void)snprintf(text + n, sizeof(text) - n, "]}");
    assert_true(reads(text, &e));
    assert_int_equal(e.rooms_n, STREAM_EVENT_ROOMS_MAX);
    is(e.rest, "65");
}

static void what_is_no_event_of_a_stream(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{\"Records\":[7",
        "{\"Records\":[{]}",
        "{\"Records\":[{\"dynamodb\":{\"Keys\":{\"room\":{\"S\":}}}}]}",
        "{\"Records\":[]} x"};
    struct stream_event e;

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        assert_false(reads(bad[i], &e));
    assert_true(stream_event_is(STR(" { \"Records\":[]}")));
    assert_false(stream_event_is(STR("{\"requestContext\":{}}")));
    assert_false(stream_event_is(STR("[\"Records\"]")));
}

CHECK_MAIN(cmocka_unit_test(each_room_once), cmocka_unit_test(what_names_no_room_is_passed_over),
           cmocka_unit_test(rooms_that_do_not_fit_come_again),
           cmocka_unit_test(what_is_no_event_of_a_stream))
