/* slots.h: which node of a Redis cluster serves which slot: the slot of a channel, and what
 * CLUSTER SLOTS answers (https://redis.io/commands/cluster-slots):
 *
 *   [ [first, last, [host, port, id, ...], replica ...], ... ]
 *
 * Pure. */
#ifndef WIRE_SLOTS_H
#define WIRE_SLOTS_H

#include "wire/resp.h"

enum { SLOTS_N = 16384, SLOTS_NODES_MAX = 512, SLOTS_HOST_MAX = 240 };

struct slots_node {
    char host[SLOTS_HOST_MAX]; /* "": the one that was asked */
    uint16_t port;
};

/* Masters only. */
struct slots {
    struct slots_node nodes[SLOTS_NODES_MAX];
    unsigned nodes_n;
    uint16_t of[SLOTS_N]; /* 1 + the node's place; 0: nobody serves it */
    unsigned served_n;    /* slots that somebody does */
};

/* The slot of a key or a channel: of what is between its first braces, if that is anything,
 * else of all of it. */
uint16_t slots_of(struct str channel);

/* Reads an answer. False if it is none: then s is void. */
bool slots_read(struct slots *s, const struct resp_reply *answer) MUST_CHECK;

#endif
