/* sim_frame.h: a frame of polylog.v1, or the body of an HTTP answer, as a client
 * reads it: an event, or a reply with what its ok or error holds. Pure. */
#ifndef LIB_SIM_FRAME_H
#define LIB_SIM_FRAME_H

#include "base/base.h"
#include "base/entry.h"

enum { SIM_FRAME_ROOMS_MAX = 32, SIM_FRAME_LINES_MAX = 512 };

/* An event, live or of a page. entry.kind is 0 if it is not of a log; of an
 * invitation, entry.room is the room that it is to. */
struct sim_event {
    struct str name, room;
    uint64_t seq, rev;
    uint64_t from, to;    /* behind */
    uint64_t epoch, head; /* reset */
    uint64_t delay_ms;    /* move */
    bool deleted, edited;
    struct entry entry;
};

/* What join and resume say of a room. */
struct sim_joined {
    struct str room, kind;
    struct str refused; /* the error's code, or empty */
    uint64_t epoch, head;
    bool reset;
};

/* Strings borrow from the frame. */
struct sim_frame {
    struct sim_event event; /* name is empty: it is a reply */
    uint64_t id;
    struct str code; /* of an error; empty: ok */
    uint64_t retry_after_ms;
    uint64_t seq, head, epoch, user, count;
    struct str token;
    bool duplicate, more;
    unsigned rooms_n, lines_n;
    struct sim_joined rooms[SIM_FRAME_ROOMS_MAX];
    struct sim_event lines[SIM_FRAME_LINES_MAX]; /* of history */
};

/* Reads n bytes, which it may change. False if it is no such object. */
bool sim_frame_read(struct sim_frame *f, uint8_t *p, size_t n) MUST_CHECK;

#endif
