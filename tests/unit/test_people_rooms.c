#include "chat/people/people.h"

#include "lib/chat_rig.h"

#include <stdio.h>

/* User 1 has the rooms a, dl, dn and z, and 30 direct rooms that others opened. */
static struct chat_rig *begin(void **state)
{
    static const char *const own[] = {"z", "dn", "dl", "a"};
    struct chat_rig *r = *state;
    char pk[32];

    for (int i = 1; i <= 31; i++) {
        (void)snprintf(pk, sizeof(pk), "u:%d", i);
        chat_rig_put(r, pk, "user", "usomebody");
    }
    for (size_t i = 0; i < COUNTOF(own); i++)
        chat_rig_has(chat_rig_do(r, 1, "{'action':'join','id':1,'room':'%s'}", own[i]), "'ok'");
    for (uint64_t user = 2; user <= 31; user++)
        chat_rig_has(chat_rig_do(r, user, "{'action':'dm','id':1,'user':1}"), "'ok'");
    return r;
}

/* The ids of one page, and what it says of the next, with a space behind each. */
static const char *page(struct chat_rig *r, const char *params, char *ret_next)
{
    static char ids[4096];
    const char *at = chat_rig_do(r, 1, "{'action':'rooms','id':1%s}", params), *next;

    ids[0] = '\0';
    next = strstr(at, "'next':'");
    ret_next[0] = '\0';
    if (next != NULL)
        (void)snprintf(ret_next, 80, "%.*s", (int)strcspn(next + 8, "'"), next + 8);
    while ((at = strstr(at, "{'id':'")) != NULL) {
        at += 7;
        (void)strncat(ids, at, strcspn(at, "'"));
        (void)strcat(ids, " ");
    }
    return ids;
}

/* However many strangers open direct rooms, one's own are on the first page. */
static void own_rooms_come_first(void **state)
{
    struct chat_rig *r = begin(state);
    char next[80];

    assert_string_equal(page(r, ",'limit':5", next), "a dl dn z dm:1:10 ");
    assert_string_equal(next, "dm:1:10");
    assert_string_equal(page(r, ",'limit':2", next), "a dl ");
    assert_string_equal(next, "dl");
    assert_string_equal(page(r, ",'limit':2,'next':'dl'", next), "dn z ");
    assert_string_equal(page(r, ",'limit':2,'next':'z'", next), "dm:1:10 dm:1:11 ");
    assert_non_null(strstr(page(r, "", next), "a dl dn z dm:1:10 "));
    assert_string_equal(next, "");
}

/* Page by page there is each room once. */
static void pages_have_each_room_once(void **state)
{
    struct chat_rig *r = begin(state);

    for (int limit = 1; limit <= 40; limit += 3) {
        char next[80] = "", params[128], all[4096] = "";
        int pages = 0;

        do {
            int n = snprintf(params, sizeof(params), ",'limit':%d", limit);

            if (next[0] != '\0')
                (void)snprintf(params + n, sizeof(params) - (size_t)n, ",'next':'%s'", next);
            (void)strcat(all, page(r, params, next));
            pages++;
        } while (next[0] != '\0' && pages < 50);
        assert_true(pages <= 34 / limit + 1);
        (void)snprintf(params, sizeof(params), "%s", "");
        assert_string_equal(all, page(r, params, next));
    }
}

static void a_page_that_is_none_is_refused(void **state)
{
    struct chat_rig *r = begin(state);
    char next[128];

    memset(next, 'x', 65);
    next[65] = '\0';
    chat_rig_has(chat_rig_do(r, 1, "{'action':'rooms','id':1,'next':'%s'}", next), "'bad_value'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'sessions','id':1,'next':'x'}"), "'bad_value'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'rooms','id':1,'next':'zz'}"), "dm:1:10");
}

/* Rooms of a damaged list, with no id or one that is too long, are passed over. */
static void a_damaged_list_is_read_on(void **state)
{
    struct chat_rig *r = begin(state);
    char sk[128], next[80];

    (void)snprintf(sk, sizeof(sk), "room:%0100d", 0);
    chat_rig_put(r, "u:1", sk, "1 1");
    chat_rig_put(r, "u:1", "room:", "1 1");
    assert_string_equal(page(r, ",'limit':4", next), "a dl ");
    assert_string_equal(next, "dl");
}

/* On whichever page a room is; what is chosen of rooms that are on no list concerns nobody. */
static void what_is_chosen_is_told_of_each(void **state)
{
    struct chat_rig *r = begin(state);
    char sk[64];

    for (int i = 0; i < 1100; i++) {
        (void)snprintf(sk, sizeof(sk), "pref:b%04d", i);
        chat_rig_put(r, "u:1", sk, "muted");
    }
    (void)chat_rig_do(r, 1, "{'action':'room_pref','room':'a','favourite':true}");
    (void)chat_rig_do(r, 1, "{'action':'room_pref','room':'z','notify':'none'}");
    (void)chat_rig_do(r, 1, "{'action':'room_pref','room':'dm:1:31','muted':true}");
    for (int limit = 1; limit <= 40; limit += 3) {
        char next[80] = "";
        int found[4] = {0};

        do {
            static const char *const marks[] = {"'favourite':true", "'notify':'none'",
                                                "'muted':true", "'hidden'"};
            const char *answer =
                next[0] == '\0'
                    ? chat_rig_do(r, 1, "{'action':'rooms','limit':%d}", limit)
                    : chat_rig_do(r, 1, "{'action':'rooms','limit':%d,'next':'%s'}", limit, next);
            const char *at = strstr(answer, "'next':'");

            for (unsigned i = 0; i < COUNTOF(marks); i++)
                found[i] += strstr(answer, marks[i]) != NULL;
            next[0] = '\0';
            if (at != NULL)
                (void)snprintf(next, sizeof(next), "%.*s", (int)strcspn(at + 8, "'"), at + 8);
        } while (next[0] != '\0');
        assert_true(found[0] == 1 && found[1] == 1 && found[2] == 1 && found[3] == 0);
    }
}

/* Until something new is said, in a direct room; in another for good. */
static void what_is_hidden_comes_back(void **state)
{
    struct chat_rig *r = begin(state);

    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_pref','room':'dm:1:2','hidden':true}"),
                 "'room':'dm:1:2','hidden':true");
    assert_string_equal(chat_rig_record(r, "u:1", "pref:dm:1:2"), "hidden:0");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'rooms'}"), "'hidden':true");
    (void)chat_rig_do(r, 2, "{'action':'send','room':'dm:1:2','text':'a'}");
    chat_rig_has_not(chat_rig_do(r, 1, "{'action':'rooms'}"), "'hidden'");
    (void)chat_rig_do(r, 1, "{'action':'room_pref','room':'a','hidden':true}");
    (void)chat_rig_do(r, 2, "{'action':'send','room':'a','text':'a'}");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'rooms'}"), "'hidden':true");
    (void)chat_rig_do(r, 1, "{'action':'room_pref','room':'a','hidden':false}");
    assert_string_equal(chat_rig_record(r, "u:1", "pref:a"), "-");
}

/* What one gave is not lost by what the other gives at the same time; both are told. */
static void two_devices_choose_at_once(void **state)
{
    struct chat_rig *r = begin(state);
    struct chat_rig_call *a, *b;

    a = chat_rig_start(r, 1, "{'action':'room_pref','room':'a','muted':true}");
    b = chat_rig_start(r, 1, "{'action':'room_pref','room':'a','favourite':true}");
    chat_rig_has(chat_rig_wait(a), "'muted':true");
    chat_rig_has(chat_rig_wait(b), "'favourite':true");
    chat_rig_free(a);
    chat_rig_free(b);
    assert_string_equal(chat_rig_record(r, "u:1", "pref:a"), "favourite muted");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'history','room':'@1','view':'log','limit':1}"),
                 "'to':'a','favourite':true,'muted':true");
}

/* As many as there are, though only so many at once. */
static void sessions_are_paged(void **state)
{
    struct chat_rig *r = *state;
    char sk[64], next[64] = "";
    int seen = 0, pages = 0;

    for (int i = 0; i < 401; i++) {
        (void)snprintf(sk, sizeof(sk), "session:%d", 1000 + i);
        chat_rig_put(r, "u:1", sk, i == 7 ? "1 2" : "1 99999999999999");
    }
    do {
        const char *at = next[0] == '\0'
                             ? chat_rig_do(r, 1, "{'action':'sessions','id':1}")
                             : chat_rig_do(r, 1, "{'action':'sessions','id':1,'next':'%s'}", next);
        const char *more = strstr(at, "'next':'");

        next[0] = '\0';
        if (more != NULL)
            (void)snprintf(next, sizeof(next), "%.*s", (int)strcspn(more + 8, "'"), more + 8);
        for (; (at = strstr(at, "{'id':'")) != NULL; at++)
            seen++;
        pages++;
    } while (next[0] != '\0' && pages < 10);
    assert_int_equal(pages, 3);
    assert_int_equal(seen, 400); /* one has expired */
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(EACH(own_rooms_come_first), EACH(pages_have_each_room_once),
           EACH(a_page_that_is_none_is_refused), EACH(a_damaged_list_is_read_on),
           EACH(sessions_are_paged), EACH(what_is_chosen_is_told_of_each),
           EACH(what_is_hidden_comes_back), EACH(two_devices_choose_at_once))
