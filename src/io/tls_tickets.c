#include "io/tls_tickets.h"

#include "base/str.h"
#include "io/process.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define SHARED_FROM_S 1767225600 /* the first of January 2026 */

static void derive(const uint8_t *key, size_t key_n, const char *what,
                   uint8_t ret[static TLS_TICKETS_STATE])
{
    uint8_t out[EVP_MAX_MD_SIZE];
    unsigned n;

    if (HMAC(EVP_sha256(), key, (int)key_n, (const uint8_t *)what, strlen(what), out, &n) == NULL)
        abort();
    assert(n == TLS_TICKETS_STATE);
    memcpy(ret, out, n);
    OPENSSL_cleanse(out, sizeof(out));
}

static void make_key(const struct tls_tickets *t, struct tls_ticket_key *ret)
{
    uint8_t name[TLS_TICKETS_STATE];

    derive(t->state, sizeof(t->state), "ticket name", name);
    memcpy(ret->name, name, sizeof(ret->name));
    derive(t->state, sizeof(t->state), "ticket cipher", ret->cipher);
    derive(t->state, sizeof(t->state), "ticket mac", ret->mac);
}

/* The next period's state; nothing leads back. */
static void step(struct tls_tickets *t)
{
    derive(t->state, sizeof(t->state), "next period", t->state);
    t->period++;
}

static void next(struct tls_tickets *t)
{
    step(t);
    t->before = t->now;
    make_key(t, &t->now);
}

void tls_tickets_init(struct tls_tickets *t, uint64_t period_s, uint64_t wall_s)
{
    uint64_t period = wall_s / period_s;

    *t = (struct tls_tickets){.period_s = period_s, .period = period - MIN(period, (uint64_t)1)};
    process_random(t->state, sizeof(t->state));
    make_key(t, &t->now); /* nobody has a ticket of that period */
    next(t);
}

void tls_tickets_init_shared(struct tls_tickets *t, struct str secret, uint64_t period_s,
                             uint64_t wall_s)
{
    uint64_t period = wall_s / period_s;

    *t = (struct tls_tickets){.period_s = period_s, .period = SHARED_FROM_S / period_s};
    derive(secret.p, secret.n, "first period", t->state);
    while (t->period + 1 < period)
        step(t);
    make_key(t, &t->now);
    next(t);
}

void tls_tickets_turn(struct tls_tickets *t, uint64_t wall_s)
{
    for (unsigned n = 0; t->period < wall_s / t->period_s && n < TLS_TICKETS_STEPS_MAX; n++)
        next(t);
}

const struct tls_ticket_key *tls_tickets_find(const struct tls_tickets *t, const uint8_t *name)
{
    if (memcmp(t->now.name, name, sizeof(t->now.name)) == 0)
        return &t->now;
    return memcmp(t->before.name, name, sizeof(t->before.name)) == 0 ? &t->before : NULL;
}

void tls_tickets_fini(struct tls_tickets *t)
{
    OPENSSL_cleanse(t, sizeof(*t));
}
