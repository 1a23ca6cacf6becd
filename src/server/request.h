/* request.h: a call with the connection that it came from, and a copy of the
 * bytes that it was parsed from. */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include "chat/call.h"
#include "server/identify.h"

struct conn;
struct feed;
struct worker;

struct request {
    struct call call;
    struct conn *conn;
    struct worker *worker;
    void (*answer)(struct request *r); /* the door's: writes the answer, if the
                                          connection is still open */
    identify_done_f *identified;       /* while the store is asked who calls */
    struct feed *held;                 /* of a join that is under way */
    struct request *parent;            /* of a join that is part of a resume */
    unsigned children;
    bool follows;      /* entries may be sent to the connection */
    bool lenient;      /* a token that is not good counts as none */
    bool whole;        /* resume: all that was missed is sent, however much; epoch 0 is any */
    bool wants_answer; /* of Socket.IO: an ack, with this id */
    uint64_t answer_id;
    char name[256]; /* the caller's, who may have gone */
    char room[80];  /* an id that was made up, or taken from a path */
    size_t n;
    uint8_t bytes[];
};

/* A request that holds c. The copy of bytes is in r->bytes. */
struct request *request_new(struct conn *c, struct str bytes,
                            void (*answer)(struct request *r)) MUST_CHECK;

/* Who calls: copied. */
void request_who(struct request *r, const struct caller *who);

/* Answers and frees; its connection is released. */
void request_end(struct request *r);

/* An `answer` that does nothing: it was answered already. */
void request_answered(struct request *r);

static inline struct request *request_of(struct call *call)
{
    return CONTAINER_OF(call, struct request, call);
}

#endif
