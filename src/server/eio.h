/* eio.h: sessions of Engine.IO: what goes to and fro is messages, over HTTP
 * long-polling or a WebSocket, and the first may become the second.
 *
 *   POLLING --probe's "2probe"--> PROBED --its "5"--> WEBSOCKET
 *      |                             |                    |
 *      +---- close, no pong, a violation, an abandoned GET +---> closed
 *
 * A session is a connection (server/conn.h) with struct eio as its own. While it is
 * polled it has no socket: what it is to send waits until a GET asks for it. When a
 * WebSocket has proven itself it takes over that one's socket, and is what it was:
 * nothing that follows a room or waits for an answer notices.
 *
 * Its id (server/eio_sid.h) says which node and worker have it. */
#ifndef SERVER_EIO_H
#define SERVER_EIO_H

#include "base/map.h"
#include "server/conn.h"
#include "server/eio_answer.h"
#include "server/eio_sid.h"
#include "wire/engineio.h"

/* What speaks through sessions. */
struct eio_user {
    /* The session is open. */
    void (*opened)(struct conn *c);
    /* A message came; it is lent. */
    void (*message)(struct conn *c, struct str data, bool binary);
    /* Something may be sent now: NULL, or what sends it; false if the session follows
     * by itself and its runs go as they are, in its encoding: never while it is polled. */
    bool (*fill)(struct conn *c);
    /* Is there more to fill with, than the connection's own? NULL: no. */
    bool (*waits)(struct conn *c);
    /* An event, a cast (struct door); NULL: there are none. */
    void (*event)(struct conn *c, struct str event);
    void (*cast)(struct conn *c, struct str event);
    /* Does what is due by now, and says when to look again; NULL: never. The
     * connection may be closed then. */
    uint64_t (*due)(struct conn *c);
    /* Frees what it keeps. */
    void (*closed)(struct conn *c);
};

/* Opens a session that is polled; h, which asked for it, is answered. user outlives it. */
struct conn *eio_open(struct conn *h, const struct eio_user *user);

/* The connection, upgraded, is a session from now on. */
void eio_begin(struct conn *c, const struct eio_user *user);

/* The polled session with that id on this worker; NULL: there is none, any more. */
struct conn *eio_find(struct worker *w, const uint8_t id[static EIO_ID_LEN]);

/* h asks for what there is: it is answered now or later. */
void eio_poll(struct conn *c, struct conn *h);

/* h brings packets in its body, and is answered. */
void eio_post(struct conn *c, struct conn *h);

/* h, if it waits, is answered now: there is nothing. */
void eio_poll_release(struct conn *h);

/* h, which waited, is gone. */
void eio_poll_lost(struct conn *h);

/* A WebSocket, upgraded, wants to become the session's. False if another does. */
bool eio_may_probe(const struct conn *c) MUST_CHECK;
void eio_probe(struct conn *c, struct conn *probe);

/* A WebSocket, upgraded, asks for a session that has one, or is none: it is closed. (A
 * refused handshake is an exception to some clients, of the protocol's suite for one.) */
void eio_turn_away(struct conn *c);

/* One elsewhere has proven itself, and no GET is to wait; or that is over. */
void eio_probed(struct conn *c, bool yes);

/* Appends a packet as a frame of a WebSocket. */
void eio_append_frame(struct buf *out, const struct engineio_packet *p);

/* Sends a message. */
void eio_send(struct conn *c, struct str data, bool binary);

/* Begins a text message of n bytes in what is sent next, where the caller appends
 * exactly that much; then conn_sent. */
void eio_head(struct conn *c, struct buf *out, size_t n);

/* Is it no longer polled? */
bool eio_is_websocket(const struct conn *c);

/* May more be handed over now: is nothing on its way? */
bool eio_writable(const struct conn *c);

/* May what nobody needs be handed over: or, between two GETs, does little wait? */
bool eio_takes_casts(const struct conn *c);

/* What eio_user.due answers is another time now. */
void eio_renewed(struct conn *c);

/* The session is over: the client is told. */
void eio_end(struct conn *c, enum metric why);

/* Was it opened from this machine? */
bool eio_is_local(const struct conn *c);

/* Does the connection belong to a session; and the state of its user, which the
 * user sets, and frees in closed. */
bool eio_is(const struct conn *c);
void **eio_state(struct conn *c);

#endif
