/* meter.h: what the API has been used for, and what AWS would have asked for it. Plain
 * counters of one thread; list prices of us-east-1 (2026). */
#ifndef GATEWAY_METER_H
#define GATEWAY_METER_H

#include "base/buf.h"

/* One line per counter: its field, its name in /metrics, what it counts. */
#define METER_COUNTERS(X)                                                                      \
    X(connections, "gateway_connections_total", "handshakes that were accepted")               \
    X(refused, "gateway_refused_total", "handshakes that were refused")                        \
    X(disconnects, "gateway_disconnects_total", "connections that ended")                      \
    X(messages_in, "gateway_messages_in_total", "messages from clients")                       \
    X(messages_out, "gateway_messages_out_total", "messages to clients")                       \
    X(metered, "gateway_metered_messages_total", "messages as they are charged, by 32 KB")     \
    X(bytes_in, "gateway_bytes_in_total", "bytes of messages from clients")                    \
    X(bytes_out, "gateway_bytes_out_total", "bytes of messages to clients")                    \
    X(posts, "gateway_posts_total", "calls of @connections")                                   \
    X(gone, "gateway_posts_gone_total", "calls of @connections answered by 410")               \
    X(throttled, "gateway_throttled_total", "calls and messages refused by 429")               \
    X(unsigned_calls, "gateway_posts_forbidden_total", "calls of @connections refused by 403") \
    X(calls, "gateway_integration_calls_total", "events that went to an integration")          \
    X(failures, "gateway_integration_failures_total", "of these, those that failed")           \
    X(timeouts, "gateway_integration_timeouts_total", "of these, those that took too long")    \
    X(lost, "gateway_faults_lost_total", "events that a fault dropped")                        \
    X(repeated, "gateway_faults_repeated_total", "events that a fault repeated")               \
    X(invocations, "gateway_function_invocations_total", "invocations of functions")           \
    X(cold_starts, "gateway_function_cold_starts_total", "environments that were started")     \
    X(function_ms, "gateway_function_ms_total", "milliseconds that functions ran")             \
    X(function_mb_ms, "gateway_function_mb_ms_total", "the same, times their megabytes")

struct meter {
#define X(field, name, what) uint64_t field;
    METER_COUNTERS(X)
#undef X
    uint64_t connected_ms; /* of connections that ended, by the gateway's clock */
};

/* A message of n bytes: charged once for each 32 KB that it begins. */
void meter_message(struct meter *m, size_t n);

/* What it would have cost, in dollars. connected_ms: of all connections, open ones too. */
struct meter_cost {
    double messages, minutes, invocations, compute, all;
};
struct meter_cost meter_cost(const struct meter *m, uint64_t connected_ms);

/* Appends /metrics, in the text format of Prometheus. */
void meter_write(const struct meter *m, uint64_t connected_ms, size_t open, struct buf *out);

/* Appends a few lines for a person: what happened and what it would have cost. */
void meter_report(const struct meter *m, uint64_t connected_ms, struct buf *out);

#endif
