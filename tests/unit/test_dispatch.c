/* Where chat/command/dispatch.h has commands run. */
#include "chat/command/dispatch.h"

#include "lib/chat_rig.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, chat_rig_setup, chat_rig_teardown)

static void a_room_without_an_id_is_given_one(void **state)
{
    struct chat_rig *r = *state;
    const char *answer = chat_rig_do(r, 1, "{'action':'room_create','title':'The Cellar!'}");

    chat_rig_has(answer, "'id':'the-cellar-");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'rooms'}"), "'id':'the-cellar-");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_create','room':'attic'}"), "'id':'attic'");
}

static void a_direct_room_is_found_by_its_people(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_put(r, "u:1", "user", "u1");
    chat_rig_put(r, "u:2", "user", "u2");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'dm','user':1}"), "'id':'dm:1:2'");
}

/* What is a connection's alone does not get here: whoever hands it on is told so. */
static void what_a_door_does_itself(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_has(chat_rig_do(r, 1, "{'action':'ping'}"), "'code':'unknown_command'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'resume','rooms':{}}"), "'code':'unknown_command'");
}

CHECK_MAIN(TEST(a_room_without_an_id_is_given_one), TEST(a_direct_room_is_found_by_its_people),
           TEST(what_a_door_does_itself))
