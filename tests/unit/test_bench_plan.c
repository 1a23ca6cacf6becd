#include "bench/plan.h"

#include "base/str.h"
#include "bench/tally.h"
#include "lib/check.h"

#include <stdio.h>
#include <string.h>

static struct conf conf;

/* A plan from the arguments, one space between them; false if they contradict each other. */
static bool plan_of(struct plan *p, const char *line)
{
    static char text[256];
    char *argv[16], why[256], reason[PLAN_WHY_N];
    struct conf_input in = {.command = "bench", .argv = argv};

    (void)snprintf(text, sizeof(text), "%s", line);
    for (char *at = text; at != NULL; in.argc++) {
        argv[in.argc] = at;
        at = strchr(at, ' ');
        if (at != NULL)
            *at++ = '\0';
    }
    assert_int_equal(conf_load(&conf, &in, why), CONF_OK);
    return plan_init(p, &conf, 0xabcdef, reason);
}

static void urls(void **state)
{
    static const struct {
        const char *url, *host, *base;
        unsigned port;
        bool tls;
    } good[] = {
        {"ws://127.0.0.1:8080/ws", "127.0.0.1:8080", "", 8080, false},
        {"http://127.0.0.1:99", "127.0.0.1:99", "", 99, false},
        {"http://127.0.0.1/", "127.0.0.1", "", 80, false},
        {"ws://127.0.0.1:1/chat/ws", "127.0.0.1:1", "/chat", 1, false},
        {"ws://[::1]:7/chat/", "[::1]:7", "/chat", 7, false},
        {"ws://[::1]", "[::1]", "", 80, false},
        {"wss://127.0.0.1/ws", "127.0.0.1", "", 443, true},
        {"https://[::1]:7/chat/", "[::1]:7", "/chat", 7, true},
    };
    static const char *const bad[] = {"ftp://x", "127.0.0.1",  "wss:/127.0.0.1",
                                      "ws://",   "http:///ws", "--ca=x --insecure wss://127.0.0.1"};
    struct plan p;

    (void)state;
    for (size_t i = 0; i < COUNTOF(good); i++) {
        assert_true(plan_of(&p, good[i].url));
        assert_string_equal(p.host, good[i].host);
        assert_string_equal(p.base, good[i].base);
        assert_int_equal(p.addr.port, good[i].port);
        assert_string_equal(p.server_name, good[i].host[0] == '[' ? "::1" : "127.0.0.1");
        assert_int_equal(p.tls, good[i].tls);
        conf_fini(&conf);
    }
    for (size_t i = 0; i < COUNTOF(bad); i++) {
        assert_false(plan_of(&p, bad[i]));
        conf_fini(&conf);
    }
}

static void contradictions_are_refused(void **state)
{
    static const char *const lines[] = {
        "--connections=10 --rooms=11",
        "--connections=10 --rooms-each=2",
        "--connections=10 --publishers=9 --slow-readers=2",
        "--floor --rate=5",
        "--floor --floor-join=16",
        "--name-prefix=Bench",
        "--pid=x",
        "--pin=one",
    };
    struct plan p;

    (void)state;
    for (size_t i = 0; i < COUNTOF(lines); i++) {
        assert_false(plan_of(&p, lines[i]));
        conf_fini(&conf);
    }
}

static void every_room_has_the_followers_that_it_expects(void **state)
{
    struct plan p;

    (void)state;
    assert_true(plan_of(
        &p,
        "--connections=103 --rooms=10 --rooms-each=3 --publishers=2 --slow-readers=4 --people=7"));
    for (uint32_t room = 0; room < p.rooms; room++) {
        char name[PLAN_NAME_N];
        uint32_t followers = 0, publishers = 0, slot;

        plan_room_name(&p, room, name);
        for (uint32_t i = 0; i < p.connections; i++) {
            if (plan_slot(&p, i, str_of(name), &slot)) {
                assert_int_equal(plan_room(&p, i, slot), room);
                followers++;
            }
            publishers += plan_publishes(&p, i) && plan_room(&p, i, 0) == room;
        }
        assert_int_equal(followers, plan_followers(&p, room));
        assert_int_equal(publishers, 2);
    }
    assert_true(plan_slow(&p, 99) && plan_slow(&p, 102) && !plan_slow(&p, 98));
    assert_int_equal(plan_person(&p, 8), 1);
    conf_fini(&conf);
}

static void other_rooms_are_not_ones_own(void **state)
{
    struct plan p;
    uint32_t slot = 0;

    (void)state;
    assert_true(plan_of(&p, "--connections=10 --rooms=10 --name-prefix=b"));
    assert_true(plan_slot(&p, 3, STR("b-00003"), &slot));
    assert_int_equal(slot, 0);
    assert_false(plan_slot(&p, 3, STR("b-00004"), &slot));
    assert_false(plan_slot(&p, 3, STR("c-00003"), &slot));
    assert_false(plan_slot(&p, 3, STR("@3"), &slot));
    assert_false(plan_slot(&p, 3, STR("b-00013"), &slot));
    conf_fini(&conf);
}

static void errors_are_counted_by_code(void **state)
{
    static struct tally t;
    char code[16];
    uint64_t sum = 0;

    (void)state;
    tally_init(&t);
    tally_error(&t, STR("muted"));
    tally_error(&t, STR("muted"));
    assert_int_equal(t.errors_n, 1);
    assert_int_equal(t.errors[0].n, 2);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(code, sizeof(code), "e%d", i);
        tally_error(&t, str_of(code));
    }
    assert_int_equal(t.errors_n, TALLY_ERRORS_MAX);
    assert_string_equal(t.errors[TALLY_ERRORS_MAX - 1].code, "other");
    for (size_t i = 0; i < t.errors_n; i++)
        sum += t.errors[i].n;
    assert_int_equal(sum, 102);
    assert_int_equal(t.counts.errors, 102);
}

CHECK_MAIN(cmocka_unit_test(urls), cmocka_unit_test(contradictions_are_refused),
           cmocka_unit_test(every_room_has_the_followers_that_it_expects),
           cmocka_unit_test(other_rooms_are_not_ones_own),
           cmocka_unit_test(errors_are_counted_by_code))
