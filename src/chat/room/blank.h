/* blank.h: entries of a log that are to lose what people said, some at a time: they are read, and
 * with them their messages' states, and what is to take their place is made, for an append that
 * carries it (chat/room/wipe.h, chat/room/retain.h). So a step is done or not, whatever crashes. */
#ifndef CHAT_ROOM_BLANK_H
#define CHAT_ROOM_BLANK_H

#include "chat/room/room.h"

/* With their states they fit a transaction of DynamoDB. */
#define BLANK_STEP 40

/* An entry that loses its content, and its message's state, if it has one. */
struct blank_entry {
    uint64_t seq;
    size_t entry_end, state_end; /* in the buffers */
    bool has_state;
};

struct blank {
    struct call *call; /* of nobody; its requests are used */
    struct room *room;
    uint64_t from, to; /* what was read: to is from - 1 if nothing was */
    bool all;          /* there is more behind `to` that would be taken */
    struct blank_entry at[BLANK_STEP];
    unsigned n;
    struct buf entries, states;
    struct store_amend amends[BLANK_STEP];

    /* The caller's. Is the entry at seq to be taken? *ret_kept, a copy, loses what it is to lose;
     * *ret_stays: it stays as it is. */
    bool (*takes)(struct blank *b, uint64_t seq, struct entry *kept, bool *ret_stays);
    /* Ends a step; ok: blank_amends tells what it comes to. */
    void (*ready)(struct blank *b, bool ok);
};

void blank_init(struct blank *b, struct room *r, struct call *call);
void blank_fini(struct blank *b);

/* Reads the entries from `from` on; then ready, on the owner's loop. */
void blank_read(struct blank *b, uint64_t from);

/* Writes b->amends, and returns how many they are; they borrow from b, until it reads again. */
unsigned blank_amends(struct blank *b);

#endif
