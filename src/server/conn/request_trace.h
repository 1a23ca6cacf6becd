/* request_trace.h: the span of a command: from when it may run until it is answered. A client's
 * traceparent comes as a header of HTTP, or as a member of the frame. */
#ifndef SERVER_CONN_REQUEST_TRACE_H
#define SERVER_CONN_REQUEST_TRACE_H

struct http1_headers;
struct request;

/* Takes the traceparent of a request over HTTP, or without one its X-Amzn-Trace-Id; one that is
 * malformed, or there twice, is none. */
void request_trace_header(struct request *r, const struct http1_headers *headers);

/* Begins the span, by the worker's tracer, which there is. */
void request_trace_begin(struct request *r);

/* Ends it. The call has ended, and is traced. */
void request_trace_end(struct request *r);

#endif
