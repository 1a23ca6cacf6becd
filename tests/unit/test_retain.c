/* What a room need not keep (chat/room/retain.h): it is not shown from then on, and goes from the
 * store, whatever crashes; what is to be kept stays. */
#include "chat/room/retain.h"

#include "base/str.h"
#include "chat/room/owner.h"
#include "lib/chat_rig.h"

#include <stdio.h>
#include <string.h>

/* More than one read of a scan has. */
#define MESSAGES 600

static void read_over(struct store_req *req)
{
    req->done = NULL;
}

/* How many messages and edits the store has, with their texts, of seqs below `below`. */
static unsigned left(struct chat_rig *r, const char *room, uint64_t below)
{
    return chat_rig_stored(r, room, below, "SECRET", NULL, NULL);
}

static void say(struct chat_rig *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'den','text':'SECRET'}"), "'seq'");
}

/* A private room of user 1, of which 2 is a member: that stands in its first entries. */
static struct chat_rig *begin(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_put(r, "u:2", "user", "uu2");
    chat_rig_has(chat_rig_do(r, 1,
                             "{'action':'room_create','room':'den','kind':'private','title'"
                             ":'Den'}"),
                 "'id':'den'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'member_set','room':'den','user':2,'role':'member'}"),
                 "'seq':2");
    return r;
}

static uint64_t first_of(struct chat_rig *r)
{
    return chat_rig_room(r, "den")->first;
}

/* Nothing is lost that is to be kept, and nothing else is left. */
static void older_messages_go_by_number(void **state)
{
    struct chat_rig *r = begin(state);
    uint64_t first;

    say(r, MESSAGES);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'edit','room':'den','target':5,'text':'SECRET 2'}"),
                 "'seq'");
    assert_int_equal(first_of(r), 1);
    assert_int_equal(left(r, "den", 100), 97 + 1);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'room_set','room':'den','retain_count':100}"),
                 "'forbidden'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den','retain_count':100}"),
                 "'seq'");
    chat_rig_rest(r, 1000);
    first = first_of(r);
    assert_int_equal(first, 2 + MESSAGES - 100 + 1);
    assert_int_equal(left(r, "den", first), 0);
    assert_int_equal(left(r, "den", first + 100), 100);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'join','room':'den'}"), "'title':'Den'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'join','room':'den'}"), "'retain_count':100,'first'");
}

/* Who stood before what is kept begins anew; who stood in it goes on. */
static void cursors_before_it_are_reset(void **state)
{
    struct chat_rig *r = begin(state);
    uint64_t first;
    const char *answer;

    say(r, 200);
    (void)chat_rig_do(r, 1, "{'action':'room_set','room':'den','retain_count':50}");
    chat_rig_rest(r, 1000);
    first = first_of(r);
    assert_int_equal(first, 153);
    answer = chat_rig_do(r, 2, "{'action':'join','room':'den','after':%u}", (unsigned)first - 2);
    chat_rig_has(answer, "'reset':true,'first':153");
    answer = chat_rig_do(r, 2, "{'action':'join','room':'den','after':%u}", (unsigned)first - 1);
    chat_rig_has_not(answer, "reset");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'join','room':'den','after':0}"), "'reset':true");
    chat_rig_has_not(chat_rig_do(r, 2, "{'action':'join','room':'den','last':500}"), "reset");
}

static void what_is_gone_is_not_shown_nor_changed(void **state)
{
    static const char *const changes[] = {"'action':'edit','text':'x'", "'action':'delete'",
                                          "'action':'react','emoji':'👍'"};
    struct chat_rig *r = begin(state);

    say(r, 200);
    (void)chat_rig_do(r, 1, "{'action':'room_set','room':'den','retain_count':50}");
    chat_rig_rest(r, 1000);
    for (unsigned i = 0; i < COUNTOF(changes); i++) {
        chat_rig_has(chat_rig_do(r, 2, "{%s,'room':'den','target':152}", changes[i]),
                     "no_such_message");
        chat_rig_has(chat_rig_do(r, 2, "{%s,'room':'den','target':%u}", changes[i], 153 + i),
                     "'seq'");
    }
    for (unsigned i = 0; i < 2; i++) {
        const char *view = i == 0 ? "messages" : "log";

        chat_rig_has(
            chat_rig_do(r, 2, "{'action':'history','room':'den','view':'%s','after':0}", view),
            "'entries':[{'event':'message','room':'den','seq':153");
        chat_rig_has(
            chat_rig_do(r, 2, "{'action':'history','room':'den','view':'%s','before':155}", view),
            "'seq':153");
        chat_rig_has_not(
            chat_rig_do(r, 2, "{'action':'history','room':'den','view':'%s','before':155}", view),
            "'seq':152");
        chat_rig_has(
            chat_rig_do(r, 2, "{'action':'history','room':'den','view':'%s','before':9}", view),
            "'entries':[],'more':false");
    }
    chat_rig_has(chat_rig_do(r, 1, "{'action':'rooms'}"), "'unread':49"); /* one was deleted */
}

/* Its title and people are as they were, though what told of them is long before it. */
static void a_room_is_still_the_same_after_a_restart(void **state)
{
    struct chat_rig *r = begin(state);

    say(r, 200);
    (void)chat_rig_do(r, 1, "{'action':'room_set','room':'den','retain_count':50}");
    chat_rig_rest(r, 1000);
    for (unsigned i = 0; i < 2; i++) {
        chat_rig_restart(r);
        chat_rig_has(chat_rig_do(r, 2, "{'action':'join','room':'den'}"), "'title':'Den'");
        chat_rig_has(chat_rig_do(r, 3, "{'action':'join','room':'den'}"), "'not_member'");
        assert_int_equal(first_of(r), 153);
        chat_rig_put(r, "r:den", "state", NULL); /* the log alone tells the same */
    }
}

/* The process ends after each number of steps: whoever loads the room next goes on. */
static void a_crash_ends_no_deletion(void **state)
{
    for (unsigned steps = 0; steps < 4; steps++) {
        struct chat_rig *r = steps == 0 ? begin(state) : *state;
        uint64_t first;

        r->owner.limits.retain_count = 0;
        say(r, 200);
        r->owner.limits.retain_count = 50 + steps;
        r->gate->closed[STORE_APPEND] = true;
        struct chat_rig_call *c =
            chat_rig_start(r, 1, "{'action':'send','room':'den','text':'SECRET'}");
        for (unsigned i = 0; i <= steps; i++) {
            while (r->gate->held_n == 0)
                assert_true(chat_rig_turn(r));
            store_gate_let(r->gate, 0);
        }
        while (r->gate->held_n == 0)
            assert_true(chat_rig_turn(r));
        r->gate->closed[STORE_APPEND] = false;
        store_gate_fail(r->gate, 0, STORE_FAILED);
        chat_rig_has(chat_rig_wait(c), "'seq'");
        chat_rig_free(c);
        chat_rig_restart(r);
        r->owner.limits.retain_count = 50 + steps;
        chat_rig_has(chat_rig_do(r, 2, "{'action':'join','room':'den'}"), "'id':'den'");
        chat_rig_rest(r, 1000);
        first = first_of(r);
        assert_int_equal(left(r, "den", first), 0);
        assert_int_equal(left(r, "den", UINT64_MAX), 50 + steps);
    }
}

/* By the server's setting, in a direct room as well; and a room may keep less. */
static void older_messages_go_by_age(void **state)
{
    struct chat_rig *r = begin(state);

    chat_rig_put(r, "u:1", "user", "uu1");
    r->owner.limits.retain_age_ms = 3600000;
    say(r, 3);
    (void)chat_rig_do(r, 1, "{'action':'dm','user':2}");
    (void)chat_rig_do(r, 1, "{'action':'send','room':'dm:1:2','text':'SECRET'}");
    chat_rig_rest(r, 1800000);
    say(r, 2);
    (void)chat_rig_do(r, 1, "{'action':'send','room':'dm:1:2','text':'SECRET'}");
    chat_rig_rest(r, 1000);
    assert_int_equal(left(r, "den", UINT64_MAX), 5);
    chat_rig_rest(r, 1860000);
    (void)chat_rig_do(r, 1, "{'action':'send','room':'dm:1:2','text':'x'}");
    (void)chat_rig_do(r, 1, "{'action':'send','room':'den','text':'x'}");
    chat_rig_rest(r, 1000);
    assert_int_equal(left(r, "den", UINT64_MAX), 2);
    assert_int_equal(left(r, "dm:1:2", UINT64_MAX), 1);
    (void)chat_rig_do(r, 1, "{'action':'room_set','room':'den','retain_age':60}");
    chat_rig_rest(r, 1000);
    assert_int_equal(left(r, "den", UINT64_MAX), 0);
    chat_rig_rest(r, 7200000);
    (void)chat_rig_do(r, 2, "{'action':'join','room':'den'}");
    chat_rig_rest(r, 1000);
    uint64_t head = chat_rig_room(r, "den")->head;
    for (unsigned i = 0; i < 3; i++) { /* where nothing is said nothing is appended */
        chat_rig_rest(r, 7200000);
        (void)chat_rig_do(r, 2, "{'action':'join','room':'den'}");
        chat_rig_rest(r, 1000);
    }
    assert_int_equal(chat_rig_room(r, "den")->head, head);
}

/* A change that has begun when its message goes does not bring anything back. */
static void a_change_under_way_comes_too_late(void **state)
{
    struct chat_rig *r = begin(state);
    struct chat_rig_call *edit, *set;

    say(r, 200);
    r->gate->closed[STORE_READ] = true;
    edit = chat_rig_start(r, 2, "{'action':'edit','room':'den','target':5,'text':'SECRET'}");
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    r->owner.limits.retain_count = 50;
    set = chat_rig_start(r, 1, "{'action':'send','room':'den','text':'SECRET'}");
    while (r->gate->held_n < 2) /* the scan's */
        assert_true(chat_rig_turn(r));
    chat_rig_has(chat_rig_wait(set), "'seq'");
    store_gate_let(r->gate, 1);
    while (first_of(r) == 1)
        assert_true(chat_rig_turn(r));
    store_gate_open(r->gate);
    chat_rig_has(chat_rig_wait(edit), "no_such_message");
    chat_rig_free(edit);
    chat_rig_free(set);
    chat_rig_rest(r, 1000);
    assert_int_equal(left(r, "den", first_of(r)), 0);
}

static void nonsense_is_refused(void **state)
{
    static const char *const bad[] = {"'retain_age':59", "'retain_age':315360001",
                                      "'retain_count':1000000001"};
    struct chat_rig *r = begin(state);

    for (unsigned i = 0; i < COUNTOF(bad); i++)
        chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den',%s}", bad[i]),
                     "'bad_value'");
}

/* More than a scan's reads bring, and no message among it. */
static void what_is_no_message_goes_as_well(void **state)
{
    struct chat_rig *r = begin(state);
    uint64_t reads;

    for (unsigned i = 0; i < 4200; i++) {
        if (i % 1000 == 999)
            chat_rig_restart(r); /* the rig remembers so much news */
        chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den','topic':'%u'}", i),
                     "'seq'");
    }
    chat_rig_restart(r);
    say(r, 1);
    chat_rig_rest(r, 120000);
    r->owner.limits.retain_age_ms = 60000;
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den','topic':'x'}"), "'seq'");
    chat_rig_rest(r, 1000);
    assert_int_equal(left(r, "den", UINT64_MAX), 0);
    assert_true(first_of(r) > 4200);
    reads = r->gate->seen[STORE_READ];
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den','topic':'y'}"), "'seq'");
    chat_rig_rest(r, 1000);
    assert_in_range(r->gate->seen[STORE_READ] - reads, 0, 2); /* of the act that it is */
}

/* Who was answered that messages are kept has them, though a scan has begun before. */
static void what_is_kept_from_now_on_stays(void **state)
{
    struct chat_rig *r = begin(state);
    struct chat_rig_call *set;

    say(r, 5);
    chat_rig_rest(r, 120000);
    r->gate->closed[STORE_READ] = true;
    set = chat_rig_start(r, 1, "{'action':'room_set','room':'den','retain_age':60}");
    while (r->gate->held_n == 0 ||
           CONTAINER_OF(r->gate->held[0], struct store_read, req)->count_max == 1) {
        while (r->gate->held_n > 0 &&
               CONTAINER_OF(r->gate->held[0], struct store_read, req)->count_max == 1)
            store_gate_let(r->gate, 0);
        assert_true(chat_rig_turn(r));
    }
    r->gate->closed[STORE_READ] = false;
    chat_rig_free(set);
    r->gate->closed[STORE_APPEND] = true;
    set = chat_rig_start(r, 1, "{'action':'room_set','room':'den','retain_age':0}");
    while (r->gate->held_n < 2)
        assert_true(chat_rig_turn(r));
    store_gate_let(r->gate, 0);
    chat_rig_rest(r, 1000);
    store_gate_open(r->gate);
    chat_rig_has(chat_rig_wait(set), "'seq'");
    chat_rig_free(set);
    chat_rig_rest(r, 1000);
    assert_int_equal(left(r, "den", UINT64_MAX), 5);
}

/* Nobody has to say anything more, nor to load the room anew. */
static void a_store_that_fails_ends_no_deletion(void **state)
{
    struct chat_rig *r = begin(state);

    say(r, 5);
    chat_rig_rest(r, 120000);
    say(r, 1);
    r->owner.limits.retain_age_ms = 60000;
    r->gate->closed[STORE_APPEND] = true;
    struct chat_rig_call *c = chat_rig_start(r, 2, "{'action':'send','room':'den','text':'x'}");
    for (unsigned i = 0; i < 2; i++) { /* what is said; what moves `first` */
        while (r->gate->held_n == 0)
            assert_true(chat_rig_turn(r));
        if (i == 0)
            store_gate_let(r->gate, 0);
    }
    store_gate_fail(r->gate, 0, STORE_FAILED);
    r->gate->closed[STORE_APPEND] = false;
    chat_rig_has(chat_rig_wait(c), "'seq'");
    chat_rig_free(c);
    chat_rig_rest(r, 10000);
    assert_int_equal(left(r, "den", UINT64_MAX), 1);
}

/* The entry of another node is appended, which rings. */
static void another_appends(struct chat_rig *r, struct entry e)
{
    struct room *den = chat_rig_room(r, "den");
    struct buf b CLEANUP(buf_fini);
    struct str entry;
    struct store_append append = {.req = {.home = r->io, .done = read_over},
                                  .room = STR("den"),
                                  .epoch = den->epoch,
                                  .head = den->head,
                                  .entries = &entry,
                                  .entries_n = 1};

    buf_init(&b, 1000);
    e.ts_ms = den->ts_ms;
    e.count = den->count + (e.kind == ENTRY_MESSAGE);
    entry_encode(&e, &b);
    entry = buf_peek(&b);
    store_append(r->mem, &append);
    while (append.req.done != NULL)
        assert_true(chat_rig_turn(r));
    assert_int_equal(append.req.result, STORE_OK);
    owner_heard(&r->owner,
                &(struct bus_event){.kind = BUS_RING, .room = STR("den"), .seq = append.head + 1});
    while (den->head == append.head)
        assert_true(chat_rig_turn(r));
}

/* Nodes that only follow leave it to that which appends. */
static void what_others_append_is_their_work(void **state)
{
    struct chat_rig *r = begin(state);
    uint64_t appends;

    say(r, 200);
    chat_rig_rest(r, 1000);
    appends = r->gate->seen[STORE_APPEND];
    r->owner.limits.retain_count = 50;
    another_appends(
        r, (struct entry){
               .kind = ENTRY_MESSAGE, .from_id = 2, .from_name = STR("u2"), .text = STR("SECRET")});
    chat_rig_rest(r, 1000);
    assert_int_equal(r->gate->seen[STORE_APPEND], appends);
    say(r, 1);
    chat_rig_rest(r, 1000);
    assert_int_equal(left(r, "den", UINT64_MAX), 50);
}

/* What the store says is not believed where it would take away what is yet to be said. */
static void no_room_begins_behind_its_end(void **state)
{
    struct chat_rig *r = begin(state);
    struct settings s = {.first = 1000000, .first_count = 3};
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 1000);
    settings_encode(&s, &b);
    say(r, 3);
    another_appends(r, (struct entry){.kind = ENTRY_ROOM, .settings = buf_peek(&b)});
    chat_rig_rest(r, 1000);
    for (unsigned i = 0; i < 2; i++) {
        assert_in_range(first_of(r), 1, chat_rig_room(r, "den")->head + 1);
        say(r, 2);
        chat_rig_rest(r, 1000);
        chat_rig_has(chat_rig_do(r, 2, "{'action':'history','room':'den'}"), "SECRET");
        chat_rig_restart(r);
        (void)chat_rig_do(r, 2, "{'action':'join','room':'den'}");
        chat_rig_rest(r, 1000);
    }
    chat_rig_has(chat_rig_do(r, 2, "{'action':'history','room':'den'}"), "SECRET");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(TEST(older_messages_go_by_number), TEST(cursors_before_it_are_reset),
           TEST(what_is_gone_is_not_shown_nor_changed),
           TEST(a_room_is_still_the_same_after_a_restart), TEST(a_crash_ends_no_deletion),
           TEST(older_messages_go_by_age), TEST(a_change_under_way_comes_too_late),
           TEST(nonsense_is_refused), TEST(what_is_no_message_goes_as_well),
           TEST(what_is_kept_from_now_on_stays), TEST(what_others_append_is_their_work),
           TEST(no_room_begins_behind_its_end), TEST(a_store_that_fails_ends_no_deletion))
