/* invocation.h: what an invocation of a function comes to, and how functions are run: what
 * functions.h, environment.h and launch.h speak of. Data only. */
#ifndef GATEWAY_INVOCATION_H
#define GATEWAY_INVOCATION_H

#include "gateway/gateway.h"

enum invocation_result {
    INVOCATION_OK,
    INVOCATION_ERROR,     /* the function failed; the answer is its error, as JSON */
    INVOCATION_TIMEOUT,   /* it took longer than it may; likewise */
    INVOCATION_THROTTLED, /* all of its concurrency is taken */
    INVOCATION_BROKEN,    /* it cannot be started; likewise */
    INVOCATION_UNKNOWN,   /* there is no such function */
};

/* The answer is lent for the call. */
typedef void invocation_done_f(void *ctx, enum invocation_result result, struct str answer);

struct functions_options {
    char *const *environ;   /* what environments inherit, "NAME=value", ended by NULL; stays */
    const char *invoke_url; /* AWS_ENDPOINT_URL_LAMBDA; stays */
    const char *ca_file;    /* whom functions are to trust besides the usual; NULL; stays */
    const char *ca_bundle;  /* the same with the usual ones */
    unsigned most;          /* environments of a function that has no limit of its own */
    uint64_t init_ms;       /* until an environment asks for work for the first time */
    bool freezes;           /* environments are stopped between invocations */
};

#endif
