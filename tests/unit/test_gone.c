#include "chat/model/gone.h"

#include "base/str.h"
#include "lib/chat_rig.h"

static void those_behind_are_counted(void **state)
{
    struct gone g;

    (void)state;
    gone_init(&g);
    assert_int_equal(gone_after(&g, 0), 0);
    for (unsigned i = 0; i < 100; i++)
        gone_add(&g, 1 + (i * 37) % 100);
    gone_add(&g, 50);
    assert_int_equal(g.n, 100);
    for (unsigned seq = 0; seq <= 100; seq++)
        assert_int_equal(gone_after(&g, seq), 100 - seq);
    assert_int_equal(gone_after(&g, 1000), 0);
    gone_fini(&g);
}

/* What is forgotten are the oldest, in whatever order they come. */
static void the_newest_are_kept(void **state)
{
    (void)state;
    for (int order = 0; order < 3; order++) {
        const unsigned n = GONE_SEQS_MAX + 100;
        struct gone g;

        gone_init(&g);
        for (unsigned i = 1; i <= n; i++)
            gone_add(&g, order == 0 ? i : order == 1 ? n + 1 - i : 1 + (i * 499) % n);
        assert_int_equal(g.n, GONE_SEQS_MAX);
        assert_int_equal(g.seqs[0], 101);
        assert_int_equal(g.seqs[GONE_SEQS_MAX - 1], n);
        assert_int_equal(gone_after(&g, n - 10), 10);
        gone_fini(&g);
    }
}

static bool decode(struct gone *g, const char *text)
{
    char copy[256];
    struct json j;

    (void)strcpy(copy, text);
    json_init(&j, (uint8_t *)copy, strlen(copy), 4);
    assert_int_equal(json_next(&j), JSON_ARRAY);
    return gone_decode(g, &j);
}

static void they_are_written_and_read(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct json_out o;
    struct gone g;

    (void)state;
    gone_init(&g);
    assert_true(decode(&g, "[3,1,1,95]"));
    assert_int_equal(g.n, 4);
    assert_int_equal(g.seqs[3], 100);
    buf_init(&b, 1000);
    json_out_init(&o, &b);
    gone_encode(&g, &o);
    assert_true(str_eq(buf_peek(&b), STR("[3,1,1,95]")));
    gone_fini(&g);
    assert_false(decode(&g, "[3,0]"));
    gone_fini(&g);
    assert_false(decode(&g, "[3,-1]"));
    gone_fini(&g);
    assert_false(decode(&g, "[\"3\"]"));
    gone_fini(&g);
}

/* A room of ten messages of user 1, seqs 2 to 11; 2 has joined and read three. */
static struct chat_rig *begin(void **state, const char *room)
{
    struct chat_rig *r = *state;

    chat_rig_put(r, "u:1", "user", "uu1");
    chat_rig_put(r, "u:2", "user", "uu2");
    if (room[0] == 'd')
        (void)chat_rig_do(r, 1, "{'action':'dm','user':2}");
    for (uint64_t user = 1; user <= 2; user++)
        (void)chat_rig_do(r, user, "{'action':'join','room':'%s'}", room);
    for (int i = 0; i < 10; i++)
        (void)chat_rig_do(r, 1, "{'action':'send','room':'%s','text':'hi'}", room);
    (void)chat_rig_do(r, 2, "{'action':'read','room':'%s','seq':4,'count':3}", room);
    chat_rig_rest(r, 3000);
    return r;
}

static void delete (struct chat_rig *r, const char *room, int target)
{
    chat_rig_has(
        chat_rig_do(r, 1, "{'action':'delete','id':1,'room':'%s','target':%d}", room, target),
        "'ok'");
}

static uint64_t unread(struct chat_rig *r, const char *room)
{
    uint64_t n = chat_rig_number(chat_rig_do(r, 2, "{'action':'rooms','id':1}"), "unread");

    assert_int_equal(
        chat_rig_number(chat_rig_do(r, 2, "{'action':'join','id':1,'room':'%s'}", room), "unread"),
        n);
    return n;
}

static void what_was_taken_back_is_not_unread(void **state)
{
    static const char *const rooms[] = {"r", "dm:1:2"};

    for (unsigned i = 0; i < COUNTOF(rooms); i++) {
        struct chat_rig *r = begin(state, rooms[i]);

        assert_int_equal(unread(r, rooms[i]), 7);
        delete (r, rooms[i], 11);
        delete (r, rooms[i], 3); /* which was read */
        assert_int_equal(unread(r, rooms[i]), 6);
        chat_rig_restart(r);
        assert_int_equal(unread(r, rooms[i]), 6);
        delete (r, rooms[i], 6);
        (void)chat_rig_do(r, 1, "{'action':'send','room':'%s','text':'hi'}", rooms[i]);
        assert_int_equal(unread(r, rooms[i]), 6);
        (void)chat_rig_do(r, 2, "{'action':'read','room':'%s','seq':8,'count':7}", rooms[i]);
        assert_int_equal(unread(r, rooms[i]), 3); /* 9, 10 and the last; not 11 */
        (void)chat_rig_do(r, 2, "{'action':'read','room':'%s','seq':99}", rooms[i]);
        assert_int_equal(unread(r, rooms[i]), 0);
        (void)chat_rig_do(r, 2, "{'action':'leave','room':'%s'}", rooms[i]);
    }
}

/* The record says so too, once the log is not read again from its beginning. */
static void a_record_knows_them(void **state)
{
    struct chat_rig *r = begin(state, "r");

    delete (r, "r", 10);
    delete (r, "r", 11);
    (void)chat_rig_do(r, 1, "{'action':'member_set','room':'r','user':2,'role':'member'}");
    for (int i = 0; i < 100; i++) /* more than are looked at on loading */
        (void)chat_rig_do(r, 1, "{'action':'send','room':'r','text':'hi'}");
    chat_rig_has(chat_rig_record(r, "r:r", "state"), "'deleted':[10,1]");
    chat_rig_restart(r);
    assert_int_equal(unread(r, "r"), 105);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(cmocka_unit_test(those_behind_are_counted), cmocka_unit_test(the_newest_are_kept),
           cmocka_unit_test(they_are_written_and_read), EACH(what_was_taken_back_is_not_unread),
           EACH(a_record_knows_them))
