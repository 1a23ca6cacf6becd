/* refusal.h: what is refused for a setting leaves a line in the log that names the setting; of each
 * kind at most one in ten seconds and worker, with how many there were besides. */
#ifndef SERVER_CONN_REFUSAL_H
#define SERVER_CONN_REFUSAL_H

#include "base/base.h"

struct worker;

enum refusal {
    REFUSAL_HOST,    /* detail: the host that was asked for */
    REFUSAL_ORIGIN,  /* detail: the origin */
    REFUSAL_LOGIN,   /* detail: the client's address */
    REFUSAL_GUESS,   /* detail: the client's address */
    REFUSAL_COPY,    /* detail: the client's address */
    REFUSAL_RATE,    /* detail: the client's address */
    REFUSAL_GATEWAY, /* detail: the peer's address */
    REFUSAL_N,
};

/* Of a worker: zeroed at first. */
struct refusals {
    uint64_t next_ms[REFUSAL_N]; /* when the next line may be written */
    uint64_t more[REFUSAL_N];    /* refusals since the last one */
};

/* On w's loop. detail comes from a peer; the log escapes it. */
void refusal_say(struct worker *w, enum refusal what, struct str detail);

#endif
