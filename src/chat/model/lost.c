#include "chat/model/lost.h"

#include <stdio.h>

void lost_note(struct lost *l, uint64_t seq, const struct entry *e)
{
    if (e->kind != ENTRY_LOST || e->ts_ms > 0)
        return;
    if (l->first == 0)
        l->first = seq;
    l->last = seq;
}

struct str lost_text(const struct lost *l, struct str room, char to[static LOST_TEXT_MAX])
{
    int n = snprintf(to, LOST_TEXT_MAX, "room %.*s, entries %llu to %llu", STR_ARGS(room),
                     (unsigned long long)l->first, (unsigned long long)l->last);

    assert(l->first > 0);
    return (struct str){(const uint8_t *)to, (size_t)MIN(n, LOST_TEXT_MAX - 1)};
}
