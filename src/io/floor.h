/* floor.h: the bare loop that Polylog's speed is measured against.
 *
 * A forked process, pinned like a server would be, that does nothing but
 *
 *     epoll_wait -> recv one small request -> send the same bytes to a room
 *
 * so that its CPU time per delivery is what the kernel costs and nothing else.
 * It is the one place above which there is no io.h, on purpose: any seam would
 * raise the floor. What it sends is given as a template in which it overwrites
 * three fields of fixed width, so that the readers that check a real server's
 * frames (bench/peer.h) can read from it unchanged.
 *
 * A request has a fixed length: the room's number (4 bytes, native order), 4
 * bytes reserved, the stamp, padding. The first one on a connection enters its
 * room and is answered by `hello`; each further one is delivered to the room.
 * With join = k, a room waits for k requests and sends their k frames as one. */
#ifndef IO_FLOOR_H
#define IO_FLOOR_H

#include "base/base.h"

enum { FLOOR_STAMP_AT = 8, FLOOR_SEQ_DIGITS = 10, FLOOR_ROOM_DIGITS = 5, FLOOR_JOIN_MAX = 64 };

struct floor_options {
    unsigned rooms; /* at most 99,999 */
    unsigned join;  /* 1 to FLOOR_JOIN_MAX */
    int cpu;        /* to be pinned to; -1: anywhere */
    size_t request_n;
    size_t stamp_n;   /* bytes copied from the request to the frame */
    struct str frame; /* one framed message */
    size_t room_at;   /* where FLOOR_ROOM_DIGITS of the room's number go */
    size_t seq_at;    /* where FLOOR_SEQ_DIGITS go; counts from 1,000,000,001 */
    size_t stamp_at;  /* where the stamp goes */
    struct str hello; /* the answer to the first request */
    size_t hello_room_at;
};

struct floor {
    int pid;
    uint16_t port; /* on 127.0.0.1 */
};

/* Forks the loop; it listens when this returns. The caller has one thread. The
 * loop dies with its parent. 0 or -errno. */
int floor_start(const struct floor_options *o, struct floor *ret_floor) MUST_CHECK;

/* Ends the process and reaps it. */
void floor_stop(struct floor *f);

#endif
