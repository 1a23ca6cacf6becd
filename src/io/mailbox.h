/* mailbox.h: mail to one loop from any thread, without a lock. For src/io only.
 *
 * Posters push onto a stack with an atomic exchange; the loop takes all of it
 * at once and turns it round. The loop says when it is about to sleep, and only
 * then does a poster have to wake it. */
#ifndef IO_MAILBOX_H
#define IO_MAILBOX_H

#include "io/io.h"

struct mailbox {
    _Alignas(64) _Atomic(struct io_mail *) newest;
    _Atomic bool asleep;
};

/* Any thread. True if the loop sleeps and the caller has to wake it: one poster
 * is told so per sleep. */
bool mailbox_post(struct mailbox *m, struct io_mail *first, struct io_mail *last) MUST_CHECK;

/* The loop: false if there is mail, and it must not sleep. */
bool mailbox_may_sleep(struct mailbox *m) MUST_CHECK;

/* The loop: it is awake again. */
void mailbox_woke(struct mailbox *m);

/* The loop: delivers what has been posted so far; false if there was nothing. */
bool mailbox_deliver(struct mailbox *m);

#endif
