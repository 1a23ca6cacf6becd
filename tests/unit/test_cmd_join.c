#include "chat/room/commands.h"

#include "base/str.h"
#include "lib/chat_rig.h"

#include <stdio.h>

/* Several make the same room at once: only the one who has made it is counted for it. */
static void a_room_is_counted_for_who_has_made_it(void **state)
{
    struct chat_rig_call *calls[4];
    struct chat_rig *r = *state;
    uint64_t counted = 0;

    r->owner.limits.rooms_per_user = 100;
    for (unsigned round = 1; round <= 4; round++) {
        r->gate->closed[STORE_PUT] = true; /* all are counted before one appends */
        for (unsigned i = 0; i < COUNTOF(calls); i++)
            calls[i] = chat_rig_start(r, i + 1, "{'action':'%s','room':'r%u'}",
                                      (i + round) % 2 == 0 ? "join" : "room_create", round);
        while (r->gate->held_n < COUNTOF(calls))
            assert_true(chat_rig_turn(r));
        store_gate_open(r->gate);
        for (unsigned i = 0; i < COUNTOF(calls); i++)
            chat_rig_free(calls[i]);
        counted = 0;
        for (unsigned i = 0; i < COUNTOF(calls); i++) {
            char pk[16];

            (void)snprintf(pk, sizeof(pk), "u:%u", i + 1);
            counted += strtoull(chat_rig_record(r, pk, "rooms-created"), NULL, 10);
        }
        assert_int_equal(counted, round);
    }
    r->owner.limits.rooms_per_user = 1;
    (void)chat_rig_do(r, 7, "{'action':'join','room':'one'}");
    chat_rig_has(chat_rig_do(r, 7, "{'action':'join','room':'two'}"), "'rooms_limit'");
}

CHECK_MAIN(cmocka_unit_test_setup_teardown(a_room_is_counted_for_who_has_made_it, chat_rig_setup,
                                           chat_rig_teardown))
