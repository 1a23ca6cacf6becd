/* report.h: the node's metrics on standard output, as documents of the Embedded Metric Format
 * (server/node/emf.h): one each metrics-every, and one when the node ends. Worker 0's. */
#ifndef SERVER_HEALTH_REPORT_H
#define SERVER_HEALTH_REPORT_H

#include "base/base.h"

struct report;
struct server;

/* NULL if the server has no place for them: without --metrics emf. */
struct report *report_new(struct server *s) MUST_CHECK;
void report_free(struct report *r); /* NULL is fine */

/* Once a second. NULL is fine. */
void report_second(struct report *r);

/* The last one, with what happened since the one before. The store must be open, and the
 * workers' sets be there. NULL is fine. */
void report_end(struct report *r);

#endif
