#include "lib/sim_mover.h"

#include <string.h>

enum { TURN_MS = 5, AGAIN_MS = 300 };

void sim_mover_init(struct sim_mover *m, struct sim_client *first, struct sim_client *second)
{
    *m = (struct sim_mover){.line = first, .other = second};
    first->moves = second->moves = true;
}

/* The second knows what the first knows. */
static void hand_over(const struct sim_client *from, struct sim_client *to)
{
    memcpy(to->token, from->token, sizeof(to->token));
    to->user = from->user;
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++) {
        const struct sim_room *r = &from->rooms[i];
        struct sim_room *copy = &to->rooms[i];

        *copy = *r;
        copy->follow.on = copy->follow.ended = false;
        copy->missing_n = 0;
        copy->due_ms = 0;
        if (r->state != SIM_ROOM_UNWANTED)
            copy->state = SIM_ROOM_WANTED;
    }
}

static void stop(struct sim_client *c)
{
    c->stays_down = true;
    sim_client_cut(c, 0);
}

static bool follows_all(const struct sim_client *c)
{
    if (!c->authed || !sim_link_is_ws(&c->link))
        return false;
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++)
        if (c->rooms[i].state == SIM_ROOM_WANTED || c->rooms[i].state == SIM_ROOM_ASKED)
            return false;
    return true;
}

static void begin(struct sim_mover *m, uint64_t now)
{
    struct sim_crowd *crowd = m->line->crowd;

    if (!m->line->told || m->due_ms > now || m->other->link.state != SIM_LINK_DOWN)
        return;
    hand_over(m->line, m->other);
    m->other->node = (unsigned)rng_below(&crowd->rng, crowd->addrs_n);
    m->other->stays_down = false;
    m->other->due_ms = now;
    m->state = SIM_MOVER_COMES;
}

static void come(struct sim_mover *m, uint64_t now)
{
    struct sim_client *first = m->line;

    if (m->other->told) {
        stop(m->other);
        m->retries_n++;
        m->due_ms = now + 1 + rng_below(&first->crowd->rng, AGAIN_MS);
        m->state = SIM_MOVER_STAYS;
    } else if (follows_all(m->other)) {
        m->line = m->other;
        m->other = first;
        m->moved_n++;
        m->state = SIM_MOVER_GOES;
    }
}

static void go(struct sim_mover *m)
{
    if (m->other->stays_down) {
        if (m->other->link.state == SIM_LINK_DOWN)
            m->state = SIM_MOVER_STAYS;
    } else if (m->other->ops_n == 0) {
        m->other->stays_down = true;
        sim_link_bye(&m->other->link);
    }
}

uint64_t sim_mover_turn(struct sim_mover *m)
{
    uint64_t now = io_now_ms(m->line->crowd->io);

    switch (m->state) {
    case SIM_MOVER_STAYS:
        begin(m, now);
        break;
    case SIM_MOVER_COMES:
        come(m, now);
        break;
    case SIM_MOVER_GOES:
        go(m);
        break;
    }
    return m->state == SIM_MOVER_STAYS && !m->line->told ? IO_FOREVER : now + TURN_MS;
}

bool sim_mover_is_covered(struct sim_mover *m, const char *room)
{
    const struct sim_client *c = m->line;
    unsigned i = sim_client_room(m->line, room);

    return c->authed && sim_link_is_ws(&c->link) && i < SIM_CLIENT_ROOMS && c->rooms[i].follow.on;
}
