#include "bus/bus_redis_channel.h"

#include "base/siphash.h"

#include <stdio.h>

enum { GROUPS = 1024 };

struct str bus_redis_channel_room(const struct redis_core *b, struct str room,
                                  char to[static NAME_MAX])
{
    static const uint8_t key[16] = "every node's own"; /* the same on all */
    int n = snprintf(to, NAME_MAX, "%s:{%u}:%.*s", b->id, (unsigned)(siphash(key, room) % GROUPS),
                     STR_ARGS(room));

    return (struct str){(const uint8_t *)to, (size_t)MIN(n, NAME_MAX - 1)};
}

struct str bus_redis_channel_node(const struct redis_core *b, uint64_t node,
                                  char to[static NAME_MAX])
{
    int n = snprintf(to, NAME_MAX, "%s:@%016llx", b->id, (unsigned long long)node);

    return (struct str){(const uint8_t *)to, (size_t)n};
}

struct str bus_redis_channel_base(const struct redis_core *b, unsigned base,
                                  char to[static NAME_MAX])
{
    int n;

    assert(base < BASE_N);
    if (base == BASE_SELF)
        return bus_redis_channel_node(b, b->self, to);
    n = snprintf(to, NAME_MAX, "%s:$", b->id);
    return (struct str){(const uint8_t *)to, (size_t)n};
}
