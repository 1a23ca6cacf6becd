#include "server/conn/request_trace.h"

#include "base/str.h"
#include "server/conn/request.h"
#include "server/node/worker.h"
#include "trace/tracer.h"
#include "wire/http1.h"

static const char *const trace_names[] = {
#define COMMAND(name, who, cost, what) [COMMAND_##name] = #name,
#define PARAM(command, name, type, need, what)
#define ANSWER(command, what)
#include "chat/model/commands.tbl"
#undef COMMAND
#undef PARAM
#undef ANSWER
};

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
    const struct call *call = &r->call;
    struct trace_span span = {.at = call->trace,
                              .kind = TRACE_SERVER,
                              .name = trace_names[call->cmd.id],
                              .began_us = r->began_us,
                              .ended_us = io_clock_us(r->worker->io)};

    assert(call->trace.sampled && span.name != NULL);
    if (call->error != ERROR_NONE)
        span.error = command_error_name(call->error);
    memcpy(span.parent, r->came.span, TRACE_SPAN_N);
    if (command_has(&call->cmd, PARAM_room))
        trace_room(&span, call->cmd.room);
    tracer_end(r->worker->tracer, &span);
}
