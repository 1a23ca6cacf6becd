/* measure.h: what an instance of the function tells CloudWatch: a document of the Embedded Metric
 * Format (base/emf_line.h), a line on standard output. An instance writes it before an event's
 * answer, since the process stands still behind it: of the first event, then of the first that ends
 * once --metrics-every has passed. What was counted behind the last line is lost with the instance.
 * Counters are sent as what they grew by. On one loop. */
#ifndef LAMBDA_MEASURE_H
#define LAMBDA_MEASURE_H

#include "base/emf_line.h"
#include "lambda/lambda.h"
#include "serverless/connections.h"
#include "store/store.h"

/* Everything that is counted, now. */
struct measure_now {
    struct emf_about about;
    struct lambda_stats lambda;
    struct store_stats store;
    struct connections_stats posts;
    uint64_t spans_dropped; /* and lost */
};

struct measure;

struct measure *measure_new(uint64_t every_ms) MUST_CHECK;
void measure_free(struct measure *m); /* NULL is fine */

/* An event is over, which took us. True if a document is due at now_ms of the loop's clock. */
bool measure_event(struct measure *m, uint64_t us, uint64_t now_ms) MUST_CHECK;

/* Appends a document, without the end of the line. */
void measure_write(struct measure *m, const struct measure_now *now, uint64_t now_ms,
                   struct buf *out);

#endif
