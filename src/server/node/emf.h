/* emf.h: the metrics as documents of CloudWatch's Embedded Metric Format (base/emf_line.h), one
 * JSON object a line: CloudWatch Logs makes metrics of them. emf.tbl lists which of metrics.tbl.
 * One document has all of them. */
#ifndef SERVER_NODE_EMF_H
#define SERVER_NODE_EMF_H

#include "base/emf_line.h"
#include "server/node/metrics.h"

/* What a document says besides the metrics' sets. */
struct emf_now {
    struct emf_about about;
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
