#include "chat/room/again.h"

static void again_over(struct wheel_timer *t)
{
    struct room *r = CONTAINER_OF(t, struct room, again_timer);

    assert(r->state == ROOM_READY);
    if (again_takes(r))
        r->owner->engine->go_on(r);
}

void again_later(struct room *r)
{
    uint64_t wait = r->again_ms == 0 ? AGAIN_MS : MIN(2 * (uint64_t)r->again_ms, AGAIN_MAX_MS);

    assert(r->state == ROOM_READY);
    r->again = true;
    if (again_waits(r)) /* something else has failed before it */
        return;
    r->again_ms = (unsigned)wait;
    r->again_timer.fire = again_over;
    wheel_set(r->owner->wheel, &r->again_timer, owner_now_ms(r->owner) + wait);
}

void again_settled(struct room *r)
{
    assert(r->owner->settles);
    r->again = true;
}

void again_worked(struct room *r)
{
    assert(r->state == ROOM_READY);
    r->again_ms = 0;
}

bool again_takes(struct room *r)
{
    bool takes = r->again && !again_waits(r) && !r->owner->settles && r->state == ROOM_READY;

    if (takes)
        r->again = false;
    return takes;
}

bool again_waits(const struct room *r)
{
    return wheel_armed(&r->again_timer);
}

void again_fini(struct room *r)
{
    assert(r->uses == 0);
    wheel_cancel(r->owner->wheel, &r->again_timer);
}
