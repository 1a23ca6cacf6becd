#include "chat/room/call_span.h"

static const char *const span_names[] = {
#define COMMAND(name, who, cost, what) [COMMAND_##name] = #name,
#define PARAM(command, name, type, need, what)
#define ANSWER(command, what)
#include "chat/model/commands.tbl"
#undef COMMAND
#undef PARAM
#undef ANSWER
};

struct trace_span call_span_of(const struct call *call, const struct trace *came, uint64_t began_us,
                               uint64_t ended_us)
{
    struct trace_span span = {.at = call->trace,
                              .kind = TRACE_SERVER,
                              .name = span_names[call->cmd.id],
                              .began_us = began_us,
                              .ended_us = ended_us};

    assert(call->trace.sampled && span.name != NULL);
    if (call->error != ERROR_NONE)
        span.error = command_error_name(call->error);
    memcpy(span.parent, came->span, TRACE_SPAN_N);
    if (command_has(&call->cmd, PARAM_room))
        trace_room(&span, call->cmd.room);
    return span;
}
