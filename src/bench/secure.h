/* secure.h: TLS for a run whose URL is https:// or wss://: the loop that its
 * connections are opened on, above the plain one, and what it says when a server
 * is not to be spoken with. */
#ifndef BENCH_SECURE_H
#define BENCH_SECURE_H

#include "bench/plan.h"

struct tls_context;

struct secure {
    struct tls_context *context;
    struct io *io;
};

/* Who is trusted is the plan's. False: why says what cannot be. */
bool secure_open(struct secure *s, const struct plan *plan, struct io *below,
                 char why[static PLAN_WHY_N]) MUST_CHECK;

/* Nothing may be in flight on io. A struct of zeros is fine. */
void secure_close(struct secure *s);

/* A sentence for a person: why the last handshake on io, which is secure_open's,
 * failed. */
void secure_why(const struct io *io, char ret_why[static PLAN_WHY_N]);

#endif
