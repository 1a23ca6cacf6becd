/* otlp.h: spans as an ExportTraceServiceRequest of OTLP 1 in its JSON encoding: ids in hexadecimal
 * digits, 64-bit numbers as strings, enums as numbers. Pure.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
#ifndef TRACE_OTLP_H
#define TRACE_OTLP_H

#include "base/buf.h"
#include "base/trace.h"

/* Who tells; strings are UTF-8. */
struct otlp_resource {
    struct str service, version, node;
};

/* Appends a request with n spans. Unix time in microseconds is a span's own time and offset_us. */
void otlp_write(struct buf *out, const struct otlp_resource *from, const struct trace_span *spans,
                size_t n, int64_t offset_us);

#endif
