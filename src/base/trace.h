/* trace.h: which trace something belongs to, by W3C Trace Context, and what is told of a step of
 * it, a span. https://www.w3.org/TR/trace-context/ Pure; src/trace sends spans.
 *
 *   traceparent: 00-<32 digits: the trace>-<16 digits: the span>-<2 digits: flags> */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/base.h"

enum { TRACE_ID_N = 16, TRACE_SPAN_N = 8, TRACE_PARENT_N = 55, TRACE_ROOM_MAX = 64 };

/* A span of a trace. All zero: there is none. */
struct trace {
    uint8_t id[TRACE_ID_N];
    uint8_t span[TRACE_SPAN_N];
    bool sampled;   /* it is told of */
    bool undecided; /* of what came in: nobody has said whether it is */
};

/* Values of OTLP's SpanKind. */
enum trace_kind {
    TRACE_SERVER = 2,
    TRACE_CLIENT = 3,
    TRACE_PRODUCER = 4,
    TRACE_CONSUMER = 5,
};

struct trace_span {
    struct trace at;
    uint8_t parent[TRACE_SPAN_N]; /* of the same trace; zero: it is the first */
    enum trace_kind kind;
    const char *name;            /* static */
    const char *error;           /* static: what it failed with; NULL: it did not */
    uint64_t began_us, ended_us; /* monotonic, as io_clock_us */
    uint64_t entries;            /* that it is about; 0: that is not said */
    uint64_t followers;          /* to whom; 0: likewise */
    uint8_t room_n;
    uint8_t room[TRACE_ROOM_MAX];
};

/* §3.2.2. Of a version above 00, what is known of it. False, and nothing is written, if text is no
 * traceparent. */
bool trace_parse(struct str text, struct trace *ret) MUST_CHECK;

/* The X-Amzn-Trace-Id of a balancer of AWS: Root is the trace, Parent the span if it is there,
 * Sampled whether it is told of; else that is undecided. False, and nothing is written, if text
 * has no Root, or a part that is malformed.
 * X-Ray Developer Guide, "Tracing header". */
bool trace_parse_amzn(struct str text, struct trace *ret) MUST_CHECK;

/* Writes a traceparent of version 00, and a NUL. */
void trace_format(const struct trace *t, char text[static TRACE_PARENT_N + 1]);

/* Says which room the span is about. Whose log or direct room it is stays unsaid. */
void trace_room(struct trace_span *span, struct str room);

#endif
