/* doorbell.h: what a doorbell carries (bus.h, bytes of BUS_RING): entries of one batch as they are
 * stored, and which log they are of. The node that rings has committed them, so that who is at
 * their place takes them in without asking the store; everybody else looks there.
 *
 *   version  epoch  n   length entry   length entry ...      numbers are varints
 *
 * Another program writes it: a doorbell of another version, or one that is not exactly this, tells
 * no more than its seq. */
#ifndef CHAT_MODEL_DOORBELL_H
#define CHAT_MODEL_DOORBELL_H

#include "base/buf.h"

struct doorbell {
    uint64_t epoch;
    uint64_t n;      /* at least 1 */
    struct str rest; /* the entries not yet taken */
};

/* How many of the entries, from the first on, one of at most max bytes holds; 0: not
 * even the first. */
unsigned doorbell_fits(uint64_t epoch, const struct str *entries, unsigned n, size_t max);

/* Appends it; b's bound is the bus's. If it does not fit, b has failed. */
void doorbell_write(struct buf *b, uint64_t epoch, const struct str *entries, unsigned n);

/* Borrows from bytes. False if it is none, or says too little. */
bool doorbell_read(struct str bytes, struct doorbell *ret) MUST_CHECK;

/* The next entry, n times after doorbell_read was true. */
struct str doorbell_next(struct doorbell *d);

#endif
