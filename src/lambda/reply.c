#include "lambda/reply.h"

#include "base/str.h"
#include "io/io.h"

#define AGAIN_MS 100 /* doubled with each try */

void reply_init(struct reply *r)
{
    buf_init(&r->text, REPLY_MAX);
    buf_init(&r->frame, REPLY_ONE_MAX + 1024);
}

void reply_fini(struct reply *r)
{
    buf_fini(&r->text);
    buf_fini(&r->frame);
}

void reply_clear(struct reply *r)
{
    buf_clear(&r->text);
    buf_clear(&r->frame);
    r->arrays = r->posts = r->gone = r->forbidden = false;
    r->at = 0;
}

bool reply_add(struct reply *r, struct str json)
{
    if (json.n > REPLY_ONE_MAX || buf_len(&r->text) + json.n + 1 > REPLY_MAX)
        return false;
    buf_append(&r->text, json);
    buf_append_byte(&r->text, '\0');
    return !r->text.failed;
}

void reply_cut(struct reply *r, size_t mark)
{
    assert(mark <= buf_len(&r->text) && r->text.rpos == 0);
    r->text.wpos = mark;
}

static struct str reply_part(const struct reply *r, size_t at)
{
    struct str rest = str_skip(buf_peek(&r->text), at);

    return str_cut(&rest, '\0');
}

/* The next frame: one part, or an array of as many as fit. */
static void reply_next_frame(struct reply *r)
{
    size_t end = buf_len(&r->text);
    struct str part = reply_part(r, r->at);
    bool several = r->arrays && r->at + part.n + 1 < end &&
                   part.n + reply_part(r, r->at + part.n + 1).n + 3 <= REPLY_FRAME_MAX;

    buf_clear(&r->frame);
    if (!several) {
        buf_append(&r->frame, part);
        r->at += part.n + 1;
        return;
    }
    buf_append_byte(&r->frame, '[');
    for (bool first = true; r->at < end; first = false) {
        part = reply_part(r, r->at);
        if (!first && buf_len(&r->frame) + part.n + 2 > REPLY_FRAME_MAX)
            break;
        if (!first)
            buf_append_byte(&r->frame, ',');
        buf_append(&r->frame, part);
        r->at += part.n + 1;
    }
    buf_append_byte(&r->frame, ']');
    assert(!r->frame.failed);
}

static void reply_step(struct reply *r);

static void reply_post(struct reply *r)
{
    r->post.base = r->base;
    r->post.id = r->id;
    r->post.body = buf_peek(&r->frame);
    poster_post(r->poster, &r->post);
}

static void reply_again(struct wheel_timer *t)
{
    reply_post(CONTAINER_OF(t, struct reply, again));
}

static void reply_posted(struct poster_req *post)
{
    struct reply *r = CONTAINER_OF(post, struct reply, post);
    unsigned status = post->ret_status;
    bool sent = status >= 200 && status < 300;
    bool wanted = status == 0 || status == 429 || status >= 500;
    uint64_t at_ms = io_now_ms(r->home) + ((uint64_t)AGAIN_MS << r->tries);

    if (wanted && ++r->tries < REPLY_TRIES_MAX && at_ms < r->until_ms) {
        r->again.fire = reply_again;
        wheel_set(r->wheel, &r->again, at_ms);
        return;
    }
    r->gone = r->gone || status == 410 || status == 400;
    r->forbidden = r->forbidden || status == 403;
    buf_clear(&r->frame);
    if (!sent)
        r->at = buf_len(&r->text); /* what follows would come without it */
    reply_step(r);
}

static void reply_step(struct reply *r)
{
    if (r->at >= buf_len(&r->text)) {
        r->done(r);
        return;
    }
    reply_next_frame(r);
    if (r->at >= buf_len(&r->text) && !r->posts) {
        r->done(r);
        return;
    }
    r->tries = 0;
    reply_post(r);
}

void reply_start(struct reply *r, struct str base, struct str id, uint64_t until_ms)
{
    assert(r->done != NULL && r->poster != NULL);
    r->base = base;
    r->id = id;
    r->until_ms = until_ms;
    r->at = 0;
    r->post.done = reply_posted;
    r->post.ends = false;
    reply_step(r);
}
