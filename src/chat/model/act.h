/* act.h: acts of moderation: what is done to a person or a room by those who may. An act is an
 * entry of the room's log whose field `act` names it, so that it is there or not, whatever crashes;
 * the entry has the reason as its text, which the room's readers are not shown. What tells of it is
 * an ENTRY_ACT in the log of the room's moderators, audit:<room>, and one in the own log of the
 * person whom it concerns (chat/room/audit.h).
 *
 *   act          done by                    the entry in the room's log
 *   create       room_create, join          ENTRY_ROOM: who makes a room is its owner
 *   settings     room_set                   ENTRY_ROOM
 *   filter       filter_set                 ENTRY_ROOM
 *   archive, unarchive   room_set           ENTRY_ROOM
 *   room_delete  room_delete                ENTRY_ROOM
 *   role         member_set                 ENTRY_MEMBER: to or from moderator or owner
 *   mute, ban, release, remove   member_set ENTRY_MEMBER
 *   kick         kick                       ENTRY_MEMBER
 *   purge        purge                      ENTRY_PURGE: of all that a person said
 *   delete       delete                     ENTRY_DELETE: of another's message
 *
 * A name is stored: it never changes. Pure. */
#ifndef CHAT_MODEL_ACT_H
#define CHAT_MODEL_ACT_H

#include "base/entry.h"

/* Returns true if the entry of a room's log removes a person who may come back. */
bool act_is_kick(const struct entry *e);

/* Returns true if the person whom the act concerns is told of it, and why. */
bool act_is_told(const struct entry *act);

/* What an entry of the room's log, which is an act, says in the log of moderators. Its strings are
 * those of e. */
struct entry act_entry(struct str room, uint64_t seq, const struct entry *e);

#endif
