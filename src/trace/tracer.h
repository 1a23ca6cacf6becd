/* tracer.h: a loop's spans, on their way to a collector: some wait here, and are sent together by
 * OTLP over HTTP, one request at a time. Nobody waits for that: what there is no place for, and
 * what the collector does not take, is dropped and counted.
 *
 *   tracer_begin, tracer_below: ids, and whether it is told of at all
 *   tracer_end --> waiting (TRACER_WAITING_MAX) --tracer_second--> one POST --> sent or lost
 *
 * All on its loop's thread. A loop without one has no cost but a pointer that is NULL. */
#ifndef TRACE_TRACER_H
#define TRACE_TRACER_H

#include "base/trace.h"
#include "io/http_client.h"
#include "trace/otlp.h"
#include "trace/trace_outlet.h"

enum {
    TRACER_WAITING_MAX = 2048, /* spans that wait for the request before theirs */
    TRACER_POST_MAX = 512,     /* of one request */
    TRACER_TURN_MAX = 128,     /* that end with one turn */
    /* Traces that a client's own traceparent asks for, a second, besides the share. */
    TRACER_ASKED_MAX = 50,
};

struct tracer;

/* What became of spans, since the start. */
struct tracer_stats {
    uint64_t sent;    /* the collector took them */
    uint64_t dropped; /* too many waited */
    uint64_t lost;    /* the collector did not answer, or refused them */
};

/* The outlet and the strings of from outlive it. */
struct tracer *tracer_new(struct io *home, struct trace_outlet *outlet,
                          const struct otlp_resource *from) MUST_CHECK;

/* The outlet's client is closed, and its loop has ended. NULL is fine. */
void tracer_free(struct tracer *t);

/* Begins what came in with a traceparent, or without (parent NULL), and sets ret: its trace, and,
 * if it is sampled, a span of its own. ret->sampled says whether it is told of: as the parent says,
 * or, where it says nothing, by chance. */
void tracer_begin(struct tracer *t, const struct trace *parent, struct trace *ret);

/* Gives a span an id of its own, below another's, which is sampled. */
void tracer_below(struct tracer *t, const struct trace *parent, struct trace_span *span);

/* Takes a copy of a span that is complete. */
void tracer_end(struct tracer *t, const struct trace_span *span);

/* Takes a copy of a span that ends with the loop's turn. */
void tracer_until_turn(struct tracer *t, const struct trace_span *span);
void tracer_turn(struct tracer *t);

/* Sends what waits, unless a request is under way. Once a second. */
void tracer_second(struct tracer *t);

/* Sends what waits now in one request, which ends within timeout_ms whatever the collector does;
 * then flushed(ctx), once, never within this call. For a loop that stands still afterwards: what
 * one request does not carry waits for the next. Returns false, and calls nothing, if nothing is
 * sent. */
bool tracer_flush(struct tracer *t, unsigned timeout_ms, void (*flushed)(void *ctx),
                  void *ctx) MUST_CHECK;

struct tracer_stats tracer_stats(const struct tracer *t);

#endif
