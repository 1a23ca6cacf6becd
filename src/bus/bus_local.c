#include "bus/bus.h"

#include "base/mem.h"
#include "bus/bus_deaf.h"

#include <stdlib.h>

static uint64_t local_self(struct bus *b)
{
    (void)b;
    return 1;
}

static void local_ring(struct bus *b, struct str room, uint64_t seq, struct str bytes)
{
    (void)b;
    (void)room;
    (void)seq;
    (void)bytes;
}

static void bus_free(struct bus *b)
{
    free(b);
}

static const struct bus_ops local_ops = {
    .name = "local",
    .alone = true,
    BUS_DEAF_OPS,
    .self = local_self,
    .ring = local_ring,
    .close = bus_free,
};

struct bus *bus_local_new(void)
{
    struct bus *b = mem_bytes(sizeof(*b));

    b->ops = &local_ops;
    return b;
}
