/* lost.h: entries that the store has lost (store.h, STORE_LOST), as readers of a log find
 * them: which ones of what was read, and how that is said. Pure. */
#ifndef CHAT_MODEL_LOST_H
#define CHAT_MODEL_LOST_H

#include "base/entry.h"
#include "base/str.h"

enum { LOST_TEXT_MAX = 160 };

/* From the first to the last that was found; first 0: none. */
struct lost {
    uint64_t first, last;
};

/* The entry at seq was read: is it one that nobody has put in its place yet? */
void lost_note(struct lost *l, uint64_t seq, const struct entry *e);

/* "room general, entries 5 to 9", for ALARM_hole. */
struct str lost_text(const struct lost *l, struct str room, char to[static LOST_TEXT_MAX]);

#endif
