/* bells.h: the bus of a function. Other functions, and perhaps servers, write to the same store,
 * and nobody hears of it: so each command looks at its room in the store first, as it does
 * wherever a bus has other nodes and nobody here follows (chat/room/owner.c). What is rung is
 * gathered: the rooms that something was appended to, which are to be delivered then
 * (serverless/deliver.h). Nothing is ever heard. On one loop.
 *
 *   asked for by the event ──┐
 *   rung before the event  ──┼──▶ at[begun], … ──bells_next──▶ at[0], … at[begun - 1]: delivered
 *   rung by its command    ──┘
 *
 * A room may also be rung for between two events, or behind the deliveries of one: an append whose
 * end was not known has landed, as a look at the log finds later. The next event delivers it,
 * whatever that event is about. */
#ifndef LAMBDA_BELLS_H
#define LAMBDA_BELLS_H

#include "bus/bus.h"
#include "chat/model/keys.h"

/* Rooms that are rung for: a command's own, and the logs of those whom it concerns. Rooms that one
 * event asks for: those of a stream's records. */
enum { BELLS_RUNG_MAX = 64, BELLS_ASKED_MAX = 64, BELLS_MAX = BELLS_RUNG_MAX + BELLS_ASKED_MAX };

struct bell {
    char room[KEYS_ROOM_MAX];
    uint8_t room_n;
    bool repeats;       /* it was appended before, and may not have been delivered */
    bool asked;         /* the event itself is about it, and is called again if it fails */
    bool again;         /* a delivery has not come to its end */
    bool fails;         /* not all could be delivered */
    uint32_t of;        /* asked: the one shard; or which of a stream's rooms it is */
    uint64_t head;      /* of the room, behind what was appended; 0: not known */
    struct frame *last; /* the entry at head, if the doorbell had it; or NULL */
};

struct bells {
    struct bus bus;
    uint64_t self; /* a random number, as a node's */
    unsigned n, asked_n, begun;
    struct bell at[BELLS_MAX];
};

void bells_init(struct bells *b, uint64_t self);

/* What is up to head was appended to the room before, perhaps by a function that was killed
 * then. head 0: it is not known how much. */
void bells_repeat(struct bells *b, struct str room, uint64_t head);

/* The event asks for the room: a bell of its own, even if the room was rung for. They come first,
 * in the order in which they are asked for; BELLS_ASKED_MAX at most. Nothing was begun yet. */
void bells_ask(struct bells *b, struct str room, uint32_t of, uint64_t head);

/* Begins the next bell, which stays until bells_end; NULL: there is none. Whoever rings for its
 * room from then on rings anew. */
struct bell *bells_next(struct bells *b) MUST_CHECK;

/* An event begins: what is there may not have been delivered. */
void bells_begin(struct bells *b);

/* An event ends: forgets the bells that were begun. */
void bells_end(struct bells *b);

/* Was it rung for the room since the event began, and not before? */
bool bells_has(const struct bells *b, struct str room) MUST_CHECK;

/* A delivery of all up to head, or more, has not come to its end, and is repeated. */
void bells_again(struct bell *b, uint64_t head);

static inline struct str bell_room(const struct bell *b)
{
    return (struct str){(const uint8_t *)b->room, b->room_n};
}

/* Forgets what was rung. */
void bells_clear(struct bells *b);

#endif
