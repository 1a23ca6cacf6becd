/* redis_rig.h: a redis-server of the test's own, on a free port of the loopback. */
#ifndef LIB_REDIS_RIG_H
#define LIB_REDIS_RIG_H

#include "base/base.h"

#include <sys/types.h>

struct redis_rig {
    pid_t pid;
    uint16_t port;
    uint16_t bus_port; /* of a cluster's; else 0 */
    char url[64];
};

/* Is there a redis-server to be started? */
bool redis_rig_is_there(void);

/* Starts one; again on the same port, if it ran before. more: further arguments, ended by
 * NULL, or NULL. Returns when it answers. */
void redis_rig_start(struct redis_rig *r, const char *const *more);

/* SIGKILL, SIGSTOP, SIGCONT. */
void redis_rig_signal(struct redis_rig *r, int signal);

/* Kills it. Harmless if it does not run. */
void redis_rig_stop(struct redis_rig *r);

/* What is answered to a command without spaces in its words, "PING": as much as comes at
 * once, valid until the next. */
const char *redis_rig_answer(struct redis_rig *r, const char *command);

/* The first line of it. */
const char *redis_rig_say(struct redis_rig *r, const char *command);

#endif
