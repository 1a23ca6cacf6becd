/* group.h: direct rooms of more than two people. The same set of people is the same room: the id
 * is dm:g and 40 hexadecimal digits of a hash of their ids, in order. Who they are is told by the
 * entry that makes the room, in its field `people` (base/entry.h): of each a varint, their id, and
 * their name behind its length, as a varint. It never changes. Pure. */
#ifndef CHAT_MODEL_GROUP_H
#define CHAT_MODEL_GROUP_H

#include "base/base.h"
#include "base/buf.h"
#include "chat/model/keys.h"

/* People of a direct room at most. */
#define GROUP_MAX 9

/* A set of people: ascending, each once. */
struct group {
    uint64_t ids[GROUP_MAX];
    unsigned n;
};

/* Adds a person who is not in it yet. False if there are too many, or the id is 0. */
bool group_add(struct group *g, uint64_t id) MUST_CHECK;

/* Reads "7,9,12" and adds self. False if it is nothing of the kind, if there are too many, or if
 * self is all there is. */
bool group_parse(struct str ids, uint64_t self, struct group *ret) MUST_CHECK;

/* Returns the id of their direct room, written to buf: of two people dm:<a>:<b>. */
struct str group_room(const struct group *g, char buf[static KEYS_ROOM_MAX]);

/* Returns true if the id is one of more than two people. */
bool group_is_room(struct str room) MUST_CHECK;

/* Appends a person to an entry's field; failure is b's. Takes one off the front of *rest; false at
 * the end, or where it is nothing of the kind. */
void group_put(struct buf *b, uint64_t id, struct str name);
bool group_next(struct str *rest, uint64_t *ret_id, struct str *ret_name) MUST_CHECK;

#endif
