/* far_message.h: what workers tell each other of Engine.IO's sessions, by mail on one
 * node and over the bus between nodes (server/sio/far.h):
 *
 *   version type worker flags answer error  session  id  piece  bytes
 *   (each one byte)                         (16)     (varints)  (the rest)
 *
 * Bytes in, messages out; another version's, and what is not exactly this, is none. */
#ifndef SERVER_SIO_FAR_MESSAGE_H
#define SERVER_SIO_FAR_MESSAGE_H

#include "server/sio/eio_answer.h"
#include "server/sio/eio_sid.h"

/* No head is longer. */
#define FAR_HEAD_MAX 48

enum far_type {
    FAR_GET,      /* a request, whose id is the asker's; it is answered once */
    FAR_POST,     /* with the beginning of its body */
    FAR_PROBE,    /* may a WebSocket become the session's? */
    FAR_MORE,     /* of the body */
    FAR_LOST,     /* who asked is gone */
    FAR_PROBED,   /* the WebSocket has proven itself: no GET is to wait */
    FAR_UNPROBED, /* it is gone, or has taken over */
    FAR_GONE,     /* it had taken over, and is gone */
    FAR_ANSWER,   /* to the asker */
    FAR_ENOUGH,   /* a GET is to be answered now, with nothing if need be */
    FAR_EVENT,    /* as POST: an event of API Gateway (server/gw/gw_event.h), for its connection */
    FAR_HOME,     /* as POST: be the home of a connection behind it (server/gw/gw_give.h) */
};

struct far_message {
    enum far_type type;
    unsigned worker; /* the asker's, on its node */
    uint64_t id;
    uint32_t piece; /* counted from 0: of a body, of an answer */
    bool last;      /* of them */
    uint8_t session[EIO_ID_LEN];
    struct eio_answer answer; /* without its body */
    struct str bytes;
};

/* Appends it. */
void far_message_write(struct buf *out, const struct far_message *m);

/* False if it is none. Its bytes borrow from bytes. */
bool far_message_read(struct str bytes, struct far_message *ret) MUST_CHECK;

#endif
