/* request.h: a call with the connection or the exchange that it came from, and a copy of the
 * bytes that it was parsed from. */
#ifndef SERVER_CONN_REQUEST_H
#define SERVER_CONN_REQUEST_H

#include "base/list.h"
#include "chat/room/call.h"
#include "server/conn/http_key.h"

struct conn;
struct exchange;
struct feed;
struct request;
struct worker;

typedef void request_f(struct request *r);

struct request {
    struct call call;
    struct list node;          /* of the worker's, in hand */
    struct conn *conn;         /* NULL: the exchange has none */
    struct exchange *exchange; /* that it is for; NULL: for a message of the connection */
    struct worker *worker;
    request_f *answer;      /* the door's: writes the answer, if anybody still waits for it */
    request_f *identified;  /* while the store is asked who calls */
    struct feed *held;      /* of a join that is under way */
    struct request *parent; /* of a join that is part of a resume */
    unsigned children;
    bool command;      /* a client's own: its answer is all that is due */
    bool newest;       /* join: `last` is what is usual; nobody asked for it */
    bool local;        /* login: the connection is opened from this machine */
    bool enters;       /* login: its session is the connection's from then on */
    bool large;        /* the answer may be: request_large */
    bool unpacked;     /* the bytes came compressed */
    bool lenient;      /* a token that is not good counts as none */
    bool whole;        /* resume: all that was missed is sent, however much; epoch 0 is any */
    bool wants_answer; /* of Socket.IO: an ack, with this id */
    uint64_t answer_id;
    struct trace came;       /* with a traceparent; zero: without */
    uint64_t began_us;       /* that span */
    char name[256];          /* the caller's, who may have gone */
    char room[HTTP_KEY_MAX]; /* an id that was taken from a path or a field */
    size_t n;
    uint8_t bytes[];
};

/* A request that holds c. The copy of bytes is in r->bytes. */
struct request *request_new(struct conn *c, struct str bytes, request_f *answer) MUST_CHECK;

/* Makes a request for an exchange, which it holds, and the connection of that, if it has one. */
struct request *request_for(struct exchange *x, struct str bytes, request_f *answer) MUST_CHECK;

/* Makes a request of a connection without a socket, whose answer is the exchange's: holds both. */
struct request *request_by(struct conn *c, struct exchange *x, struct str bytes,
                           request_f *answer) MUST_CHECK;

/* Returns true if anybody waits for the answer. */
bool request_is_open(const struct request *r) MUST_CHECK;

/* Sets who calls: a copy. */
void request_who(struct request *r, const struct caller *who);

/* The answer may be large: with CONN_LARGE_MAX such, nothing more is taken from the
 * connection, until one has ended. */
void request_large(struct request *r);

/* Answers and frees; its exchange and its connection are released. */
void request_end(struct request *r);

/* Answers what is in hand of the connection, with its namespaces, or of the worker's (c: NULL),
 * with store_failed, though it is not done: it may still be, and nobody is told. Only clients' own
 * commands. */
void request_give_up(struct worker *w, const struct conn *c);

/* An `answer` that does nothing: it was answered already. */
void request_answered(struct request *r);

static inline struct request *request_of(struct call *call)
{
    return CONTAINER_OF(call, struct request, call);
}

#endif
