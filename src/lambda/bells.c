#include "lambda/bells.h"

#include "base/frame.h"
#include "base/str.h"
#include "bus/bus_deaf.h"
#include "chat/model/doorbell.h"

static struct bells *bells_of(struct bus *b)
{
    return CONTAINER_OF(b, struct bells, bus);
}

bool bells_has(const struct bells *b, struct str room)
{
    for (unsigned i = 0; i < b->n; i++)
        if (str_eq(bell_room(&b->at[i]), room))
            return true;
    return false;
}

/* NULL if there are too many: those who follow see a gap in time, and look. */
static struct bell *bells_get(struct bells *b, struct str room)
{
    struct bell *bell;

    assert(room.n > 0 && room.n <= KEYS_ROOM_MAX);
    for (unsigned i = 0; i < b->n; i++)
        if (str_eq(bell_room(&b->at[i]), room))
            return &b->at[i];
    if (b->n == BELLS_MAX)
        return NULL;
    bell = &b->at[b->n++];
    *bell = (struct bell){.room_n = (uint8_t)room.n};
    memcpy(bell->room, room.p, room.n);
    return bell;
}

static void bells_ring(struct bus *bus, struct str room, uint64_t seq, struct str bytes)
{
    struct bell *bell = bells_get(bells_of(bus), room);
    struct doorbell d;
    struct str last = {0};

    if (bell == NULL || seq <= bell->head)
        return;
    if (doorbell_read(bytes, &d))
        for (uint64_t i = 0; i < d.n; i++)
            last = doorbell_next(&d);
    frame_unref(bell->last);
    bell->last = last.n > 0 ? frame_copy(last) : NULL;
    bell->head = seq;
}

void bells_repeat(struct bells *b, struct str room, uint64_t head)
{
    struct bell *bell = bells_get(b, room);

    if (bell == NULL)
        return;
    bell->repeats = true;
    if (head > bell->head) {
        frame_unref(bell->last);
        bell->last = NULL;
        bell->head = head;
    }
}

void bells_clear(struct bells *b)
{
    for (unsigned i = 0; i < b->n; i++)
        frame_unref(b->at[i].last);
    b->n = 0;
}

static uint64_t bells_self(struct bus *b)
{
    return bells_of(b)->self;
}

/* What is cast goes to followers by owner_ops.cast, and to nobody else. */
static const struct bus_ops bells_ops = {
    .name = "bells",
    .alone = false,
    BUS_DEAF_OPS,
    .self = bells_self,
    .ring = bells_ring,
    .close = bus_deaf_stop, /* it is its owner's */
};

void bells_init(struct bells *b, uint64_t self)
{
    b->bus.ops = &bells_ops;
    b->self = MAX(self, (uint64_t)1);
    b->n = 0;
}
