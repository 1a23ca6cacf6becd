#include "trace/tracer.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

/* A span takes about 500 bytes. */
#define BODY_MAX ((size_t)1024 * 1024)
#define POST_MS 10000
#define ANSWER_MAX (64 * 1024)

struct tracer {
    struct io *home;
    struct trace_outlet *outlet;
    struct otlp_resource from;
    struct tracer_stats stats;
    uint64_t second; /* that asked_n is of */
    unsigned asked_n;
    struct trace_post post;
    struct buf body;
    bool posting;
    void (*flushed)(void *ctx); /* NULL: nobody waits for the request */
    void *ctx;
    size_t posted_n;
    size_t n, turn_n; /* that wait; that end with the turn */
    struct trace_span turn[TRACER_TURN_MAX];
    struct trace_span waiting[TRACER_WAITING_MAX];
};

struct tracer *tracer_new(struct io *home, struct trace_outlet *outlet,
                          const struct otlp_resource *from)
{
    struct tracer *t = mem_zeroed(1, sizeof(*t));

    t->home = home;
    t->outlet = outlet;
    t->from = *from;
    buf_init(&t->body, BODY_MAX);
    trace_outlet_post_init(&t->post);
    return t;
}

void tracer_free(struct tracer *t)
{
    if (t == NULL)
        return;
    assert(!t->posting);
    trace_outlet_post_fini(&t->post);
    buf_fini(&t->body);
    free(t);
}

static void draw(struct tracer *t, uint8_t *id, size_t n)
{
    io_random(t->home, id, n);
    id[n - 1] |= 1; /* an id of zeros only is none */
}

static bool may_ask(struct tracer *t)
{
    uint64_t second = io_now_ms(t->home) / 1000;

    if (second != t->second)
        t->asked_n = 0;
    t->second = second;
    return t->asked_n++ < TRACER_ASKED_MAX;
}

/* By the trace's id: whatever node looks at it decides alike. */
static bool is_in_share(const struct tracer *t, const uint8_t id[static TRACE_ID_N])
{
    uint64_t v = 0;

    for (size_t i = TRACE_ID_N - 8; i < TRACE_ID_N - 1; i++)
        v = v << 8 | id[i];
    return v % 1000 < t->outlet->share;
}

void tracer_begin(struct tracer *t, const struct trace *parent, struct trace *ret)
{
    *ret = (struct trace){0};
    if (parent != NULL) {
        bool in_share = is_in_share(t, parent->id);

        memcpy(ret->id, parent->id, TRACE_ID_N);
        ret->sampled = parent->undecided ? in_share : parent->sampled && (in_share || may_ask(t));
    } else {
        draw(t, ret->id, TRACE_ID_N);
        ret->sampled = is_in_share(t, ret->id);
    }
    if (ret->sampled)
        draw(t, ret->span, TRACE_SPAN_N);
}

void tracer_below(struct tracer *t, const struct trace *parent, struct trace_span *span)
{
    assert(parent->sampled);
    span->at = *parent;
    memcpy(span->parent, parent->span, TRACE_SPAN_N);
    draw(t, span->at.span, TRACE_SPAN_N);
}

void tracer_end(struct tracer *t, const struct trace_span *span)
{
    assert(span->at.sampled && span->name != NULL);
    if (t->n == TRACER_WAITING_MAX) {
        t->stats.dropped++;
        return;
    }
    t->waiting[t->n++] = *span;
}

void tracer_until_turn(struct tracer *t, const struct trace_span *span)
{
    if (t->turn_n == TRACER_TURN_MAX)
        t->stats.dropped++;
    else
        t->turn[t->turn_n++] = *span;
}

void tracer_turn(struct tracer *t)
{
    for (size_t i = 0; i < t->turn_n; i++) {
        t->turn[i].ended_us = io_clock_us(t->home);
        tracer_end(t, &t->turn[i]);
    }
    t->turn_n = 0;
}

static void tracer_took(struct tracer *t, bool taken)
{
    assert(t->posting);
    t->posting = false;
    if (taken)
        t->stats.sent += t->posted_n;
    else
        t->stats.lost += t->posted_n;
}

static void tracer_posted(struct trace_post *post, bool taken)
{
    struct tracer *t = CONTAINER_OF(post, struct tracer, post);
    void (*flushed)(void *ctx) = t->flushed;

    t->flushed = NULL;
    tracer_took(t, taken);
    if (flushed != NULL)
        flushed(t->ctx);
}

/* Returns true if a request has begun. */
static bool tracer_send(struct tracer *t, unsigned timeout_ms)
{
    size_t n = MIN(t->n, (size_t)TRACER_POST_MAX);

    if (t->posting || n == 0)
        return false;
    buf_clear(&t->body);
    otlp_write(&t->body, &t->from, t->waiting, n, trace_outlet_offset(t->outlet, t->home));
    t->n -= n;
    memmove(t->waiting, t->waiting + n, t->n * sizeof(t->waiting[0]));
    t->posted_n = n;
    t->posting = true;
    t->post.home = t->home;
    t->post.done = tracer_posted;
    t->post.timeout_ms = timeout_ms;
    t->post.answer_max = ANSWER_MAX;
    t->post.body = buf_peek(&t->body);
    if (!t->body.failed && trace_outlet_post(t->outlet, &t->post))
        return true;
    tracer_took(t, false);
    return false;
}

void tracer_second(struct tracer *t)
{
    (void)tracer_send(t, POST_MS);
}

bool tracer_flush(struct tracer *t, unsigned timeout_ms, void (*flushed)(void *ctx), void *ctx)
{
    assert(flushed != NULL && t->flushed == NULL);
    if (!tracer_send(t, timeout_ms))
        return false;
    t->flushed = flushed;
    t->ctx = ctx;
    return true;
}

struct tracer_stats tracer_stats(const struct tracer *t)
{
    return t->stats;
}
