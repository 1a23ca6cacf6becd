/* health.h: is the node well? What it computes when asked (its store, its bus, its issuer's
 * keys), and what others have raised (server/node/alarms.h). Holds no state. */
#ifndef SERVER_HEALTH_HEALTH_H
#define SERVER_HEALTH_HEALTH_H

#include "base/base.h"
#include "chat/model/alarm.h"

struct server;

/* Returns true if this alarm (chat/model/alarms.tbl) makes the node degraded; the node goes on.
 * Any worker; now_ms is that worker's time. */
bool health_is_degraded_by(const struct server *s, enum alarm id, uint64_t now_ms) MUST_CHECK;

/* Returns true if any alarm does. */
bool health_is_degraded(const struct server *s, uint64_t now_ms) MUST_CHECK;

/* Returns NULL if this process's own loops and its store's threads move, or what is stuck.
 * Any worker; now_ms is that worker's time. */
const char *health_stuck(const struct server *s, uint64_t now_ms) MUST_CHECK;

/* Raises and ends the alarms. Worker 0, once a second. */
void health_second(struct server *s);

#endif
