/* reads.h: read positions: how far each person has read a room. Kept in memory
 * while they change, stored at most every few seconds; the record is also what
 * puts a room on a person's list.
 *
 *   pk "u:<user>"   sk "room:<room>"   "<seq> <count>" */
#ifndef CHAT_READS_H
#define CHAT_READS_H

#include "chat/room.h"

/* The owner's pool of positions. */
void reads_owner_init(struct owner *o);

void reads_init(struct room *r);
void reads_fini(struct room *r);

/* The person has read up to seq (count: of the message there). Never goes back.
 * Whether it moved what is in memory. */
bool reads_mark(struct room *r, uint64_t user, uint64_t seq, uint64_t count);

/* Followers are told of the position, in a room of many (presence_is_many) the person's
 * own connections only: at once, or when it is stored if they were told a moment ago. */
void reads_tell(struct room *r, uint64_t user);

/* What is in memory of the person's position; false if nothing is. What is stored
 * may be further on. */
bool reads_get(const struct room *r, uint64_t user, uint64_t *ret_seq, uint64_t *ret_count);

/* Forgets the person's position, which leaves the room. */
void reads_drop(struct room *r, uint64_t user);

/* Stores what is not stored yet, without waiting. */
void reads_flush(struct room *r);

/* The records' keys, and their value. */
struct str reads_pk(uint64_t user, char buf[static ROOM_KEY_MAX]);
struct str reads_sk(struct str room, char buf[static ROOM_KEY_MAX]);
bool reads_decode(struct str body, uint64_t *ret_seq, uint64_t *ret_count) MUST_CHECK;

#endif
