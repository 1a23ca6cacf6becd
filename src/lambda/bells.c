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
    for (unsigned i = b->begun; i < b->n; i++)
        if (!b->at[i].asked && str_eq(bell_room(&b->at[i]), room))
            return !b->at[i].repeats;
    return false;
}

static struct bell *bells_add(struct bells *b, unsigned at, struct str room)
{
    struct bell *bell = &b->at[at];

    assert(at <= b->n && b->n < BELLS_MAX && room.n > 0 && room.n <= KEYS_ROOM_MAX);
    memmove(bell + 1, bell, (b->n - at) * sizeof(*bell));
    b->n++;
    *bell = (struct bell){.room_n = (uint8_t)room.n};
    memcpy(bell->room, room.p, room.n);
    return bell;
}

/* NULL if there are too many: those who follow see a gap in time, and look. */
static struct bell *bells_get(struct bells *b, struct str room)
{
    for (unsigned i = b->begun; i < b->n; i++)
        if (!b->at[i].asked && str_eq(bell_room(&b->at[i]), room))
            return &b->at[i];
    return b->n - b->asked_n < BELLS_RUNG_MAX ? bells_add(b, b->n, room) : NULL;
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

static void bell_raise(struct bell *b, uint64_t head)
{
    b->repeats = true;
    if (head <= b->head)
        return;
    frame_unref(b->last);
    b->last = NULL;
    b->head = head;
}

void bells_again(struct bell *b, uint64_t head)
{
    b->again = true;
    bell_raise(b, head);
}

void bells_repeat(struct bells *b, struct str room, uint64_t head)
{
    struct bell *bell = bells_get(b, room);

    if (bell != NULL)
        bell_raise(bell, head);
}

void bells_ask(struct bells *b, struct str room, uint32_t of, uint64_t head)
{
    struct bell *bell;

    assert(b->begun == 0 && b->asked_n < BELLS_ASKED_MAX);
    bell = bells_add(b, b->asked_n++, room);
    bell->asked = bell->repeats = true;
    bell->of = of;
    bell->head = head;
}

struct bell *bells_next(struct bells *b)
{
    assert(b->begun <= b->n);
    return b->begun < b->n ? &b->at[b->begun++] : NULL;
}

void bells_begin(struct bells *b)
{
    assert(b->begun == 0 && b->asked_n == 0);
    for (unsigned i = 0; i < b->n; i++)
        b->at[i].repeats = true;
}

void bells_end(struct bells *b)
{
    for (unsigned i = 0; i < b->begun; i++) {
        frame_unref(b->at[i].last);
        b->asked_n -= b->at[i].asked;
    }
    b->n -= b->begun;
    memmove(b->at, b->at + b->begun, b->n * sizeof(b->at[0]));
    b->begun = 0;
}

void bells_clear(struct bells *b)
{
    b->begun = b->n;
    bells_end(b);
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
    b->n = b->asked_n = b->begun = 0;
}
