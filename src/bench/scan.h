/* scan.h: what a frame of polylog.v1 means to a load generator. Pure.
 *
 * The two frames that make up nearly all of a run, a message and the answer to
 * a send, are read by a scan that knows how servers write them; every other
 * spelling and every other frame goes through the JSON reader, with the same
 * result. */
#ifndef BENCH_SCAN_H
#define BENCH_SCAN_H

#include "base/base.h"

enum { SCAN_ROOMS_MAX = 1000 };

enum scan_kind {
    SCAN_BAD,    /* no object of polylog.v1 */
    SCAN_ENTRY,  /* a logged event: room, seq, and the stamp if it has one */
    SCAN_CAST,   /* any other event */
    SCAN_OK,     /* a reply: id and what ok held */
    SCAN_FAILED, /* a reply: id, code, retry_after_ms */
    SCAN_BEHIND, /* room, from, to */
    SCAN_RESET,  /* room, epoch, head */
    SCAN_MOVE,   /* delay_ms, within_ms */
};

struct scan_room {
    struct str id;
    uint64_t epoch, head;
    bool reset, refused;
};

/* Strings borrow from the frame. Fields that a kind does not name are undefined. */
struct scan {
    enum scan_kind kind;
    struct str room;
    uint64_t seq;
    uint64_t from, to;
    uint64_t epoch, head;
    uint64_t delay_ms, within_ms;
    bool stamped;
    uint32_t publisher;
    uint64_t sent_us;
    /* Replies. */
    uint64_t id; /* 0: none, or null */
    struct str code;
    uint64_t retry_after_ms;
    bool duplicate;
    bool more;       /* history */
    uint64_t page_n; /* entries of it */
    uint64_t page_first;
    uint64_t page_last;
    uint64_t page_missed; /* seqs between first and last that are not there */
    size_t rooms_n;       /* resume: each; join: the one */
    struct scan_room rooms[SCAN_ROOMS_MAX];
};

/* Reads a frame, whose bytes it may change. */
void scan_frame(struct scan *s, uint8_t *p, size_t n);

/* The number at the end of a room's id: "bench-3f2a-00012" is 12. False if there is none. */
bool scan_room_number(struct str room, uint32_t *ret_number) MUST_CHECK;

#endif
