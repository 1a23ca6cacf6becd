/* When a simulated client has all that it wants. */
#include "lib/sim_client.h"

/* NULL if nothing is missing of the room. */
static const char *why_not(const struct sim_client *c, const struct sim_room *r)
{
    /* Other nodes ring for the rooms that were asked for. */
    bool unasked = r == &c->rooms[0] && r->state == SIM_ROOM_UNWANTED && c->crowd->addrs_n > 1;

    if (r->state == SIM_ROOM_WANTED || r->state == SIM_ROOM_ASKED)
        return "has not come back into";
    if (r->missing_n > 0)
        return "has not fetched what it missed of";
    if (r->follow.on && !r->follow.ended && !unasked &&
        r->follow.cursor < sim_check_head(r->follow.log))
        return "has not been shown the newest entry of";
    return NULL;
}

bool sim_client_is_quiet(const struct sim_client *c, const char **ret_why, const char **ret_room)
{
    *ret_room = "";
    *ret_why = !c->authed || !sim_link_is_ws(&c->link) ? "is not connected"
               : c->link.paused                        ? "does not read"
               : c->ops_n > 0                          ? "waits for an answer"
                                                       : NULL;
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS && *ret_why == NULL; i++) {
        if (c->rooms[i].id[0] == '\0')
            continue;
        *ret_room = c->rooms[i].id;
        *ret_why = why_not(c, &c->rooms[i]);
    }
    return *ret_why == NULL;
}
