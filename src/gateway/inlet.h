/* inlet.h: one socket that was accepted: HTTP/1.1 requests, one at a time, until one of them
 * turns it into a stream of bytes (a WebSocket).
 *
 *   READING --request is whole--> BUSY --inlet_answer--> READING
 *                                  |
 *                                  +--inlet_upgrade--> STREAM
 *   any --inlet_finish--> FLUSHING --all sent, or LINGER_MS--> CLOSED --> freed by inlet_bury
 *   any --inlet_drop, error, end of the stream-------------->
 *
 * While it is BUSY nothing is received: the request and its body stay where they are. Its
 * owner is told once, by ops->closed, that it is gone, and must not use it any more. One
 * thread; nothing is freed but by inlet_bury, at the end of the loop's turn. */
#ifndef GATEWAY_INLET_H
#define GATEWAY_INLET_H

#include "base/buf.h"
#include "base/list.h"
#include "base/wheel.h"
#include "io/io.h"
#include "wire/http1_body.h"

struct inlet;

struct inlet_ops {
    /* A whole request: r and body live until it is answered. It may be answered at once. */
    void (*request)(struct inlet *l, const struct http1_request *r, struct str body);
    /* Bytes of the stream; lent, and may be changed. NULL until it is one. */
    void (*received)(struct inlet *l, uint8_t *p, size_t n);
    /* The socket is gone. NULL: nobody wants to know. */
    void (*closed)(struct inlet *l);
};

enum inlet_state { INLET_READING, INLET_BUSY, INLET_STREAM, INLET_FLUSHING, INLET_CLOSED };

/* What the inlets of a loop share. */
struct inlet_set {
    struct wheel *wheel;
    struct list open, dead;
    size_t open_n;
};

struct inlet {
    struct inlet_set *set;
    struct io *io;
    const struct inlet_ops *ops;
    void *owner; /* of ops */
    struct io_op recv, send;
    struct str part;
    struct list node;
    struct wheel_timer timer;
    enum inlet_state state;
    bool close;     /* after this answer */
    bool head_only; /* the request is a HEAD */
    bool paused;    /* the stream is not read */
    bool has_head;  /* the body is being read */
    size_t body_max;
    struct buf in;   /* what came and was not taken */
    struct buf head; /* of the request */
    struct buf body;
    struct http1_request request;
    struct http1_body_reader reading; /* of it, its body */
    struct buf queued, sending;
};

void inlet_set_init(struct inlet_set *s, struct wheel *wheel);

/* Takes over an accepted descriptor; bodies have at most body_max bytes (413). NULL: it could
 * not be adopted, and is closed. */
struct inlet *inlet_open(struct inlet_set *s, struct io *io, int fd, const struct inlet_ops *ops,
                         void *owner, size_t body_max);

/* Answers the request in hand; reply->content_length and ->close are set here. */
void inlet_answer(struct inlet *l, const struct http1_reply *reply, struct str body);

/* Answers with 101 and these fields; from now on ops->received gets the bytes. */
void inlet_upgrade(struct inlet *l, const struct http1_header *extra, size_t extra_n,
                   const struct inlet_ops *ops, void *owner);

/* Sends bytes of the stream, in the order of the calls, head and payload as one piece. False
 * if bytes wait already and with these would be more than max, or if it is closing: nothing
 * is sent then. */
bool inlet_send(struct inlet *l, struct str head, struct str payload, size_t max) MUST_CHECK;

/* Sends what it has, then closes. */
void inlet_finish(struct inlet *l);

/* Closes now. */
void inlet_drop(struct inlet *l);

/* Reads no more, or again. What has come already may still be told. */
void inlet_pause(struct inlet *l, bool pause);

/* Closes those with that owner, who is not told. */
void inlet_drop_of(struct inlet_set *s, const void *owner);

/* Closes all of the set. */
void inlet_drop_all(struct inlet_set *s);

/* Frees those that are gone and have nothing in flight. */
void inlet_bury(struct inlet_set *s);

#endif
