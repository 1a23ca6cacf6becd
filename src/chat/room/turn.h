/* turn.h: nodes that append to the same room take turns. The store lets in whoever is first, so
 * that a node farther from it could lose for ever against a busy one. A node that has lost twice in
 * a row asks for a turn, by a cast on the room's topic; the others then hold their next batch back
 * until it has rung, or for as long as it says that it needs, and no longer than TURN_MAX_MS; and
 * none does so twice without an append of its own in between.
 *
 *   mark  version  losses  ms                 numbers are varints
 *
 * A turn is a courtesy: what the bus loses costs a turn and nothing else. Two that ask at once: the
 * one with more losses goes first, then that with the smaller id. */
#ifndef CHAT_ROOM_TURN_H
#define CHAT_ROOM_TURN_H

#include "base/buf.h"
#include "chat/room/room.h"

enum { TURN_MAX_MS = 200 };

/* Of a room that other nodes append to, too. */
struct turn {
    struct room *room;
    struct wheel_timer timer; /* until when another has it */
    uint64_t node;            /* who has it, while the timer runs */
    uint64_t submitted_ms;    /* the batch in flight */
    unsigned losses;          /* in a row */
    bool given;               /* since the last append of our own */
};

void turn_fini(struct room *r);

/* Returns true if the turn is another's; the room is then marked when it is over. */
bool turn_is_anothers(const struct room *r) MUST_CHECK;

/* A batch goes to the store; it landed; it was too late. */
void turn_submitted(struct room *r);
void turn_won(struct room *r);
void turn_lost(struct room *r);

/* A node rang: if it was its turn, that is over. */
void turn_rung(struct room *r, uint64_t node);

/* Returns true, and what is asked, if the cast asks for a turn. */
bool turn_is(struct str cast);
void turn_heard(struct room *r, const struct bus_event *event);

/* The bytes. False if they are not understood. */
struct turn_wish {
    uint64_t losses, ms;
};
void turn_write(struct buf *b, const struct turn_wish *wish);
bool turn_read(struct str cast, struct turn_wish *ret) MUST_CHECK;

#endif
