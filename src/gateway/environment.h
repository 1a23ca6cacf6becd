/* environment.h: one process that runs a function, and the runtime API (2018-06-01) that it
 * asks for work, on a port of its own. As many invocations as the function's per_environment
 * says may be under way at once: the process asks for each, and each has a place.
 *
 *   STARTING --asks for work--> SERVING
 *      |                           |
 *      +--too long an init---------+-- its end, an invocation's time-out --> ENDED
 *
 *   a place: FREE --asks for work--> WAITING --environment_run--> BUSY --answers--> FREE
 *
 * With one place the process is stopped while it waits. Its owner is told by ops and starts
 * the next one; an environment that has ended is freed by environment_free once nothing of
 * it is in flight. */
#ifndef GATEWAY_ENVIRONMENT_H
#define GATEWAY_ENVIRONMENT_H

#include "gateway/acceptor.h"
#include "gateway/invocation.h"

struct environment;

struct environment_ops {
    /* It asks for work. */
    void (*idle)(struct environment *e);
    /* An invocation that it was given is over: how, and its answer, which is lent. */
    void (*answered)(struct environment *e, const char *request_id, enum invocation_result result,
                     struct str answer);
    /* It has ended; what it was given was answered before. why: an error as JSON, lent. */
    void (*ended)(struct environment *e, struct str why);
};

enum environment_state { ENVIRONMENT_STARTING, ENVIRONMENT_SERVING, ENVIRONMENT_ENDED };

/* Of one invocation at once. FREE: neither waiting nor busy. */
struct environment_place {
    struct environment *e;
    struct inlet *waiting; /* the request for work; NULL: none */
    bool busy;
    char request_id[40];
    uint64_t began_ms;
    struct wheel_timer timer;
};

struct environment {
    struct gateway *g;
    const struct api_function *f;
    const struct functions_options *o;
    const struct environment_ops *ops;
    void *owner;
    struct list node; /* of the owner */
    enum environment_state state;
    int pid;
    struct io_op log;
    struct acceptor acceptor;
    struct buf line; /* of the log, until it ends */
    struct environment_place *places;
    size_t places_n;
    bool worked; /* it was given an invocation */
    struct wheel_timer init;
};

/* Starts one. NULL, and why, if it cannot be. */
struct environment *environment_start(struct gateway *g, const struct api_function *f,
                                      const struct functions_options *o,
                                      const struct environment_ops *ops, void *owner,
                                      char why[static API_WHY_MAX]);

/* Does it wait for work? */
bool environment_is_idle(const struct environment *e);

/* Gives it work; it is idle. */
void environment_run(struct environment *e, const char *request_id, struct str payload);

/* Ends it now; ops->ended is called, unless it had ended. why: an error as JSON. */
void environment_end(struct environment *e, enum invocation_result result, struct str why);

/* Takes it off its list and frees it; false: something is in flight. */
bool environment_free(struct environment *e) MUST_CHECK;

#endif
