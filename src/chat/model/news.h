/* news.h: what was appended to a room, on its way from the owner to the workers with
 * followers. All of it is lent, to all who are told. */
#ifndef CHAT_MODEL_NEWS_H
#define CHAT_MODEL_NEWS_H

#include "base/frame.h"

/* A new entry. */
struct news_entry {
    struct frame *entry; /* as it is stored (base/entry.h); a reference keeps it */
    uint8_t kind;        /* of it */
    bool lost;           /* ENTRY_MEMBER: the person may no longer read; ENTRY_ROOM: nobody may */
};

/* Entries first .. first+n-1 of a room, in order. */
struct news {
    struct str room;
    uint64_t first;
    unsigned n;
    const struct news_entry *entries;
    uint64_t began_us; /* when they were handed to the store; 0: not by this owner */
};

#endif
