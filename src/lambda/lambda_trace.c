/* TRACE: the spans of a command that is traced, as of the command itself, what it asked the store
 * for, its append and its delivery. They are sent before the answer, since the process stands still
 * behind it; a collector that is slow costs LAMBDA_TRACE_MS, and the spans are lost. */
#include "chat/room/call_span.h"
#include "lambda/lambda_impl.h"
#include "trace/tracer.h"

/* Lambda says "not sampled" of whatever X-Ray does not look at: that is nobody's decision. */
void lambda_trace_came(struct lambda *l, struct str amzn)
{
    struct trace came;

    if (l->o.tracer != NULL && trace_parse_amzn(amzn, &came) && came.sampled)
        l->visit.came = came;
}

void lambda_trace_begin(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    bool came = v->came.sampled;

    if (l->o.tracer == NULL)
        return;
    came |= trace_parse(v->call.cmd.traceparent, &v->came);
    tracer_begin(l->o.tracer, came ? &v->came : NULL, &v->call.trace);
    if (v->call.trace.sampled)
        v->began_us = io_clock_us(l->o.io);
}

void lambda_trace_span(struct owner *o, const struct trace *parent, struct trace_span *span)
{
    struct lambda *l = CONTAINER_OF(o, struct lambda, owner);

    tracer_below(l->o.tracer, parent, span);
    tracer_end(l->o.tracer, span);
}

void lambda_trace_round(struct lambda *l)
{
    if (l->visit.call.trace.sampled)
        l->visit.round_us = io_clock_us(l->o.io);
}

void lambda_trace_delivered(struct lambda *l)
{
    const struct call *call = &l->visit.call;
    struct trace_span span = {.kind = TRACE_CONSUMER,
                              .name = "deliver",
                              .began_us = l->visit.round_us,
                              .ended_us = io_clock_us(l->o.io)};

    if (!call->trace.sampled)
        return;
    if (l->bells.n == 1)
        trace_room(&span, bell_room(&l->bells.at[0]));
    lambda_trace_span(&l->owner, &call->trace, &span);
}

static void lambda_flushed(void *ctx)
{
    lambda_next(ctx);
}

void lambda_trace(struct lambda *l)
{
    const struct lambda_visit *v = &l->visit;
    struct trace_span span;

    if (v->call.trace.sampled) {
        span = call_span_of(&v->call, &v->came, v->began_us, io_clock_us(l->o.io));
        tracer_end(l->o.tracer, &span);
    }
    if (l->o.tracer == NULL || !tracer_flush(l->o.tracer, LAMBDA_TRACE_MS, lambda_flushed, l))
        lambda_next(l);
}
