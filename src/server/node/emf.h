/* emf.h: the metrics as documents of CloudWatch's Embedded Metric Format, one JSON object a line:
 * CloudWatch Logs makes metrics of them. emf.tbl lists which of metrics.tbl.
 *
 * One document has all of them, with one dimension, Service; the node is a property, which
 * costs nothing. Limits of the format: 100 metrics, 256 KiB.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
#ifndef SERVER_NODE_EMF_H
#define SERVER_NODE_EMF_H

#include "server/node/metrics.h"

enum {
    EMF_METRICS_MAX = 100,
    EMF_LINE_MAX = 256 * 1024,
    EMF_TEXT_MAX = 250, /* of a namespace, of a dimension's value */
};

/* What a document says besides the metrics' sets. */
struct emf_now {
    uint64_t wall_ms;
    struct str name_space; /* 1 to EMF_TEXT_MAX bytes, as the service */
    struct str service, node, version;
    const struct metrics *const *sets;
    size_t sets_n;
    const struct store_stats *store;
    const struct bus_stats *bus;
    bool degraded, store_failing, draining;
};

/* What the document before said, from which changes are counted. */
struct emf;

struct emf *emf_new(void) MUST_CHECK;
void emf_free(struct emf *e); /* NULL is fine */

/* Appends a document, without the end of the line. One thread at a time. */
void emf_render(struct emf *e, const struct emf_now *now, struct buf *out);

#endif
