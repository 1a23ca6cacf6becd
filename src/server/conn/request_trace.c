#include "server/conn/request_trace.h"

#include "base/str.h"
#include "chat/room/call_span.h"
#include "server/conn/request.h"
#include "server/node/worker.h"
#include "trace/tracer.h"
#include "wire/http1.h"

static bool came_with_one(const struct request *r)
{
    static const uint8_t none[TRACE_ID_N];

    return memcmp(r->came.id, none, TRACE_ID_N) != 0;
}

static bool read_one(const struct http1_headers *headers, struct str name,
                     bool (*parse)(struct str, struct trace *), struct trace *ret)
{
    struct str value;

    return http1_count(headers, name) == 1 && http1_get(headers, name, &value) && parse(value, ret);
}

void request_trace_header(struct request *r, const struct http1_headers *headers)
{
    if (!read_one(headers, STR("traceparent"), trace_parse, &r->came))
        (void)read_one(headers, STR("x-amzn-trace-id"), trace_parse_amzn, &r->came);
}

void request_trace_begin(struct request *r)
{
    struct call *call = &r->call;
    bool came = came_with_one(r);

    if (!came || r->came.undecided)
        came |= trace_parse(call->cmd.traceparent, &r->came);
    tracer_begin(r->worker->tracer, came ? &r->came : NULL, &call->trace);
    if (call->trace.sampled)
        r->began_us = io_clock_us(r->worker->io);
}

void request_trace_end(struct request *r)
{
    struct trace_span span =
        call_span_of(&r->call, &r->came, r->began_us, io_clock_us(r->worker->io));

    tracer_end(r->worker->tracer, &span);
}
