/* tls_tickets.h: the keys that encrypt session tickets (RFC 5077 §4, RFC 8446 §4.6.1),
 * another one in each period of the wall clock.
 *
 *   state of period 0 --> 1 --> 2 --> 3      one way: a state tells nothing of those before
 *                               |     |
 *                            before  now     their keys; what is older is wiped
 *
 * Tickets are made with the key of now, and accepted with that of the period before
 * too: each is good for a period at least. Whoever starts from the same secret has the
 * same keys at the same time, and needs to hear of nobody: the loops of a process, and
 * nodes that share a secret. Who steals a process's memory opens no ticket of earlier
 * periods; who steals a shared secret opens all.
 *
 * For one thread; a copy by assignment is another's. */
#ifndef IO_TLS_TICKETS_H
#define IO_TLS_TICKETS_H

#include "base/base.h"

enum {
    TLS_TICKETS_STATE = 32,
    TLS_TICKETS_NAME = 16,
    TLS_TICKETS_STEPS_MAX = 1000,
};

struct tls_ticket_key {
    uint8_t name[TLS_TICKETS_NAME]; /* stands in the ticket */
    uint8_t cipher[32], mac[32];    /* AES-256-CBC, HMAC-SHA256 */
};

struct tls_tickets {
    uint64_t period_s;
    uint64_t period; /* it is now; counted from 1970, or later if the clock was set back */
    uint8_t state[TLS_TICKETS_STATE];
    struct tls_ticket_key now, before;
};

/* A secret of this process's own, from wall_s on. */
void tls_tickets_init(struct tls_tickets *t, uint64_t period_s, uint64_t wall_s);

/* A secret that other nodes have too. Takes a second per 500,000 periods since the
 * year 2026. */
void tls_tickets_init_shared(struct tls_tickets *t, struct str secret, uint64_t period_s,
                             uint64_t wall_s);

/* Time has passed: keys whose period is over are replaced, and wiped. At most
 * TLS_TICKETS_STEPS_MAX periods in one call; from a clock that went back, none. */
void tls_tickets_turn(struct tls_tickets *t, uint64_t wall_s);

/* The key of that name (TLS_TICKETS_NAME bytes), or NULL. */
const struct tls_ticket_key *tls_tickets_find(const struct tls_tickets *t, const uint8_t *name);

/* Wipes it. */
void tls_tickets_fini(struct tls_tickets *t);

#endif
