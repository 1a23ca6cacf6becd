/* reads.h: a person's list of rooms, and how far they have read each. The record itself puts the
 * room on the list: reads_list makes it, and the command that does so is answered once it is
 * stored. What is in it, the position, is kept in memory while it changes, and stored at most every
 * limits.read_every_ms. Its keys and value are in chat/model/keys.h. */
#ifndef CHAT_ROOM_READS_H
#define CHAT_ROOM_READS_H

#include "chat/room/room.h"

/* The owner's pool of positions. */
void reads_owner_init(struct owner *o);

void reads_init(struct room *r);
void reads_fini(struct room *r);

/* The person has read up to seq (count: of the message there). Never goes back.
 * Whether it moved what is in memory. */
bool reads_mark(struct room *r, uint64_t user, uint64_t seq, uint64_t count);

/* Followers are told of the position, in a room of many (presence_is_many) the person's
 * own connections only: at once, or limits.read_told_ms after they were told last. */
void reads_tell(struct room *r, uint64_t user);

/* What is in memory of the person's position; false if nothing is. What is stored
 * may be further on. */
bool reads_get(const struct room *r, uint64_t user, uint64_t *ret_seq, uint64_t *ret_count);

/* Puts the room on the person's list, read up to seq and count, by the call's next
 * request to the store; what is on it already stays as it is. done is told on r's
 * loop and takes the result with reads_listed. */
void reads_list(struct room *r, struct call *call, uint64_t user, uint64_t seq, uint64_t count,
                store_done_f *done);

/* In done: is the room on the list now, durably? If not, the call has failed. */
bool reads_listed(struct call *call) MUST_CHECK;

/* Forgets the person's position, which leaves the room. */
void reads_drop(struct room *r, uint64_t user);

/* Stores what is not stored yet, without waiting. */
void reads_flush(struct room *r);

/* Reads a record's value. */
bool reads_decode(struct str body, uint64_t *ret_seq, uint64_t *ret_count) MUST_CHECK;

#endif
