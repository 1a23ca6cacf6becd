/* emf_line.h: a document of CloudWatch's Embedded Metric Format: metrics of one dimension, Service,
 * and two properties, which cost nothing. Limits of the format: 100 metrics, 256 KiB. Pure.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
#ifndef BASE_EMF_LINE_H
#define BASE_EMF_LINE_H

#include "base/buf.h"

enum {
    EMF_METRICS_MAX = 100,
    EMF_VALUES_MAX = 100, /* of one metric */
    EMF_LINE_MAX = 256 * 1024,
    EMF_TEXT_MAX = 250, /* of a namespace, of a dimension's value */
};

/* Whose metrics these are. */
struct emf_about {
    uint64_t wall_ms;
    struct str name_space; /* 1 to EMF_TEXT_MAX bytes, as the service */
    struct str service, node, version;
};

/* One metric: its value, or its values if there are any. */
struct emf_value {
    const char *name, *unit;
    double v;
    const double *values; /* NULL: v */
    size_t values_n;      /* 1 to EMF_VALUES_MAX */
};

/* Appends a document, without the end of the line. */
void emf_line_write(const struct emf_about *about, const struct emf_value *metrics, size_t n,
                    struct buf *out);

#endif
