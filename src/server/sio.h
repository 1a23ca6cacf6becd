/* sio.h: the Socket.IO door: what clients of that library emit is commands, and
 * entries are events to them (docs/socketio.md).
 *
 *   session (server/eio.h) --- first namespace    it follows by the session itself
 *                          `-- other namespaces   each by a connection without a socket
 *
 * Each namespace is the same chat with its own login, rooms and recovery. Nothing is
 * remembered of who has gone: each event carries the cursors (server/sio_cursors.h),
 * and whoever hands them back goes on from there, on whatever node. */
#ifndef SERVER_SIO_H
#define SERVER_SIO_H

#include "base/frame.h"
#include "server/eio.h"

/* How entries are encoded for it: feed encodings. */
enum {
    SIO_SHARED = 2, /* 2["<event>",{...}: without its end, where the cursors of each go */
    SIO_ALONE,      /* a WebSocket frame, for those whose only cursor is the entry's */
};

extern const struct eio_user sio_user;

/* An event, a cast for one namespace. */
struct sio_space;
void sio_event_to(struct sio_space *s, struct str json);
void sio_cast(struct sio_space *s, struct str json);

/* An event in one of them. */
struct frame *sio_encode(struct feed_set *s, unsigned encoding, struct frame *event) MUST_CHECK;

#endif
