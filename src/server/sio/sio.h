/* sio.h: the Socket.IO door: what clients of that library emit is commands, and
 * entries are events to them (docs/socketio.md).
 *
 *   session (server/sio/eio.h) --- first namespace    it follows by the session itself
 *                          `-- other namespaces   each by a connection without a socket
 *
 * Each namespace is the same chat with its own login, rooms and recovery. Nothing is
 * remembered of who has gone: each event carries the cursors (server/sio/sio_cursors.h),
 * and whoever hands them back goes on from there, on whatever node. */
#ifndef SERVER_SIO_SIO_H
#define SERVER_SIO_SIO_H

#include "server/sio/eio.h"

extern const struct eio_user sio_user;

/* FEED_sio, FEED_sio_alone. */
struct frame *sio_encode(const struct feed_event *e) MUST_CHECK;
struct frame *sio_encode_alone(const struct feed_event *e) MUST_CHECK;

#endif
