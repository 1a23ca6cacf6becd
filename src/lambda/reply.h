/* reply.h: what a command is answered: frames to its own connection, in order. The answer comes
 * first, events follow: of rooms that were joined. For who knows the array form several go in one
 * frame of at most REPLY_FRAME_MAX bytes.
 *
 * All frames but the last are sent by POST, one after another; the last is the function's own
 * answer, which API Gateway sends, if the route has a route response. With `posts` all are. A
 * frame that does not arrive after REPLY_TRIES_MAX tries is left out: the client asks again.
 * On one loop. */
#ifndef LAMBDA_REPLY_H
#define LAMBDA_REPLY_H

#include "base/buf.h"
#include "base/wheel.h"
#include "serverless/poster.h"

enum {
    REPLY_FRAME_MAX = 32 * 1024, /* of several */
    REPLY_ONE_MAX = 120 * 1024,  /* of one; API Gateway takes 128 KB */
    REPLY_MAX = 4 * 1024 * 1024, /* in all */
    REPLY_TRIES_MAX = 5,
};

struct reply;
typedef void reply_done_f(struct reply *r);

/* The caller sets what stands before `text`. */
struct reply {
    struct poster *poster;
    struct io *home;
    struct wheel *wheel;
    reply_done_f *done;

    struct buf text;  /* parts, a zero byte behind each: text has none */
    bool arrays;      /* the client knows the array form */
    bool posts;       /* all frames are sent by POST */
    struct buf frame; /* under way; when it is over, the last one: empty if it was sent */
    bool gone;        /* the connection is not there any more */
    bool forbidden;   /* @connections said 403 */
    /* Private. */
    struct str base, id;
    uint64_t until_ms;
    size_t at;
    unsigned tries;
    struct poster_req post;
    struct wheel_timer again;
};

void reply_init(struct reply *r);
void reply_fini(struct reply *r);

/* Nothing was said yet. */
void reply_clear(struct reply *r);

/* Appends a part: JSON. False, and nothing is appended, if there would be too much. */
bool reply_add(struct reply *r, struct str json) MUST_CHECK;

/* How much there is; and back to it. */
static inline size_t reply_mark(const struct reply *r)
{
    return buf_len(&r->text);
}
void reply_cut(struct reply *r, size_t mark);

/* Sends the frames to the connection behind base, until until_ms of home's clock; then done,
 * perhaps within this call. What is left in r->frame is the last of them. */
void reply_start(struct reply *r, struct str base, struct str id, uint64_t until_ms);

#endif
