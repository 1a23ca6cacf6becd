/* watch.h: what the node's store does, seen from outside: the beats of server/health/guard.h are
 * its probe, and the requests that it fails are counted. A failure is said once when it begins, and
 * once when it has ended; between, the node is degraded.
 *
 *   well --a request or a beat fails, or a beat is late--> failing
 *     ^                                                         |
 *     +------- WATCH_QUIET_MS without any, and a beat well  ----+
 *
 * And whether this machine's clock is that of the store, by which all goes that nodes,
 * clients and tokens must agree on (store_wall_ms): certificates are judged, and the log is
 * stamped, by the machine's. ALARM_clock.
 *
 * Worker 0's, but for what is marked. */
#ifndef SERVER_HEALTH_WATCH_H
#define SERVER_HEALTH_WATCH_H

#include "base/base.h"

/* So long nothing may fail before the store is taken for well. */
#define WATCH_QUIET_MS 10000

/* How far the clocks may be apart. */
#define WATCH_APART_MS 30000

struct server;
struct watch;

struct watch *watch_new(struct server *s) MUST_CHECK;
void watch_free(struct watch *w); /* NULL is fine */

/* Begins, when the store has answered once; asks no more. */
void watch_start(struct watch *w);
void watch_stop(struct watch *w);

/* Any worker: is the store failing? */
bool watch_is_failing(const struct watch *w) MUST_CHECK;

#endif
