/* functions.h: the Lambda functions of an API: invocations wait for an environment
 * (environment.h), and more environments are started while that helps.
 *
 *   functions_invoke --> queue --> an idle environment, a new one, or throttled --> done
 *
 * One thread, the gateway's. */
#ifndef GATEWAY_FUNCTIONS_H
#define GATEWAY_FUNCTIONS_H

#include "gateway/invocation.h"

struct functions;
struct invocation;

struct functions *functions_new(struct gateway *g, const struct functions_options *o) MUST_CHECK;

/* Invokes the function with that name, or ARN, perhaps with a qualifier. done is called once,
 * never inside this call. */
struct invocation *functions_invoke(struct functions *fs, struct str name, struct str payload,
                                    invocation_done_f *done, void *ctx);

/* done will not be called: nobody waits any more. The function runs on. */
void functions_abandon(struct invocation *i);

/* Ends all environments; those who wait are told INVOCATION_BROKEN. */
void functions_close(struct functions *fs);

/* Frees environments that have ended; once a turn. True: none is left that has. NULL is fine. */
bool functions_bury(struct functions *fs);

/* Closed, and functions_bury has said true. NULL is fine. */
void functions_free(struct functions *fs);

#endif
