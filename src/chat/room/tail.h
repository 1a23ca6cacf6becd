/* tail.h: what the owner remembers of a room's newest entries, to recognise a
 * send that is repeated: who, under which cid, with what content. A ring of
 * fixed records, found by hash; the texts are not kept.
 *
 *   buckets[hash] -> newest seq of that hash -> slot.older -> ... -> before first
 *
 * The ring grows with the room's rate: as far as the last TAIL_SPAN_MS, and no further
 * than TAIL_MAX entries, which is more than may be looked through for a cid. So a
 * send is checked in the same time however far the room has moved since. */
#ifndef CHAT_ROOM_TAIL_H
#define CHAT_ROOM_TAIL_H

#include "base/base.h"

#define TAIL_MAX 16384
#define TAIL_SPAN_MS 10000

struct tail_slot {
    uint64_t from;    /* 0: no message, or without a cid */
    uint64_t cid;     /* hash */
    uint64_t content; /* hash; 0: not known any more, it was deleted */
    uint64_t ts_ms;
    uint64_t count;
    uint64_t older; /* private: the seq before it in its bucket; 0: none */
};

struct tail {
    struct tail_slot *slots;
    uint64_t *buckets; /* cap of them */
    unsigned cap;      /* a power of two, or 0 */
    uint64_t first;    /* oldest seq kept; the ring holds first .. last */
    uint64_t last;
};

/* An empty tail behind head. */
void tail_init(struct tail *t, uint64_t head);
void tail_fini(struct tail *t);

/* The entry last + 1. */
void tail_push(struct tail *t, const struct tail_slot *slot);

/* The newest entry after `after` with that sender and cid: its seq and slot;
 * 0 if there is none among those kept. */
uint64_t tail_find(const struct tail *t, uint64_t after, uint64_t from, uint64_t cid,
                   const struct tail_slot **ret_slot);

#endif
