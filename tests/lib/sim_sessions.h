/* sim_sessions.h: which sessions of a story's clients have ended, and since when: to check
 * that none lives on longer than it may, whatever the nodes know. A session is known by its
 * token. Pure. */
#ifndef LIB_SIM_SESSIONS_H
#define LIB_SIM_SESSIONS_H

#include "base/base.h"

enum { SIM_SESSIONS_MAX = 128 };

struct sim_sessions {
    uint64_t bound_ms; /* how long one may live on at most; 0: that is not checked */
    unsigned n;
    struct {
        uint64_t token, ms;
    } ended[SIM_SESSIONS_MAX];
};

/* The end of the session was acknowledged. */
void sim_sessions_end(struct sim_sessions *s, const char *token, uint64_t now_ms);

/* For how long it has been over; 0: it was not ended. */
uint64_t sim_sessions_over_ms(const struct sim_sessions *s, const char *token, uint64_t now_ms);

#endif
