/* alarms.h: what is wrong with this node: which alarms of chat/model/alarms.tbl are raised.
 * While one is, the node is degraded: /health names it, polylog_alarm shows it. The log
 * has a line when an alarm begins (`alarm`), one when it is over (`alarm_over`), and
 * between, at most every 10 s, one for each other detail.
 *
 *   over --alarms_raise--> raised --alarms_clear, or hold_s after the last raise--> over */
#ifndef SERVER_NODE_ALARMS_H
#define SERVER_NODE_ALARMS_H

#include "base/base.h"
#include "base/str.h"
#include "chat/model/alarm.h"

enum { ALARM_DETAIL_MAX = 320 };

struct alarms;
struct server;

struct alarms *alarms_new(struct server *s) MUST_CHECK;
void alarms_free(struct alarms *a); /* NULL is fine */

/* Any thread, while worker 0's loop is there: it is seen, once more. detail, copied and
 * cut to ALARM_DETAIL_MAX bytes: which room, node, figure; may be empty. */
void alarms_raise(struct alarms *a, enum alarm id, struct str detail);

/* Any thread, likewise: it is over. Nothing happens if it is not raised. */
void alarms_clear(struct alarms *a, enum alarm id);

/* Any thread: is it raised? */
bool alarms_is(const struct alarms *a, enum alarm id) MUST_CHECK;

/* Worker 0: an alarm that is computed (server/health/health.h) is raised or not. Counts its
 * beginning; what fails has lines of its own in the log. */
void alarms_follow(struct alarms *a, enum alarm id, bool on);

/* Worker 0, once a second: ends what is over, and sets the metrics. */
void alarms_second(struct alarms *a);

/* Rows of the table. */
const char *alarms_name(enum alarm id);
const char *alarms_text(enum alarm id);
const char *alarms_remedy(enum alarm id);

#endif
