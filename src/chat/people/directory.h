/* directory.h: the public rooms, to be found by title and id. What is listed of them is stored by
 * their owners (chat/room/listing.h); a worker keeps all of it in memory once somebody asks, in
 * order of the folded titles. Each question first reads what has changed since the one before, and
 * in the seconds before that, which is little: so what was stored before a question is in its
 * answer, whichever node stored it. What nobody asked for in minutes is read anew.
 *
 *   empty --asked--> reading all --> known --asked--> reading what is new --> answered
 *                       ^               |
 *                       +-- minutes without a question
 *
 * Ten thousand rooms take 2 MB, and a search looks through all their titles. */
#ifndef CHAT_PEOPLE_DIRECTORY_H
#define CHAT_PEOPLE_DIRECTORY_H

#include "chat/room/room.h"

struct directory_room;

struct directory {
    struct owner *owner;
    struct map rooms;              /* by id */
    struct directory_room **order; /* of their keys */
    unsigned n, cap;
    bool unordered;     /* while all are read */
    uint64_t synced_ms; /* what was stored before is known; 0: nothing is */
    bool reading;
    struct call *waiting, **waiting_end; /* for that all are read */
};

void directory_init(struct directory *d, struct owner *owner);
void directory_fini(struct directory *d);

/* The command. */
void directory_run(struct directory *d, struct call *call);

#endif
