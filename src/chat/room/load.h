/* load.h: brings a room into memory from the store, and up to date with what
 * other nodes appended. */
#ifndef CHAT_ROOM_LOAD_H
#define CHAT_ROOM_LOAD_H

#include "chat/room/room.h"

/* Reads the log's head, the derived record, and the entries that the record does
 * not reflect; ends with the engine's loaded. Harmless while it is under way. */
void load_room(struct room *r);

/* Takes in what was appended after head and tells followers of it; nothing is appended meanwhile.
 * If it fails, what waits fails too, and load_unsure is called. Harmless while it is under way. */
void load_catch_up(struct room *r);

/* Catches up if somebody waits for it, or there may be more than is known. */
void load_on(struct room *r);

/* Another node has appended up to seq. bytes: a doorbell's (chat/model/doorbell.h); if
 * they are what comes next they are taken in, else the store is asked. */
void load_rung(struct room *r, uint64_t seq, struct str bytes);

/* What the log holds is not known: the next append begins with catching up, and
 * if there is none, followers are told of what was missed soon all the same. What is
 * done late is looked for a while longer. */
void load_unsure(struct room *r);

/* A write whose outcome is not known may land within this time, and is then our own. */
#define LOAD_DOUBT_MS 60000

#endif
