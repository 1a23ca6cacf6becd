/* call_span.h: the span of a command itself, whatever door it came by. What is below it, as a
 * request to the store, is call.h's and append.h's. Pure. */
#ifndef CHAT_ROOM_CALL_SPAN_H
#define CHAT_ROOM_CALL_SPAN_H

#include "chat/room/call.h"

/* Returns the span of a command that has ended, and is traced. came: what it belongs to; zero: it
 * is the first. Times as io_clock_us. */
struct trace_span call_span_of(const struct call *call, const struct trace *came, uint64_t began_us,
                               uint64_t ended_us);

#endif
