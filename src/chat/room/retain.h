/* retain.h: what a room need not keep goes: messages that are older than `retain_age`, or have
 * `retain_count` others behind them, by the room's settings and by the server's; where both say
 * something, the shorter holds. An entry moves the room's `first` (chat/model/settings.h): from
 * then on nothing before it is shown or changed, and a cursor below it is reset. Then what was said
 * in those entries goes from the store (chat/room/blank.h), some entries at a time.
 *
 *   due --scan--> entry: first moves --> step: blanked --...--> step: blanked up to first - 1
 *    ^                                    ^                                  |
 *    |                                    +-- a crash: the room is loaded    |
 *    +-----------------------------------------------------------------------+
 *
 * Each of these is one append, done or not, whichever node does it. Facts about the room and its
 * members stay, without which the log would say something else. A node that knows nothing of this
 * shows entries without content.
 *
 * It is looked at when the room is loaded and when this node has appended something: by number
 * BLANK_STEP messages late at most. If the store fails, it goes on later (chat/room/again.h). The
 * room of which nobody hears loses what is too old when somebody next has to do with it. */
#ifndef CHAT_ROOM_RETAIN_H
#define CHAT_ROOM_RETAIN_H

#include "chat/room/room.h"

/* Goes on with the room, if anything is due. Harmless while it is under way. */
void retain_on(struct room *r);

#endif
