/* talk.h: what a simulated client says and hears: polylog.v1, from the client's
 * side. */
#ifndef BENCH_TALK_H
#define BENCH_TALK_H

#include "bench/peer.h"

/* The line can carry frames: follows its rooms, from the cursors that its client has
 * if that comes back and the plan says so, or moves. */
void talk_open(struct line *l);

/* Everything is followed: what was on its way when the connection went is sent
 * again, and what was left out is fetched. */
void talk_live(struct line *l);

/* A line that the client has left was lost: what was on its way there is sent again
 * on the other. */
void talk_lost(const struct line *l);

/* One text frame, whose bytes it may change. */
void talk_hear(struct line *l, uint8_t *bytes, size_t n);

/* Whether the window has room for one more message. */
bool talk_may_send(const struct peer *p);

/* Sends one message that was due at due_us. False, with nothing sent, if more
 * than can be kept track of wait for an answer. */
bool talk_send(struct peer *p, uint64_t due_us) MUST_CHECK;

/* It asks again for what was refused for a while. */
void talk_retry(struct peer *p);

/* Length of a request to the floor that has text of payload bytes. */
size_t talk_request_n(const struct plan *plan);

#endif
