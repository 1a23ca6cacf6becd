#include "chat/people/people_seen.h"

#include "base/str.h"
#include "lib/chat_rig.h"

#include <stdio.h>
#include <string.h>

static const struct caller who = {.user = 1, .session = 5, .expires_ms = 99999999999999};

static void note(struct chat_rig *r, uint64_t session, const char *place, bool begins)
{
    struct people_from from = {
        .place = str_of(place), .program = STR("Firefox"), .system = STR("Linux")};
    struct caller one = who;

    one.session = session;
    people_seen_note(&r->people.seen, &r->owner, &one, &from, begins);
    while (r->people.seen.writing_n > 0)
        assert_true(chat_rig_turn(r));
}

/* What the record says behind the time. */
static const char *seen(struct chat_rig *r, const char *sk)
{
    const char *text = chat_rig_record(r, "u:1", sk), *rest = strchr(text, ' ');

    return rest != NULL ? rest + 1 : text;
}

static void a_session_is_written_when_it_is_used_and_not_again_soon(void **state)
{
    struct chat_rig *r = *state;

    note(r, 5, "192.0.2.1", false);
    assert_string_equal(seen(r, "seen:5"), "192.0.2.1 Firefox Linux");
    note(r, 5, "192.0.2.2", false);
    assert_string_equal(seen(r, "seen:5"), "192.0.2.1 Firefox Linux");
    chat_rig_rest(r, PEOPLE_SEEN_MS + 1);
    note(r, 5, "192.0.2.3", false);
    assert_string_equal(seen(r, "seen:5"), "192.0.2.3 Firefox Linux");
    note(r, 5, "", true); /* it begins: whatever there is */
    assert_string_equal(seen(r, "seen:5"), "- Firefox Linux");
}

static void what_is_remembered_is_bounded(void **state)
{
    struct chat_rig *r = *state;

    for (uint64_t i = 1; i <= PEOPLE_SEEN_MAX; i++)
        note(r, i, "192.0.2.1", false);
    note(r, PEOPLE_SEEN_MAX + 1, "192.0.2.1", false);
    assert_string_equal(seen(r, "seen:4097"), "-");
    chat_rig_rest(r, PEOPLE_SEEN_MS + 1);
    note(r, PEOPLE_SEEN_MAX + 1, "192.0.2.1", false);
    assert_string_equal(seen(r, "seen:4097"), "192.0.2.1 Firefox Linux");
}

static void a_session_tells_of_itself_alone(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;

    chat_rig_put(r, "u:1", "session:10", "1 99999999999999");
    chat_rig_put(r, "u:1", "session:5", "2 99999999999999");
    chat_rig_put(r, "u:1", "session:7", "3 99999999999999");
    chat_rig_put(r, "u:1", "seen:1", "9 - - -"); /* whose session is gone */
    chat_rig_put(r, "u:1", "seen:5", "8 ::1 curl -");
    chat_rig_put(r, "u:1", "seen:6", "broken");
    chat_rig_put(r, "u:1", "seen:7", "not a time");
    c = chat_rig_start(r, 1, "{'action':'sessions'}");
    while (!c->ended)
        assert_true(chat_rig_turn(r));
    assert_non_null(strstr(c->answer, "{'id':'10','created':1,'expires':99999999999999,"
                                      "'current':false},"));
    assert_non_null(strstr(c->answer, "'current':false,'seen':8,'place':'::1','program':'curl'},"));
    assert_non_null(strstr(c->answer, "{'id':'7','created':3,'expires':99999999999999,"
                                      "'current':false}]"));
    chat_rig_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_session_is_written_when_it_is_used_and_not_again_soon,
                                        chat_rig_setup, chat_rig_teardown),
        cmocka_unit_test_setup_teardown(what_is_remembered_is_bounded, chat_rig_setup,
                                        chat_rig_teardown),
        cmocka_unit_test_setup_teardown(a_session_tells_of_itself_alone, chat_rig_setup,
                                        chat_rig_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
