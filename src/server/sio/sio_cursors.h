/* sio_cursors.h: the cursors of a connection as one string, which a Socket.IO
 * client keeps with each event (`offset`) and hands back when it connects again:
 *
 *   general.4503599627370496.124~dm:3:7.1122334455667788.9
 *
 * Room, epoch, seq of each; a room's id has neither '.' nor '~'. So the server
 * remembers nothing of who is away. Beyond SIO_CURSORS_MAX the string is "-". */
#ifndef SERVER_SIO_SIO_CURSORS_H
#define SERVER_SIO_SIO_CURSORS_H

#include "chat/feed/feed.h"
#include "chat/model/command.h"

#define SIO_CURSORS_MAX 2048

struct conn;

/* Appends the cursors of c but for one (NULL: all), which alone is appended anew as it moves. */
void sio_cursors_others(const struct conn *c, const struct follower *except, struct buf *out);

/* Appends one that is at seq. */
void sio_cursors_put(struct buf *out, const struct feed *feed, uint64_t seq);

/* Appends all of them, or "-" if there are too many. */
void sio_cursors_all(const struct conn *c, struct buf *out);

/* Reads such a string into cmd->rooms, whose rooms borrow from it. False if it is
 * "-", malformed, or has more than rooms_max (0: any number). */
bool sio_cursors_parse(struct str text, unsigned rooms_max, struct command *ret_cmd) MUST_CHECK;

#endif
