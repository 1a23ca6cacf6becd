#include "chat/room/turn.h"

#include "base/str.h"
#include "lib/chat_rig.h"

static void what_is_written_is_read(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct turn_wish wish;
    struct str bytes;

    (void)state;
    buf_init(&b, 100);
    turn_write(&b, &(struct turn_wish){.losses = 3, .ms = 200});
    bytes = buf_peek(&b);
    assert_true(turn_is(bytes) && turn_read(bytes, &wish));
    assert_true(wish.losses == 3 && wish.ms == 200);
    for (size_t n = 0; n < bytes.n; n++)
        assert_false(turn_read((struct str){bytes.p, n}, &wish));
    assert_false(turn_read(STR("\x02\x02\x03\x04"), &wish)); /* of a later program */
    assert_false(turn_read(STR("\x02\x01\x03\x04\x05"), &wish));
    assert_false(turn_is(STR("{\"event\":\"typing\"}")));
}

/* Node `node` (here it is 1) asks. */
static void ask(struct room *room, uint64_t node, unsigned losses, unsigned ms)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 100);
    turn_write(&b, &(struct turn_wish){.losses = losses, .ms = ms});
    turn_heard(room, &(struct bus_event){.kind = BUS_CAST, .node = node, .bytes = buf_peek(&b)});
}

static void a_turn_is_given_once(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *call;
    struct room *room;

    (void)chat_rig_do(r, 1, "{'action':'join','room':'r'}");
    room = chat_rig_room(r, "r");
    ask(room, 5, 2, 50);
    assert_true(turn_is_anothers(room));
    call = chat_rig_start(r, 1, "{'action':'send','room':'r','text':'x'}");
    chat_rig_rest(r, 30);
    assert_false(call->ended);
    turn_rung(room, 6);
    assert_true(turn_is_anothers(room));
    turn_rung(room, 5); /* it has had it */
    chat_rig_has(chat_rig_wait(call), "'seq':2");
    chat_rig_free(call);
    ask(room, 5, 2, UINT32_MAX);
    ask(room, 5, 3, UINT32_MAX); /* is not longer for that */
    call = chat_rig_start(r, 1, "{'action':'send','room':'r','text':'x'}");
    chat_rig_rest(r, TURN_MAX_MS + 10);
    assert_true(call->ended);
    chat_rig_free(call);
    ask(room, 5, 2, UINT32_MAX);
    turn_rung(room, 5);
    ask(room, 5, 2, UINT32_MAX); /* it is ours to append first */
    assert_false(turn_is_anothers(room));
}

static void who_lost_more_goes_first(void **state)
{
    struct chat_rig *r = *state;
    struct room *room;

    (void)chat_rig_do(r, 1, "{'action':'join','room':'r'}");
    room = chat_rig_room(r, "r");
    turn_submitted(room);
    turn_lost(room);
    turn_lost(room);
    turn_lost(room);
    ask(room, 5, 2, 50);
    assert_false(turn_is_anothers(room));
    ask(room, 5, 3, 50); /* as much, and a larger id */
    assert_false(turn_is_anothers(room));
    ask(room, 5, 4, 50);
    assert_true(turn_is_anothers(room));
    chat_rig_rest(r, 100);
    assert_false(turn_is_anothers(room));
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(EACH(what_is_written_is_read), EACH(a_turn_is_given_once),
           EACH(who_lost_more_goes_first))
