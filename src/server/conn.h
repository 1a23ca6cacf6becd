/* conn.h: one connection: what came in goes to its door, what is to go out is
 * sent once a turn: answers first, then what its cursors allow.
 *
 *   OPEN --conn_finish--> FLUSHING --all sent--> LINGERING --its end--> CLOSED --> freed
 *     |                      |                    |                      ^
 *     +----------------------+--------------------+-- error, conn_drop --+
 *
 * Who has said everything ends its direction of the stream and reads, for nothing,
 * until the other end has finished too: a close would take away what that one has
 * not received yet.
 *
 * An idle connection owns this struct, its followers, and nothing else. Calls in
 * hand hold it: it is freed when they are back. */
#ifndef SERVER_CONN_H
#define SERVER_CONN_H

#include "base/buf.h"
#include "base/list.h"
#include "chat/feed.h"
#include "io/io.h"
#include "server/metrics.h"
#include "server/person.h"
#include "wire/ws.h"

struct conn;
struct http;
struct worker;

/* One protocol: bytes to commands, answers to bytes. No chat rule is here. */
struct door {
    const char *name;
    /* Bytes came; they are lent and may be changed. */
    void (*received)(struct conn *c, uint8_t *p, size_t n);
    /* Everything was sent, nothing waits: a pipelined request may go on. */
    void (*drained)(struct conn *c);
    /* When the timer is next due, and what to do then. */
    void (*timeout)(struct conn *c);
    /* Frees what the door keeps. */
    void (*closed)(struct conn *c);
    /* The rest may be NULL. */
    /* Sends an event that is for this connection alone; NULL: it is sent none. */
    void (*event)(struct conn *c, struct str event);
    /* Sends a cast, or drops it; NULL: it is sent as a WebSocket frame. */
    void (*cast)(struct conn *c, struct str event);
    /* Says that it is over, and closes; NULL: conn_finish. */
    void (*end)(struct conn *c, uint16_t code, struct str reason, enum metric why);
    /* Appends to what is sent what the cursors allow; false, or NULL: runs are sent,
     * as they are. */
    bool (*fill)(struct conn *c);
    /* Of a connection without a socket: hands over what may go; and where it comes from. */
    void (*flush)(struct conn *c);
    struct io_addr (*peer)(const struct conn *c);
};

enum conn_state {
    CONN_OPEN,
    CONN_FLUSHING,  /* sends what it has; what comes in is dropped */
    CONN_LINGERING, /* has sent everything, waits for the other end */
    CONN_CLOSED,
};

/* A cursor of a connection. */
struct conn_follower {
    struct follower f;
    struct conn *conn;
    struct conn_follower *next;
};

struct conn {
    struct worker *worker;
    const struct door *door;
    struct io_op recv, send;
    struct wheel_timer timer;
    struct list node;      /* of the worker's connections */
    struct list dirty;     /* of those with something to send; when closed, of the dead */
    struct list behind;    /* followers that have something to take */
    struct buf *out;       /* answers not yet handed to a send; NULL: none */
    struct flight *flight; /* the send that is under way; NULL: none */
    struct http *http;     /* of the HTTP door; NULL: nothing is kept */
    void *own;             /* of other doors */
    struct person *person; /* NULL: not authenticated */
    struct conn *next_of_person;
    struct held *held; /* commands behind an auth that is under way; NULL: none is */
    struct conn_follower *followers;
    uint64_t session;
    uint32_t expires_s; /* of the session, Unix time */
    uint32_t opened_s;  /* monotonic; when it began to speak what it speaks */
    uint32_t heard_s;   /* monotonic, when something last came in */
    uint32_t followers_n;
    uint32_t joining_n;  /* rooms that will have a follower if they may be read */
    uint32_t calls_n;    /* commands in hand */
    uint32_t children_n; /* of them, the joins that a resume is made of */
    struct ws_decoder ws;
    uint8_t state, encoding;
    uint8_t window_bits; /* of permessage-deflate; 0: not negotiated */
    bool paused;         /* reads nothing until answers are sent */
    bool over;           /* the other end has said everything */
    uint8_t refused;     /* tokens that were not accepted */
    bool pinged, told;   /* awaits a pong; was told that the session expires */
    bool secure;         /* over TLS */
    bool super;          /* by its token: the server's owner. Others of the person need not be */
    bool leaving;        /* was told to move to another node */
    bool late;           /* came while the node drained */
    enum metric reason;  /* why it was closed; 0: not known */
};

/* Takes over a descriptor. NULL if it could not be adopted (it is then closed). */
struct conn *conn_open(struct worker *w, int fd, bool secure, const struct door *door);

/* One without a socket: what it is to send, its door hands over (door->flush). */
struct conn *conn_make(struct worker *w, const struct door *door);

/* c, which has none, takes over the socket of from, on which nothing is in flight;
 * from is to be dropped. */
void conn_take_socket(struct conn *c, struct conn *from);

/* Gives up the socket, on which nothing is in flight, for another worker. -ENOTSUP
 * over TLS; else 0, and the connection is to be dropped. */
int conn_give_socket(struct conn *c, int *ret_fd) MUST_CHECK;

/* The loop's plain end, or TLS above it. */
struct io *conn_io(const struct conn *c);

/* Where it comes from: asks the system, or without a socket, the door. */
struct io_addr conn_peer(const struct conn *c);

/* Appends to what is sent next. False if the connection is closing, or had to be
 * closed because too much waits. */
bool conn_send(struct conn *c, struct str bytes);

/* Where to write what is sent next; NULL if it is closing. conn_sent afterwards. */
struct buf *conn_out(struct conn *c);
void conn_sent(struct conn *c);

/* Frees what is sent next if there is nothing of it. */
void conn_trim(struct conn *c);

/* Sends bytes that many connections share, if a send can begin at once; else
 * nothing, and they are counted as dropped: casts. */
void conn_cast(struct conn *c, struct frame *bytes);

/* Bytes that it keeps from going away: answers, and what a send is under way for. */
size_t conn_held(const struct conn *c);

/* Sends what it has, then closes. */
void conn_finish(struct conn *c, enum metric reason);

/* Closes now. */
void conn_drop(struct conn *c, enum metric reason);

/* It reads again. */
void conn_resume(struct conn *c);

/* Marks it as having something to send. */
void conn_mark(struct conn *c);

/* One gathered send of everything that may go now. Once a turn. */
void conn_flush(struct conn *c);

/* The timer fires at that time; door->timeout is told. */
void conn_timer(struct conn *c, uint64_t at_ms);

/* Follows, or stops following. NULL if it does not follow that room. */
struct conn_follower *conn_follower(const struct conn *c, const struct feed *feed);
struct conn_follower *conn_follow(struct conn *c, struct feed *feed, uint64_t cursor);
void conn_unfollow(struct conn *c, struct conn_follower *cf);

/* A call in hand came back: frees the connection if it was the last thing. */
void conn_release(struct conn *c);

/* Frees what is dead; the end of the worker's turn. */
void conn_bury(struct worker *w);

/* feed_ops.wake and is_person. */
void conn_wake(struct follower *f);
bool conn_is_person(const struct follower *f, uint64_t user);

/* Frees the pools. */
void conn_fini(struct worker *w);

#endif
