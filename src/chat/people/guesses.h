/* guesses.h: how often a password was guessed wrong, and how long the next guess has to wait. A
 * guess is at a name, from a place: a client's address, of IPv6 its first 64 bits. A place is known
 * to a name if somebody logged in by the name's password from there.
 *
 *   a guess from      counts in the buckets                 free   then waits
 *   a known place     of the name from that place            5     1 s, 2 s, 4 s ... 1 m
 *   any other place   of the name, from all such places     10     1 s, 2 s, 4 s ... 15 m
 *                     and of the place, at all names        20     1 s, 2 s, 4 s ... 15 m
 *
 * So whoever hammers on a name from elsewhere holds up strangers to the name, and never its owner
 * at a place that is known: those two share no bucket. Nobody is locked out for good: a bucket
 * waits at most as said, and is forgotten an hour after its last wrong guess. An owner who comes
 * from a new place during an attack contends for the name's turns; a recovery link asks for none.
 * A name that nobody has is counted as any other.
 *
 * A guess is counted before it is tried, and taken back if it was right: guesses at once get no
 * more than one after another. A right one empties the bucket of its known place, and no other:
 * else somebody with an account could reset what others' names cost them.
 *
 * At most GUESSES_MAX buckets are kept; those used longest ago go. To make one go costs as many
 * wrong guesses. Pure; not for sharing between threads. */
#ifndef CHAT_PEOPLE_GUESSES_H
#define CHAT_PEOPLE_GUESSES_H

#include "base/list.h"
#include "base/map.h"

#define GUESSES_MAX 16384

struct guesses {
    struct map buckets;
    struct list recent; /* those used longest ago first */
};

/* Hashes of what the guess is at. */
struct guess {
    uint64_t name;
    uint64_t place; /* 0: not known where; one for all such */
    bool known;     /* the place is known to the name */
};

void guesses_init(struct guesses *g);
void guesses_fini(struct guesses *g);

/* Asks for a guess: returns 0, and it is counted as wrong; or after how many ms there may be one.
 */
uint64_t guesses_take(struct guesses *g, const struct guess *guess, uint64_t now_ms) MUST_CHECK;

/* A wrong guess was made elsewhere: counts it, whatever there is to wait. */
void guesses_note(struct guesses *g, const struct guess *guess, uint64_t now_ms);

/* What was taken was right. */
void guesses_right(struct guesses *g, const struct guess *guess);

/* What was taken was not tried. */
void guesses_give_back(struct guesses *g, const struct guess *guess);

#endif
