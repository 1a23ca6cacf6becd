/* poster.h: how something is said to a connection behind API Gateway: POST @connections/<id>; and
 * how it is closed: DELETE.
 *
 * Contract:
 *  1. a post, and the bytes that it points to, belong to the caller until done is called:
 *     exactly once, on the caller's loop, never inside poster_post;
 *  2. posts in flight at once are independent: no order among them;
 *  3. status 0 is no answer: the bytes may have arrived, may yet arrive, or never;
 *  4. what is answered proves little: the bytes may arrive twice, and a 410 was seen though
 *     they had arrived. */
#ifndef SERVERLESS_POSTER_H
#define SERVERLESS_POSTER_H

#include "base/base.h"

struct poster;
struct poster_req;

typedef void poster_done_f(struct poster_req *req);

/* Embedded in the caller's object. */
struct poster_req {
    struct str base; /* "https://<host>/<stage>" */
    struct str id;   /* of the connection, as API Gateway named it */
    struct str body; /* one frame: text */
    bool ends;       /* closes it, and sends nothing */
    poster_done_f *done;
    unsigned ret_status; /* of HTTP; 0: there was no answer */
};

struct poster_ops {
    void (*post)(struct poster *p, struct poster_req *req);
};

/* First member of every implementation's own struct. */
struct poster {
    const struct poster_ops *ops;
};

static inline void poster_post(struct poster *p, struct poster_req *req)
{
    assert(req->done != NULL && req->id.n > 0 && (req->ends || req->body.n > 0));
    p->ops->post(p, req);
}

#endif
