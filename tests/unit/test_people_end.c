#include "chat/people/people_end.h"

#include "base/str.h"
#include "lib/chat_rig.h"

#include <stdio.h>

enum { SESSIONS = 250 }; /* more than two pages */

struct ends {
    struct people_end end;
    bool over;
    enum store_result result;
};

static void over(struct people_end *e, enum store_result result)
{
    struct ends *s = CONTAINER_OF(e, struct ends, end);

    assert_false(s->over);
    s->over = true;
    s->result = result;
}

static void put_session(struct chat_rig *r, unsigned session)
{
    char sk[KEYS_MAX];

    (void)snprintf(sk, sizeof(sk), "session:%u", session);
    chat_rig_put(r, "u:1", sk, "1 99999999999999");
}

static const char *session(struct chat_rig *r, unsigned number)
{
    char sk[KEYS_MAX];

    (void)snprintf(sk, sizeof(sk), "session:%u", number);
    return chat_rig_record(r, "u:1", sk);
}

static struct ends begin(struct chat_rig *r)
{
    return (struct ends){.end = {.people = &r->people, .user = 1, .done = over}};
}

static void wait_for(struct chat_rig *r, struct ends *s)
{
    while (!s->over)
        assert_true(chat_rig_turn(r));
}

static void all_but_one_end(void **state)
{
    struct chat_rig *r = *state;
    struct ends s = begin(r);
    char text[24];

    for (unsigned i = 1; i <= SESSIONS; i++)
        put_session(r, 1000 + i);
    people_end_all(&s.end, 1007);
    wait_for(r, &s);
    assert_int_equal(s.result, STORE_OK);
    assert_int_equal(s.end.ended_n, SESSIONS - 1);
    for (unsigned i = 1; i <= SESSIONS; i++) {
        bool stays = 1000 + i == 1007;

        (void)snprintf(text, sizeof(text), "%u", 1000 + i);
        assert_string_equal(session(r, 1000 + i), stays ? "1 99999999999999" : "-");
        assert_string_equal(chat_rig_record(r, "revoked", text), stays ? "-" : "99999999999999");
    }
}

static void one_ends_and_only_that(void **state)
{
    struct chat_rig *r = *state;
    struct ends s = begin(r);

    put_session(r, 1001);
    put_session(r, 1002);
    chat_rig_put(r, "u:1", "seen:1001", "1 ::1 curl -");
    chat_rig_put(r, "u:1", "seen:1002", "1 ::1 curl -");
    people_end_one(&s.end, 1002);
    wait_for(r, &s);
    assert_int_equal(s.result, STORE_OK);
    assert_int_equal(s.end.ended_n, 1);
    assert_int_equal(r->revoked, 1002);
    assert_string_equal(session(r, 1001), "1 99999999999999");
    assert_string_equal(session(r, 1002), "-");
    assert_string_equal(chat_rig_record(r, "u:1", "seen:1001"), "1 ::1 curl -");
    assert_string_equal(chat_rig_record(r, "u:1", "seen:1002"), "-");
    s = begin(r);
    people_end_one(&s.end, 1002);
    wait_for(r, &s);
    assert_int_equal(s.result, STORE_OK);
    assert_int_equal(s.end.ended_n, 0);
}

/* Whatever request fails, what ended has ended, the rest is as it was, and asking again ends it. */
static void what_fails_can_be_asked_again(void **state)
{
    struct chat_rig *r = *state;

    unsigned puts = 0;

    for (unsigned fails = 0; puts >= fails; fails++) {
        struct ends s = begin(r);

        put_session(r, 1001);
        put_session(r, 1002);
        r->gate->closed[STORE_PUT] = true;
        people_end_all(&s.end, 0);
        for (puts = 0; !s.over; puts++) {
            while (r->gate->held_n == 0 && !s.over)
                assert_true(chat_rig_turn(r));
            if (s.over)
                break;
            if (puts == fails)
                store_gate_fail(r->gate, 0, STORE_FAILED);
            else
                store_gate_let(r->gate, 0);
            chat_rig_rest(r, 1);
        }
        store_gate_open(r->gate);
        assert_int_equal(s.result, puts > fails ? STORE_FAILED : STORE_OK);
        s = begin(r);
        people_end_all(&s.end, 0);
        wait_for(r, &s);
        assert_int_equal(s.result, STORE_OK);
        for (unsigned i = 1001; i <= 1002; i++) {
            assert_string_equal(session(r, i), "-");
            assert_string_not_equal(chat_rig_record(r, "revoked", i == 1001 ? "1001" : "1002"),
                                    "-");
        }
        chat_rig_restart(r);
    }
    assert_int_equal(puts, 6); /* three of each: it is remembered, its records go */
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(EACH(all_but_one_end), EACH(one_ends_and_only_that), EACH(what_fails_can_be_asked_again))
