#include "bench/track.h"

enum track_outcome track_entry(struct track *t, uint64_t seq, uint64_t *ret_missed)
{
    uint64_t before = t->cursor;

    if (seq <= before)
        return TRACK_REPEAT;
    t->cursor = seq;
    if (seq == before + 1)
        return TRACK_NEXT;
    *ret_missed = seq - before - 1;
    return TRACK_GAP;
}

uint64_t track_page(struct track_hole *h, uint64_t first, uint64_t last, uint64_t n,
                    uint64_t page_missed)
{
    uint64_t lost = page_missed;

    if (n == 0 || last <= h->next) {
        lost = h->to - h->next;
        h->next = h->to;
        return lost;
    }
    if (first > h->next + 1)
        lost += first - h->next - 1;
    h->next = MIN(last, h->to);
    return lost;
}
