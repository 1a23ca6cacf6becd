/* conn.h: one connection: what came in goes to its door, what is to go out is sent once a turn:
 * answers first, then what its cursors allow.
 *
 *   OPEN --conn_finish--> FLUSHING --all sent--> LINGERING --its end--> CLOSED --> freed
 *     |                      |                    |                      ^
 *     +----------------------+--------------------+-- error, conn_drop --+
 *
 * What sends frees nothing: conn_send, conn_sent, conn_cast and conn_fail leave the connection
 * open, with its door's state, namespaces and followers. Beyond the limit of what may wait, bytes
 * are dropped, and conn_flush drops the connection later, when nobody is in the middle of something
 * with it.
 *
 * A connection that has said everything ends its direction of the stream and reads, for nothing,
 * until the other end has finished too: a close would take away what that end has not received yet.
 *
 * A socket changes hands only while nothing is in flight on it. Nobody assumes that:
 * conn_settle stops the receive and waits for the sends, then door->settled runs.
 *
 * An idle connection owns this struct, its followers, and nothing else. Calls in hand hold it: it
 * is freed when they are back. */
#ifndef SERVER_CONN_CONN_H
#define SERVER_CONN_CONN_H

#include "base/buf.h"
#include "base/list.h"
#include "chat/feed/feed.h"
#include "io/io.h"
#include "server/node/metrics.h"
#include "wire/agent.h"
#include "wire/ws.h"

struct conn;
struct http;
struct person;
struct worker;

/* With so many commands in hand whose answers may be large nothing more is taken. */
#define CONN_LARGE_MAX 4

/* Codes of conn_end besides those of RFC 6455 (7.4.2: 4000 to 4999 are private). Each tells the
 * client one thing to do: only the first is final for a token that was good. */
enum {
    CONN_END_REVOKED = 4401,  /* the session was ended: log in anew */
    CONN_END_TOO_LATE = 4408, /* not authenticated in time: connect again */
    CONN_END_REFUSED = 4429,  /* too many tokens were refused: get a good one first */
    CONN_END_EXPIRED = 4440,  /* the session has expired: get another token */
};

/* A door translates one protocol: bytes to commands, answers to bytes. No chat rule is here. */
struct door {
    const char *name;
    bool one_room; /* follows what it was asked for alone, not the person's own log */
    /* Bytes came; they are lent and may be changed. */
    void (*received)(struct conn *c, uint8_t *p, size_t n);
    /* Everything was sent, nothing waits: a pipelined request may go on. */
    void (*drained)(struct conn *c);
    /* Nothing is in flight, nothing waits to be sent: what conn_settle was asked for.
     * Runs in conn_flush. Bytes may have come since: received was told. */
    void (*settled)(struct conn *c);
    /* When the timer is next due, and what to do then. */
    void (*timeout)(struct conn *c);
    /* The rest may be NULL. */
    /* Frees what the door keeps. */
    void (*closed)(struct conn *c);
    /* Sends an event that is for this connection alone. NULL: the connection is sent none, is
     * not told to move, and a drain ends it as a request of HTTP. */
    void (*event)(struct conn *c, struct str event);
    /* Sends a cast, or drops it. frame: the cast as a message of WebSocket, which all connections
     * share. NULL: a cast is sent as an event is. */
    void (*cast)(struct conn *c, struct str event, struct frame *frame);
    /* Says that it is over, and closes; NULL: conn_finish. See conn_end. */
    void (*end)(struct conn *c, uint16_t code, struct str reason, enum metric why);
    /* The node drains: brings the connection to another, unseen by its client. NULL: the client is
     * told to move. */
    void (*leave)(struct conn *c);
    /* Its session ends at another time now; NULL: that moves none of its deadlines. */
    void (*renewed)(struct conn *c);
    /* The connection whose socket it speaks through; NULL: its own. */
    struct conn *(*socket)(const struct conn *c);
    /* Returns true if one that speaks through its socket has a command in hand. NULL: never. */
    bool (*is_busy)(struct conn *c);
    /* Appends to what is sent what the cursors allow; false, or NULL: runs are sent,
     * as they are. */
    bool (*fill)(struct conn *c);
    /* Of a connection without a socket: hands over what may go; and where it comes from. */
    void (*flush)(struct conn *c);
    struct io_addr (*peer)(const struct conn *c);
    /* In how many ms the connection is cut at the latest, whatever happens: auth's answer
     * says so. NULL, or 0: nobody knows of an end. */
    uint64_t (*lifetime_ms)(const struct conn *c);
    /* Bytes of the buffers that the door keeps for it; NULL: none. */
    size_t (*kept)(const struct conn *c);
};

/* Who comes to a worker and goes from it, for those who tell others of it: their modules know
 * connections, and connections know none of them. Set before the worker has one. */
struct conn_watch {
    /* The feed has a follower more; one less (came: false). */
    void (*followed)(struct worker *w, struct feed *feed, bool came);
    /* Nobody here follows the room any more; its feed is gone. */
    void (*forsaken)(struct worker *w, struct str room);
    /* A person's first connection has come; one, perhaps the last, has gone. */
    void (*came)(struct worker *w, const struct person *p);
    void (*gone)(struct worker *w, const struct person *p);
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
    struct io_op recv;
    struct wheel_timer timer;
    struct list node;      /* of the worker's connections */
    struct list dirty;     /* of those with something to send; when closed, of the dead */
    struct list behind;    /* followers that have something to take */
    struct buf *out;       /* answers not yet handed to a send; NULL: none */
    struct buf *rest;      /* what came and waits until it is resumed; NULL: nothing */
    struct flight *flight; /* the send that is under way; NULL: none */
    struct http *http;     /* of the HTTP door; NULL: nothing is kept */
    void *own;             /* of other doors */
    struct person *person; /* NULL: not authenticated */
    struct conn *next_of_person;
    struct held *held; /* commands behind an auth that is under way; NULL: none is */
    struct conn_follower *followers;
    uint64_t session;
    uint8_t from[16];   /* the client's address; IPv4 mapped; zero: not known */
    struct agent agent; /* what it is */
    uint32_t expires_s; /* of the session, Unix time */
    uint32_t opened_s;  /* monotonic; when it began to speak what it speaks */
    uint32_t heard_ms;  /* monotonic, wraps: when something last came in; conn_heard_ms */
    uint32_t followers_n;
    uint32_t joining_n;  /* rooms that will have a follower if they may be read */
    uint32_t calls_n;    /* commands in hand */
    uint32_t children_n; /* of them, the joins that a resume is made of */
    uint32_t kept;       /* bytes of its buffers, as the worker's sum has them */
    uint16_t work;       /* server/conn/work.h: what was done for it, */
    uint16_t work_s;     /* and when that was right; monotonic, wraps */
    struct ws_decoder ws;
    uint8_t state : 4, encoding : 4;
    uint8_t window_bits; /* of permessage-deflate; 0: not negotiated */
    uint8_t refused;     /* tokens that were not accepted */
    bool paused : 1;     /* reads nothing until answers are sent */
    bool stalled : 1;    /* paused, and conn_flush resumes it if there is nothing to send */
    bool failed : 1;     /* sends nothing; dropped by the next conn_flush */
    bool settling : 1;   /* reads nothing until door->settled has run */
    bool over : 1;       /* the other end has said everything */
    bool pinged : 1;     /* awaits a pong */
    bool told : 1;       /* was told that the session expires */
    bool secure : 1;     /* over TLS */
    bool super : 1;      /* by its token: the server's owner. Others of the person need not be */
    bool leaving : 1;    /* was told to move to another node */
    bool late : 1;       /* came while the node drained */
    bool ending : 1;     /* takes nothing more; conn_retire ends it once it is answered */
    bool spare : 1;      /* has the last descriptor: operators' questions are answered */
    uint8_t scopes : 4;  /* by its API key (chat/model/scope.h); 0: it came by none */
    uint8_t large_n : 4; /* commands in hand whose answers may be large; with its namespaces' */
    enum metric reason : 16; /* why it was closed; 0: not known */
};

/* Takes over a descriptor. NULL if it could not be adopted (it is then closed). */
struct conn *conn_open(struct worker *w, int fd, bool secure, const struct door *door);

/* Makes a connection without a socket: its door hands over what it is to send (door->flush). */
struct conn *conn_make(struct worker *w, const struct door *door);

/* Reads no more, sends what it has, and calls door->settled at the end of a turn in
 * which nothing is in flight any more. Forgotten if the connection ends before. */
void conn_settle(struct conn *c);

/* c, which has none, takes over the socket of from: in from's door->settled only. from is
 * to be dropped. */
void conn_take_socket(struct conn *c, struct conn *from);

/* Returns true if the socket can go to another worker: not over TLS. */
bool conn_may_give(const struct conn *c);

/* Gives up the socket for another worker: in door->settled only. 0, and the connection is
 * to be dropped; or -errno: it is as it was. */
int conn_give_socket(struct conn *c, int *ret_fd) MUST_CHECK;

/* The loop's plain end, or TLS above it. */
struct io *conn_io(const struct conn *c);

/* Where it comes from: asks the system, or without a socket, the door. */
struct io_addr conn_peer(const struct conn *c);

/* Appends to what is sent next. False if the connection is closing, or has failed
 * because too much waits. */
bool conn_send(struct conn *c, struct str bytes);

/* Where to write what is sent next; NULL if it is closing. Of a connection that has failed: a
 * buffer that takes nothing. conn_sent afterwards: if not all fitted, the connection has failed. */
struct buf *conn_out(struct conn *c);
void conn_sent(struct conn *c);

/* What is to be sent cannot be: nothing more is taken from it or written to it, and
 * the next conn_flush drops it. Harmless if it is closing. */
void conn_fail(struct conn *c, enum metric reason);

/* What a connection took of its followers in a turn. */
struct conn_taken {
    size_t pulled; /* bytes that were read for it alone */
    uint64_t entries;
};

/* Takes the next run of the first follower in c->behind, in an encoding: about `max` bytes, or (0)
 * one entry alone. Returns a reference for the caller, or NULL if that follower has nothing now;
 * whoever else is in c->behind may have. */
struct frame *conn_take(struct conn *c, unsigned encoding, size_t max, struct conn_taken *taken);

/* Counts what was taken, once it is known. */
void conn_take_count(struct conn *c, const struct conn_taken *taken);

/* Frees what is sent next if there is nothing of it. */
void conn_trim(struct conn *c);

/* Sends a cast in the way of its door. A door drops a cast, and counts it as dropped, unless a send
 * can begin at once; conn_cast_frame does so with bytes that many connections share. */
void conn_cast(struct conn *c, struct str event, struct frame *frame);
void conn_cast_frame(struct conn *c, struct frame *bytes);

/* Its buffers are of another size: the worker's sum is told. Done by whatever here changes
 * them; a door that has buffers of its own says so. */
void conn_count(struct conn *c);

/* The connections of the worker keep more than budget: those that keep the most are
 * dropped, until they do not. Returns how many. */
unsigned conn_relieve(struct worker *w, uint64_t budget);

/* Ends the connection, or the namespace that it is, in the way of its door: a protocol that has
 * a word for it says code and reason. */
void conn_end(struct conn *c, uint16_t code, struct str reason, enum metric why);

/* Takes nothing more, and ends the connection for the node's drain once its commands, and those
 * of its namespaces, are answered. */
void conn_retire(struct conn *c);

/* The connection whose socket c speaks through: of a namespace that is open, its session's;
 * else itself. */
struct conn *conn_socket(struct conn *c);

/* Sends what it has, then closes. */
void conn_finish(struct conn *c, enum metric reason);

/* Closes now. */
void conn_drop(struct conn *c, enum metric reason);

/* When something last came in, monotonic; if that is less than 49 days ago. */
uint64_t conn_heard_ms(const struct conn *c);

/* Reads again, first what was kept; not while the connection settles, or has CONN_LARGE_MAX. */
void conn_resume(struct conn *c);

/* Keeps bytes that came and were not taken, since the connection is paused or since they are not
 * whole: a copy, behind what is kept already. door->received is told of all of them when the
 * connection is resumed; or when more comes, with that. How much may be kept is the door's to
 * bound. */
void conn_keep(struct conn *c, struct str bytes);

/* The door is told of bytes as if they had come now, or when it is resumed. Takes bytes over. */
void conn_feed(struct conn *c, struct buf *bytes);

/* Paused until there is nothing to send. */
void conn_stall(struct conn *c);

/* Marks it as having something to send. */
void conn_mark(struct conn *c);

/* The same of all connections of the worker. */
void conn_mark_all(struct worker *w);

/* Sends everything that may go now, gathered. Once a turn. */
void conn_flush(struct conn *c);

/* The timer fires at that time; door->timeout is told. */
void conn_timer(struct conn *c, uint64_t at_ms);

/* Follows, or stops following. NULL if it does not follow that room. */
struct conn_follower *conn_follower(const struct conn *c, const struct feed *feed);
struct conn_follower *conn_follow(struct conn *c, struct feed *feed, uint64_t cursor);
void conn_unfollow(struct conn *c, struct conn_follower *cf);

/* The connection, which is nobody's, is that person's from now on; or is nobody's again. */
void conn_take_person(struct conn *c, struct person *p);
void conn_drop_person(struct conn *c);

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
