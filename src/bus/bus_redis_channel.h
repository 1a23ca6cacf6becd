/* bus_redis_channel.h: channels' names, and what is said there.
 * <id>:{<hash>}:<room>, <id>:$, <id>:@<node>. */
#ifndef BUS_BUS_REDIS_CHANNEL_H
#define BUS_BUS_REDIS_CHANNEL_H

#include "bus/bus_redis_core.h"

enum { NAME_MAX = 128 }; /* of a channel */

/* The channel of every node, and this node's own. */
enum { BASE_ALL, BASE_SELF, BASE_N };

/* The kinds of messages. Hellos and goodbyes go over the channel of every node. */
enum {
    MESSAGE_HELLO = 'h',
    MESSAGE_BYE = 'b',
    MESSAGE_RING = 'r',
    MESSAGE_CAST = 'c',
    MESSAGE_DIRECT = 'd',
    MESSAGE_ASK = 'a',   /* are you there? seq: a number */
    MESSAGE_PROOF = 'p', /* the answer, with that number */
};

/* Each writes a name to `to` and returns it, borrowed from there. */
struct str bus_redis_channel_room(const struct redis_core *b, struct str room,
                                  char to[static NAME_MAX]);
struct str bus_redis_channel_base(const struct redis_core *b, unsigned base,
                                  char to[static NAME_MAX]);
struct str bus_redis_channel_node(const struct redis_core *b, uint64_t node,
                                  char to[static NAME_MAX]);

#endif
