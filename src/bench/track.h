/* track.h: a reader's cursor in one room, and whether what it is shown keeps
 * the promise: every entry once, in order. Pure. */
#ifndef BENCH_TRACK_H
#define BENCH_TRACK_H

#include "base/base.h"

struct track {
    uint64_t epoch;
    uint64_t cursor; /* the last seq that was shown */
    bool joined;
};

enum track_outcome {
    TRACK_NEXT,
    TRACK_REPEAT, /* seq was shown before, or never belonged to it */
    TRACK_GAP,    /* *ret_missed entries before seq were not shown */
};

/* An entry was shown. The cursor goes to seq, never back. */
enum track_outcome track_entry(struct track *t, uint64_t seq, uint64_t *ret_missed);

/* What a `behind` left out and pages of history have to bring: (next, to]. */
struct track_hole {
    uint64_t next, to;
};

/* A page brought entries first .. last, page_missed within them not there; n = 0:
 * it brought none. Returns how many entries are lost for good, and moves the hole on;
 * it is filled when next == to. */
uint64_t track_page(struct track_hole *h, uint64_t first, uint64_t last, uint64_t n,
                    uint64_t page_missed);

#endif
