/* eio.h: sessions of Engine.IO: what goes to and fro is messages, over HTTP
 * long-polling or a WebSocket, and the first may become the second.
 *
 *   POLLING --probe's "2probe"--> PROBED --its "5"--> WEBSOCKET
 *      |                             |                    |
 *      +---- close, no pong, a violation, an abandoned GET +---> closed
 *
 * A session is a connection (server/conn/conn.h) with struct eio as its own. While it is
 * polled it has no socket: what it is to send waits until a GET asks for it. When a
 * WebSocket has proven itself it takes over that one's socket, and is what it was:
 * nothing that follows a room or waits for an answer notices.
 *
 * Its id (server/sio/eio_sid.h) says which node and worker have it. */
#ifndef SERVER_SIO_EIO_H
#define SERVER_SIO_EIO_H

#include "base/map.h"
#include "server/conn/conn.h"
#include "server/sio/eio_answer.h"
#include "server/sio/eio_sid.h"
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
    /* Returns true if the session has packets of its own queued. NULL: it never has. */
    bool (*waits)(struct conn *c);
    /* An event, a cast (struct door); NULL: there are none. */
    void (*event)(struct conn *c, struct str event);
    void (*cast)(struct conn *c, struct str event);
    /* Works off what is due by now, and returns when to look again; NULL: never. The connection may
     * be closed then. */
    uint64_t (*due)(struct conn *c);
    /* Returns true if another connection of it has a command in hand. NULL: never. */
    bool (*is_busy)(struct conn *c);
    /* The session is over, and its client is yet to be told: nothing is sent any more, and nobody
     * is there by it. NULL: nothing is to be done. */
    void (*ended)(struct conn *c);
    /* Frees what it keeps. */
    void (*closed)(struct conn *c);
};

/* Opens a session that is polled; x, which asked for it, is answered. user outlives it. */
struct conn *eio_open(struct exchange *x, const struct eio_user *user);

/* The connection, which x gave up for a WebSocket, is a session from now on. */
void eio_begin(struct conn *c, const struct exchange *x, const struct eio_user *user);

/* The polled session with that id on this worker; NULL: there is none, any more. */
struct conn *eio_find(struct worker *w, const uint8_t id[static EIO_ID_LEN]);

/* x asks for what there is: it is answered now or later. */
void eio_poll(struct conn *c, struct exchange *x);

/* x brings packets in its body, which is the session's from now on. x is answered when all of them
 * are taken: not before the client has read what too many of them are answered with, if it polls as
 * slowly as that. */
void eio_post(struct conn *c, struct exchange *x);

/* x, if it waits, is answered now: there is nothing, or its packets will be taken. */
void eio_release(struct exchange *x);

/* What server/sio/eio_probe.h, or one that stands for it (server/sio/far.h), does with a session.
 */

/* Returns true if a WebSocket may become the session's: not if another may. */
bool eio_may_probe(const struct conn *c) MUST_CHECK;

/* That one wants to. */
void eio_probing(struct conn *c, struct conn *probe);

/* yes: the probe has proven itself, and neither GET nor POST are to wait; else that is over. */
void eio_probed(struct conn *c, bool yes);
bool eio_is_probed(const struct conn *c);

/* The probe upgrades: no request is the session's any more. */
void eio_stop_polling(struct conn *c);

/* The session takes over the socket of the probe, which has settled, and what came on it
 * since. The probe is dropped. */
void eio_upgrade(struct conn *c, struct conn *probe, struct str rest);

/* The probe is gone. upgraded: after eio_stop_polling; then so is the session. */
void eio_left(struct conn *c, bool upgraded);

/* Appends a packet as a frame of a WebSocket. */
void eio_append_frame(struct buf *out, const struct engineio_packet *p);

/* Sends a message. */
void eio_send(struct conn *c, struct str data, bool binary);

/* Begins a text message of n bytes in what is sent next, where the caller appends
 * exactly that much; then conn_sent. */
void eio_head(struct conn *c, struct buf *out, size_t n);

/* Returns true if the session is no longer polled. */
bool eio_is_websocket(const struct conn *c);

/* Returns true if nothing is on its way: more may be handed over now. */
bool eio_writable(const struct conn *c);

/* Returns true if what nobody needs may be handed over, or, between two GETs, little waits. */
bool eio_takes_casts(const struct conn *c);

/* What eio_user.due answers is another time now. */
void eio_renewed(struct conn *c);

/* The session is over: the client is told. */
void eio_end(struct conn *c, enum metric why);

/* Ends a WebSocket of Engine.IO, with a close frame that says nothing was wrong. */
void eio_close_websocket(struct conn *c, enum metric why);

/* Returns true if the session was opened from this machine. */
bool eio_is_local(const struct conn *c);

/* Returns true if the connection belongs to a session; and the state of its user, which the user
 * sets, and frees in closed. */
bool eio_is(const struct conn *c);
void **eio_state(struct conn *c);

#endif
