/* bus_redis_node.h: the other nodes, and which are missing. A seal says who wrote a message,
 * not when: what was heard once could be said again later, also in the name of a node that
 * has ended. So a node proves that it is there now:
 *
 *   N --hello--> all      A --ask, with a number--> N      N --proof, with that number--> A
 *
 * From then on A knows N's time, takes only what N wrote within FRESH_MS, and of that only
 * what N counts higher than the last on that channel. Whoever is asked by a node that has not
 * proven itself asks back first, so that of two nodes none hears of the other's being there
 * before that other has its proof. */
#ifndef BUS_BUS_REDIS_NODE_H
#define BUS_BUS_REDIS_NODE_H

#include "bus/bus_redis_publish.h"
#include "bus/bus_redis_room.h"

enum { MISSING_MAX = 64 };

/* Another node. What it says counts from when it has proven to be there now, by an answer
 * with the number that it was asked with. */
struct redis_node {
    struct map_node node;
    uint64_t id, heard_ms, asked_ms;
    uint64_t number;                /* that is to be answered; 0: none */
    uint64_t ahead;                 /* its time less ours, modulo 2^64 */
    uint64_t count_all, count_self; /* how far it has counted: to every node, to this one */
    bool proven;
    bool late; /* for some seconds: it may be cut off */
    size_t text_n;
    uint8_t text[BUS_TEXT_MAX];
};

/* One that was there, or is by the store, and is not heard. */
struct redis_missing {
    uint64_t id, until_ms;
};

struct redis_nodes {
    struct redis_core *core;
    struct redis_rooms *rooms;
    struct redis_publisher *publisher;
    struct map map;
    unsigned proven_n; /* of them */
    struct redis_missing missing[MISSING_MAX];
    unsigned missing_n, late_n; /* of them; of the nodes that are late */
    uint64_t hello_ms;          /* when to say that we are here */
    char text[BUS_TEXT_MAX];    /* this node's */
};

void bus_redis_node_init(struct redis_nodes *b, struct redis_rooms *rooms,
                         struct redis_publisher *publisher);
void bus_redis_node_fini(struct redis_nodes *b);
/* A hello or a goodbye; a question or a proof, which are for this node alone. */
void bus_redis_node_heard(struct redis_nodes *b, const struct bus_head *h, struct str text);
void bus_redis_node_asked(struct redis_nodes *b, const struct bus_head *h, struct str text);
/* NULL, or a node that is there, of which the message is, and of now. */
struct redis_node *bus_redis_node_now(struct redis_nodes *b, const struct bus_head *h);
/* Is it the next of those that a node counts? *last is how far it had. */
bool bus_redis_node_counts(struct redis_nodes *b, uint64_t *last, const struct bus_head *h);
void bus_redis_node_mind(struct redis_nodes *b);
/* The store says so. */
void bus_redis_node_alive(struct redis_nodes *b, uint64_t id, bool alive);

#endif
