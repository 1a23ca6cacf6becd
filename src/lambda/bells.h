/* bells.h: the bus of a function. Other functions, and perhaps servers, write to the same store,
 * and nobody hears of it: so each command looks at its room in the store first, as it does
 * wherever a bus has other nodes and nobody here follows (chat/room/owner.c). What is rung is
 * gathered: the rooms that something was appended to, which are to be delivered then
 * (serverless/deliver.h). Nothing is ever heard. On one loop. */
#ifndef LAMBDA_BELLS_H
#define LAMBDA_BELLS_H

#include "bus/bus.h"
#include "chat/model/keys.h"

/* Rooms that one event can be about: a command's own, and the logs of those whom it concerns;
 * those of a stream's records. */
enum { BELLS_MAX = 64 };

struct bell {
    char room[KEYS_ROOM_MAX];
    uint8_t room_n;
    bool repeats;       /* it was appended before, and may not have been delivered */
    bool fails;         /* not all could be delivered */
    uint64_t head;      /* of the room, behind what was appended; 0: not known */
    struct frame *last; /* the entry at head, if the doorbell had it; or NULL */
};

struct bells {
    struct bus bus;
    uint64_t self; /* a random number, as a node's */
    unsigned n;
    struct bell at[BELLS_MAX];
};

void bells_init(struct bells *b, uint64_t self);

/* What is up to head was appended to the room before, perhaps by a function that was killed
 * then. head 0: it is not known how much. */
void bells_repeat(struct bells *b, struct str room, uint64_t head);

/* Was it rung for the room? */
bool bells_has(const struct bells *b, struct str room) MUST_CHECK;

static inline struct str bell_room(const struct bell *b)
{
    return (struct str){(const uint8_t *)b->room, b->room_n};
}

/* Forgets what was rung. */
void bells_clear(struct bells *b);

#endif
