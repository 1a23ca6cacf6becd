/* invoker.h: how an instance has its function begin other events: Lambda's invoke API, as an
 * Event: nobody waits for what comes of it.
 *
 *   POST <endpoint>/2015-03-31/functions/<name>/invocations     X-Amz-Invocation-Type: Event
 *
 * One request at a time. On one loop. */
#ifndef LAMBDA_INVOKER_H
#define LAMBDA_INVOKER_H

#include "io/http_client.h"
#include "wire/sigv4.h"

struct invoker;
typedef void invoker_done_f(void *ctx, bool taken);

struct invoker_ops {
    /* Asks, with a payload that stays until done is called: once, on the loop, never inside. */
    void (*ask)(struct invoker *i, struct str payload, invoker_done_f *done, void *ctx);
};

/* First member of every implementation's own struct. */
struct invoker {
    const struct invoker_ops *ops;
};

static inline void invoker_ask(struct invoker *i, struct str payload, invoker_done_f *done,
                               void *ctx)
{
    assert(payload.n > 0 && done != NULL);
    i->ops->ask(i, payload, done, ctx);
}

struct invoker_options {
    struct io *home;
    struct http_client *client; /* outlives it */
    const char *endpoint;       /* "https://lambda.us-east-1.amazonaws.com"; NULL: of the region */
    const char *region, *name;  /* name: the function's */
    unsigned timeout_ms;
    bool (*sign)(void *ctx, const struct sigv4_request *r, struct buf *out);
    void *ctx;
};

/* NULL if the endpoint is no address. */
struct invoker *invoker_new(const struct invoker_options *o) MUST_CHECK;

/* Nothing may be under way. NULL is fine. */
void invoker_free(struct invoker *i);

#endif
