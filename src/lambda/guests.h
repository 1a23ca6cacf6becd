/* guests.h: connections that an instance of the function has met, and who they are: so that a
 * command costs no read of their rows (serverless/rows.h). Only GUESTS_MAX are remembered, those
 * met last. What is remembered is good for as long as the session is: ended ones are looked at
 * apart (chat/people/people.h). On one loop. */
#ifndef LAMBDA_GUESTS_H
#define LAMBDA_GUESTS_H

#include "base/list.h"
#include "base/map.h"
#include "chat/room/call.h"

enum { GUESTS_MAX = 4096 };

struct guest {
    struct map_node node;
    struct list recent;
    struct caller who; /* its name is below */
    unsigned flags;    /* of enum rows_flag */
    uint8_t id_n;
    char id[KEYS_CONN_MAX];
    char name[];
};

struct guests {
    struct map by_id;
    struct list recent; /* met longest ago first */
    uint8_t key[16];
};

void guests_init(struct guests *g, const uint8_t key[static 16]);
void guests_fini(struct guests *g);

/* NULL if the connection is not known here. */
const struct guest *guests_find(struct guests *g, struct str id);

/* Remembers, or remembers anew. */
const struct guest *guests_put(struct guests *g, struct str id, const struct caller *who,
                               unsigned flags);

/* Harmless if it is not known. */
void guests_drop(struct guests *g, struct str id);

#endif
