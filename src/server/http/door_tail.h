/* door_tail.h: a room's log as an HTTP answer that does not end: entries from a cursor on,
 * then what comes. A line is the event that a WebSocket would bring, as JSON: NDJSON, or
 * an event of a stream (WHATWG HTML 9.2) with the id "<epoch>:<seq>" if it is an entry.
 * While nothing comes an empty line, or a comment, is sent each ping-interval.
 *
 * The connection is a follower like any other: entries up to where its cursor may go are written
 * whenever the socket takes more. No casts are sent to it. */
#ifndef SERVER_HTTP_DOOR_TAIL_H
#define SERVER_HTTP_DOOR_TAIL_H

#include "base/base.h"

struct conn;
struct feed_event;
struct feed_set;
struct str;

enum door_tail_form {
    DOOR_TAIL_LINES, /* application/x-ndjson */
    DOOR_TAIL_EVENTS /* text/event-stream */
};

/* Takes the connection, whose answer's head is written (door_http_endless), over for this door.
 * chunked: the body is in chunks (RFC 9112 7.1). */
void door_tail_begin(struct conn *c, enum door_tail_form form, bool chunked);

/* Encodes an entry for FEED_line. */
struct frame *door_tail_encode(const struct feed_event *e) MUST_CHECK;

/* Reads "<epoch>:<seq>". Returns false if id is none. */
bool door_tail_id(struct str id, uint64_t *ret_epoch, uint64_t *ret_seq) MUST_CHECK;

#endif
