/* screen.h: what of a message's text is not wanted, by the list of its room and that of the whole
 * server (chat/model/filter.h), when its turn to be appended has come. The room's list is a part
 * of its settings, and so of its log. The server's list is a record:
 *
 *   not known --a message--> read, the room waits --> known --after REFRESH_MS, a message--> read
 *                                                       anew, by the old one meanwhile
 *                                                     --after STALE_MS, a message--> the room waits
 *
 * So what the owner of the server sets holds on every node SCREEN_STALE_MS later at the latest.
 *
 * Moderators and owners of a room are spared its list, and the server's owner both. */
#ifndef CHAT_ROOM_SCREEN_H
#define CHAT_ROOM_SCREEN_H

#include "chat/room/room.h"

enum { SCREEN_STALE_MS = 5000 };

/* Checks call->cmd.text, which may be what a hook made of it. CALL_APPEND: call->entry has the text
 * that may be appended; CALL_ANSWERED: the call has failed; CALL_LATER: the server's list is being
 * read, the room is marked then. */
enum call_proposal screen_propose(struct room *r, struct call *call);

/* Returns true while the room waits for the server's list: nothing of it is to be proposed. */
bool screen_is_looking(const struct room *r);

/* The entry has landed: the room's list may be another. */
void screen_note(struct room *r, const struct entry *e);

/* The server's list is another, as this worker knows. */
void screen_forget(struct owner *o);

/* Frees what is kept of the room; of the owner, which reads nothing any more. */
void screen_fini(struct room *r);
void screen_owner_fini(struct owner *o);

#endif
