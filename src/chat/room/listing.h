/* listing.h: a public room's record in the directory (chat/model/listed.h), which its owner writes
 * before the room's own record says that the log is reflected: whatever crashes, it is written
 * when the room is loaded again. It is written when what it tells has changed, and after many
 * messages, never for each: how many there are, and when the last came, lags behind.
 *
 *   directory            <room>   what is listed of the room
 *   directory:<minute>   <ms>:<room>   the same, of what changed then: for those who have read it
 *                                      all, and want to know what is new
 *
 * A record is never older than the one before it: it has the seq that it is of, and takes the place
 * of an older one only. What is archived or deleted stays as a record that says so. */
#ifndef CHAT_ROOM_LISTING_H
#define CHAT_ROOM_LISTING_H

#include "chat/room/room.h"

/* What changed in a minute is kept for at least so long. */
#define LISTING_KEPT_MS 900000

struct listing {
    void (*done)(struct listing *l, bool ok); /* once, on the owner's loop */

    /* Private. */
    struct room *room;
    union {
        struct store_req req;
        struct store_get get;
        struct store_put put;
    } q;
    uint64_t at, hash;
    struct buf body;
    char pk[KEYS_MAX], sk[KEYS_MAX];
};

/* Returns true if the directory has to hear of the room, whose log adds up to a. */
bool listing_is_due(const struct room *r, const struct access *a);

/* Writes the record, of the log up to `at`; then done, perhaps within the call if there is nothing
 * to write. The room is held by the caller. */
void listing_write(struct listing *l, struct room *r, const struct access *a, uint64_t at);

#endif
