#include "bench/scan.h"

#include "base/str.h"
#include "bench/stamp.h"
#include "lib/check.h"

static struct scan s;
static char bytes[4096];

static void scan_text(const char *text)
{
    size_t n = strlen(text);

    memset(&s, 0xa5, sizeof(s));
    memcpy(bytes, text, n);
    scan_frame(&s, (uint8_t *)bytes, n);
}

static void messages_in_any_spelling_read_alike(void **state)
{
    static const char *const spellings[] = {
        "{\"event\":\"message\",\"room\":\"b-00012\",\"seq\":124,\"count\":98,\"ts\":1763673000123,"
        "\"from\":{\"id\":7,\"name\":\"ana\"},\"text\":\"~00000000abcd000007~xxx\",\"cid\":\"k\","
        "\"rev\":124}",
        "{ \"seq\":124, \"event\":\"message\", \"text\":\"~00000000abcd000007~xxx\","
        "\"from\":{\"id\":7,\"name\":\"~\"},\"room\":\"b-00012\"}",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(spellings); i++) {
        uint32_t number = 0;

        scan_text(spellings[i]);
        assert_int_equal(s.kind, SCAN_ENTRY);
        assert_true(str_eq(s.room, STR("b-00012")));
        assert_int_equal(s.seq, 124);
        assert_true(s.stamped);
        assert_int_equal(s.sent_us, 0xabcd);
        assert_int_equal(s.publisher, 7);
        assert_true(scan_room_number(s.room, &number));
        assert_int_equal(number, 12);
    }
}

static void other_events_are_told_apart(void **state)
{
    (void)state;
    scan_text("{\"event\":\"message\",\"room\":\"r\",\"seq\":1,\"text\":\"~hello~\"}");
    assert_int_equal(s.kind, SCAN_ENTRY);
    assert_false(s.stamped);
    scan_text("{\"event\":\"member\",\"room\":\"r\",\"seq\":9,\"user\":{\"id\":1,\"name\":\"a\"}}");
    assert_int_equal(s.kind, SCAN_ENTRY);
    assert_int_equal(s.seq, 9);
    scan_text("{\"event\":\"read\",\"room\":\"r\",\"user\":7,\"seq\":9,\"count\":3}");
    assert_int_equal(s.kind, SCAN_CAST);
    scan_text("{\"event\":\"presence\",\"room\":\"r\",\"count\":3}");
    assert_int_equal(s.kind, SCAN_CAST);
    scan_text("{\"event\":\"behind\",\"room\":\"r\",\"from\":10,\"to\":5000}");
    assert_int_equal(s.kind, SCAN_BEHIND);
    assert_int_equal(s.from, 10);
    assert_int_equal(s.to, 5000);
    scan_text("{\"event\":\"reset\",\"room\":\"r\",\"epoch\":77,\"head\":{\"seq\":5,\"count\":2}}");
    assert_int_equal(s.kind, SCAN_RESET);
    assert_int_equal(s.epoch, 77);
    assert_int_equal(s.head, 5);
    scan_text("{\"event\":\"move\",\"reason\":\"drain\",\"delay_ms\":1234,\"within_ms\":9500}");
    assert_int_equal(s.kind, SCAN_MOVE);
    assert_int_equal(s.delay_ms, 1234);
}

static void replies_are_read(void **state)
{
    (void)state;
    scan_text("{\"id\":7,\"ok\":{\"seq\":124,\"ts\":1763673000123,\"count\":98}}");
    assert_int_equal(s.kind, SCAN_OK);
    assert_int_equal(s.id, 7);
    assert_int_equal(s.seq, 124);
    assert_false(s.duplicate);
    scan_text("{\"id\":7,\"ok\":{\"seq\":124,\"ts\":1,\"count\":98,\"duplicate\":true}}");
    assert_int_equal(s.kind, SCAN_OK);
    assert_int_equal(s.seq, 124);
    assert_true(s.duplicate);
    scan_text("{\"id\":8,\"error\":{\"code\":\"rate_limited\",\"message\":\"m\","
              "\"retry_after_ms\":900}}");
    assert_int_equal(s.kind, SCAN_FAILED);
    assert_int_equal(s.id, 8);
    assert_true(str_eq(s.code, STR("rate_limited")));
    assert_int_equal(s.retry_after_ms, 900);
    scan_text("{\"id\":null,\"error\":{\"code\":\"bad_json\",\"message\":\"m\"}}");
    assert_int_equal(s.kind, SCAN_FAILED);
    assert_int_equal(s.id, 0);
    scan_text(
        "{\"id\":3,\"ok\":{\"room\":{\"id\":\"r\",\"kind\":\"public\",\"title\":\"\",\"epoch\":"
        "99,\"head\":{\"seq\":5,\"count\":2}},\"read\":{\"seq\":0,\"count\":0}}}");
    assert_int_equal(s.kind, SCAN_OK);
    assert_int_equal(s.rooms_n, 1);
    assert_int_equal(s.rooms[0].epoch, 99);
    assert_int_equal(s.rooms[0].head, 5);
}

static void resume_tells_which_rooms_were_reset(void **state)
{
    (void)state;
    scan_text("{\"id\":2,\"ok\":{\"rooms\":{\"a\":{\"epoch\":1,\"head\":{\"seq\":9,\"count\":9}},"
              "\"b\":{\"reset\":true,\"epoch\":2,\"head\":{\"seq\":4,\"count\":4}},"
              "\"c\":{\"error\":{\"code\":\"banned\",\"message\":\"\"}}}}}");
    assert_int_equal(s.kind, SCAN_OK);
    assert_int_equal(s.rooms_n, 3);
    assert_true(str_eq(s.rooms[0].id, STR("a")) && !s.rooms[0].reset && !s.rooms[0].refused);
    assert_true(s.rooms[1].reset && s.rooms[1].epoch == 2 && s.rooms[1].head == 4);
    assert_true(s.rooms[2].refused);
}

static void a_page_with_a_hole_is_noticed(void **state)
{
    (void)state;
    scan_text(
        "{\"id\":2,\"ok\":{\"entries\":[{\"event\":\"message\",\"seq\":11,\"from\":{\"id\":1}},"
        "{\"seq\":12},{\"seq\":15}],\"more\":true,\"head\":{\"seq\":20,\"count\":20}}}");
    assert_int_equal(s.kind, SCAN_OK);
    assert_int_equal(s.page_n, 3);
    assert_int_equal(s.page_first, 11);
    assert_int_equal(s.page_last, 15);
    assert_int_equal(s.page_missed, 2);
    assert_true(s.more);
}

static void nonsense_is_bad(void **state)
{
    static const char *const frames[] = {
        "",
        "[]",
        "{",
        "{\"event\":",
        "{\"event\":\"message\",\"room\":\"r\",\"seq\":1",
        "{}x",
        "{}",
        "{\"id\":7,\"ok\":{\"seq\":124,\"ts\":1,\"count\":98}",
        "{\"event\":\"message\",\"room\":\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(frames); i++) {
        scan_text(frames[i]);
        assert_int_equal(s.kind, SCAN_BAD);
    }
}

static void stamps_survive(void **state)
{
    uint8_t p[STAMP_N];
    uint64_t us = 0;
    uint32_t publisher = 0;

    (void)state;
    stamp_write(p, 0xfedcba987654, 0xabcdef);
    assert_true(stamp_read((struct str){p, STAMP_N}, &us, &publisher));
    assert_int_equal(us, 0xfedcba987654);
    assert_int_equal(publisher, 0xabcdef);
    assert_false(stamp_read((struct str){p, STAMP_N - 1}, &us, &publisher));
    p[5] = 'G';
    assert_false(stamp_read((struct str){p, STAMP_N}, &us, &publisher));
}

static void room_numbers(void **state)
{
    uint32_t n = 0;

    (void)state;
    assert_false(scan_room_number(STR("general"), &n));
    assert_false(scan_room_number(STR(""), &n));
    assert_true(scan_room_number(STR("12"), &n));
    assert_int_equal(n, 12);
}

CHECK_MAIN(cmocka_unit_test(messages_in_any_spelling_read_alike),
           cmocka_unit_test(other_events_are_told_apart), cmocka_unit_test(replies_are_read),
           cmocka_unit_test(resume_tells_which_rooms_were_reset),
           cmocka_unit_test(a_page_with_a_hole_is_noticed), cmocka_unit_test(nonsense_is_bad),
           cmocka_unit_test(stamps_survive), cmocka_unit_test(room_numbers))
