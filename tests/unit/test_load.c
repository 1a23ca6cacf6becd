/* What a room believes of doorbells (chat/room/load.h): what is next is taken in, everything else
 * is looked for in the store, once; and what only a doorbell told of is in no record. */
#include "base/str.h"
#include "chat/model/access.h"
#include "chat/model/doorbell.h"
#include "chat/room/load.h"
#include "chat/room/owner.h"
#include "lib/chat_rig.h"

#include <stdio.h>
#include <string.h>

static uint64_t reads_of(struct chat_rig *r)
{
    struct store_stats stats;

    store_stats(r->mem, &stats);
    return stats.reads;
}

static void ring(struct chat_rig *r, const char *room, uint64_t seq, struct str bytes)
{
    owner_heard(
        &r->owner,
        &(struct bus_event){
            .kind = BUS_RING, .node = 99, .room = str_of(room), .seq = seq, .bytes = bytes});
}

/* A private room of four entries, of user 1. */
static struct room *begin(struct chat_rig *r)
{
    chat_rig_has(
        chat_rig_do(r, 1,
                    "{'action':'room_create','room':'cellar','title':'Cellar','kind':'private'}"),
        "'ok'");
    for (unsigned i = 0; i < 3; i++)
        chat_rig_has(
            chat_rig_do(r, 1, "{'action':'send','room':'cellar','cid':'c%u','text':'x'}", i),
            "'ok'");
    chat_rig_follow(r, "cellar", 0);
    chat_rig_rest(r, 60000); /* positions are written */
    return chat_rig_room(r, "cellar");
}

/* What there is behind the head was committed before it was rung: one look sees it, or it is
 * not there. Each further doorbell is one look more. */
static void a_seq_too_high_costs_one_read(void **state)
{
    struct chat_rig *r = *state;
    struct room *room = begin(r);
    uint64_t head = room->head, before = reads_of(r);

    ring(r, "cellar", head + 1000, (struct str){0});
    chat_rig_rest(r, 10000);
    assert_int_equal(reads_of(r), before + 1);
    assert_int_equal(room->rung, head);
    ring(r, "cellar", UINT64_MAX, (struct str){0});
    chat_rig_rest(r, 10000);
    assert_int_equal(reads_of(r), before + 2);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'send','room':'cellar','cid':'d','text':'x'}"),
                 "'ok'");
    assert_int_equal(room->head, head + 1);
}

/* A doorbell that comes while a look is under way may be of what that look did not see. */
static void a_doorbell_during_a_look_is_looked_for(void **state)
{
    struct chat_rig *r = *state;
    struct room *room = begin(r);
    uint64_t head = room->head, before = reads_of(r);

    ring(r, "cellar", head + 1, (struct str){0});
    ring(r, "cellar", head + 2, (struct str){0});
    assert_true(room->catching);
    chat_rig_rest(r, 10000);
    assert_int_equal(reads_of(r), before + 2);
    assert_int_equal(room->head, head);
}

/* One that tells of too much does not hide another that comes during its look. */
static void a_seq_too_high_hides_no_doorbell(void **state)
{
    struct chat_rig *r = *state;
    struct room *room = begin(r);
    uint64_t head = room->head, before = reads_of(r);

    ring(r, "cellar", UINT64_MAX, (struct str){0});
    assert_true(room->catching);
    ring(r, "cellar", head + 1, (struct str){0});
    chat_rig_rest(r, 10000);
    assert_int_equal(reads_of(r), before + 2);
    assert_int_equal(room->rung, head);
}

static void appended(struct store_req *req)
{
    req->done = NULL;
}

static void store_entry(struct chat_rig *r, const struct room *room, const struct str *body)
{
    struct store_append a = {.req = {.home = r->io, .done = appended},
                             .room = room_id(room),
                             .head = room->head,
                             .entries = body,
                             .entries_n = 1};

    store_append(r->mem, &a);
    while (a.req.done != NULL)
        assert_true(chat_rig_turn(r));
    assert_int_equal(a.req.result, STORE_OK);
}

/* A stranger is the room's owner: rung, and stored by another node before, or not. */
static void ring_member(struct chat_rig *r, struct room *room, uint64_t user, bool stored)
{
    struct entry e = {.kind = ENTRY_MEMBER,
                      .from_id = 1,
                      .from_name = STR("u1"),
                      .ts_ms = room->ts_ms,
                      .count = room->count,
                      .user_id = user,
                      .user_name = STR("stranger"),
                      .role = STR("owner")};
    struct buf entry CLEANUP(buf_fini), bytes CLEANUP(buf_fini);
    struct str body;

    buf_init(&entry, 4096);
    buf_init(&bytes, 4096);
    entry_encode(&e, &entry);
    body = buf_peek(&entry);
    if (stored)
        store_entry(r, room, &body);
    doorbell_write(&bytes, room->epoch, &body, 1);
    ring(r, "cellar", room->head + 1, buf_peek(&bytes));
}

/* It is shown, for it is next; but the record that outlives the process is made of what the
 * store has. */
static void what_is_only_heard_is_not_kept(void **state)
{
    struct chat_rig *r = *state;
    struct room *room = begin(r);
    uint64_t head = room->head, stored = room->stored;

    ring_member(r, room, 77, false);
    assert_int_equal(room->head, head + 1);
    assert_int_equal(room->stored, stored);
    assert_non_null(access_get(&room->access, 77));
    room_save(room, true);
    chat_rig_rest(r, 1000);
    chat_rig_has_not(chat_rig_record(r, "r:cellar", "state"), "77");
    owner_settle(&r->owner);
    chat_rig_rest(r, 1000);
    chat_rig_has_not(chat_rig_record(r, "r:cellar", "state"), "77");
    chat_rig_restart(r);
    chat_rig_has(chat_rig_do(r, 77, "{'action':'history','room':'cellar','before':5}"),
                 "not_member");
}

/* Who has the secret can lie: what then cannot be stored is refused at once, and said. */
static void what_is_only_heard_is_not_built_upon(void **state)
{
    struct chat_rig *r = *state;
    struct room *room = begin(r);
    struct store_stats stats;

    ring_member(r, room, 77, false);
    for (unsigned i = 0; i < 3; i++)
        chat_rig_has(chat_rig_do(r, 1, "{'action':'send','room':'cellar','cid':'d','text':'x'}"),
                     "store_behind");
    chat_rig_rest(r, 10000);
    store_stats(r->mem, &stats);
    assert_in_range(stats.conflicts, 0, 3);
    assert_true(r->alarms_n[ALARM_bus_ahead] > 0);
}

/* What another node has stored is read before it is kept. */
static void what_is_heard_and_stored_is_kept(void **state)
{
    struct chat_rig *r = *state;
    struct room *room = begin(r);

    ring_member(r, room, 77, true);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'send','room':'cellar','cid':'d','text':'x'}"),
                 "'ok'");
    room_save(room, true);
    chat_rig_rest(r, 1000);
    chat_rig_has(chat_rig_record(r, "r:cellar", "state"), "77");
    assert_int_equal(room->at, room->head);
    assert_int_equal(room->heard, 0);
}

CHECK_MAIN(cmocka_unit_test_setup_teardown(a_seq_too_high_costs_one_read, chat_rig_setup,
                                           chat_rig_teardown),
           cmocka_unit_test_setup_teardown(a_doorbell_during_a_look_is_looked_for, chat_rig_setup,
                                           chat_rig_teardown),
           cmocka_unit_test_setup_teardown(a_seq_too_high_hides_no_doorbell, chat_rig_setup,
                                           chat_rig_teardown),
           cmocka_unit_test_setup_teardown(what_is_only_heard_is_not_kept, chat_rig_setup,
                                           chat_rig_teardown),
           cmocka_unit_test_setup_teardown(what_is_only_heard_is_not_built_upon, chat_rig_setup,
                                           chat_rig_teardown),
           cmocka_unit_test_setup_teardown(what_is_heard_and_stored_is_kept, chat_rig_setup,
                                           chat_rig_teardown))
